//! A route's codes and words, taken together.
//!
//! `opCode` says what was done; `secondaryStatusCode` and `firstStatusCode` say where that leaves the parcel;
//! `remark` tells it to people. A code that no table knows is `unknown` whatever the others say, and
//! an ending that they do not agree about is no ending.

use std::sync::LazyLock;

use super::wire::Route;
use crate::carriers::codes::{Codes, Row};
use crate::carriers::tongues::{meaning, recipient};
use crate::carriers::verdict::{agreed_on_operation, to_whom};
use crate::carriers::wording::Meaning;
use crate::domain::event::{DeliveredTo, EventStatus};

/// Into a locker: fetched from there later, unless the words say that it counts as signed for.
const INTO_A_LOCKER: &str = "125";
/// Handed to somebody else: nothing is known of whom, or what for, but by the words.
const TO_SOMEBODY_ELSE: &str = "607";

pub fn codes() -> &'static Codes {
    static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));
    &CODES
}

pub fn status(route: &Route) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [route.remark.as_str()];
    let (words, to) = (meaning(&texts), recipient(&texts));
    let Some(row) = row(route) else { return (EventStatus::Unknown, None) };
    let mut status = by_code(route, row, words, to);
    let categories = [secondary(route), first(route)].map(|row| row.map(|row| row.status));
    let names = [named(&route.secondary_status_name), named(&route.first_status_name)];
    for other in categories.into_iter().chain(names).flatten() {
        status = confirmed(status, other);
    }
    if status == EventStatus::Delivered && is_doubted(route) {
        status = EventStatus::Unknown;
    }
    let delivered_to = (status == EventStatus::Delivered).then(|| to_whom(to_by_code(route, row), to));
    (status, delivered_to)
}

/// The row of the operation and its reason, of the operation, or where there is none of the category.
pub fn row(route: &Route) -> Option<&'static Row> {
    let codes = codes();
    let op_code = route.op_code.as_str();
    if op_code.is_empty() {
        return secondary(route).or_else(|| first(route));
    }
    let with_reason = codes.get(&format!("{op_code}/{}", route.reason_code));
    let row = with_reason.or_else(|| codes.get(op_code))?;
    // A delivery with a reason that no table knows is not the delivery that the table knows.
    let is_qualified = with_reason.is_none() && !matches!(route.reason_code.as_str(), "" | "0");
    let is_plain = !is_qualified || row.status != EventStatus::Delivered;
    is_plain.then_some(row)
}

fn secondary(route: &Route) -> Option<&'static Row> {
    codes().get(&format!("secondary:{}", route.secondary_status_code))
}

fn first(route: &Route) -> Option<&'static Row> {
    codes().get(&format!("first:{}", route.first_status_code))
}

/// A category that no table knows, or whose name takes it back or puts it off.
fn is_doubted(route: &Route) -> bool {
    let is_unknown = |code: &str, row: Option<&Row>| !code.is_empty() && row.is_none();
    let names = [route.secondary_status_name.as_str(), route.first_status_name.as_str()];
    is_unknown(&route.secondary_status_code, secondary(route))
        || is_unknown(&route.first_status_code, first(route))
        || names.iter().any(|name| meaning(&[name]) == Meaning::Doubted)
}

fn by_code(route: &Route, row: &Row, words: Meaning, to: DeliveredTo) -> EventStatus {
    let is_signed_for = words == Meaning::Says(EventStatus::Delivered);
    match route.op_code.as_str() {
        INTO_A_LOCKER if is_signed_for => EventStatus::Delivered,
        INTO_A_LOCKER if matches!(words, Meaning::Says(EventStatus::OutForDelivery)) => row.status,
        TO_SOMEBODY_ELSE => match words {
            Meaning::Says(status @ (EventStatus::Delivered | EventStatus::AvailableForCollection)) => status,
            Meaning::Says(_) | Meaning::Doubted | Meaning::Nothing => EventStatus::Unknown,
        },
        _ => agreed_on_operation(row.status, words, to),
    }
}

fn to_by_code(route: &Route, row: &Row) -> Option<DeliveredTo> {
    match route.op_code.as_str() {
        INTO_A_LOCKER => Some(DeliveredTo::Locker),
        _ => row.delivered_to,
    }
}

fn named(name: &str) -> Option<EventStatus> {
    match meaning(&[name]) {
        Meaning::Says(status) => Some(status),
        Meaning::Doubted | Meaning::Nothing => None,
    }
}

/// A category is coarse: it refines what is under way, and has to know of a delivery that there is.
fn confirmed(status: EventStatus, category: EventStatus) -> EventStatus {
    let is_over = |status| status == EventStatus::Delivered;
    let is_customs = matches!(
        category,
        EventStatus::CustomsPresented | EventStatus::CustomsReleased | EventStatus::CustomsHeld
    );
    let is_trouble_at_the_end = matches!(
        status,
        EventStatus::Returned | EventStatus::Damaged | EventStatus::Lost | EventStatus::Destroyed
    );
    if is_over(status) != is_over(category) && !is_trouble_at_the_end {
        return EventStatus::Unknown;
    }
    if status == EventStatus::InTransit && is_customs { category } else { status }
}
