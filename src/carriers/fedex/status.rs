//! Event type, derived code and words of one scan, taken together.

use std::sync::LazyLock;

use super::wire::{Fields, Shipment};
use crate::carriers::codes::Codes;
use crate::carriers::verdict::agreed_on_exception;
use crate::carriers::wording::{Bearing, Meaning, bearing, meaning, recipient};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

static PLACES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("places.csv")));

/// The code that counts: the event's own, or what it was derived to where that is all there is.
pub fn code(fields: &Fields) -> &str {
    if fields.event_type.is_empty() { &fields.derived_code } else { &fields.event_type }
}

/// `latest_code`: of the shipment's present status, where this is its newest scan.
pub fn status(fields: &Fields, latest_code: &str) -> EventStatus {
    let of = |code: &str| CODES.get(code).map(|row| row.status);
    let Some(own) = of(code(fields)) else { return S::Unknown };
    // The present status may lag behind the scans: it is only heard where it speaks of trouble.
    let latest = of(latest_code).filter(|status| bearing(*status) == Bearing::Adverse);
    let others = of(&fields.derived_code).into_iter().chain(latest);
    let verdict = others.fold(own, against);
    let texts = [&fields.description, &fields.exception, &fields.derived_status];
    texts.iter().fold(verdict, |status, text| told(status, meaning(&[text.as_str()])))
}

/// FedEx has one code for the way back and for its end.
fn told(status: EventStatus, words: Meaning) -> EventStatus {
    match words {
        Meaning::Says(S::Returned) if status == S::Returning => S::Returned,
        words => agreed_on_exception(status, words),
    }
}

/// A second code for the same scan is coarser than the first: it can only cast doubt on a delivery.
fn against(own: EventStatus, other: EventStatus) -> EventStatus {
    match (own, other) {
        (S::Delivered, S::Returning | S::Returned) => S::Returned,
        (S::Delivered, other) if other != S::Delivered => S::Unknown,
        (own, _) => own,
    }
}

pub fn to_whom(fields: &Fields, shipment: Option<&Shipment<'_>>) -> DeliveredTo {
    let place = shipment.map(|shipment| shipment.delivery_place.as_str()).unwrap_or_default();
    let words = shipment.map(|shipment| shipment.delivery_words.as_str()).unwrap_or_default();
    let by_place = PLACES.within(place).and_then(|row| row.delivered_to);
    by_place.unwrap_or_else(|| recipient(&[&fields.description, &fields.exception, words]))
}
