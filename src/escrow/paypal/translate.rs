//! What PayPal's answers mean. Source: developer.paypal.com (payments v2, orders v2, tracking v1), November 2026.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::json::{Fields, shown};
use super::super::provider::{Found, Reading, Trade, TradeState, Unsayable};
use crate::domain::escrow::{Consignment, TriggerAction, TriggerFacts};
use crate::domain::instant::cut;
use crate::domain::money::{Currency, Money};
use crate::outbound::Answer;

/// Our names of carriers and PayPal's; all others are "other", by their name.
const CARRIERS: [(&str, &str); 3] = [("fedex", "FEDEX"), ("ups", "UPS"), ("usps", "USPS")];

/// Currencies that PayPal takes without decimals where ISO 4217 has two.
const WHOLE: [&str; 2] = ["HUF", "TWD"];

/// Issues of a 422 that no earlier attempt of ours can have caused.
const NEVER: [&str; 14] = [
    "CAPTURE_ID_NOT_FOUND",
    "CURRENCY_MISMATCH",
    "DECIMAL_PRECISION",
    "INVALID_PARAMETER_SYNTAX",
    "INVALID_RESOURCE_ID",
    "ITEM_SKU_MISMATCH",
    "MSP_NOT_SUPPORTED",
    "PARTIAL_REFUND_NOT_ALLOWED",
    "REFUND_CAPTURE_CURRENCY_MISMATCH",
    "REFUND_NOT_ALLOWED",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
    "REFUND_TIME_LIMIT_EXCEEDED",
    "TRANSACTION_DISPUTED",
    "UNSUPPORTED_CURRENCY",
];
/// No effect now, and one under the same id when it is mended.
const NOT_NOW: [&str; 4] = [
    "CAPTURE_STATUS_NOT_VALID",
    "INSUFFICIENT_FUNDS",
    "REFUND_FAILED_INSUFFICIENT_FUNDS",
    "PERMISSION_DENIED",
];

/// As many parcels as PayPal takes at once: what it hears of a payment, it hears of all of it.
const TRACKERS_MAX: usize = 20;

/// The parcels that PayPal is told of.
pub fn told(facts: &TriggerFacts) -> impl Iterator<Item = &Consignment> {
    facts.consignments.iter().take(TRACKERS_MAX)
}

pub fn tracker(capture: &str, one: &Consignment, status: &str) -> Value {
    let known = CARRIERS.iter().find(|(ours, _)| *ours == one.carrier);
    let mut tracker = json!({
        "transaction_id": capture,
        "tracking_number": one.tracking_number,
        "status": status,
        "carrier": known.map_or("OTHER", |(_, theirs)| theirs),
    });
    if known.is_none() {
        tracker["carrier_name_other"] = json!(one.carrier);
    }
    tracker
}

pub fn step_minor(currency: Currency) -> i64 {
    if WHOLE.contains(&currency.code()) { 100 } else { 1 }
}

pub fn amount(facts: &TriggerFacts) -> Result<Value, Unsayable> {
    let money = money_of(facts).ok_or_else(|| Unsayable("the amount cannot be read".to_owned()))?;
    if money.minor <= 0 {
        return Err(Unsayable("there is nothing to move".to_owned()));
    }
    let step_minor = step_minor(money.currency);
    if money.minor % step_minor != 0 {
        return Err(Unsayable(format!("PayPal takes no fractions of {}", money.currency)));
    }
    let value = if step_minor == 1 { money.amount() } else { (money.minor / step_minor).to_string() };
    Ok(json!({"currency_code": money.currency, "value": value}))
}

fn money_of(facts: &TriggerFacts) -> Option<Money> {
    let currency: Currency = facts.currency.parse().ok()?;
    Money::parse(&facts.amount, currency).ok()
}

pub fn money(fields: &Fields) -> Option<Money> {
    let currency: Currency = fields.text("currency_code")?.parse().ok()?;
    Money::parse(&fields.text("value")?, currency).ok()
}

pub fn unknown(reason: impl Into<String>, answer: &Answer) -> Reading {
    Reading::Unknown { reason: reason.into(), after: answer.retry_after }
}

/// Of an answer that is no success.
fn refusal(answer: &Answer, fields: &Fields) -> Reading {
    let name = fields.text("name").unwrap_or_default();
    let details = fields.objects("details").unwrap_or_default();
    let issues: Vec<String> = details.iter().filter_map(|detail| detail.text("issue")).collect();
    let reason = shown(&format!("answered {} {name} {}", answer.status, issues.join(" ")));
    let is_any = |known: &[&str]| issues.iter().any(|issue| known.contains(&issue.as_str()));
    let are_all =
        |known: &[&str]| !issues.is_empty() && issues.iter().all(|issue| known.contains(&issue.as_str()));
    match (answer.status, name.as_str()) {
        // The pass, or the application's rights.
        (401 | 403 | 429, _) => Reading::Later { reason, after: answer.retry_after },
        (400, "INVALID_REQUEST" | "VALIDATION_ERROR") => Reading::Refused { reason },
        (404, "RESOURCE_NOT_FOUND") => Reading::Refused { reason },
        (422, "UNPROCESSABLE_ENTITY") if are_all(&NEVER) => Reading::Refused { reason },
        (422, "UNPROCESSABLE_ENTITY") if is_any(&NOT_NOW) => Reading::Later { reason, after: None },
        _ => unknown(reason, answer),
    }
}

