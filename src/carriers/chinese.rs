//! What carriers' Chinese wording says, one row a phrase.
//!
//! Promise: as [`wording`](super::wording) for English. Texts are read without spaces, brackets around names
//! and the difference of the two scripts; a clause ends at its punctuation. Gathered from the public tracking
//! texts of SF Express, China Post, Cainiao, YTO and ZTO (2019–2026).
//!
//! Chinese has no word boundaries, so a phrase is a claim (`已签收`), not a topic (`签收`), wherever that
//! can be; what stands close before it can take it back (`未`, `预计`), and so can what follows (`签收人`).

mod phrases;

use self::phrases::{PHRASES, RECIPIENTS};
use super::wording::{self, Meaning};
use crate::domain::event::{DeliveredTo, EventStatus};

/// They take back what follows closely in the same clause.
const NEGATIONS: &[&str] = &[
    "未", "没", "无法", "不能", "不会", "不得", "不予", "不是", "并非", "是否", "能否", "如", "若", "避免",
    "防止",
];

/// They put off what follows. Bad news stands even so: what is going to come back is on its way back.
const PUT_OFF: &[&str] = &[
    "预计", "即将", "将会", "将于", "将由", "将在", "等待", "准备", "计划", "安排", "尽快", "需要", "可以",
    "可选", "可由", "可放", "可在", "请您", "请本", "请在", "请于", "请及", "请当", "请先", "提醒",
];

/// As [`PUT_OFF`], where they stand right before it.
const PUT_OFF_NEXT: &[&str] = &["待", "请", "可", "需", "再", "后"];

/// Places with a doubt in their name.
const PLACES: &[&str] = &["未央", "如皋", "如东", "若羌"];

/// How many letters back a doubt reaches.
const DOUBT_LETTERS: usize = 6;

/// What turns a phrase before it into a topic: the signature's image, the time before it is signed for.
const NOT_BEFORE: &[&str] =
    &["人", "图", "码", "单", "前", "后", "时", "信息", "方式", "货款", "点", "费", "服务"];

/// Those of them that put it off: what is to be done before it is signed for.
const PUT_OFF_BEHIND: &[&str] = &["前", "后", "时"];

/// The phrases that are topics where one of [`NOT_BEFORE`] follows.
const TOPICS: &[&str] = &["签收", "代收", "妥投"];

/// Written in Hong Kong, Macao and Taiwan.
const TRADITIONAL: &str = "簽签遞递櫃柜豐丰門门衛卫業业鄰邻達达運运發发關关報报驗验損损壞坏請请憑凭碼码時时攬揽單单訂订絕绝無无聯联繫系電电話话員员經经轉转裝装車车開开離离銷销毀毁遺遗誤误詳详敗败異异還还貨货預预計计將将準准備备從从給给處处寫写驛驿點点親亲屬属傳传達达繳缴稅税徵征賣卖領领錯错虛虚實实饋馈倉仓廠厂";

/// Those that a parcel comes from: what one of them signs for came back.
const SENDERS: &[&str] =
    &["寄件", "寄方", "发件", "发货", "卖家", "商家", "店家", "厂家", "供应商", "退货仓"];

/// How many letters may stand between a sender and what it did.
const SENDER_LETTERS: usize = 4;

/// A sender stands right behind these, or behind what joins it to them.
const HANDED_TO: &[&str] = &[
    "签收人",
    "签收方",
    "代收人",
    "收件人",
    "收货人",
    "妥投",
    "已投递",
    "已派送",
    "已送达",
    "已送至",
    "已交给",
    "已交付",
];
const JOINTS: &[char] = &['|', '是', '为', '至', '给', '到', '于', '由'];

/// `None`: no text tells of a sender that has it.
fn of_senders(texts: &[String]) -> Option<Meaning> {
    let mut doubted = None;
    for text in texts {
        for (before, after) in SENDERS.iter().flat_map(|sender| occurrences(text, sender)) {
            if !signs(after) && !was_handed(before) {
                continue;
            }
            if !is_doubted(before, EventStatus::Returned) {
                return Some(Meaning::Says(EventStatus::Returned));
            }
            doubted = Some(Meaning::Doubted);
        }
    }
    doubted
}

