//! PayPal's calls that are about kept money.
//!
//! Pure. Tracking of an order is keyed by its capture and number, a refund by `PayPal-Request-Id`;
//! without one each refund is another one, as PayPal has it. An order has one capture; either
//! names the trade.

use serde_json::{Value, json};

use super::{Failed, facts};
use crate::domain::instant::Instant;
use crate::domain::money::{Currency, Money};
use crate::sandbox::escrow::ask::{Action, Ask, Format, Refusal, Trigger};
use crate::sandbox::escrow::books::{Books, Verdict};
use crate::sandbox::escrow::wire::{digest, text};

pub enum Call {
    Track(Ask),
    /// Each tracker by itself: its facts, and what to do or why not.
    Batch {
        key: String,
        trackers: Vec<(Value, Result<Ask, String>)>,
    },
    Refund {
        ask: Ask,
        is_keyed: bool,
    },
    ShowOrder(String),
    ShowCapture(String),
    ShowRefund(String),
    ShowTracker(String),
}

type Answer = Result<(u16, Value), Failed>;

const TRACKERS_MAX: usize = 20;

impl Call {
    pub fn read(method: &str, path: &str, request: &str, body: &Value) -> Result<Self, Failed> {
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, steps.as_slice()) {
            ("POST", ["v2", "checkout", "orders", order, "track"]) => {
                track(order, request, body).map(Call::Track)
            }
            ("GET", ["v2", "checkout", "orders", order]) => Ok(Call::ShowOrder((*order).to_owned())),
            ("POST", ["v1", "shipping", "trackers-batch"]) => batch(request, body),
            ("GET", ["v1", "shipping", "trackers", tracker]) => Ok(Call::ShowTracker((*tracker).to_owned())),
            ("POST", ["v2", "payments", "captures", capture, "refund"]) => refund(capture, request, body),
            ("GET", ["v2", "payments", "captures", capture]) => Ok(Call::ShowCapture((*capture).to_owned())),
            ("GET", ["v2", "payments", "refunds", refund]) => Ok(Call::ShowRefund((*refund).to_owned())),
            (_, _) => Err(absent("INVALID_RESOURCE_ID", "no such resource")),
        }
    }

    pub fn key(&self) -> Option<&str> {
        match self {
            Call::Track(ask) | Call::Refund { ask, .. } => Some(&ask.key),
            Call::Batch { key, .. } => Some(key),
            Call::ShowOrder(_) | Call::ShowCapture(_) | Call::ShowRefund(_) | Call::ShowTracker(_) => None,
        }
    }

    pub fn perform(self, books: &mut Books, now: Instant) -> Answer {
        match self {
            Call::Track(ask) => tracked(books, ask, now),
            Call::Batch { trackers, .. } => Ok((200, batched(books, trackers, now))),
            Call::Refund { mut ask, is_keyed } => {
                if !is_keyed {
                    ask.key = format!("paypal:refund:#{}", books.triggers().len());
                    ask.id.clone_from(&ask.key);
                }
                refunded(books, ask, now)
            }
            Call::ShowOrder(order) => {
                books.release_due(now);
                let trade = books.find(Format::Paypal, &order).ok_or_else(no_such)?;
                Ok((200, facts::order(trade, books)))
            }
            Call::ShowCapture(capture) => {
                books.release_due(now);
                let trade = books.find(Format::Paypal, &capture).ok_or_else(no_such)?;
                Ok((200, facts::capture(trade)))
            }
            Call::ShowRefund(id) => {
                let mut refunds = books.triggers().iter().filter(|trigger| is_refund(trigger));
                let found = refunds.find(|trigger| facts::refund_id(trigger) == id).ok_or_else(no_such)?;
                let trade = books.find(Format::Paypal, &found.reference).ok_or_else(no_such)?;
                Ok((200, facts::refund(found, trade)))
            }
            Call::ShowTracker(id) => {
                let about = |trigger: &&Trigger| {
                    trigger.format == Format::Paypal && trigger.took_effect && trigger.id == id
                };
                let told: Vec<&Trigger> = books.triggers().iter().filter(about).collect();
                let last = told.last().ok_or_else(no_such)?;
                Ok((200, facts::tracker(last)))
            }
        }
    }
}

