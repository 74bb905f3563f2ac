//! What the words of the domain are called on a page.

use std::borrow::Cow;
use std::str::FromStr;

use super::language::Language;
use crate::domain::dispute::Party;
use crate::domain::escrow::{DisputeOutcome, DisputeReason, Obstacle};
use crate::domain::event::{DeliveredTo, EventSource, EventStatus, OffsetSource, ScanKind};
use crate::domain::service::Service;
use crate::domain::shipment::{Milestone, ShipmentStatus};

/// A word of the domain that has a name in English and in Chinese, in this order.
pub trait Named: FromStr {
    fn names(&self) -> [&'static str; 2];
}

/// What `text` is called, or `text` itself where it is none of the words.
pub fn name<'t, Word: Named>(text: &'t str, language: Language) -> Cow<'t, str> {
    match text.parse::<Word>() {
        Ok(word) => Cow::Borrowed(in_language(word.names(), language)),
        Err(_) => Cow::Borrowed(text),
    }
}

pub fn in_language(both: [&'static str; 2], language: Language) -> &'static str {
    let [english, chinese] = both;
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// More than the status says: a handover, and which door it came in by.
impl Named for ScanKind {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Received => ["Received", "已收货"],
            Self::Departed => ["Departed", "已发出"],
            Self::Offloaded => ["Waiting for the next departure", "未能装运，等待下一班"],
            Self::Arrived => ["Arrived", "已到达"],
            Self::CustomsPresented => ["Presented to customs", "已向海关申报"],
            Self::CustomsHeld => ["Held by customs", "海关暂扣，等待处理"],
            Self::CustomsReleased => ["Released by customs", "海关已放行"],
            Self::HandedOver => ["Handed to the delivery carrier", "已交付派送承运商"],
            Self::Packed => ["Packed for departure", "已集货装袋"],
            Self::Unpacked => ["Unpacked", "已拆袋"],
        }
    }
}

/// Named as stations: most of them are still ahead when they are read.
impl Named for Milestone {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Accepted => ["Order accepted", "受理订单"],
            Self::PickupScheduled => ["Pickup booked", "预约揽收"],
            Self::PickedUp => ["Picked up", "揽收"],
            Self::AtOriginHub => ["Origin hub", "到达始发仓"],
            Self::Consolidated => ["Consolidated", "集货打包"],
            Self::LineHaul => ["On its way", "干线运输"],
            Self::AtGateway => ["Port of entry", "到达口岸"],
            Self::Customs => ["Customs", "清关"],
            Self::LastMile => ["Domestic transit", "国内运输"],
            Self::OutForDelivery => ["Out for delivery", "派送"],
            Self::Delivered => ["Delivered", "签收"],
        }
    }
}

impl Named for ShipmentStatus {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Requested => ["Order received", "已下单"],
            Self::Accepted => ["Order accepted", "已受理"],
            Self::PickupScheduled => ["Pickup booked", "待揽收"],
            Self::PickedUp => ["Picked up", "已揽收"],
            Self::AtOriginHub => ["At the origin hub", "已到始发仓"],
            Self::Consolidated => ["Ready to depart", "已集货待发"],
            Self::LineHaul => ["On its way to China", "干线运输中"],
            Self::AtGateway => ["Arrived in China", "已到达口岸"],
            Self::Customs => ["Clearing customs", "清关中"],
            Self::LastMile => ["On its way to you", "国内运输中"],
            Self::OutForDelivery => ["Out for delivery", "派送中"],
            Self::Delivered => ["Delivered", "已签收"],
            Self::OnHold => ["On hold", "暂扣中"],
            Self::Returning => ["Being returned", "退回中"],
            Self::Returned => ["Returned to sender", "已退回"],
            Self::Lost => ["Lost", "已丢失"],
            Self::Destroyed => ["Destroyed", "已销毁"],
            Self::Cancelled => ["Cancelled", "已取消"],
        }
    }
}

impl Named for EventStatus {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::InfoReceived => ["Shipment information received", "已收到订单信息"],
            Self::PickupScheduled => ["Pickup booked", "已预约揽收"],
            Self::PickedUp => ["Picked up", "已揽收"],
            Self::Departed => ["Departed", "已发出"],
            Self::Arrived => ["Arrived", "已到达"],
            Self::InTransit => ["In transit", "运输中"],
            Self::ExportCustoms => ["Export customs", "出口清关"],
            Self::CustomsPresented => ["Presented to customs", "已向海关申报"],
            Self::CustomsHeld => ["Held by customs", "海关暂扣，等待处理"],
            Self::CustomsReleased => ["Released by customs", "海关已放行"],
            Self::OutForDelivery => ["Out for delivery", "派送中"],
            Self::AttemptFailed => ["Delivery attempted without success", "派送未成功"],
            Self::AvailableForCollection => ["Ready to be collected", "已到代收点，待取件"],
            Self::Delivered => ["Delivered", "已签收"],
            Self::Returning => ["Being returned", "退回中"],
            Self::Returned => ["Returned to sender", "已退回寄件方"],
            Self::Delayed => ["Delayed", "运输延误"],
            Self::Exception => ["Something went wrong on the way", "运输异常"],
            Self::Damaged => ["Damaged", "包裹破损"],
            Self::Lost => ["Lost", "包裹丢失"],
            Self::Destroyed => ["Destroyed", "包裹已销毁"],
            Self::Cancelled => ["Cancelled", "已取消"],
            Self::Unknown => ["Carrier update that we cannot classify", "承运商更新（状态待核实）"],
        }
    }
}

