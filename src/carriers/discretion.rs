//! Carriers' texts without the people in them.
//!
//! Couriers' names and telephone numbers, and who signed, are in the raw event and nowhere else. A clause that
//! could name somebody is left out whole: half of it says little, and a name that stays would be worse. Where
//! a journey ends the text most often says with whom, so there the code's own meaning is shown.

use super::codes::Row;
use super::wording::Meaning;
use super::{chinese, tongues};
use crate::domain::event::{DeliveredTo, EventStatus};

/// A name comes after these, unless what follows says what that person does.
const ROLES: &[&str] = &[
    "快件交给",
    "快递员",
    "快遞員",
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
    "代签人",
    "收件人",
    "收货人",
    "寄件人",
    "发件人",
    "联系人",
    "经办人",
    "派件人",
    "派送人",
];

/// What is said of a person, or about one, and is no name.
const NO_NAMES: &[&str] = &[
    "已", "正", "将", "会", "上门", "派", "为", "在", "的", "签收", "拒收", "要求", "地址", "信息", "不",
    "无", "未", "凭", "取", "领", "名址", "收件", "揽", "从", "因", "本人", "联系", "到",
];

/// What may stand before one: a name can stand there too.
const NO_NAMES_BEFORE: &[char] =
    &['(', '（', '【', '[', '请', '应', '由', '与', '因', '被', '联', '您', '为', '按', '知', '给'];

/// What the name of somebody with a telephone does not end with.
const NO_NAMES_END: &[char] = &['中', '送', '件', '收', '，', ',', '。', ' ', '员'];

/// Wherever these stand, somebody is named or can be called.
const MARKS: &[&str] = &[
    "小哥",
    "师傅",
    "先生",
    "女士",
    "电话",
    "手机",
    "联系方式",
    "签收：",
    "签收:",
    "签收 :",
    "代收：",
    "代收:",
    "代签：",
    "代签:",
    "signed by",
    "signed for by",
    "received by",
    "accepted by",
];

const ENDS: &[char] = &['，', '。', '；', '！', '？', '、', ',', ';', '!', '?'];

/// So many digits are a telephone number's, or might be.
const PHONE_DIGITS_MIN: usize = 7;

/// What is shown of an event: `text` is what its carrier says, `row` what its code means.
pub fn shown(text: &str, status: EventStatus, row: Option<&Row>) -> String {
    let otherwise = row.map_or("", |row| row.meaning.as_str());
    let is_over = |status: EventStatus| matches!(status, EventStatus::Delivered | EventStatus::Returned);
    let may_name = match tongues::meaning(&[text]) {
        Meaning::Says(said) => is_over(said),
        // Beside such a code a text that nobody can read is a name.
        Meaning::Doubted | Meaning::Nothing => row.is_some_and(|row| is_over(row.status)),
    };
    if is_over(status) || may_name {
        return otherwise.to_owned();
    }
    without_people(text, otherwise)
}

/// The clauses that name nobody; `otherwise` where none is left.
pub fn without_people(text: &str, otherwise: &str) -> String {
    let open = without_marked_brackets(text);
    let clauses: Vec<&str> = open.split(ENDS).map(str::trim).filter(|clause| !clause.is_empty()).collect();
    let kept: Vec<&str> = clauses.iter().copied().filter(|clause| !names_somebody(clause)).collect();
    match kept.as_slice() {
        [] => otherwise.to_owned(),
        all if all.len() == clauses.len() => open.trim().to_owned(),
        some => some.join(if text.is_ascii() { ", " } else { "，" }),
    }
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
            match has_phone(&rest[at..end]) {
                // Whose it is stands right before it, unless that is what is being done.
                true if open != '【' && !kept.ends_with(NO_NAMES_END) => kept.push_str(UNNAMED),
                true => {}
                false => kept.push_str(&rest[at..end]),
            }
            rest.replace_range(..end, "");
        }
        kept.push_str(&rest);
    }
    kept
}

/// Stands for a telephone number that was taken out: its clause names somebody.
const UNNAMED: &str = "电话";

fn names_somebody(clause: &str) -> bool {
    let small = clause.to_ascii_lowercase();
    let is_marked = MARKS.iter().any(|mark| small.contains(mark));
    is_marked || has_phone(clause) || ROLES.iter().any(|role| has_name(clause, role)) || has_signer(clause)
}

fn has_name(clause: &str, role: &str) -> bool {
    clause.match_indices(role).any(|(at, _)| {
        let (before, after) = (&clause[..at], &clause[at + role.len()..]);
        let is_bare = before.is_empty() || before.ends_with(NO_NAMES_BEFORE);
        let is_told = after.is_empty() || NO_NAMES.iter().any(|word| after.starts_with(word));
        !(is_bare && is_told)
    })
}

