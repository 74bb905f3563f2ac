//! A trace's code and words, taken together.

use std::sync::LazyLock;

use super::wire::Trace;
use crate::carriers::chinese::{meaning_in_either, recipient};
use crate::carriers::codes::Codes;
use crate::carriers::verdict::{agreed_on_operation, to_whom};
use crate::carriers::wording::Meaning;
use crate::domain::event::{DeliveredTo, EventStatus};

pub fn codes() -> &'static Codes {
    static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));
    &CODES
}

/// Codes of carriers within China, whose clock is Beijing's.
const IN_CHINA: &[&str] = &["GOT", "REJECT", "DEPARTURE", "ARRIVAL", "SENT_SCAN", "SIGNED", "FAILED"];

pub fn is_in_china(code: &str) -> bool {
    IN_CHINA.contains(&code) || code.bytes().all(|byte| byte.is_ascii_digit()) && !code.is_empty()
}

pub fn status(trace: &Trace) -> (EventStatus, Option<DeliveredTo>) {
    let Some(row) = codes().get(&trace.action_code) else { return (EventStatus::Unknown, None) };
    let texts = [trace.standerd_desc.as_str(), trace.desc.as_str()];
    let to = recipient(&texts);
    // Each text by itself: one that denies it is enough.
    let status = texts.iter().fold(row.status, |status, text| with(status, text, to));
    let delivered_to = (status == EventStatus::Delivered).then(|| to_whom(row.delivered_to, to));
    (status, delivered_to)
}

fn with(status: EventStatus, text: &str, to: DeliveredTo) -> EventStatus {
    let meaning = meaning_in_either(&[text]);
    // Handed to the point where it is fetched from.
    let is_to_the_point = status == EventStatus::AvailableForCollection
        && meaning == Meaning::Says(EventStatus::Delivered)
        && names_a_point(text);
    if is_to_the_point { status } else { agreed_on_operation(status, meaning, to) }
}

fn names_a_point(text: &str) -> bool {
    let text = text.to_lowercase();
    ["pick", "collect", "station", "locker", "自提", "驿站", "柜", "代收点"]
        .iter()
        .any(|word| text.contains(word))
}
