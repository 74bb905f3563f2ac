//! What buyers say of an order, and what is said in a dispute.

use std::ops::RangeInclusive;

use secrecy::SecretString;
use serde_json::Value;

use super::escrow::{PARCELS_MAX, REASON_CHARACTERS_MAX, read_amount};
use super::reading::{Errors, FieldError, Object};
use crate::domain::dispute::Statement;
use crate::domain::escrow::{DisputeOutcome, DisputeReason, ReleasePolicy};
use crate::domain::money::Money;

const PROOF_CHARACTERS: RangeInclusive<usize> = 1..=16;

/// Something that a buyer says, and what is to show that it is the buyer.
pub struct Proven<T> {
    pub proof: SecretString,
    pub said: T,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    pub reason: DisputeReason,
    /// It may be empty.
    pub said: Statement,
}

fn read<T>(body: &Value, said: impl FnOnce(&Object) -> Option<T>) -> Result<T, Vec<FieldError>> {
    let errors = Errors::default();
    let read = Object::new(body, String::new(), &errors).and_then(|body| said(&body));
    errors.check(read)
}

fn proven<T>(body: &Value, said: impl FnOnce(&Object) -> Option<T>) -> Result<Proven<T>, Vec<FieldError>> {
    read(body, |body| {
        let proof = body.text("proof", PROOF_CHARACTERS);
        let said = said(body);
        Some(Proven { proof: proof?.into(), said: said? })
    })
}

pub fn read_proof(body: &Value) -> Result<Proven<()>, Vec<FieldError>> {
    proven(body, |_| Some(()))
}

pub fn read_extension(body: &Value) -> Result<Proven<u32>, Vec<FieldError>> {
    proven(body, |body| body.whole("days", 1..=ReleasePolicy::EXTENSION_DAYS_MAX))
}

pub fn read_objection(body: &Value) -> Result<Proven<Objection>, Vec<FieldError>> {
    proven(body, |body| {
        let reason = body.parsed::<DisputeReason>("reason");
        let message = body.lines_or_none("message", 1..=Statement::CHARACTERS_MAX);
        let attachments = attachments(body);
        let said = Statement { message: message?.unwrap_or_default(), attachments: attachments? };
        Some(Objection { reason: reason?, said })
    })
}

pub fn read_statement(body: &Value) -> Result<Statement, Vec<FieldError>> {
    read(body, statement)
}

pub fn read_proven_statement(body: &Value) -> Result<Proven<Statement>, Vec<FieldError>> {
    proven(body, statement)
}

fn statement(body: &Object) -> Option<Statement> {
    let message = body.lines("message", 1..=Statement::CHARACTERS_MAX);
    let attachments = attachments(body);
    Some(Statement { message: message?, attachments: attachments? })
}

/// Addresses alone: what is behind them is never fetched.
fn attachments(body: &Object) -> Option<Vec<String>> {
    let addresses = body.parsed_array_or_none::<String>("attachments", 0..=Statement::ATTACHMENTS_MAX)?;
    let addresses = addresses.unwrap_or_default();
    let mut all_good = true;
    for (number, address) in addresses.iter().enumerate() {
        let plain = address.bytes().all(|byte| byte.is_ascii_graphic());
        let behind = address.strip_prefix("https://").filter(|behind| !behind.is_empty() && plain);
        if behind.is_none() || address.len() > Statement::ATTACHMENT_CHARACTERS_MAX {
            let most = Statement::ATTACHMENT_CHARACTERS_MAX;
            let detail = format!("has to be an https address of at most {most} characters");
            body.errors().add(&format!("{}/{number}", body.at("attachments")), detail);
            all_good = false;
        }
    }
    all_good.then_some(addresses)
}

/// What an operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Decided,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    Rejected,
    /// Of the named parcel's share, where the money is released by parcel.
    RefundedInPart {
        amount: Money,
        parcel: Option<u16>,
    },
    /// All that is left, of everything or of one parcel's share.
    RefundedInFull {
        parcel: Option<u16>,
    },
}

impl Decided {
    pub fn outcome(&self) -> DisputeOutcome {
        match self {
            Decided::Rejected => DisputeOutcome::Rejected,
            Decided::RefundedInPart { .. } => DisputeOutcome::RefundedInPart,
            Decided::RefundedInFull { .. } => DisputeOutcome::RefundedInFull,
        }
    }
}

