//! A trace's code and words, taken together.

use std::sync::LazyLock;

use super::wire::Trace;
use crate::carriers::codes::Codes;
use crate::carriers::tongues::{meaning, recipient};
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
    let told = meaning(&[text]);
    let is_at_the_point = names_a_point(text) && !names_who_fetched(text);
    match (status, told) {
        // Handed to the point where it is fetched from, however that is filed.
        (
            EventStatus::Delivered | EventStatus::AvailableForCollection,
            Meaning::Says(EventStatus::Delivered),
        ) if is_at_the_point => EventStatus::AvailableForCollection,
        _ => agreed_on_operation(status, told, to),
    }
}

/// A locker is none: what is put into one is delivered to it.
fn names_a_point(text: &str) -> bool {
    let text = text.to_lowercase();
    ["pick", "collect", "station", "自提", "驿站", "代收点"].iter().any(|word| text.contains(word))
}

fn names_who_fetched(text: &str) -> bool {
    let by_whom = ["fetched", "buyer", "recipient", "consignee", "customer", "收件人", "本人", "凭取"];
    let taken = recipient(&[text]);
    matches!(taken, DeliveredTo::Collected | DeliveredTo::Addressee | DeliveredTo::Household)
        || by_whom.iter().any(|word| text.to_lowercase().contains(word))
}
