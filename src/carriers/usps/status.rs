//! Code, words and category of one event, taken together.

use std::sync::LazyLock;

use super::wire::Fields;
use crate::carriers::codes::Codes;
use crate::carriers::verdict::agreed;
use crate::carriers::wording::{Meaning, meaning, recipient, says};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

/// `category`: of the whole item, where this is its newest event.
pub fn status(fields: &Fields, category: &str) -> EventStatus {
    let Some(row) = CODES.get(&fields.code) else { return S::Unknown };
    // An agent who still has to deliver is nobody's letter box.
    let is_handed_on = matches!(row.status, S::Delivered | S::InTransit);
    if is_handed_on && fields.kind.to_lowercase().contains("for final delivery") {
        return S::InTransit;
    }
    let status = match agreed(row.status, meaning(&[&fields.kind])) {
        S::Delivered if waits(&fields.kind) => return S::AvailableForCollection,
        status => status,
    };
    let is_doubted = !category.is_empty() && !category.to_lowercase().contains("deliver");
    match (status, meaning(&[category])) {
        (S::Delivered, Meaning::Says(S::Delivered)) => S::Delivered,
        (S::Delivered, told) if is_doubted || told != Meaning::Nothing => agreed(S::Delivered, doubt(told)),
        (status, _) => status,
    }
}

/// With an agent who keeps it until somebody comes.
fn waits(words: &str) -> bool {
    ["left for pickup", "left for pick up", "for customer pickup", "held for pickup"]
        .iter()
        .any(|phrase| says(&[words], phrase))
}

/// A category that says nothing of a delivery says that there was none.
fn doubt(told: Meaning) -> Meaning {
    if told == Meaning::Nothing { Meaning::Doubted } else { told }
}

pub fn to_whom(fields: &Fields) -> DeliveredTo {
    recipient(&[&fields.kind])
}
