//! What carriers' Chinese wording says, one row a phrase.
//!
//! Promise: as [`wording`](super::wording) for English. Texts are read without spaces, brackets around names
//! and the difference of the two scripts; a clause ends at its punctuation. Gathered from the public tracking
//! texts of SF Express, China Post, Cainiao, YTO and ZTO (2019–2026).
//!
//! Chinese has no word boundaries, so a phrase is a claim (`已签收`), not a topic (`签收`), wherever that
//! can be; what stands close before it can take it back (`未`, `预计`), and so can what follows (`签收人`).

use super::wording::{self, Meaning};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

/// The first row that matches counts: ends of the way back, trouble, customs, then the way there from
/// its end to its beginning.
const PHRASES: &[(&str, EventStatus)] = &[
    ("退回妥投", S::Returned),
    ("退回签收", S::Returned),
    ("退回已签收", S::Returned),
    ("退回件已签收", S::Returned),
    ("退件签收", S::Returned),
    ("退件已签收", S::Returned),
    ("退货签收", S::Returned),
    ("退货已签收", S::Returned),
    ("寄件人签收", S::Returned),
    ("寄件人已签收", S::Returned),
    ("寄件方签收", S::Returned),
    ("寄件方已签收", S::Returned),
    ("发件人签收", S::Returned),
    ("发件人已签收", S::Returned),
    ("已退回寄件人", S::Returned),
    ("已退回至寄件人", S::Returned),
    ("已退回发件人", S::Returned),
    ("已退回商家", S::Returned),
    ("退商家成功", S::Returned),
    ("退签", S::Returned),
    ("丢失", S::Lost),
    ("遗失", S::Lost),
    ("销毁", S::Destroyed),
    ("破损", S::Damaged),
    ("损坏", S::Damaged),
    ("退回", S::Returning),
    ("退件", S::Returning),
    ("退货", S::Returning),
    ("退运", S::Returning),
    ("退还", S::Returning),
    ("返回寄件", S::Returning),
    ("订单已取消", S::Cancelled),
    ("订单取消", S::Cancelled),
    ("运单已取消", S::Cancelled),
    ("已取消寄件", S::Cancelled),
    ("已取消", S::Cancelled),
    ("已销单", S::Cancelled),
    ("撤单", S::Cancelled),
    ("拦截", S::Exception),
    ("拒收", S::AttemptFailed),
    ("拒签", S::AttemptFailed),
    ("拒绝签收", S::AttemptFailed),
    ("未签收", S::AttemptFailed),
    ("没有签收", S::AttemptFailed),
    ("签收失败", S::AttemptFailed),
    ("签收异常", S::AttemptFailed),
    ("签收撤销", S::Exception),
    ("撤销签收", S::Exception),
    ("取消签收", S::Exception),
    ("妥投撤销", S::Exception),
    ("未妥投", S::AttemptFailed),
    ("妥投失败", S::AttemptFailed),
    ("试投失败", S::AttemptFailed),
    ("未能妥投", S::AttemptFailed),
    ("未能签收", S::AttemptFailed),
    ("未能派送", S::AttemptFailed),
    ("未能派件", S::AttemptFailed),
    ("未能送达", S::AttemptFailed),
    ("未能投递", S::AttemptFailed),
    ("未能配送", S::AttemptFailed),
    ("未送达", S::AttemptFailed),
    ("派送不成功", S::AttemptFailed),
    ("派送未成功", S::AttemptFailed),
    ("派送失败", S::AttemptFailed),
    ("派件不成功", S::AttemptFailed),
    ("派件未成功", S::AttemptFailed),
    ("派件失败", S::AttemptFailed),
    ("派件异常", S::AttemptFailed),
    ("投递不成功", S::AttemptFailed),
    ("投递未成功", S::AttemptFailed),
    ("投递失败", S::AttemptFailed),
    ("配送失败", S::AttemptFailed),
    ("配送不成功", S::AttemptFailed),
    ("无法派送", S::AttemptFailed),
    ("无法派件", S::AttemptFailed),
    ("无法投递", S::AttemptFailed),
    ("无法送达", S::AttemptFailed),
    ("无法配送", S::AttemptFailed),
    ("无法签收", S::AttemptFailed),
    ("无法联系", S::AttemptFailed),
    ("联系不上", S::AttemptFailed),
    ("无人接听", S::AttemptFailed),
    ("无人签收", S::AttemptFailed),
    ("无人收件", S::AttemptFailed),
    ("无人在家", S::AttemptFailed),
    ("收件人不在", S::AttemptFailed),
    ("收方不在", S::AttemptFailed),
    ("客户不在", S::AttemptFailed),
    ("改期派送", S::AttemptFailed),
    ("再次派送", S::AttemptFailed),
    ("部分签收", S::Exception),
    ("地址不详", S::Exception),
    ("地址错误", S::Exception),
    ("地址有误", S::Exception),
    ("名址有误", S::Exception),
    ("海关扣留", S::CustomsHeld),
    ("海关查扣", S::CustomsHeld),
    ("海关查验", S::CustomsHeld),
    ("清关查验", S::CustomsHeld),
    ("清关延误", S::CustomsHeld),
    ("清关异常", S::CustomsHeld),
    ("清关失败", S::CustomsHeld),
    ("通关异常", S::CustomsHeld),
    ("海关拒绝", S::CustomsHeld),
    ("审核未通过", S::CustomsHeld),
    ("留存待验", S::CustomsHeld),
    ("扣关", S::CustomsHeld),
    ("待缴税", S::CustomsHeld),
    ("待征税", S::CustomsHeld),
    ("出口清关", S::ExportCustoms),
    ("出口海关", S::ExportCustoms),
    ("出口报关", S::ExportCustoms),
    ("清关完成", S::CustomsReleased),
    ("清关已完成", S::CustomsReleased),
    ("清关成功", S::CustomsReleased),
    ("完成清关", S::CustomsReleased),
    ("已清关", S::CustomsReleased),
    ("通关完成", S::CustomsReleased),
    ("已通关", S::CustomsReleased),
    ("海关放行", S::CustomsReleased),
    ("海关已放行", S::CustomsReleased),
    ("已放行", S::CustomsReleased),
    ("清关", S::CustomsPresented),
    ("报关", S::CustomsPresented),
    ("海关", S::CustomsPresented),
    ("滞留", S::Delayed),
    ("延误", S::Delayed),
    ("异常", S::Exception),
    ("问题件", S::Exception),
    // Handed over.
    ("已签收", S::Delivered),
    ("已被签收", S::Delivered),
    ("签收成功", S::Delivered),
    ("签收完成", S::Delivered),
    ("完成签收", S::Delivered),
    ("已妥投", S::Delivered),
    ("已自提", S::Delivered),
    ("自提成功", S::Delivered),
    ("客户从丰巢取件成功", S::Delivered),
    ("收件人已取走", S::Delivered),
    ("收件人已取件", S::Delivered),
    ("客户已取件", S::Delivered),
    ("客户已取走", S::Delivered),
    ("用户已取件", S::Delivered),
    // Waiting to be fetched.
    ("取件码", S::AvailableForCollection),
    ("取货码", S::AvailableForCollection),
    ("请及时取件", S::AvailableForCollection),
    ("及时领取", S::AvailableForCollection),
    ("请尽快取件", S::AvailableForCollection),
    ("尽快领取", S::AvailableForCollection),
    ("请前往领取", S::AvailableForCollection),
    ("待取件", S::AvailableForCollection),
    ("等待取件", S::AvailableForCollection),
    ("待自提", S::AvailableForCollection),
    ("等待自提", S::AvailableForCollection),
    ("已存入", S::AvailableForCollection),
    ("已存放", S::AvailableForCollection),
    ("放入", S::AvailableForCollection),
    ("已放至", S::AvailableForCollection),
    ("已投放", S::AvailableForCollection),
    ("已投柜", S::AvailableForCollection),
    ("已投入", S::AvailableForCollection),
    ("已暂存", S::AvailableForCollection),
    ("暂存至", S::AvailableForCollection),
    ("已代收", S::AvailableForCollection),
    ("已入柜", S::AvailableForCollection),
    ("已派送至丰巢", S::AvailableForCollection),
    ("派送至丰巢", S::AvailableForCollection),
    // To the door.
    ("正在派送", S::OutForDelivery),
    ("派送途中", S::OutForDelivery),
    ("派送中", S::OutForDelivery),
    ("开始派送", S::OutForDelivery),
    ("正在派件", S::OutForDelivery),
    ("派件中", S::OutForDelivery),
    ("为您派件", S::OutForDelivery),
    ("已派件", S::OutForDelivery),
    ("派件出仓", S::OutForDelivery),
    ("正在投递", S::OutForDelivery),
    ("投递中", S::OutForDelivery),
    ("安排投递", S::OutForDelivery),
    ("出门投递", S::OutForDelivery),
    ("正在配送", S::OutForDelivery),
    ("配送中", S::OutForDelivery),
    ("妥投", S::Delivered),
    ("已送达", S::Delivered),
    ("签收", S::Delivered),
    ("代收", S::Delivered),
    // Before the journey.
    ("等待揽收", S::InfoReceived),
    ("等待揽件", S::InfoReceived),
    ("待揽收", S::InfoReceived),
    ("待揽件", S::InfoReceived),
    ("下单成功", S::InfoReceived),
    ("已下单", S::InfoReceived),
    ("已接单", S::InfoReceived),
    // On the journey.
    ("已揽收", S::PickedUp),
    ("已揽件", S::PickedUp),
    ("已收件", S::PickedUp),
    ("已收取", S::PickedUp),
    ("已收寄", S::PickedUp),
    ("已取件", S::PickedUp),
    ("揽收成功", S::PickedUp),
    ("揽件成功", S::PickedUp),
    ("离开", S::Departed),
    ("已发往", S::Departed),
    ("已发出", S::Departed),
    ("起飞", S::Departed),
    ("启运", S::Departed),
    ("到达", S::Arrived),
    ("抵达", S::Arrived),
    ("运输中", S::InTransit),
    ("运送中", S::InTransit),
    ("转运中", S::InTransit),
];

