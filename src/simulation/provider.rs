//! The escrow provider: the sandbox's, without a door.
//!
//! It keeps its own books and does each key's command once. An honest sender never makes it refuse anything: a
//! signature, another body under a known key, an action a second time under a new key, more than is held. Whatever it
//! refuses breaks what must always be true, and is said.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::Trouble;
use super::diary::Task;
use super::steps::Done;
use super::world::World;
use crate::clock::{Clock, Hands};
use crate::domain::escrow::TriggerFacts;
use crate::domain::id::{ShipmentId, TriggerId};
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::flows::take_notices;
use crate::outbound::{Answer, Method, Request};
use crate::sandbox::escrow::{EscrowState, Format, ProviderOptions, Rules, Shares, Terms, Trade, Wires};
use crate::standard_webhooks::{self, Secret, Signed};

pub struct Provider {
    escrow: EscrowState,
    /// Its clock is right, whatever the daemon's machine believes.
    hands: Hands,
    pub calls: u64,
}

/// A trigger that took effect just now, or did before.
pub struct Heard {
    pub facts: TriggerFacts,
    pub is_new: bool,
}

impl Provider {
    pub fn new(secret: Secret, start: Instant) -> Self {
        let (clock, hands) = Clock::by_hand(start);
        let rules = Rules { open: false, release_after: None };
        let options = ProviderOptions { seed: 0, shares: Shares::default(), rules, clock, notify: None };
        Self { escrow: EscrowState::new(Wires::webhook(secret), options), hands, calls: 0 }
    }

    /// A buyer has paid. A payment that is there already stays as it is.
    pub fn hold(&self, reference: &str, held: Money, now: Instant) -> bool {
        self.escrow.books().create(Format::Webhook, reference, held, Terms::default(), now).is_ok()
    }

    pub fn trade(&self, reference: &str) -> Option<Trade> {
        self.escrow.books().find(Format::Webhook, reference).cloned()
    }

    pub fn did(&self, trigger: TriggerId) -> bool {
        self.escrow.books().by_key(&trigger.to_string()).is_some_and(|known| known.took_effect)
    }

    /// What is left of a trade is paid out by the merchant's own people, at its console.
    pub fn pay_out(&self, reference: &str, now: Instant) {
        let mut books = self.escrow.books();
        books.set_frozen(Format::Webhook, reference, false);
        books.release_now(Format::Webhook, reference, now);
    }

    /// By currency, what was paid out and what went back.
    pub fn moved(&self) -> BTreeMap<&'static str, [Money; 2]> {
        let mut moved = BTreeMap::new();
        for trade in self.escrow.books().trades() {
            let Some(Money { currency, .. }) = trade.held else { continue };
            let nothing = [Money::new(0, currency); 2];
            let [released, refunded] = moved.entry(currency.code()).or_insert(nothing);
            released.minor += trade.released_minor;
            refunded.minor += trade.refunded_minor;
        }
        moved
    }

    /// None: it was only asked. `Err`: what must not happen, in words.
    pub fn take(&mut self, request: &Request, now: Instant) -> Result<(Answer, Option<Heard>), String> {
        self.calls += 1;
        self.hands.set(now, now);
        if request.method == Method::GET {
            let answer = self.escrow.hear(request);
            return if matches!(answer.status, 200 | 404) { Ok((answer, None)) } else { refused(&answer) };
        }
        let body = request.body.as_deref().unwrap_or_default();
        let message: Value = serde_json::from_slice(body).map_err(|error| format!("a trigger: {error}"))?;
        let facts: TriggerFacts =
            serde_json::from_value(message["data"].clone()).map_err(|error| format!("a trigger: {error}"))?;
        let key: Option<TriggerId> = header(request, "idempotency-key").and_then(|key| key.parse().ok());
        let is_new = !self.did(key.ok_or("a trigger came without its key")?);
        let answer = self.escrow.hear(request);
        if answer.is_success() { Ok((answer, Some(Heard { facts, is_new }))) } else { refused(&answer) }
    }
}

impl Provider {
    /// How a trade stands, signed, as often as it is said under the same number.
    pub fn says(&self, reference: &str, number: u64, now: Instant) -> Option<Request> {
        self.hands.set(now, now);
        self.escrow.notice(Format::Webhook, reference, &format!("notice-{number}"), NOTICES)
    }
}

/// Nobody listens there: what is sent to it is handed to the flow.
const NOTICES: &str = "https://sampan.example/v1/escrow/webhook/notify";
/// Of what it did, and how often it says the same again.
const SAID_SHARE: f64 = 0.5;
const AGAIN_SHARE: f64 = 0.2;

/// Some of what it did it says by itself, minutes or hours after, now and then twice.
pub fn note_notice(world: &mut World, shipment: ShipmentId, reference: String) {
    if world.faults.acts == 0.0 || world.dice.f64() >= SAID_SHARE {
        return;
    }
    let number = world.trace.steps();
    let times = if world.dice.f64() < AGAIN_SHARE { 2 } else { 1 };
    for _ in 0..times {
        let at = world.now + TimeDelta::minutes(world.dice.i64(1..400));
        let reference = reference.clone();
        world.diary.note(at, Task::Notice { shipment, reference, number });
    }
}

pub async fn notify(world: &mut World, reference: &str, number: u64) -> Done {
    let request = world.outside.books().provider.says(reference, number, world.now);
    let Some(request) = request else { return Ok(Some(())) };
    let (deps, body) = (world.deps.clone(), request.body.clone().unwrap_or_default());
    let header = |name: &str| header(&request, name).map(str::to_owned);
    let flow = take_notices::receive(&deps, "webhook", &header, &body);
    let Some(answer) = world.live(flow).await else { return Ok(None) };
    answer.map_err(|error| Trouble::Job { job: "notice", error: error.to_string() })?;
    world.note(&format!("the provider says how {reference} stands"));
    Ok(Some(()))
}

fn refused<T>(answer: &Answer) -> Result<T, String> {
    Err(format!("the provider refuses: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

pub fn signed(request: &Request) -> Signed<'_> {
    Signed {
        id: header(request, standard_webhooks::ID),
        timestamp: header(request, standard_webhooks::TIMESTAMP),
        signature: header(request, standard_webhooks::SIGNATURE),
    }
}