impl Named for DisputeOutcome {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Rejected => ["The order goes on", "未予支持，订单照常继续"],
            Self::RefundedInPart => ["Part of the money goes back to you", "部分退款"],
            Self::RefundedInFull => ["The money goes back to you", "全额退款"],
            Self::Withdrawn => ["You took it back", "您已撤销"],
        }
    }
}

impl Named for Party {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Buyer => ["You", "您"],
            Self::Merchant => ["The shop", "商家"],
            Self::Operator => ["Customer service", "客服"],
        }
    }
}

impl Named for DisputeReason {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::NotReceived => ["It did not arrive", "未收到货物"],
            Self::NotAsDescribed => ["It is not as described", "与描述不符"],
            Self::Damaged => ["It is damaged", "货物破损"],
            Self::WrongItem => ["It is the wrong item", "商品发错"],
            Self::Counterfeit => ["It is a counterfeit", "疑似假货"],
        }
    }
}

/// As sentences, with what to do instead.
impl Named for Obstacle {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::NothingYet => [
                "Nothing was delivered yet. It is possible once the goods are there.",
                "货物尚未送达，送达后方可操作。",
            ],
            Self::ReleaseAsked => {
                ["The payment is on its way to the shop already.", "货款已在支付给商家的途中。"]
            }
            Self::Paid => [
                "The shop was paid already. Please turn to the shop.",
                "货款已付给商家，如有问题请联系商家。",
            ],
            Self::Back => ["The money went back to you already.", "货款已退回给您，无需再操作。"],
            Self::Frozen => [
                "The payment is held until a problem with the order is settled. Nobody is paid meanwhile.",
                "订单存在待处理的问题，货款已冻结，处理完毕前不会付给任何一方。",
            ],
            Self::BeingRefunded => ["A refund is under way already.", "订单正在退款中。"],
            Self::Failed => [
                "The payment service refused, and somebody has to look into it. Please try again later.",
                "支付机构未能完成操作，需人工处理，请稍后再试。",
            ],
            Self::NotFrozen => ["The payment is not held up.", "货款未被冻结。"],
            Self::ExtendedBefore => [
                "You were given more time before, and that is possible once.",
                "收货时间已延长过一次，不能再次延长。",
            ],
            Self::NoWindow => [
                "There is no time to check the goods that could be made longer.",
                "当前没有可以延长的收货期。",
            ],
            Self::DisputeOpen => [
                "You have reported a problem already, and it is not decided yet. You can add to it below.",
                "您已反馈问题，正在处理中，可在下方补充说明。",
            ],
            Self::Decided => [
                "What you say is wrong was reported before, and decided.",
                "该类问题此前已反馈并处理完毕，不能再次提交。",
            ],
            Self::NoDispute => ["You have no report that is still open.", "您目前没有处理中的反馈。"],
            Self::AllSaid => {
                ["As much was said about this report as there is room for.", "该问题的留言数量已达上限。"]
            }
        }
    }
}

impl Named for DeliveredTo {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Addressee => ["to the addressee", "本人签收"],
            Self::Household => ["to somebody of the household", "家人代收"],
            Self::Neighbour => ["to a neighbour", "邻居代收"],
            Self::Locker => ["into a parcel locker", "已放入快递柜"],
            Self::Mailroom => ["to a mailroom or front desk", "代收点/收发室代收"],
            Self::Collected => ["collected at a pickup point", "已自提"],
            Self::Unspecified => ["the carrier does not say to whom", "承运商未注明签收人"],
        }
    }
}

impl Named for Service {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Express => ["Express", "特快"],
            Self::Standard => ["Standard", "标准"],
            Self::Economy => ["Economy", "经济"],
        }
    }
}

/// Who says so.
impl Named for EventSource {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::System => ["Sampan", "系统记录"],
            Self::Scan => ["Hub scan", "仓库扫描"],
            Self::Poll => ["Carrier", "承运商"],
            Self::Push => ["Carrier", "承运商"],
        }
    }
}

/// Why a time is taken for the instant it is taken for.
impl Named for OffsetSource {
    fn names(&self) -> [&'static str; 2] {
        match self {
            Self::Carrier => ["Time zone reported", "来源已注明时区"],
            Self::FacilityZone => ["On the clock of the facility", "按设施所在时区"],
            Self::CountryZone => {
                ["Time zone not reported, read as the country's", "来源未注明时区，按所在国家时区推算"]
            }
            Self::AssumedUtc => ["Time zone not reported, read as UTC", "来源未注明时区，暂按 UTC 计算"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_word_is_named<Word: Named + Copy + std::fmt::Display>(all: &[Word]) {
        for word in all {
            let text = word.to_string();
            let english = name::<Word>(&text, Language::English);
            let chinese = name::<Word>(&text, Language::Chinese);
            assert!(english.is_ascii() && !english.is_empty(), "{text}: {english:?}");
            assert!(!chinese.is_ascii() || chinese == "Sampan", "{text}: {chinese:?}");
        }
    }

    #[test]
    fn every_word_has_a_name_in_both_languages() {
        every_word_is_named(Milestone::ALL);
        every_word_is_named(ShipmentStatus::ALL);
        every_word_is_named(EventStatus::ALL);
        every_word_is_named(ScanKind::ALL);
        every_word_is_named(DeliveredTo::ALL);
        every_word_is_named(DisputeReason::ALL);
        every_word_is_named(DisputeOutcome::ALL);
        every_word_is_named(Obstacle::ALL);
        every_word_is_named(Party::ALL);
        every_word_is_named(Service::ALL);
        every_word_is_named(EventSource::ALL);
        every_word_is_named(OffsetSource::ALL);
    }

    #[test]
    fn a_word_that_is_not_ours_is_shown_as_it_came() {
        assert_eq!(name::<ShipmentStatus>("teleported", Language::Chinese), "teleported");
    }
}
