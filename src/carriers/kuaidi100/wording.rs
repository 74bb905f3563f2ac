//! What carriers' Chinese texts say, one row a phrase: the second witness beside a code.
//!
//! The first row that matches counts, so bad news stands before good. A phrase counts within its clause only where
//! nothing before it puts it off: 请您准备签收 is no signature.

use crate::carriers::wording::{Bearing, Meaning, bearing};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

/// As carriers in China write, by public samples of their tracking pages.
const PHRASES: &[(&str, EventStatus)] = &[
    // Back at its sender's.
    ("退件已签收", S::Returned),
    ("退回件已签收", S::Returned),
    ("退回签收", S::Returned),
    ("退件签收", S::Returned),
    ("寄件人已签收", S::Returned),
    ("寄件人签收", S::Returned),
    ("发件人已签收", S::Returned),
    ("发件人签收", S::Returned),
    ("已退回寄件人", S::Returned),
    ("已退回发件人", S::Returned),
    ("退签", S::Returned),
    // On the way back.
    ("退回", S::Returning),
    ("退件", S::Returning),
    ("退货", S::Returning),
    ("返回寄件", S::Returning),
    // The end of the goods.
    ("销毁", S::Destroyed),
    ("丢失", S::Lost),
    ("遗失", S::Lost),
    ("破损", S::Damaged),
    ("已销单", S::Cancelled),
    ("订单已取消", S::Cancelled),
    ("已取消", S::Cancelled),
    // Not handed over.
    ("拒收", S::AttemptFailed),
    ("拒签", S::AttemptFailed),
    ("未妥投", S::AttemptFailed),
    ("签收失败", S::AttemptFailed),
    ("投递失败", S::AttemptFailed),
    ("派送失败", S::AttemptFailed),
    ("派送不成功", S::AttemptFailed),
    ("派件不成功", S::AttemptFailed),
    ("派件异常", S::AttemptFailed),
    ("无法派送", S::AttemptFailed),
    ("无法联系", S::AttemptFailed),
    ("联系不上", S::AttemptFailed),
    ("无人接听", S::AttemptFailed),
    ("无人签收", S::AttemptFailed),
    // Customs.
    ("清关异常", S::CustomsHeld),
    ("海关扣留", S::CustomsHeld),
    ("海关查验", S::CustomsHeld),
    ("清关完成", S::CustomsReleased),
    ("清关已完成", S::CustomsReleased),
    ("已清关", S::CustomsReleased),
    ("海关放行", S::CustomsReleased),
    ("出口报关", S::ExportCustoms),
    ("出口清关", S::ExportCustoms),
    ("清关", S::CustomsPresented),
    ("报关", S::CustomsPresented),
    // Waiting.
    ("滞留", S::Delayed),
    ("延误", S::Delayed),
    // Handed over.
    ("已签收", S::Delivered),
    ("签收", S::Delivered),
    ("妥投", S::Delivered),
    ("已取件", S::Delivered),
    ("已取走", S::Delivered),
    ("已自提", S::Delivered),
    // At a counter or in a box.
    ("待取件", S::AvailableForCollection),
    ("取货码", S::AvailableForCollection),
    ("取件码", S::AvailableForCollection),
    ("及时领取", S::AvailableForCollection),
    ("尽快领取", S::AvailableForCollection),
    ("暂存至", S::AvailableForCollection),
    ("已暂存", S::AvailableForCollection),
    ("已投柜", S::AvailableForCollection),
    ("放入", S::AvailableForCollection),
    ("已代收", S::AvailableForCollection),
    // To the door.
    ("派送中", S::OutForDelivery),
    ("派件中", S::OutForDelivery),
    ("正在派送", S::OutForDelivery),
    ("正在派件", S::OutForDelivery),
    ("正在投递", S::OutForDelivery),
    ("安排投递", S::OutForDelivery),
    ("开始派送", S::OutForDelivery),
    ("为您派件", S::OutForDelivery),
    // On the journey.
    ("待揽收", S::PickupScheduled),
    ("等待揽收", S::PickupScheduled),
    ("已下单", S::InfoReceived),
    ("揽收", S::PickedUp),
    ("揽件", S::PickedUp),
    ("已收件", S::PickedUp),
    ("收寄", S::PickedUp),
    ("发往", S::Departed),
    ("离开", S::Departed),
    ("已发出", S::Departed),
    ("到达", S::Arrived),
    ("抵达", S::Arrived),
];

