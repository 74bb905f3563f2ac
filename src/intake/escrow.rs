//! What is said of an order's money: how it is released, and what an operator does about it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reading::{Errors, FieldError, Object};
use crate::domain::escrow::{ReleaseBy, ReleaseMode, ReleasePolicy, SettledThere};
use crate::domain::event::DeliveredTo;
use crate::domain::money::{Currency, Money};

pub const REASON_CHARACTERS_MAX: usize = 500;
pub const PARCELS_MAX: u32 = 100;

/// `Some(None)` where nothing is said.
pub fn read_policy(payment: &Object) -> Option<Option<ReleasePolicy>> {
    let Some(policy) = payment.object_or_none("release_policy")? else { return Some(None) };
    let release = policy.parsed::<ReleaseMode>("release");
    let days = policy.whole_or("days", 1..=ReleasePolicy::DAYS_MAX, ReleasePolicy::DAYS);
    let dwell_minutes = policy.whole_or("dwell_minutes", 0..=ReleasePolicy::DWELL_MINUTES_MAX, 0);
    let wait_for_window = policy.words_or_none::<DeliveredTo>("wait_for_window", 0..=DeliveredTo::ALL.len());
    let release_by = policy.parsed_or_none::<ReleaseBy>("release_by");
    Some(Some(ReleasePolicy {
        release: release?,
        days: days?,
        dwell_minutes: dwell_minutes?,
        wait_for_window: wait_for_window?,
        release_by: release_by?.unwrap_or(ReleaseBy::Order),
    }))
}

/// Why something is done, and to which parcel's share if not to all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    pub reason: String,
    pub parcel: Option<u16>,
    /// None: all that is left.
    pub amount: Option<Money>,
    /// Names of what is wrong and may be passed over.
    pub set_aside: Option<BTreeSet<String>>,
}

/// That a person settled an order's money where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub reason: String,
    pub outcome: SettledThere,
}

pub fn read_settled(body: &Value) -> Result<Settled, Vec<FieldError>> {
    let errors = Errors::default();
    let read = Object::new(body, String::new(), &errors).and_then(|body| {
        let reason = body.text("reason", 1..=REASON_CHARACTERS_MAX);
        let outcome = body.parsed("outcome");
        Some(Settled { reason: reason?, outcome: outcome? })
    });
    errors.check(read)
}

/// More than can be wrong with all parcels of a shipment at once.
const SET_ASIDE_MAX: usize = 1_000;

/// What of an instruction may be said beside its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    ReasonAlone,
    SetAside,
    Parcel,
    ParcelAndAmount,
}

pub fn read_instruction(body: &Value, says: Says) -> Result<Instruction, Vec<FieldError>> {
    let errors = Errors::default();
    let read = Object::new(body, String::new(), &errors).and_then(|body| {
        let reason = body.text("reason", 1..=REASON_CHARACTERS_MAX);
        let parcel = match says {
            Says::ReasonAlone | Says::SetAside => Some(None),
            Says::Parcel | Says::ParcelAndAmount => body.whole_or_none("parcel", 1..=PARCELS_MAX),
        };
        let amount = if says == Says::ParcelAndAmount { read_amount(&body) } else { Some(None) };
        let set_aside = match says {
            Says::SetAside => body.parsed_array_or_none::<String>("set_aside", 0..=SET_ASIDE_MAX),
            Says::ReasonAlone | Says::Parcel | Says::ParcelAndAmount => Some(None),
        };
        let parcel = parcel?.and_then(|parcel| u16::try_from(parcel).ok());
        let set_aside = set_aside?.map(BTreeSet::from_iter);
        Some(Instruction { reason: reason?, parcel, amount: amount?, set_aside })
    });
    errors.check(read)
}

/// None is said, or a decimal string and its currency.
pub fn read_amount(body: &Object) -> Option<Option<Money>> {
    let text = body.text_or_none("amount", 1..=32)?;
    let currency = body.parsed_or_none::<Currency>("currency")?;
    let wrong = |field, detail: &str| {
        body.errors().add(&body.at(field), detail);
        None
    };
    match (text, currency) {
        (None, None) => Some(None),
        (Some(_), None) => wrong("currency", "is missing beside an amount"),
        (None, Some(_)) => wrong("amount", "is missing beside a currency"),
        (Some(text), Some(currency)) => match Money::parse(&text, currency) {
            Ok(money) => Some(Some(money)),
            Err(error) => wrong("amount", &error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(body: Value, says: Says) -> Vec<String> {
        let errors = read_instruction(&body, says).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn an_instruction_has_a_reason_and_whole_amounts() {
        let good = json!({"reason": "lost", "amount": "12.50", "currency": "CNY", "parcel": 2});
        let read = read_instruction(&good, Says::ParcelAndAmount).expect("an instruction");
        assert_eq!((read.parcel, read.amount.map(|amount| amount.minor)), (Some(2), Some(1_250)));
        for (body, pointers) in [
            (json!({}), vec!["/reason"]),
            (json!({"reason": ""}), vec!["/reason"]),
            (json!({"reason": "lost", "amount": "1"}), vec!["/currency"]),
            (json!({"reason": "lost", "currency": "CNY"}), vec!["/amount"]),
            (json!({"reason": "lost", "amount": "1.001", "currency": "CNY"}), vec!["/amount"]),
            (json!({"reason": "lost", "parcel": 0}), vec!["/parcel"]),
            (json!({"reason": "lost", "who": "me"}), vec!["/who"]),
        ] {
            assert_eq!(wrong(body.clone(), Says::ParcelAndAmount), pointers, "{body}");
        }
        assert_eq!(wrong(json!({"reason": "x", "amount": "1.00"}), Says::ReasonAlone), ["/amount"]);
    }
}
