//! What Antom's results mean for money.

use serde_json::{Value, json};

use super::super::json::{Fields, shown};
use super::super::provider::{Declaration, Declared, Found, Reading, Trade, TradeState, Unsayable};
use super::wire::{Outcome, Status, outcome};
use crate::domain::escrow::TriggerFacts;
use crate::domain::id::TriggerId;
use crate::domain::money::{Currency, Money};

/// Failures that are about who asks and how, not about what was asked: mended, the same id goes through.
const TURNED_AWAY: [&str; 12] = [
    "ACCESS_DENIED",
    "CLIENT_FORBIDDEN_ACCESS_API",
    "INVALID_API",
    "INVALID_CLIENT",
    "INVALID_CLIENT_STATUS",
    "INVALID_CONTRACT",
    "INVALID_SIGNATURE",
    "KEY_NOT_FOUND",
    "MEDIA_TYPE_NOT_ACCEPTABLE",
    "METHOD_NOT_SUPPORTED",
    "NO_INTERFACE_DEF",
    "REQUEST_TRAFFIC_EXCEED_LIMIT",
];
/// The id was used before for something else: what that was is not known here.
const USED_BEFORE: &str = "REPEAT_REQ_INCONSISTENT";

pub fn unknown(reason: impl Into<String>) -> Reading {
    Reading::Unknown { reason: reason.into(), after: None }
}

pub fn payment_id(text: &str) -> Result<&str, Unsayable> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text) } else { Err(Unsayable("the payment reference is no payment id of Antom".to_owned())) }
}

pub fn amount_of(facts: &TriggerFacts) -> Result<Value, Unsayable> {
    let currency: Currency = facts
        .currency
        .parse()
        .map_err(|_| Unsayable(format!("{} is no currency", shown(&facts.currency))))?;
    amount(Money::parse(&facts.amount, currency).map_err(|error| Unsayable(error.to_string()))?)
}

/// Antom's rules of amounts (docs.antom.com, November 2026) have two digits for the rupiah, and want noughts in them.
pub fn step_minor(currency: Currency) -> i64 {
    if currency.code() == "IDR" { 100 } else { 1 }
}

pub fn amount(money: Money) -> Result<Value, Unsayable> {
    if money.minor <= 0 {
        return Err(Unsayable("there is nothing to move".to_owned()));
    }
    if money.minor % step_minor(money.currency) != 0 {
        return Err(Unsayable(format!("Antom takes no fractions of {}", money.currency)));
    }
    Ok(json!({"currency": money.currency, "value": money.minor.to_string()}))
}

fn money(fields: &Fields) -> Option<Money> {
    let currency: Currency = fields.text("currency")?.parse().ok()?;
    let minor: i64 = fields.text("value")?.parse().ok()?;
    (minor >= 0).then(|| Money::new(minor, currency))
}

/// `number`: the field in which the answer repeats the command's id.
pub fn command(fields: &Fields, number: &str, id: TriggerId) -> Reading {
    let Some(outcome) = outcome(fields) else { return unknown("the answer has no result") };
    match outcome.status {
        Status::Success if fields.is(number, &id.to_string()) => Reading::Acknowledged,
        Status::Success => unknown("the answer is about another request"),
        Status::Unknown => unknown(outcome.code),
        Status::Failed => failed(outcome),
    }
}

fn failed(outcome: Outcome) -> Reading {
    let reason = outcome.code;
    match reason.as_str() {
        USED_BEFORE | "" => unknown(reason),
        code if TURNED_AWAY.contains(&code) => Reading::Later { reason, after: None },
        _ => Reading::Refused { reason },
    }
}

/// Of a refund that never came, whichever of the two Antom looked for.
const NO_SUCH_REFUND: [&str; 2] = ["REFUND_NOT_EXIST", "ORDER_NOT_EXIST"];

/// `result` says whether the question was answered, `refundStatus` what became of the refund.
pub fn found_refund(fields: &Fields, facts: &TriggerFacts, id: TriggerId) -> Found {
    let no_word = |reason: &str| Found::NoWord { reason: reason.to_owned(), after: None };
    let Some(outcome) = outcome(fields) else { return no_word("the answer has no result") };
    match outcome.status {
        Status::Failed if NO_SUCH_REFUND.contains(&outcome.code.as_str()) => return Found::NotThere,
        Status::Failed | Status::Unknown => return no_word(&outcome.code),
        Status::Success => {}
    }
    if !fields.is("refundRequestId", &id.to_string()) {
        return no_word("the answer is about another refund");
    }
    let asked = facts.currency.parse().ok().and_then(|currency| Money::parse(&facts.amount, currency).ok());
    let refunded = fields.raw("refundAmount").and_then(Fields::of);
    if refunded.is_some_and(|refunded| money(&refunded) != asked) {
        return no_word("another amount was refunded under this id");
    }
    match fields.text("refundStatus").as_deref() {
        Some("SUCCESS") => Found::TookEffect,
        Some("PROCESSING") => Found::UnderWay,
        Some("FAIL") => Found::Refused { reason: "the refund failed".to_owned() },
        other => no_word(&format!("the refund's status {}", shown(other.unwrap_or("is missing")))),
    }
}

