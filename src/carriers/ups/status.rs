//! Type, code and words of one event, taken together.
//!
//! The type is the carrier's verdict. A code refines it, in the table of that type; the words are a
//! second witness. `Delivered` needs a type `D` that nothing contradicts, and a known code or the word itself:
//! UPS is known to write "Delivered" beside an exception, and files what waits at a shop, came back to the
//! shipper or was not received under `D` as well.

use std::sync::LazyLock;

use super::wire::Fields;
use crate::carriers::codes::{Codes, Row};
use crate::carriers::verdict::{agreed, agreed_on_exception};
use crate::carriers::wording::{Bearing, Meaning, bearing, meaning, recipient};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

static PLACES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("places.csv")));

pub struct Verdict {
    pub status: EventStatus,
    pub delivered_to: Option<DeliveredTo>,
    /// The code of an earlier event that this one takes back.
    pub cancels: Option<String>,
}

/// `now`: UPS's words for where the package is at the moment, where this is its newest event.
pub fn verdict(fields: &Fields, now: Option<&str>, location: Option<&str>) -> Verdict {
    let row = CODES.get(&format!("{}/{}", fields.kind, fields.code));
    let status = match fields.kind.as_str() {
        "D" => delivered(fields, row, now.unwrap_or_default()),
        "I" => told(fields, row.map_or(S::InTransit, |row| row.status)),
        "P" => told(fields, S::PickedUp),
        "O" | "OT" => told(fields, S::OutForDelivery),
        "M" | "MP" => told(fields, S::InfoReceived),
        "MV" => S::Cancelled,
        "X" => told(fields, row.map_or(S::Exception, |row| row.status)),
        "RS" => returned(fields),
        // At a freight station: of origin or of destination, not at anybody's door.
        "DO" | "DD" => S::Arrived,
        "W" => told(fields, S::InTransit),
        "" => untyped(fields),
        _ => S::Unknown,
    };
    let location = location.unwrap_or_default();
    let to = to_whom(fields, row, location);
    // Nobody is said to have fetched it from there.
    let waits = to != DeliveredTo::Collected && location.to_ascii_uppercase().contains("ACCESS POINT");
    let status = if status == S::Delivered && waits { S::AvailableForCollection } else { status };
    let delivered_to = (status == S::Delivered).then_some(to);
    let cancels = row.and_then(|row| row.cancels.as_deref()).and_then(|code| code.split_once('/'));
    Verdict { status, delivered_to, cancels: cancels.map(|(_, code)| code.to_owned()) }
}

/// The longer words; the shorter where those say nothing.
fn words(fields: &Fields) -> Meaning {
    match meaning(&[&fields.description]) {
        Meaning::Nothing => meaning(&[&fields.simplified]),
        told => told,
    }
}

fn told(fields: &Fields, status: EventStatus) -> EventStatus {
    agreed_on_exception(status, words(fields))
}

fn delivered(fields: &Fields, row: Option<&Row>, now: &str) -> EventStatus {
    let by_detail = CODES.get(&fields.detail_code).map(|row| row.status);
    let claims = [row.map(|row| row.status), by_detail];
    if let Some(other) = claims.into_iter().flatten().find(|status| *status != S::Delivered) {
        return if is_elsewhere(other) || is_gone(other) { other } else { S::Unknown };
    }
    let texts = [fields.description.as_str(), &fields.simplified, now];
    let status = texts.iter().fold(S::Delivered, |status, text| match meaning(&[text]) {
        Meaning::Says(told) if status == S::Delivered && is_elsewhere(told) => told,
        told if status == S::Delivered => agreed(status, told),
        _ => status,
    });
    let told = texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let is_sure = claims != [None, None] || meaning(&[told]) == Meaning::Says(S::Delivered);
    if status == S::Delivered && !is_sure { S::Unknown } else { status }
}

/// What UPS calls delivered, too.
fn is_elsewhere(status: EventStatus) -> bool {
    matches!(status, S::AvailableForCollection | S::Returned | S::Returning)
}

fn is_gone(status: EventStatus) -> bool {
    matches!(status, S::Lost | S::Damaged | S::Destroyed)
}

fn returned(fields: &Fields) -> EventStatus {
    match words(fields) {
        Meaning::Says(S::Returning) => S::Returning,
        told => agreed(S::Returned, told),
    }
}

/// Words alone end nothing.
fn untyped(fields: &Fields) -> EventStatus {
    match words(fields) {
        Meaning::Says(told) if bearing(told) != Bearing::Over => told,
        Meaning::Says(_) | Meaning::Doubted | Meaning::Nothing => S::Unknown,
    }
}

fn to_whom(fields: &Fields, row: Option<&Row>, location: &str) -> DeliveredTo {
    let by_row = row.and_then(|row| row.delivered_to);
    let by_place = || place_of_delivery(location);
    let by_words = || recipient(&[&fields.description]);
    let specific = |to: &DeliveredTo| *to != DeliveredTo::Unspecified;
    by_row.filter(specific).or_else(|| Some(by_place()).filter(specific)).unwrap_or_else(by_words)
}

fn place_of_delivery(location: &str) -> DeliveredTo {
    let row = PLACES.within(&location.to_ascii_uppercase());
    row.and_then(|row| row.delivered_to).unwrap_or_else(|| recipient(&[location]))
}
