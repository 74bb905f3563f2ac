//! The generic provider: signed Standard Webhooks to `POST /triggers`.
//!
//! Signed by a shared secret (`v1`) or by an ed25519 key (`v1a`), over `id.timestamp.body`. The id
//! is the `Idempotency-Key` too. What was done of an order, or a parcel, is not done again under
//! another key: that is refused and counted, and an honest sender leaves the count at nought.
//! `GET /triggers/{id}` and `GET /triggers?payment_reference=…`, signed without a body, say what
//! became of a trigger, and how a trade stands.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ask::{Action, Ask, Format, Refusal};
use super::books::{Books, Verdict};
use super::crypto::{EdPrivate, EdPublic};
use super::trade::Trade;
use super::wire::{Asked, Reply, Turned, Wire, pairs, unescape};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::money::Money;
use crate::standard_webhooks::{self, Refused, Secret, Signed};

const TOLERANCE_SECONDS: u32 = 300;

pub struct Webhook {
    pub secret: Secret,
    pub merchant: Option<EdPublic>,
    /// Signs notifications; without one the secret does.
    pub provider: Option<EdPrivate>,
}

#[derive(Deserialize)]
struct Message {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    order: String,
    action: Action,
    payment_reference: Option<String>,
    parcel: Option<u16>,
    amount: Option<String>,
    currency: Option<String>,
    sequence: Option<u16>,
}

pub enum Call {
    Trigger(Ask),
    AboutTrigger(String),
    AboutTrade(String),
}

impl Wire for Webhook {
    type Call = Call;

    fn read(&self, asked: &Asked, now: Instant) -> Result<Call, Turned> {
        let header = |name| (asked.header)(name);
        let (id, timestamp) = (header(standard_webhooks::ID), header(standard_webhooks::TIMESTAMP));
        let signature = header(standard_webhooks::SIGNATURE);
        let signed =
            Signed { id: id.as_deref(), timestamp: timestamp.as_deref(), signature: signature.as_deref() };
        if let Err(refused) = self.verify(&signed, asked.body, now) {
            return Err(Turned::Unbelieved(error(401, &refused.to_string())));
        }
        if asked.method == "GET" {
            return question(asked)
                .ok_or_else(|| Turned::Unreadable(error(400, "about which trigger or trade")));
        }
        trigger(header("idempotency-key"), id, asked.body)
            .map(Call::Trigger)
            .map_err(|what| Turned::Unreadable(error(400, what)))
    }

    fn key(call: &Call) -> Option<&str> {
        match call {
            Call::Trigger(ask) => Some(&ask.key),
            Call::AboutTrigger(_) | Call::AboutTrade(_) => None,
        }
    }

    fn perform(&self, call: Call, books: &mut Books, now: Instant) -> Reply {
        match call {
            Call::Trigger(ask) => told(books.perform(ask, now)),
            Call::AboutTrigger(id) => match books.by_key(&id) {
                Some(trigger) => match trigger.refused {
                    None => Reply::json(200, &json!({ "id": id, "state": "took_effect" })),
                    Some(why) if why.may_pass() => {
                        Reply::json(404, &json!({ "id": id, "state": "not_there", "reason": why }))
                    }
                    Some(why) => Reply::json(200, &json!({ "id": id, "state": "refused", "reason": why })),
                },
                None => Reply::json(404, &json!({ "id": id, "state": "not_there" })),
            },
            Call::AboutTrade(reference) => {
                books.release_due(now);
                Reply::json(200, &standing(&reference, books.find(Format::Webhook, &reference)))
            }
        }
    }

    fn unknown(&self, _: &Call, _: Instant) -> Reply {
        error(500, "nobody knows what became of it")
    }

    fn refused(&self, _: &Call, _: Instant) -> Reply {
        error(422, "refused on purpose")
    }
}

fn question(asked: &Asked) -> Option<Call> {
    if let Some(id) = asked.path.strip_prefix("/triggers/") {
        return unescape(id).map(Call::AboutTrigger);
    }
    let mut fields = pairs(asked.query)?.into_iter();
    fields.find(|(name, _)| name == "payment_reference").map(|(_, reference)| Call::AboutTrade(reference))
}

