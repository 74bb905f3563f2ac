//! Chinese tracking texts without the people in them.
//!
//! Couriers' names and telephone numbers, and who signed, are in the raw event and nowhere else. What is left
//! may be short of a word; a name that stays would be worse.

/// After these comes a person, unless what follows says what that person does.
const PEOPLE: &[&str] = &[
    "快件交给",
    "快递员",
    "快遞員",
    "快递小哥",
    "揽投员",
    "投递员",
    "派件员",
    "派送员",
    "配送员",
    "揽收员",
    "收件员",
    "收派员",
    "业务员",
    "小件员",
    "签收人",
    "簽收人",
    "代收人",
    "收件人",
    "联系人",
    "经办人",
];

/// What is said of a person, or about one, and is no name.
const NO_NAMES: &[&str] = &[
    "已", "正", "将", "会", "上门", "派", "为", "在", "的", "签收", "拒收", "要求", "地址", "电话", "信息",
    "不", "无", "未", "凭", "取", "领", "名址", "收件", "揽", "从", "因", "本人", "联系", "到",
];

const SEPARATORS: &[char] = &['：', ':', '是', ' ', '【', '[', '（', '(', '“', '"', '-'];

const ENDS: &[char] = &['，', '。', '；', '、', '！', '】', '）', ',', ';', '!', ']', ')', '”', '"'];

/// So many digits are a telephone number's.
const PHONE_DIGITS_MIN: usize = 7;

pub fn without_people(text: &str) -> String {
    without_phones(&without_names(&without_marked_brackets(text)))
}

/// Brackets that hold a telephone number are about whom to call.
fn without_marked_brackets(text: &str) -> String {
    let mut kept = text.to_owned();
    for (open, close) in [('【', '】'), ('（', '）'), ('(', ')'), ('[', ']'), ('「', '」')] {
        let mut rest = std::mem::take(&mut kept);
        while let Some(at) = rest.find(open) {
            let end = rest[at..].find(close).map(|end| at + end + close.len_utf8());
            let Some(end) = end else { break };
            kept.push_str(&rest[..at]);
            if longest_phone(&rest[at..end]) < PHONE_DIGITS_MIN {
                kept.push_str(&rest[at..end]);
            }
            rest.replace_range(..end, "");
        }
        kept.push_str(&rest);
    }
    kept
}

fn without_names(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, word)) =
        PEOPLE.iter().filter_map(|word| Some((rest.find(word)?, *word))).min_by_key(|(at, _)| *at)
    {
        let after = at + word.len();
        kept.push_str(&rest[..after]);
        rest = &rest[after..];
        let bare = rest.trim_start_matches(SEPARATORS);
        let is_told = bare.len() == rest.len() && NO_NAMES.iter().any(|word| rest.starts_with(word));
        if !is_told {
            let name_end = bare.find(ENDS).unwrap_or(bare.len());
            rest = &bare[name_end..];
        }
    }
    kept.push_str(rest);
    kept
}

/// Digits that belong together, with what people put between them.
fn without_phones(text: &str) -> String {
    let is_of_phone = |letter: char| letter.is_ascii_digit() || letter == '-' || letter == '*';
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_of_phone) {
        let end = rest[at..].find(|letter| !is_of_phone(letter)).map_or(rest.len(), |end| at + end);
        kept.push_str(&rest[..at]);
        let run = &rest[at..end];
        if !is_phone(run) {
            kept.push_str(run);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept.trim().to_owned()
}

fn longest_phone(text: &str) -> usize {
    let runs = text.split(|letter: char| !(letter.is_ascii_digit() || letter == '-' || letter == '*'));
    runs.filter(|run| is_phone(run)).map(str::len).max().unwrap_or(0)
}

/// A date (2026-03-05) has as many digits; telephones have no such groups.
fn is_phone(run: &str) -> bool {
    let letters = run.chars().filter(|letter| *letter != '-').count();
    let groups: Vec<usize> = run.split('-').map(str::len).collect();
    letters >= PHONE_DIGITS_MIN && groups != [4, 2, 2]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobodys_name_or_number_is_left() {
        for (text, expected) in [
            ("快件到达 【深圳中转场】", "快件到达 【深圳中转场】"),
            ("【快递员王小明, 电话:13800001234】正在为您派送", "正在为您派送"),
            ("快件交给王小明，正在派送途中（联系电话：13800001234，请放心接听！）", "快件交给，正在派送途中"),
            (
                "您的快件已签收，请电联快递员【王小明，电话：13800001234】，感谢",
                "您的快件已签收，请电联快递员，感谢",
            ),
            ("已签收,本人签收 :++,投递员:王小明13800001234", "已签收,本人签收 :++,投递员"),
            ("已签收，签收人：王小明", "已签收，签收人"),
            ("签收人是【王小明】", "签收人】"),
            ("快递员已取件", "快递员已取件"),
            ("签收人凭取货码签收", "签收人凭取货码签收"),
            ("0755-12345678 代收", "代收"),
            ("138****1234 代收", "代收"),
            ("2026-03-05 已签收", "2026-03-05 已签收"),
            ("3号门", "3号门"),
        ] {
            assert_eq!(without_people(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[快递员签收人：:【】（）()0-9a-z王，, -]{0,40}") {
            let left = without_people(&text);
            prop_assert!(left.len() <= text.len());
            prop_assert!(left.split(|letter: char| !letter.is_ascii_digit()).all(|run| run.len() < 7));
        }
    }
}