fn is_refund(trigger: &Trigger) -> bool {
    trigger.format == Format::Paypal && trigger.action == Action::Refund && trigger.took_effect
}

fn absent(issue: &'static str, what: &str) -> Failed {
    (404, "RESOURCE_NOT_FOUND", issue, what.to_owned())
}

fn no_such() -> Failed {
    absent("INVALID_RESOURCE_ID", "no such resource")
}

fn invalid(issue: &'static str, what: &str) -> Failed {
    (400, "INVALID_REQUEST", issue, what.to_owned())
}

fn unprocessable(issue: &'static str, what: &str) -> Failed {
    (422, "UNPROCESSABLE_ENTITY", issue, what.to_owned())
}

fn need<'v>(body: &'v Value, name: &str) -> Result<&'v str, Failed> {
    let missing = || invalid("MISSING_REQUIRED_PARAMETER", &format!("{name} is missing or no text"));
    text(body, name).ok_or_else(missing)
}

/// A carrier belongs to each number, and a name to the carrier that PayPal does not know.
fn check_carrier(body: &Value) -> Result<(), Failed> {
    if need(body, "carrier")? == "OTHER" {
        need(body, "carrier_name_other")?;
    }
    Ok(())
}

fn track(order: &str, request: &str, body: &Value) -> Result<Ask, Failed> {
    let (capture, number) = (need(body, "capture_id")?, need(body, "tracking_number")?);
    check_carrier(body)?;
    let id = if request.is_empty() { format!("{capture}-{number}") } else { request.to_owned() };
    let key = format!("paypal:track:{id}");
    let about = format!("track {order}");
    let mut ask = Ask::new(Format::Paypal, &key, order, Action::Ship, digest(&about, body));
    (ask.id, ask.also) = (format!("{capture}-{number}"), Some(capture.to_owned()));
    Ok(ask)
}

fn tracked(books: &mut Books, ask: Ask, now: Instant) -> Answer {
    let trade = books.find(Format::Paypal, &ask.reference).ok_or_else(no_such)?;
    let has_capture = ask.also.as_deref() == Some(facts::capture_id(trade));
    if !has_capture {
        return Err(unprocessable("CAPTURE_ID_NOT_FOUND", "the order has no such capture"));
    }
    let (trigger, again) = done(books, ask, now)?;
    let trade = books.find(Format::Paypal, &trigger.reference).ok_or_else(no_such)?;
    Ok((if again { 200 } else { 201 }, facts::order(trade, books)))
}