pub fn read_decision(body: &Value) -> Result<Decision, Vec<FieldError>> {
    read(body, |body| {
        let reason = body.text("reason", 1..=REASON_CHARACTERS_MAX);
        let outcome = body.parsed::<DisputeOutcome>("outcome");
        let parcel = body.whole_or_none("parcel", 1..=PARCELS_MAX);
        let amount = read_amount(body);
        let (outcome, amount) = (outcome?, amount?);
        let parcel = parcel?.and_then(|parcel| u16::try_from(parcel).ok());
        let wrong = |field: &str, detail: &str| {
            body.errors().add(&body.at(field), detail);
            None
        };
        let outcome = match (outcome, amount) {
            (DisputeOutcome::Withdrawn, _) => return wrong("outcome", "is the buyer's to say"),
            (DisputeOutcome::RefundedInPart, None) => return wrong("amount", "is missing"),
            (DisputeOutcome::Rejected | DisputeOutcome::RefundedInFull, Some(_)) => {
                return wrong("amount", "belongs to a refund in part");
            }
            (DisputeOutcome::Rejected, None) if parcel.is_some() => {
                return wrong("parcel", "belongs to a refund");
            }
            (DisputeOutcome::Rejected, None) => Decided::Rejected,
            (DisputeOutcome::RefundedInPart, Some(amount)) => Decided::RefundedInPart { amount, parcel },
            (DisputeOutcome::RefundedInFull, None) => Decided::RefundedInFull { parcel },
        };
        Some(Decision { outcome, reason: reason? })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers<T>(read: Result<T, Vec<FieldError>>) -> Vec<String> {
        read.err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn attachments_are_https_addresses_and_not_too_many() {
        let with = |attachments: Value| {
            pointers(read_objection(
                &json!({"proof": "123456", "reason": "damaged", "attachments": attachments}),
            ))
        };
        assert_eq!(with(json!(["https://a.example/1.jpg"])), [""; 0]);
        assert_eq!(with(json!(["http://a.example"])), ["/attachments/0"]);
        assert_eq!(with(json!(["https://a.example", "https://a b"])), ["/attachments/1"]);
        assert_eq!(with(json!([format!("https://{}", "a".repeat(493))])), ["/attachments/0"]);
        assert_eq!(with(json!(vec!["https://a.example"; 11])), ["/attachments"]);
    }

    #[test]
    fn a_message_has_lines_that_end_alike_and_nothing_that_cannot_be_read() {
        let said = |message: &str| read_statement(&json!({"message": message})).map(|said| said.message);
        let expected = "one\n\ttwo\n\nthree";
        for written in ["one\n\ttwo\n\nthree", "one\r\n\ttwo\r\n\r\nthree\r\n", "\none\r\ttwo\r\rthree"] {
            assert_eq!(said(written).expect("a message"), expected, "{written:?}");
        }
        let objection = |message: &str| {
            let body = json!({"proof": "123456", "reason": "damaged", "message": message});
            read_objection(&body).map(|read| read.said.said.message)
        };
        assert_eq!(objection("one\r\n\ttwo\n\nthree").expect("a message"), expected);
        for refused in ["a\0b", "a\u{8}b", "a\u{b}b", "a\u{1b}[2Jb", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!(pointers(said(refused).map(drop)), ["/message"], "{refused:?}");
            assert_eq!(pointers(objection(refused).map(drop)), ["/message"], "{refused:?}");
        }
        assert_eq!(pointers(said(" \r\n\t\n ")), ["/message"], "lines alone say nothing");
        let longest = "ab\r\n".repeat(Statement::CHARACTERS_MAX / 3) + "ab";
        assert_eq!(said(&longest).expect("a message").chars().count(), Statement::CHARACTERS_MAX);
        assert_eq!(pointers(said(&format!("{longest}c"))), ["/message"]);
    }

    #[test]
    fn a_proof_and_a_reason_have_no_lines() {
        let body = json!({"proof": "123\n456", "reason": "damaged", "message": "one\ntwo"});
        assert_eq!(pointers(read_objection(&body)), ["/proof"]);
        let decision = json!({"outcome": "rejected", "reason": "one\ntwo"});
        assert_eq!(pointers(read_decision(&decision)), ["/reason"]);
    }

    #[test]
    fn every_mistake_is_named() {
        assert_eq!(pointers(read_proof(&json!({}))), ["/proof"]);
        assert_eq!(pointers(read_extension(&json!({"proof": "1", "days": 11}))), ["/days"]);
        assert_eq!(pointers(read_objection(&json!({"reason": "no"}))), ["/proof", "/reason"]);
        assert_eq!(pointers(read_statement(&json!({"message": ""}))), ["/message"]);
    }

    #[test]
    fn an_amount_belongs_to_a_refund_in_part() {
        let decided = |body: Value| read_decision(&body);
        let part = json!({"outcome": "refunded_in_part", "amount": "1.00", "currency": "CNY", "reason": "x"});
        assert!(matches!(
            decided(part).expect("a decision").outcome,
            Decided::RefundedInPart { parcel: None, .. }
        ));
        let full = json!({"outcome": "refunded_in_full", "reason": "x", "parcel": 2});
        assert_eq!(decided(full).expect("a decision").outcome, Decided::RefundedInFull { parcel: Some(2) });
        for (body, pointer) in [
            (json!({"outcome": "refunded_in_part", "reason": "x"}), "/amount"),
            (json!({"outcome": "rejected", "amount": "1.00", "currency": "CNY", "reason": "x"}), "/amount"),
            (json!({"outcome": "rejected", "parcel": 1, "reason": "x"}), "/parcel"),
            (json!({"outcome": "withdrawn", "reason": "x"}), "/outcome"),
            (json!({"outcome": "rejected"}), "/reason"),
        ] {
            assert_eq!(pointers(decided(body.clone())), [pointer], "{body}");
        }
    }
}