/// Where the money went after the payment is not told: it counts as there until it is known otherwise.
pub fn trade(fields: &Fields, payment_reference: &str) -> Result<Trade, String> {
    let Some(outcome) = outcome(fields) else { return Err("the answer has no result".to_owned()) };
    let of_state = |state| Trade {
        state,
        held: None,
        released_minor: None,
        refunded_minor: None,
        release_deadline_at: None,
        frozen: None,
    };
    match outcome.status {
        Status::Failed if outcome.code == "ORDER_NOT_EXIST" => return Ok(of_state(TradeState::Absent)),
        Status::Failed | Status::Unknown => return Err(outcome.code),
        Status::Success => {}
    }
    if !fields.is("paymentId", payment_reference) {
        return Err("the answer is about another payment".to_owned());
    }
    let paid = money(&fields.object("paymentAmount"));
    let refunded_minor = refunds(fields, paid);
    let all_refunded =
        matches!((paid, refunded_minor), (Some(paid), Some(minor)) if minor > 0 && minor >= paid.minor);
    let state = match fields.text("paymentStatus").as_deref() {
        Some("SUCCESS") if all_refunded => TradeState::Refunded,
        Some("SUCCESS") => TradeState::Open,
        Some("FAIL" | "CANCELLED") => TradeState::Closed,
        other => return Err(format!("the payment's status {}", shown(other.unwrap_or("is missing")))),
    };
    Ok(Trade { held: paid, refunded_minor, ..of_state(state) })
}

/// The successful refunds among the transactions that hang on a payment. None: not told, or in another currency.
fn refunds(fields: &Fields, paid: Option<Money>) -> Option<i64> {
    let transactions = fields.objects("transactions")?;
    let successful = transactions.iter().filter(|one| {
        one.is("transactionType", "REFUND")
            && (one.is("transactionStatus", "SUCCESS")
                || one.object("transactionResult").is("resultStatus", "S"))
    });
    successful.map(|one| money(&one.object("transactionAmount"))).try_fold(0_i64, |sum, one| {
        let one = one.filter(|one| paid.is_some_and(|paid| paid.currency == one.currency))?;
        sum.checked_add(one.minor)
    })
}

/// Antom's documents promise neither the request's id nor the payment's in this answer; of a part it repeats the part's
/// own number, as customs knows it. What is there has to be what was asked about.
fn is_about(fields: &Fields, asked: &Declaration) -> bool {
    let id = asked.id.to_string();
    let named = [
        ("declarationRequestId", Some(id.as_str())),
        ("paymentId", Some(asked.payment_reference.as_str())),
        ("customsOrderId", asked.split.as_deref()),
    ];
    let fits = |(name, value): &(&str, Option<&str>)| {
        value.is_none_or(|value| fields.text(name).is_none_or(|text| text == value))
    };
    named.iter().all(fits)
}

pub fn declared(fields: &Fields, asked: &Declaration) -> Result<Declared, Reading> {
    let Some(outcome) = outcome(fields) else { return Err(unknown("the answer has no result")) };
    match outcome.status {
        Status::Success => {}
        Status::Unknown => return Err(unknown(outcome.code)),
        Status::Failed => return Err(failed(outcome)),
    }
    if !is_about(fields, asked) {
        return Err(unknown("the answer is about another declaration"));
    }
    let text = |name: &str| fields.text(name).filter(|text| !text.is_empty());
    Ok(Declared {
        declaration_number: text("customsPaymentId").ok_or_else(|| unknown("no number of a declaration"))?,
        pay_code: text("customsProviderRegistrationId"),
        pay_transaction_id: text("clearingTransactionId"),
        identity_matches: text("identityCheckResult").and_then(|result| match result.as_str() {
            "CHECK_PASSED" => Some(true),
            "CHECK_NOT_PASSED" => Some(false),
            _ => None,
        }),
    })
}
