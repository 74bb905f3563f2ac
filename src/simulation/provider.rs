//! The escrow provider: the sandbox's, without a door.
//!
//! It keeps its own books and does each key's command once. An honest sender never makes it refuse anything: a
//! signature, another body under a known key, an action a second time under a new key, more than is held. Whatever it
//! refuses breaks what must always be true, and is said; but for what comes after it paid by its own deadline, of which
//! nobody else knows until it says so.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;

use super::Trouble;
use super::diary::Task;
use super::steps::Done;
use super::world::World;
use crate::clock::{Clock, Hands};
use crate::domain::escrow::{TriggerAction, TriggerFacts};
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
    pub fn hold(&self, reference: &str, held: Money, deadline: Option<Instant>, now: Instant) -> bool {
        let terms = Terms { release_deadline_at: deadline, ..Terms::default() };
        self.escrow.books().create(Format::Webhook, reference, held, terms, now).is_ok()
    }

    /// Pays whatever is due by its own deadline.
    pub fn keep_time(&self, now: Instant) {
        self.escrow.books().release_due(now);
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
        books.set_frozen(Format::Webhook, reference, false, now);
        books.release_now(Format::Webhook, reference, now);
    }

    /// How many trades it paid by its own deadline.
    pub fn paid_by_itself(&self) -> u64 {
        let is_due = |trade: &&Trade| {
            trade
                .released_by_itself_at
                .zip(trade.terms.release_deadline_at)
                .is_some_and(|(at, due)| due <= at)
        };
        self.escrow.books().trades().filter(is_due).count() as u64
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
        let is_too_late = || moves_money(&facts) && self.has_paid_by_itself(&facts.payment_reference);
        match answer.is_success() {
            true => Ok((answer, Some(Heard { facts, is_new }))),
            false if is_too_late() => Ok((answer, None)),
            false => refused(&answer),
        }
    }

    pub fn has_paid_by_itself(&self, reference: &str) -> bool {
        self.trade(reference).is_some_and(|trade| trade.released_by_itself_at.is_some())
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

pub fn moves_money(facts: &TriggerFacts) -> bool {
    matches!(facts.action, TriggerAction::ConfirmReceipt | TriggerAction::Refund)
}

/// Of the payments of those about whom people do anything, how many the provider pays by itself at last.
const DEADLINE_SHARE: f64 = 0.3;

/// When the provider pays by itself, if it ever does.
pub fn deadline(world: &mut World, paid_at: Instant) -> Option<Instant> {
    let has_one = world.faults.acts > 0.0 && world.dice.f64() < world.faults.acts * DEADLINE_SHARE;
    has_one.then(|| paid_at + TimeDelta::minutes(world.dice.i64(2 * 24 * 60..25 * 24 * 60)))
}

/// Of a payment with a deadline the provider says so, or does not; and one day it is there.
pub fn await_deadline(world: &mut World, shipment: ShipmentId, reference: &str) {
    let trade = world.outside.books().provider.trade(reference);
    let Some(at) = trade.and_then(|trade| trade.terms.release_deadline_at) else { return };
    note_notice(world, shipment, reference.to_owned());
    world.diary.note(at.max(world.now), Task::Deadline { shipment, reference: reference.to_owned() });
}

/// One that is frozen is paid as soon as it is no longer: it is looked at for as long as anything goes wrong.
pub fn come_to_deadline(world: &mut World, shipment: ShipmentId, reference: &str) {
    let (trade, has_paid) = {
        let books = world.outside.books();
        books.provider.keep_time(world.now);
        (books.provider.trade(reference), books.provider.has_paid_by_itself(reference))
    };
    if has_paid {
        world.note(&format!("the provider has paid {reference} by itself"));
        note_notice(world, shipment, reference.to_owned());
    } else if trade.is_some_and(|trade| !trade.is_over()) && world.faults.acts > 0.0 {
        let reference = reference.to_owned();
        world.diary.note(world.now + TimeDelta::days(1), Task::Deadline { shipment, reference });
    }
}

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