/// Who took it. The first row that matches counts.
const TAKERS: &[(&str, DeliveredTo)] = &[
    ("取货码签收", DeliveredTo::Collected),
    ("取件码签收", DeliveredTo::Collected),
    ("已取件", DeliveredTo::Collected),
    ("已取走", DeliveredTo::Collected),
    ("已自提", DeliveredTo::Collected),
    ("邻居", DeliveredTo::Neighbour),
    ("驿站", DeliveredTo::Locker),
    ("代收点", DeliveredTo::Locker),
    ("快递柜", DeliveredTo::Locker),
    ("快件箱", DeliveredTo::Locker),
    ("丰巢", DeliveredTo::Locker),
    ("自提柜", DeliveredTo::Locker),
    ("前台", DeliveredTo::Mailroom),
    ("门卫", DeliveredTo::Mailroom),
    ("保安", DeliveredTo::Mailroom),
    ("物业", DeliveredTo::Mailroom),
    ("收发室", DeliveredTo::Mailroom),
    ("传达室", DeliveredTo::Mailroom),
    ("家人", DeliveredTo::Household),
    ("家属", DeliveredTo::Household),
    ("本人", DeliveredTo::Addressee),
];

/// Words that put off, or take back, what follows them closely.
const DOUBTS: &[&str] = &[
    "请", "待", "准备", "将", "未", "没", "无", "不", "如", "若", "需", "可", "预计", "提醒", "避免", "防止",
    "尚",
];

/// Words that do so behind it.
const DOUBTS_BEHIND: &[&str] = &["前", "失败", "时", "后"];

/// Bad news stands unless it is only spoken of.
const SUPPOSITIONS: &[&str] = &["请", "如", "若", "可", "避免", "防止"];

/// Places with a doubt in their name.
const PLACES: &[&str] = &["无锡", "未央", "如皋", "如东", "若羌", "将乐"];

/// How many letters back a doubt reaches.
const DOUBT_LETTERS: usize = 6;

pub fn meaning(text: &str) -> Meaning {
    let mut is_doubted = false;
    for (phrase, status) in PHRASES {
        for (before, after) in clauses(text).filter_map(|clause| clause.split_once(phrase)) {
            if !is_put_off(*status, before, after) {
                return Meaning::Says(*status);
            }
            is_doubted |= *status == S::Delivered;
        }
    }
    if is_doubted { Meaning::Doubted } else { Meaning::Nothing }
}

fn is_put_off(status: EventStatus, before: &str, after: &str) -> bool {
    let before = PLACES.iter().fold(before.to_owned(), |text, place| text.replace(place, "地"));
    let start = before.char_indices().rev().nth(DOUBT_LETTERS - 1).map_or(0, |(at, _)| at);
    let near = before[start..].rsplit(['】', ']', '）', ')']).next().unwrap_or_default();
    let says = |doubts: &[&str]| doubts.iter().any(|doubt| near.contains(doubt));
    match bearing(status) {
        Bearing::Adverse => says(SUPPOSITIONS),
        Bearing::Before | Bearing::Onward | Bearing::Over => {
            says(DOUBTS) || DOUBTS_BEHIND.iter().any(|doubt| after.starts_with(doubt))
        }
    }
}

pub fn recipient(text: &str) -> DeliveredTo {
    let found = TAKERS.iter().find(|(phrase, _)| clauses(text).any(|clause| clause.contains(phrase)));
    found.map_or(DeliveredTo::Unspecified, |(_, to)| *to)
}

pub fn clauses(text: &str) -> impl Iterator<Item = &str> {
    text.split(['，', '。', '；', '！', '？', '、', ',', ';', '!', '?']).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_counts_where_nothing_puts_it_off() {
        for (text, expected) in [
            ("【上海市】快件已签收，签收人：本人，感谢使用", Meaning::Says(S::Delivered)),
            ("您的包裹已妥投", Meaning::Says(S::Delivered)),
            ("快递员张三正在派送，请您准备签收", Meaning::Says(S::OutForDelivery)),
            ("请您签收前验货", Meaning::Doubted),
            ("快件未签收", Meaning::Doubted),
            ("尚未签收", Meaning::Doubted),
            ("快件已签收，如有破损请联系网点", Meaning::Says(S::Delivered)),
            ("外包装破损", Meaning::Says(S::Damaged)),
            ("快件已暂存至菜鸟驿站，请凭取货码领取", Meaning::Says(S::AvailableForCollection)),
            ("退件已签收", Meaning::Says(S::Returned)),
            ("收件人拒收，快件退回中", Meaning::Says(S::Returning)),
            ("快件到达【杭州转运中心】", Meaning::Says(S::Arrived)),
            ("预计明天到达", Meaning::Nothing),
            ("【无锡市】已签收", Meaning::Says(S::Delivered)),
            ("西安未央区营业部已签收", Meaning::Says(S::Delivered)),
            ("快件不慎破损", Meaning::Says(S::Damaged)),
            ("Delivered", Meaning::Nothing),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_says_who_took_it() {
        for (text, expected) in [
            ("已签收，签收人凭取货码签收。", DeliveredTo::Collected),
            ("已由【菜鸟驿站】代签收", DeliveredTo::Locker),
            ("已签收，签收人：前台", DeliveredTo::Mailroom),
            ("签收人：本人", DeliveredTo::Addressee),
            ("已签收", DeliveredTo::Unspecified),
        ] {
            assert_eq!(recipient(text), expected, "{text}");
        }
    }
}
