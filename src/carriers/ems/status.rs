//! An operation's code, its finer codes and its words, taken together.

use std::sync::LazyLock;

use super::wire::Trace;
use crate::carriers::chinese::{meaning_in_either, recipient};
use crate::carriers::codes::{Codes, Row};
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

pub fn told(trace: &Trace) -> Told {
    let Some(row) = codes().get(&trace.op_code) else { return Told::default() };
    if row.cancels.is_some() {
        return Told { status: Some(row.status), delivered_to: None, cancels: row.cancels.clone() };
    }
    let fine = finer(row, trace);
    let texts = [trace.op_desc.as_str(), trace.op_name.as_str()];
    let to = recipient(&texts[..1]);
    // Each text by itself: one that denies it is enough.
    let status = texts
        .iter()
        .fold(fine.status, |status, text| agreed_on_operation(status, meaning_in_either(&[text]), to));
    let delivered_to = (status == EventStatus::Delivered).then(|| to_whom(fine.delivered_to, to));
    Told { status: Some(status), delivered_to, cancels: None }
}

/// The row of the finer code, where there is one that is known.
fn finer(row: &'static Row, trace: &Trace) -> &'static Row {
    let code = if row.status == EventStatus::Delivered {
        format!("signed:{}", trace.deliver_code.to_ascii_uppercase())
    } else if row.status == EventStatus::AttemptFailed {
        format!("unsigned:{}", trace.attempt_code)
    } else {
        return row;
    };
    codes().get(&code).unwrap_or(row)
}