fn batch(request: &str, body: &Value) -> Result<Call, Failed> {
    let trackers = body.get("trackers").and_then(Value::as_array);
    let trackers = trackers.ok_or_else(|| invalid("MISSING_REQUIRED_PARAMETER", "trackers are missing"))?;
    if !(1..=TRACKERS_MAX).contains(&trackers.len()) {
        return Err(invalid("INVALID_ARRAY_LENGTH", "1 to 20 trackers at a time"));
    }
    let hash: String = digest("batch", body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let id = if request.is_empty() { &hash } else { request };
    let trackers = trackers.iter().map(|facts| (facts.clone(), tracker(facts))).collect();
    Ok(Call::Batch { key: format!("paypal:batch:{id}"), trackers })
}

fn tracker(facts: &Value) -> Result<Ask, String> {
    let need = |name: &str| text(facts, name).ok_or_else(|| format!("{name} is missing or no text"));
    let (transaction, status) = (need("transaction_id")?, need("status")?);
    let number = text(facts, "tracking_number").unwrap_or("NOTRACKER");
    if number != "NOTRACKER" {
        check_carrier(facts).map_err(|(.., what)| what)?;
    }
    let action = match status {
        "DELIVERED" | "COMPLETED" => Action::Deliver,
        "SHIPPED" | "IN_TRANSIT" | "DROPPED_OFF" | "LOCAL_PICKUP" => Action::Ship,
        _ => return Err(format!("{status} is no status of a shipment that is told here")),
    };
    let key = format!("paypal:tracker:{transaction}:{number}:{action}");
    let mut ask = Ask::new(Format::Paypal, &key, transaction, action, digest("tracker", facts));
    ask.id = format!("{transaction}-{number}");
    Ok(ask)
}

fn batched(books: &mut Books, trackers: Vec<(Value, Result<Ask, String>)>, now: Instant) -> Value {
    let (mut taken, mut errors) = (Vec::new(), Vec::new());
    for (facts, ask) in trackers {
        match ask.and_then(|ask| done(books, ask, now).map_err(|(.., what)| what)) {
            Ok((trigger, _)) => taken.push(json!({
                "transaction_id": facts["transaction_id"],
                "tracking_number": facts["tracking_number"],
                "links": [{ "rel": "self", "method": "GET", "href": format!("/v1/shipping/trackers/{}", trigger.id) }],
            })),
            Err(what) => errors.push(json!({
                "name": "INVALID_REQUEST",
                "message": what,
                "details": [{ "field": "/trackers", "value": facts["transaction_id"], "issue": what }],
            })),
        }
    }
    json!({ "tracker_identifiers": taken, "errors": errors, "links": [] })
}

fn refund(capture: &str, request: &str, body: &Value) -> Result<Call, Failed> {
    let amount = match body.get("amount") {
        None | Some(Value::Null) => None,
        Some(amount) => {
            let bad = || {
                invalid("INVALID_PARAMETER_SYNTAX", "an amount is {\"currency_code\", \"value\"}, both text")
            };
            let currency: Currency = need(amount, "currency_code")?.parse().map_err(|_| bad())?;
            Some(Money::parse(need(amount, "value")?, currency).map_err(|_| bad())?)
        }
    };
    let key = format!("paypal:refund:{request}");
    let about = format!("refund {capture}");
    let mut ask = Ask::new(Format::Paypal, &key, capture, Action::Refund, digest(&about, body));
    (ask.id, ask.amount) = (request.to_owned(), amount);
    Ok(Call::Refund { ask, is_keyed: !request.is_empty() })
}

fn refunded(books: &mut Books, ask: Ask, now: Instant) -> Answer {
    let (trigger, again) = done(books, ask, now)?;
    let trade = books.find(Format::Paypal, &trigger.reference).ok_or_else(no_such)?;
    Ok((if again { 200 } else { 201 }, facts::refund(&trigger, trade)))
}

fn done(books: &mut Books, ask: Ask, now: Instant) -> Result<(Trigger, bool), Failed> {
    let action = ask.action;
    match books.perform(ask, now) {
        Verdict::Done { trigger, again } => Ok((trigger, again)),
        Verdict::Refused { why, .. } => Err(refusal(why, action)),
        Verdict::OtherBody => {
            let what = "the value of PayPal-Request-Id was used for another request";
            Err(unprocessable("DUPLICATE_REQUEST_ID", what))
        }
    }
}

fn refusal(why: Refusal, action: Action) -> Failed {
    let issue = match why {
        Refusal::NoSuchTrade => return no_such(),
        Refusal::NoAmount => return invalid("INVALID_PARAMETER_VALUE", why.as_str()),
        Refusal::Closed if action == Action::Refund => "CAPTURE_FULLY_REFUNDED",
        Refusal::Closed => "CAPTURE_STATUS_NOT_VALID",
        Refusal::OtherCurrency => "CURRENCY_MISMATCH",
        Refusal::Exceeds | Refusal::NothingLeft => "REFUND_AMOUNT_EXCEEDED",
        Refusal::TooEarly | Refusal::Frozen | Refusal::DoneAlready | Refusal::NotTheWhole => {
            "REFUND_NOT_ALLOWED"
        }
    };
    unprocessable(issue, why.as_str())
}