fn text(answer: &Answer) -> Cow<'_, str> {
    String::from_utf8_lossy(&answer.body)
}

/// The order as it is after its parcel was reported.
pub fn tracked(answer: &Answer, order: &str) -> Reading {
    let text = text(answer);
    let Some(fields) = Fields::of(&text) else { return unreadable(answer) };
    match answer.status {
        200 | 201 if fields.is("id", order) => Reading::Acknowledged,
        200..=299 => unknown("the answer is about another order", answer),
        _ => refusal(answer, &fields),
    }
}

/// Every parcel has to be among those that were taken.
pub fn batched(answer: &Answer, capture: &str, facts: &TriggerFacts) -> Reading {
    let text = text(answer);
    let Some(fields) = Fields::of(&text) else { return unreadable(answer) };
    if !answer.is_success() {
        return refusal(answer, &fields);
    }
    let taken = fields.objects("tracker_identifiers").unwrap_or_default();
    let errors = fields.objects("errors").unwrap_or_default();
    let is_taken = |number: Option<&str>| {
        taken.iter().any(|one| {
            one.is("transaction_id", capture) && number.is_none_or(|number| one.is("tracking_number", number))
        })
    };
    let all = told(facts).all(|one| is_taken(Some(&one.tracking_number)));
    if errors.is_empty() && all && is_taken(None) {
        return Reading::Acknowledged;
    }
    let names: Vec<String> = errors.iter().filter_map(|error| error.text("name")).collect();
    let reason = shown(&format!("not all parcels were taken: {}", names.join(" ")));
    let never = ["VALIDATION_ERROR", "RESOURCE_NOT_FOUND", "INVALID_REQUEST"];
    let none_ever =
        taken.is_empty() && !names.is_empty() && names.iter().all(|name| never.contains(&name.as_str()));
    if none_ever { Reading::Refused { reason } } else { unknown(reason, answer) }
}

pub fn refunded(answer: &Answer, facts: &TriggerFacts) -> Reading {
    let text = text(answer);
    let Some(fields) = Fields::of(&text) else { return unreadable(answer) };
    if !matches!(answer.status, 200 | 201) {
        return refusal(answer, &fields);
    }
    let amount = fields.object("amount");
    let is_whole = fields.text("id").is_some_and(|id| !id.is_empty());
    let same = money(&amount).is_some() && money(&amount) == money_of(facts);
    match fields.text("status").as_deref() {
        Some("COMPLETED") if is_whole && same => Reading::Acknowledged,
        Some("FAILED" | "CANCELLED") if is_whole => {
            Reading::Refused { reason: "PayPal could not refund it".to_owned() }
        }
        Some("PENDING") => unknown("the refund is pending", answer),
        _ => unknown("the answer is no refund of this amount", answer),
    }
}

fn unreadable(answer: &Answer) -> Reading {
    let reason = format!("answered {}, and not in JSON", answer.status);
    match answer.status {
        401 | 429 => Reading::Later { reason, after: answer.retry_after },
        _ => unknown(reason, answer),
    }
}

pub fn found_tracker(answer: &Answer, capture: &str, action: TriggerAction) -> Found {
    let no_word = |reason: &str| Found::NoWord { reason: reason.to_owned(), after: answer.retry_after };
    let text = text(answer);
    let Some(fields) = Fields::of(&text) else { return no_word("the answer is no JSON object") };
    match answer.status {
        404 if fields.is("name", "RESOURCE_NOT_FOUND") => Found::NotThere,
        200 if !fields.is("transaction_id", capture) => no_word("the answer is about another capture"),
        200 if action == TriggerAction::Delivered && !fields.is("status", "DELIVERED") => Found::NotThere,
        200 => Found::TookEffect,
        status => no_word(&format!("answered {status}")),
    }
}

pub fn trade(answer: &Answer, capture: &str, releases_after_days: Option<u32>) -> Result<Trade, String> {
    let text = text(answer);
    let fields = Fields::of(&text).ok_or("the answer is no JSON object")?;
    let of_state = |state| Trade {
        state,
        held: None,
        released_minor: None,
        refunded_minor: None,
        release_deadline_at: None,
        frozen: None,
    };
    match answer.status {
        404 if fields.is("name", "RESOURCE_NOT_FOUND") => return Ok(of_state(TradeState::Absent)),
        200 if fields.is("id", capture) => {}
        status => return Err(format!("answered {status}")),
    }
    let is_delayed = fields.is("disbursement_mode", "DELAYED");
    let state = match (fields.text("status").as_deref(), is_delayed) {
        (Some("REFUNDED"), _) => TradeState::Refunded,
        (Some("COMPLETED" | "PARTIALLY_REFUNDED"), true) | (Some("PENDING"), _) => TradeState::Open,
        (Some("COMPLETED" | "PARTIALLY_REFUNDED"), false) => TradeState::Released,
        (Some("DECLINED" | "FAILED"), _) => TradeState::Closed,
        (other, _) => return Err(format!("the status {}", shown(other.unwrap_or("is missing")))),
    };
    let captured_at = fields.text("create_time").and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let release_deadline_at = match (captured_at, releases_after_days) {
        (Some(at), Some(days)) if is_delayed => {
            at.with_timezone(&Utc).checked_add_signed(chrono::Duration::days(i64::from(days))).map(cut)
        }
        _ => None,
    };
    Ok(Trade { held: money(&fields.object("amount")), release_deadline_at, ..of_state(state) })
}