/// `after`: what stands behind a sender.
fn signs(after: &str) -> bool {
    let clause = after.split('|').next().unwrap_or_default();
    ["签收", "妥投"].iter().flat_map(|verb| occurrences(clause, verb)).any(|(between, behind)| {
        let is_topic = NOT_BEFORE.iter().any(|word| behind.starts_with(word));
        between.chars().count() <= SENDER_LETTERS && !is_topic
    })
}

/// `before`: what stands before a sender.
fn was_handed(before: &str) -> bool {
    let joined = before.trim_end_matches(JOINTS);
    joined.len() < before.len() && HANDED_TO.iter().any(|word| joined.ends_with(word))
}

pub fn meaning(texts: &[&str]) -> Meaning {
    let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let of_senders = of_senders(&texts);
    if let Some(returned @ Meaning::Says(_)) = of_senders {
        return returned;
    }
    let is_of_senders = of_senders.is_some();
    let mut doubted = is_of_senders;
    for (phrase, status) in PHRASES {
        for (before, after) in texts.iter().flat_map(|text| occurrences(text, phrase)) {
            if TOPICS.contains(phrase) && NOT_BEFORE.iter().any(|word| after.starts_with(word)) {
                doubted |= PUT_OFF_BEHIND.iter().any(|word| after.starts_with(word));
                continue;
            }
            if is_doubted(before, *status) || is_of_senders && *status == EventStatus::Delivered {
                doubted = true;
                continue;
            }
            return Meaning::Says(*status);
        }
    }
    if doubted { Meaning::Doubted } else { Meaning::Nothing }
}

pub fn recipient(texts: &[&str]) -> DeliveredTo {
    let plain: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let named = RECIPIENTS.iter().find(|(phrase, _)| plain.iter().any(|text| text.contains(phrase)));
    named.map_or(DeliveredTo::Unspecified, |(_, to)| *to)
}

/// Without spaces and quotation, `|` between clauses, in the simplified script.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace() && !"【】[]「」《》“”\"'".contains(*letter))
        .map(|letter| match letter {
            '，' | '。' | '；' | '：' | '！' | '？' | '、' | '（' | '）' => '|',
            ',' | '.' | ';' | ':' | '!' | '?' | '(' | ')' => '|',
            letter => simplified(letter),
        })
        .collect()
}

fn simplified(letter: char) -> char {
    let mut pairs = TRADITIONAL.chars();
    while let (Some(traditional), Some(simplified)) = (pairs.next(), pairs.next()) {
        if traditional == letter {
            return simplified;
        }
    }
    letter
}

/// What stands before and after each occurrence.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(phrase).map(move |(at, _)| (&text[..at], &text[at + phrase.len()..]))
}

fn is_doubted(before: &str, status: EventStatus) -> bool {
    let clause = before.rsplit('|').next().unwrap_or_default();
    let clause = PLACES.iter().fold(clause.to_owned(), |text, place| text.replace(place, "地"));
    let from = clause.char_indices().rev().take(DOUBT_LETTERS).last().map_or(clause.len(), |(at, _)| at);
    let near = &clause[from..];
    let says = |words: &[&str]| words.iter().any(|word| near.contains(word));
    let is_put_off = says(PUT_OFF) || PUT_OFF_NEXT.iter().any(|word| clause.ends_with(word));
    says(NEGATIONS) || wording::can_be_doubted(status) && is_put_off
}

#[cfg(test)]
mod tests {
    use EventStatus as S;

    use super::*;

    #[test]
    fn no_phrase_is_hidden_by_one_before_it() {
        for (phrase, status) in PHRASES {
            assert_eq!(meaning(&[phrase]), Meaning::Says(*status), "{phrase}");
        }
        for (phrase, to) in RECIPIENTS {
            assert_eq!(recipient(&[phrase]), *to, "{phrase}");
        }
    }

