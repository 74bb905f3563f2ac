//! An operation's code, its finer codes and its words, taken together.

use std::sync::LazyLock;

use super::wire::Trace;
use crate::carriers::codes::{Codes, Row};
use crate::carriers::tongues::{meaning, recipient};
use crate::carriers::verdict::{agreed_on_operation, to_whom};
use crate::domain::event::{DeliveredTo, EventStatus};

pub fn codes() -> &'static Codes {
    static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));
    &CODES
}

/// What an operation comes to.
#[derive(Debug, Default)]
pub struct Told {
    pub status: Option<EventStatus>,
    pub delivered_to: Option<DeliveredTo>,
    /// The code of the event that this one takes back.
    pub cancels: Option<String>,
}

impl Told {
    fn of(status: EventStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

pub fn told(trace: &Trace) -> Told {
    let Some(row) = codes().get(&trace.op_code) else { return Told::default() };
    if row.cancels.is_some() {
        return Told { status: Some(row.status), delivered_to: None, cancels: row.cancels.clone() };
    }
    let Some(fine) = finer(row, trace) else { return Told::of(EventStatus::Unknown) };
    let texts = [trace.op_desc.as_str(), trace.op_name.as_str()];
    let to = recipient(&texts[..1]);
    // Each text by itself: one that denies it is enough.
    let status =
        texts.iter().fold(fine.status, |status, text| agreed_on_operation(status, meaning(&[text]), to));
    let delivered_to = (status == EventStatus::Delivered).then(|| to_whom(fine.delivered_to, to));
    Told { status: Some(status), delivered_to, cancels: None }
}

/// The row of the finer code, where there is one. `None`: a delivery to somebody that the table does not know.
fn finer(row: &'static Row, trace: &Trace) -> Option<&'static Row> {
    if row.status == EventStatus::Delivered && !trace.deliver_code.is_empty() {
        return codes().get(&format!("signed:{}", trace.deliver_code.to_ascii_uppercase()));
    }
    let is_failed = row.status == EventStatus::AttemptFailed;
    let why = is_failed.then(|| codes().get(&format!("unsigned:{}", trace.attempt_code))).flatten();
    Some(why.unwrap_or(row))
}