/// `已由…签收`: somebody who is none of those that the tables know.
fn has_signer(clause: &str) -> bool {
    let Some((_, after)) = clause.split_once('由') else { return false };
    let end = ["签收", "代收", "代签", "取走", "簽收"].iter().filter_map(|verb| after.find(verb)).min();
    end.is_some_and(|end| {
        let who = &after[..end];
        !who.is_empty() && chinese::recipient(&[who]) == DeliveredTo::Unspecified && !who.contains("收件人")
    })
}

/// Without telephone numbers alone: for what a carrier says of an error.
pub fn without_phones(text: &str) -> String {
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

fn is_of_phone(letter: char) -> bool {
    letter.is_ascii_digit() || letter == '-' || letter == '*'
}

/// Digits within a word are a parcel's number.
fn has_phone(text: &str) -> bool {
    let words = text.split(|letter: char| !(is_of_phone(letter) || letter.is_ascii_alphabetic()));
    words.filter(|word| word.chars().all(is_of_phone)).any(is_phone)
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
            ("快件离开【深圳】，已发往【上海】。", "快件离开【深圳】，已发往【上海】。"),
            ("【快递员王小明, 电话:13800001234】正在为您派送", "正在为您派送"),
            ("快件交给王小明，正在派送途中（联系电话：13800001234，请放心接听！）", "正在派送途中"),
            ("快件交给王小明，正在派送途中，请放心接听", "正在派送途中，请放心接听"),
            ("快递员王小明（13800001234）正在为您派送", "-"),
            (
                "您的快件已签收，请电联快递员【王小明，电话：13800001234】，感谢",
                "您的快件已签收，请电联快递员，感谢",
            ),
            ("已签收,本人签收 :++,投递员:王小明13800001234", "已签收"),
            ("已签收，签收人：王小明", "已签收"),
            ("签收人是【王小明】", "-"),
            ("已签收，他人代收：张三", "已签收"),
            ("快件已由张三签收", "-"),
            ("快件已由门卫签收", "快件已由门卫签收"),
            ("本人签收：张三", "-"),
            ("派件人:李四，正在派送", "正在派送"),
            ("代签人张三", "-"),
            ("收货人张三已签收", "-"),
            ("小哥王五正在派送", "-"),
            ("王师傅派送中", "-"),
            ("张三快递员正在派送", "-"),
            ("[东莞市]【大郎营业部】的陈超(13267537570)已揽收", "-"),
            ("已发往【成都】，如有问题请拨打0769-83078692。", "已发往【成都】"),
            ("快递员已取件", "快递员已取件"),
            ("派送不成功(收件人拒收)，待进一步处理", "派送不成功(收件人拒收)，待进一步处理"),
            ("签收人凭取货码签收", "签收人凭取货码签收"),
            ("应收件人要求再次派送", "应收件人要求再次派送"),
            ("0755-12345678 代收", "-"),
            ("138****1234 代收", "-"),
            ("2026-03-05 已签收", "2026-03-05 已签收"),
            ("Item RN740215885GB accepted", "Item RN740215885GB accepted"),
            ("Out for delivery, call 0755-12345678", "Out for delivery"),
            ("Package delivered. Signed by J. SMITH", "-"),
            ("3号门", "3号门"),
            ("", "-"),
        ] {
            assert_eq!(without_people(text, "-"), expected, "{text}");
        }
    }

    #[test]
    fn an_error_keeps_its_words() {
        assert_eq!(without_phones("手机号13800001234不存在"), "手机号不存在");
        assert_eq!(without_phones("2026-03-05"), "2026-03-05");
    }

    #[test]
    fn of_an_ending_the_codes_meaning_is_shown() {
        let row = |status, meaning: &str| Row {
            status,
            delivered_to: None,
            cancels: None,
            meaning: meaning.into(),
        };
        let signed = row(EventStatus::Returned, "退签");
        for (text, status, row, expected) in [
            ("Delivered to JOHN SMITH", EventStatus::Delivered, None, ""),
            ("JOHN SMITH", EventStatus::Unknown, Some(&signed), "退签"),
            ("已签收 张三", EventStatus::Unknown, None, ""),
            ("Arrived", EventStatus::Arrived, None, "Arrived"),
            ("快件破损", EventStatus::Unknown, Some(&signed), "快件破损"),
        ] {
            assert_eq!(shown(text, status, row), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[快递员签收人：:【】（）()0-9a-z王，, -]{0,40}") {
            let left = without_people(&text, "");
            prop_assert!(!has_phone(&left));
            let left = without_phones(&text);
            prop_assert!(left.split(|letter: char| !letter.is_ascii_digit()).all(|run| run.len() < 7));
        }
    }
}
