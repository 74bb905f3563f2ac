//! What a text says, without the people it names.

/// A clause with one of these speaks of somebody, or gives a telephone number.
const PEOPLE: &[&str] = &[
    "签收人",
    "收件人",
    "收货人",
    "寄件人",
    "发件人",
    "联系人",
    "快递员",
    "派件员",
    "派送员",
    "投递员",
    "配送员",
    "业务员",
    "揽投员",
    "收派员",
    "揽收员",
    "小哥",
    "先生",
    "女士",
    "电话",
    "手机",
    "联系方式",
    "师傅",
];

/// As many digits on end are a telephone number, or might be one.
const DIGITS: usize = 7;

/// The clauses that name nobody; `otherwise` where none is left.
pub fn without_people(text: &str, otherwise: &str) -> String {
    let kept: Vec<&str> =
        clauses(text).filter(|clause| !clause.is_empty() && !names_somebody(clause)).collect();
    if kept.is_empty() { otherwise.to_owned() } else { kept.join("，") }
}

fn clauses(text: &str) -> impl Iterator<Item = &str> {
    text.split(['，', '。', '；', '！', '？', '、', ',', ';', '!', '?']).map(str::trim)
}

fn names_somebody(clause: &str) -> bool {
    let longest = clause
        .split(|letter: char| !letter.is_ascii_digit() && letter != '-' && letter != '*')
        .map(str::len)
        .max();
    longest.is_some_and(|digits| digits >= DIGITS) || PEOPLE.iter().any(|word| clause.contains(word))
}

#[cfg(test)]
mod tests {
    use super::without_people;

    #[test]
    fn clauses_that_name_somebody_are_left_out() {
        for (text, expected) in [
            ("快件到达【杭州转运中心】", "快件到达【杭州转运中心】"),
            ("快件已到达【上海浦东】，快递员张三（13812345678）正在派送", "快件已到达【上海浦东】"),
            ("[东莞市]【大郎营业部】的陈超(13267537570)已揽收", "揽收"),
            ("已发往【成都】，如有问题请拨打0769-83078692。", "已发往【成都】"),
            ("", "揽收"),
        ] {
            assert_eq!(without_people(text, "揽收"), expected, "{text}");
        }
    }
}