fn trigger(key: Option<String>, id: Option<String>, body: &[u8]) -> Result<Ask, &'static str> {
    let Some(key) = key.filter(|key| Some(key) == id.as_ref()) else {
        return Err("Idempotency-Key has to be webhook-id");
    };
    let Ok(Message { data }) = serde_json::from_slice(body) else {
        return Err("data.order and data.action are needed");
    };
    // A declaration is no trigger.
    if data.action == Action::Declare {
        return Err("data.action is no trigger");
    }
    let reference = data.payment_reference.as_ref().unwrap_or(&data.order);
    let mut ask = Ask::new(Format::Webhook, &key, reference, data.action, Sha256::digest(body).into());
    ask.amount = match (&data.amount, &data.currency) {
        (Some(amount), Some(currency)) => {
            let money = currency.parse().ok().and_then(|currency| Money::parse(amount, currency).ok());
            Some(money.ok_or("data.amount is no amount in data.currency")?)
        }
        (_, _) => None,
    };
    (ask.order, ask.share, ask.is_whole) = (data.order, data.parcel, true);
    ask.sequence = data.sequence;
    Ok(ask)
}

fn told(verdict: Verdict) -> Reply {
    match verdict {
        Verdict::Done { trigger, .. } => {
            let (id, order, action) = (trigger.id, trigger.order, trigger.action);
            Reply::json(200, &json!({ "id": id, "order": order, "action": action, "accepted": true }))
        }
        Verdict::Refused { trigger, why } => {
            let status = match why {
                Refusal::NoSuchTrade => 404,
                Refusal::Frozen | Refusal::TooEarly => 423,
                Refusal::DoneAlready => 409,
                Refusal::OtherCurrency
                | Refusal::NoAmount
                | Refusal::Exceeds
                | Refusal::NothingLeft
                | Refusal::Closed
                | Refusal::NotTheWhole => 422,
            };
            Reply::json(status, &json!({ "id": trigger.id, "error": why }))
        }
        Verdict::OtherBody => error(422, "the key was used for another body"),
    }
}

/// How a trade stands; what nobody said is left out.
fn standing(reference: &str, trade: Option<&Trade>) -> Value {
    let Some(trade) = trade else {
        return json!({ "payment_reference": reference, "state": "absent" });
    };
    let state = match (trade.is_refunded(), trade.is_over()) {
        (true, _) => "refunded",
        (false, true) => "released",
        (false, false) => "open",
    };
    let mut fields = json!({ "payment_reference": reference, "state": state, "frozen": trade.frozen });
    if let Some(held) = trade.held {
        let amount = |minor| json!(Money::new(minor, held.currency).amount());
        fields["held"] = json!(held);
        fields["released"] = amount(trade.released_minor);
        fields["refunded"] = amount(trade.refunded_minor);
    }
    if let Some(deadline) = trade.terms.release_deadline_at {
        fields["releases_at"] = json!(rfc3339(deadline));
    }
    fields
}

impl Webhook {
    /// The other checks come before any signature is compared, so they hold for both kinds.
    fn verify(&self, signed: &Signed, body: &[u8], now: Instant) -> Result<(), Refused> {
        let secrets = std::slice::from_ref(&self.secret);
        match standard_webhooks::verify(secrets, signed, body, now, TOLERANCE_SECONDS) {
            Err(Refused::NoSignatureMatches) if self.is_by_key(signed, body) => Ok(()),
            verified => verified,
        }
    }

    fn is_by_key(&self, signed: &Signed, body: &[u8]) -> bool {
        let Some(key) = &self.merchant else { return false };
        let message = message(signed.id.unwrap_or_default(), signed.timestamp.unwrap_or_default(), body);
        let mut signatures = signed.signature.unwrap_or_default().split(' ');
        signatures.any(|one| one.strip_prefix("v1a,").is_some_and(|one| key.verifies(&message, one)))
    }

    /// The headers of a notification, by their names.
    pub fn headers(&self, id: &str, now: Instant, body: &[u8]) -> Vec<(&'static str, String)> {
        let timestamp = now.timestamp();
        let signature = match &self.provider {
            Some(key) => format!("v1a,{}", key.sign(&message(id, &timestamp.to_string(), body))),
            None => standard_webhooks::sign(&self.secret, id, timestamp, body),
        };
        vec![
            (standard_webhooks::ID, id.to_owned()),
            (standard_webhooks::TIMESTAMP, timestamp.to_string()),
            (standard_webhooks::SIGNATURE, signature),
        ]
    }
}

fn message(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

fn error(status: u16, what: &str) -> Reply {
    Reply::json(status, &json!({ "error": what }))
}