    #[test]
    fn a_claim_can_be_taken_back_or_put_off() {
        let delivered = Meaning::Says(S::Delivered);
        for (text, expected) in [
            ("您的快件已签收", delivered),
            ("您的快件 已簽收", delivered),
            ("客户【本人】签收。", delivered),
            ("收件人不在，已由邻居代收", Meaning::Says(S::AttemptFailed)),
            ("如未收到请联系快递员，快件已签收", delivered),
            ("快递员已将快件放在门口，签收成功", delivered),
            ("快件未签收", Meaning::Says(S::AttemptFailed)),
            ("快件未显示已签收", Meaning::Doubted),
            ("待签收", Meaning::Doubted),
            ("预计今日签收", Meaning::Doubted),
            ("如已签收请忽略", Meaning::Doubted),
            ("请及时签收", Meaning::Doubted),
            ("可由物业代收", Meaning::Doubted),
            ("请在签收前验货", Meaning::Doubted),
            ("西安未央区营业部已签收", delivered),
            ("【如皋市】已签收", delivered),
            ("提醒您签收", Meaning::Doubted),
            ("快递员张三正在派送，请您准备签收", Meaning::Says(S::OutForDelivery)),
            ("已暂存至【菜鸟驿站】，请凭取货码领取", Meaning::Says(S::AvailableForCollection)),
            ("快件已由驿站放入", Meaning::Says(S::AvailableForCollection)),
            ("包裹已代收", Meaning::Says(S::AvailableForCollection)),
            ("收件人拒收，快件退回中", Meaning::Says(S::Returning)),
            ("快件已签收，如有破损请联系网点", delivered),
            ("快件不慎破损", Meaning::Says(S::Damaged)),
            ("可查看签收人信息", Meaning::Nothing),
            ("代收货款100元", Meaning::Nothing),
            ("即将退回", Meaning::Says(S::Returning)),
            ("没有破损", Meaning::Doubted),
            ("如遇破损请拒收", Meaning::Doubted),
            ("快件到达【上海】，准备派送", Meaning::Says(S::Arrived)),
            ("Delivered", Meaning::Nothing),
        ] {
            assert_eq!(meaning(&[text]), expected, "{text}");
        }
    }

    #[test]
    fn what_its_sender_signs_for_came_back() {
        for text in [
            "寄方已签收",
            "卖家已签收",
            "賣家已簽收",
            "商家签收",
            "快件已由卖家签收",
            "签收人：寄方",
            "已签收 签收人：寄件人",
            "签收人是【商家】",
            "已投递至寄件人",
            "已妥投，收件人为寄件人",
            "邮件已由寄件人签收",
            "发货方已经签收",
        ] {
            assert_eq!(meaning(&[text]), Meaning::Says(S::Returned), "{text}");
        }
        for text in ["未被寄件人签收", "待商家签收"] {
            assert_eq!(meaning(&[text]), Meaning::Doubted, "{text}");
        }
        for text in ["快件已签收，寄件就找我们", "卖家已发货，快件已签收", "已签收，如有疑问请联系商家"]
        {
            assert_eq!(meaning(&[text]), Meaning::Says(S::Delivered), "{text}");
        }
        assert_eq!(meaning(&["已联系寄件人收件"]), Meaning::Nothing);
    }

    #[test]
    fn signed_for_is_not_delivered_where_the_text_says_how() {
        for (text, expected) in [
            ("快件已返还寄件人，已签收", S::Returning),
            ("快件已退至寄件方，已签收", S::Returning),
            ("退仓已签收", S::Returning),
            ("返货已签收", S::Returning),
            ("原件返回，已签收", S::Returning),
            ("逆向件已签收", S::Returning),
            ("回单已签收", S::Exception),
            ("虚假签收", S::Exception),
            ("误签收，快件实际未派送", S::Exception),
            ("派件员误点签收", S::Exception),
            ("错误签收", S::Exception),
            ("签收有误", S::Exception),
            ("快件签收作废", S::Exception),
            ("已被他人冒领签收", S::Exception),
            ("部分已签收", S::Exception),
            ("快件已签收（部分）", S::Exception),
            ("已签收，客户反馈未收到", S::Exception),
        ] {
            assert_eq!(meaning(&[text]), Meaning::Says(expected), "{text}");
        }
    }

    #[test]
    fn the_other_script_comes_in_pairs() {
        let letters: Vec<char> = TRADITIONAL.chars().collect();
        let (pairs, rest) = letters.as_chunks::<2>();
        assert!(rest.is_empty() && pairs.iter().all(|[traditional, simplified]| traditional != simplified));
    }
}
