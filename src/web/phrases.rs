//! What a page says itself, beside the words of the domain.

use super::language::Language;
use crate::domain::shipment::ShipmentStatus;

pub struct Phrases {
    pub tracking: &'static str,
    pub languages: &'static str,
    pub service: &'static str,
    pub estimated_delivery: &'static str,
    pub estimate_may_move: &'static str,
    /// Before and after how many of a hundred.
    pub within_window: [&'static str; 2],
    pub delivered_at: &'static str,
    pub held_up: &'static str,
    pub not_coming: &'static str,
    pub gone_wrong: &'static str,
    pub journey: &'static str,
    pub reached: &'static str,
    pub now: &'static str,
    pub planned: &'static str,
    pub estimated: &'static str,
    pub parcels: &'static str,
    pub parcel: &'static str,
    pub history: &'static str,
    pub no_events: &'static str,
    pub taken_back: &'static str,
    pub source_wrote: &'static str,
    pub about_times: &'static str,
    pub about_privacy: &'static str,
    pub not_found: &'static str,
    pub not_found_because: &'static str,
}

const ENGLISH: Phrases = Phrases {
    tracking: "Shipment tracking",
    languages: "Language",
    service: "Service",
    estimated_delivery: "Estimated delivery",
    estimate_may_move: "It will move if the hold lasts.",
    within_window: ["About ", "% of shipments like this one come within it."],
    delivered_at: "Delivered",
    held_up: "Held up",
    not_coming: "No longer on its way to you",
    gone_wrong: "Something went wrong",
    journey: "Journey",
    reached: "Reached",
    now: "Now",
    planned: "planned",
    estimated: "likely from",
    parcels: "Parcels",
    parcel: "Parcel",
    history: "What happened",
    no_events: "Nothing has been reported yet. The first update appears when the parcel is picked up.",
    taken_back: "corrected later",
    source_wrote: "reported as",
    about_times: "Times are local to the place where something happened.",
    about_privacy: "This page shows no names, addresses or phone numbers.",
    not_found: "No shipment here",
    not_found_because: "This link leads to no shipment. Check that it was copied whole, or ask the shop for a new one.",
};

const CHINESE: Phrases = Phrases {
    tracking: "物流跟踪",
    languages: "语言",
    service: "服务",
    estimated_delivery: "预计送达",
    estimate_may_move: "暂扣期间，预计时间可能顺延。",
    within_window: ["约 ", "% 的同类包裹在此期间送达。"],
    delivered_at: "签收时间",
    held_up: "运输受阻",
    not_coming: "不再派送",
    gone_wrong: "物流异常",
    journey: "运输进度",
    reached: "已完成",
    now: "当前",
    planned: "计划",
    estimated: "预计自",
    parcels: "包裹",
    parcel: "包裹",
    history: "物流详情",
    no_events: "暂无物流信息，包裹揽收后将在此更新。",
    taken_back: "已更正",
    source_wrote: "原始时间",
    about_times: "时间均为事件发生地的当地时间。",
    about_privacy: "本页不显示姓名、地址和电话。",
    not_found: "未找到该物流信息",
    not_found_because: "此链接没有对应的包裹。请检查链接是否复制完整，或联系商家重新获取。",
};

impl Phrases {
    pub const fn in_language(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }
}

/// What a status means for who waits, in English and Chinese.
pub fn meaning(status: ShipmentStatus) -> [&'static str; 2] {
    match status {
        ShipmentStatus::Requested => ["The shop has announced your order.", "商家已提交订单，等待受理。"],
        ShipmentStatus::Accepted => ["A pickup from the shop is being arranged.", "正在安排上门揽收。"],
        ShipmentStatus::PickupScheduled => {
            ["It will be collected from the shop.", "快递员将前往商家处揽收。"]
        }
        ShipmentStatus::PickedUp => ["It has left the shop for our hub.", "包裹已离开商家，正送往始发仓。"],
        ShipmentStatus::AtOriginHub => ["It waits at the hub for its departure.", "包裹已入仓，等待发运。"],
        ShipmentStatus::Consolidated => {
            ["It is packed for the next departure.", "包裹已集货打包，等待装运。"]
        }
        ShipmentStatus::LineHaul => {
            ["It is between the origin hub and the port of entry.", "包裹正从始发仓运往入境口岸。"]
        }
        ShipmentStatus::AtGateway => {
            ["It has reached the port of entry, with customs ahead.", "包裹已到达入境口岸，等待清关。"]
        }
        ShipmentStatus::Customs => ["It is with customs at the port of entry.", "包裹正在口岸办理清关手续。"],
        ShipmentStatus::LastMile => [
            "It is on the domestic leg with the delivery carrier.",
            "包裹已交国内承运商，正运往您所在的城市。",
        ],
        ShipmentStatus::OutForDelivery => {
            ["The courier has it. Please keep your phone at hand.", "快递员正在派送，请保持电话畅通。"]
        }
        ShipmentStatus::Delivered => {
            ["Every parcel of this shipment was handed over.", "全部包裹已送达，感谢您的耐心等待。"]
        }
        ShipmentStatus::OnHold => [
            "Customs is keeping a parcel for examination. It goes on once it is released.",
            "海关正在查验包裹，放行后将继续运输。",
        ],
        ShipmentStatus::Returning => [
            "It is on its way back to the sender. The shop can tell you why.",
            "包裹正在退回寄件方，原因请咨询商家。",
        ],
        ShipmentStatus::Returned => {
            ["It is back with the sender. Please contact the shop.", "包裹已退回寄件方，请联系商家。"]
        }
        ShipmentStatus::Lost => {
            ["A parcel cannot be found. Please contact the shop.", "有包裹丢失，请联系商家处理。"]
        }
        ShipmentStatus::Destroyed => {
            ["A parcel was destroyed. Please contact the shop.", "有包裹已被销毁，请联系商家处理。"]
        }
        ShipmentStatus::Cancelled => {
            ["The shipment was called off. It will not be delivered.", "该运单已取消，不会再派送。"]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_explained_in_both_languages() {
        for status in ShipmentStatus::ALL {
            let [english, chinese] = meaning(*status);
            assert!(english.is_ascii() && english.ends_with('.'), "{english}");
            assert!(!chinese.is_ascii() && chinese.ends_with('。'), "{chinese}");
        }
    }
}