/// Who took a parcel that was delivered. The first row that matches counts.
const RECIPIENTS: &[(&str, DeliveredTo)] = &[
    ("邻居", DeliveredTo::Neighbour),
    ("已自提", DeliveredTo::Collected),
    ("自提成功", DeliveredTo::Collected),
    ("取件成功", DeliveredTo::Collected),
    ("凭取件码签收", DeliveredTo::Collected),
    ("凭取货码签收", DeliveredTo::Collected),
    ("已取走", DeliveredTo::Collected),
    ("收件人已取件", DeliveredTo::Collected),
    ("客户已取件", DeliveredTo::Collected),
    ("用户已取件", DeliveredTo::Collected),
    ("丰巢", DeliveredTo::Locker),
    ("快递柜", DeliveredTo::Locker),
    ("智能柜", DeliveredTo::Locker),
    ("自提柜", DeliveredTo::Locker),
    ("包裹柜", DeliveredTo::Locker),
    ("储物柜", DeliveredTo::Locker),
    ("快件箱", DeliveredTo::Locker),
    ("驿站", DeliveredTo::Locker),
    ("自提点", DeliveredTo::Locker),
    ("代收点", DeliveredTo::Locker),
    ("门卫", DeliveredTo::Mailroom),
    ("保安", DeliveredTo::Mailroom),
    ("前台", DeliveredTo::Mailroom),
    ("物业", DeliveredTo::Mailroom),
    ("收发室", DeliveredTo::Mailroom),
    ("传达室", DeliveredTo::Mailroom),
    ("值班室", DeliveredTo::Mailroom),
    ("家人", DeliveredTo::Household),
    ("家属", DeliveredTo::Household),
    ("亲属", DeliveredTo::Household),
    // Put down somewhere, or taken by somebody: nobody says by whom.
    ("代收", DeliveredTo::Unspecified),
    ("代签", DeliveredTo::Unspecified),
    ("他人", DeliveredTo::Unspecified),
    ("同事", DeliveredTo::Unspecified),
    ("门口", DeliveredTo::Unspecified),
    ("非本人", DeliveredTo::Unspecified),
    ("本人", DeliveredTo::Addressee),
];

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
const TRADITIONAL: &str = "簽签遞递櫃柜豐丰門门衛卫業业鄰邻達达運运發发關关報报驗验損损壞坏請请憑凭碼码時时攬揽單单訂订絕绝無无聯联繫系電电話话員员經经轉转裝装車车開开離离銷销毀毁遺遗誤误詳详敗败異异還还貨货預预計计將将準准備备從从給给處处寫写驛驿點点親亲屬属傳传達达繳缴稅税徵征";

