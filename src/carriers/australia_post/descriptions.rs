//! What a description says.
//!
//! The table's row and the wording of it have to agree. Words that no row has and that still are plain
//! English are read by [`wording`](crate::carriers::wording), but for a delivery: `Delivered to airline`
//! is none, nor is `Delivered to StarTrack reception`. Such a one counts only if it begins with the words of a
//! row that says who took it.

use std::sync::LazyLock;

use crate::carriers::codes::{Codes, Row};
use crate::carriers::verdict::{agreed_by_row, beyond, to_whom};
use crate::carriers::wording::{Bearing, Meaning, bearing, meaning, recipient};
use crate::domain::event::{DeliveredTo, EventStatus};

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

/// By whom it is not said, and what for: from the sender, or by the recipient.
const EITHER_WAY: &[&str] = &["collected", "item collected"];

pub struct Verdict {
    pub status: EventStatus,
    pub delivered_to: Option<DeliveredTo>,
    pub row: Option<&'static Row>,
    /// It is delivered only if the item is said to be.
    pub is_ambiguous: bool,
}

pub fn verdict(description: &str) -> Verdict {
    let texts = [description];
    let (meaning, told, words) = (meaning(&texts), recipient(&texts), words(description));
    let row = row(&words);
    let (status, delivered_to) = match row {
        Some(row) => agreed_by_row(Some(row), beyond(Some(row), description, meaning), told),
        None => by_wording(&words, meaning, told),
    };
    Verdict { status, delivered_to, row, is_ambiguous: EITHER_WAY.contains(&words.as_str()) }
}

fn by_wording(words: &str, meaning: Meaning, told: DeliveredTo) -> (EventStatus, Option<DeliveredTo>) {
    match meaning {
        Meaning::Says(EventStatus::Delivered) => match named(words) {
            Some(to) => (EventStatus::Delivered, Some(to_whom(Some(to), told))),
            None => (EventStatus::Unknown, None),
        },
        Meaning::Says(status) => (status, None),
        Meaning::Doubted | Meaning::Nothing => (EventStatus::Unknown, None),
    }
}

/// What a delivery may not go on with after it has said to whom: `for return`, `to be redirected`.
const GOES_FURTHER: &[&str] =
    &["for", "to", "return", "returned", "returning", "sender", "redirected", "transfer", "transferred"];

/// Whom the first words name, where the rest says no more than where.
fn named(words: &str) -> Option<DeliveredTo> {
    let ends = words.match_indices(' ').map(|(at, _)| at).rev();
    let (end, row) = ends.filter_map(|end| Some((end, CODES.get(&words[..end])?))).next()?;
    let to = row.delivered_to.filter(|to| *to != DeliveredTo::Unspecified)?;
    let goes_further = words[end..].split(' ').any(|word| GOES_FURTHER.contains(&word));
    (!goes_further).then_some(to)
}

/// The row of all the words, or of as many of the first ones as one has that is no ending.
fn row(words: &str) -> Option<&'static Row> {
    let goes_on = |row: &&Row| bearing(row.status) != Bearing::Over;
    let ends = words.match_indices(' ').map(|(at, _)| at).rev();
    CODES.get(words).or_else(|| ends.filter_map(|end| CODES.get(&words[..end])).find(goes_on))
}

/// In small letters, a space between.
pub fn words(text: &str) -> String {
    let spaced: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(description: &str) -> String {
        let Verdict { status, delivered_to, .. } = verdict(description);
        delivered_to.map_or(status.to_string(), |to| format!("{status} {to}"))
    }

    #[test]
    fn every_row_is_written_as_it_is_looked_up() {
        for line in include_str!("codes.csv").lines().filter(|line| !line.starts_with('#')).skip(1) {
            let code = line.split(',').next().unwrap_or_default();
            assert_eq!(words(code), code);
        }
    }

    #[test]
    fn a_description_may_go_on_with_a_place() {
        for (description, expected) in [
            ("Delivered", "delivered unspecified"),
            ("DELIVERED - Left in a safe place", "delivered unspecified"),
            ("Delivered to Parcel Locker", "delivered locker"),
            ("Delivered to Parcel Locker 10021 KEW", "delivered locker"),
            ("Delivered - Left with neighbour", "delivered neighbour"),
            ("Delivered - Collected at Post Office", "delivered collected"),
            ("Delivered to mailroom of the building", "delivered mailroom"),
            ("Awaiting collection at INALA HEIGHTS LPO", "available_for_collection"),
            ("Awaiting collection at Example Parcel Locker", "available_for_collection"),
            ("Attempted delivery - Unable to gain access", "attempt_failed"),
            ("In transit to next facility in DARRA QLD", "in_transit"),
            ("Received item from Sender (Outbound)", "picked_up"),
            ("Arrived awaiting clearance (Inbound)", "customs_presented"),
            ("Arrived in New Zealand", "arrived"),
            ("Cleared and awaiting international departure", "customs_released"),
            ("Item is in Customs", "customs_presented"),
            ("Return to sender", "returning"),
            ("Return to sender - Refused", "returning"),
            ("Delivered to sender", "returned"),
            ("Article damaged", "damaged"),
            ("Held by courier", "delayed"),
        ] {
            assert_eq!(read(description), expected, "{description}");
        }
    }

    #[test]
    fn what_only_looks_like_a_delivery_is_none() {
        for (description, expected) in [
            ("Delivered to airline", "unknown"),
            ("Delivered to StarTrack reception", "unknown"),
            ("Delivered to Parcel Locker for return", "unknown"),
            ("Delivered to sender's locker", "returned"),
            ("Delivered by sender to facility", "unknown"),
            ("Will be delivered tomorrow", "unknown"),
            ("Not delivered", "attempt_failed"),
            ("Delivered to agent", "available_for_collection"),
            ("Delivered to agent - KEW NEWSAGENCY", "unknown"),
            ("Delivered - returned to sender", "returned"),
            ("Awaiting collection - Delivered", "available_for_collection"),
            ("In transit - Delivered", "unknown"),
            ("Something new", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(read(description), expected, "{description}");
        }
    }
}