pub fn meaning(texts: &[&str]) -> Meaning {
    let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let mut doubted = false;
    for (phrase, status) in PHRASES {
        for (before, after) in texts.iter().flat_map(|text| occurrences(text, phrase)) {
            if TOPICS.contains(phrase) && NOT_BEFORE.iter().any(|word| after.starts_with(word)) {
                doubted |= PUT_OFF_BEHIND.iter().any(|word| after.starts_with(word));
                continue;
            }
            if !is_doubted(before, *status) {
                return Meaning::Says(*status);
            }
            doubted = true;
        }
    }
    if doubted { Meaning::Doubted } else { Meaning::Nothing }
}

/// In Chinese, or in English where there is no Chinese that says anything.
pub fn meaning_in_either(texts: &[&str]) -> Meaning {
    match meaning(texts) {
        Meaning::Nothing => wording::meaning(texts),
        told @ (Meaning::Says(_) | Meaning::Doubted) => told,
    }
}

pub fn recipient(texts: &[&str]) -> DeliveredTo {
    let plain: Vec<String> = texts.iter().map(|text| plain(text)).collect();
    let named = RECIPIENTS.iter().find(|(phrase, _)| plain.iter().any(|text| text.contains(phrase)));
    named.map_or_else(|| wording::recipient(texts), |(_, to)| *to)
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
        assert_eq!(meaning_in_either(&["Delivered"]), delivered);
    }

    #[test]
    fn the_other_script_comes_in_pairs() {
        let letters: Vec<char> = TRADITIONAL.chars().collect();
        let (pairs, rest) = letters.as_chunks::<2>();
        assert!(rest.is_empty() && pairs.iter().all(|[traditional, simplified]| traditional != simplified));
    }
}
