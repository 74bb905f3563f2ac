//! Everybody whom the daemon calls, and what goes wrong on the way.
//!
//! A call can be lost on its way there (nothing happened) or back (it happened), be answered with an error before
//! anything happened, meet nobody for hours, or be the daemon's last. What must never arrive is noticed here: a
//! confirmation that nothing stands behind, what belongs to another merchant, what says who somebody is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use serde_json::Value;

use super::carrier::{Carrier, problem};
use super::faults::{Faults, Outages};
use super::provider::{Heard, Provider, moves_money, signed};
use crate::clock::Clock;
use crate::domain::escrow::{ReleaseMode, ReleasePolicy, TriggerAction, TriggerFacts};
use crate::domain::id::{MerchantId, ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::faults::Fuse;
use crate::outbound::{Answer, Peers, Request, SendError};
use crate::standard_webhooks::{self, Secret};

pub const CARRIER: &str = "https://carrier.example";
pub const ESCROW: &str = "https://escrow.example/triggers";
pub const API_KEY: &str = "simulated";

pub struct Outside {
    clock: Clock,
    fuse: Fuse,
    books: Mutex<Books>,
}

pub struct Books {
    pub carrier: Carrier,
    pub provider: Provider,
    /// By the address of their endpoint.
    pub shops: BTreeMap<String, Shop>,
    pub secrets_of: BTreeMap<ShipmentId, Private>,
    /// Codes that merchants were sent for their buyers.
    pub codes: BTreeMap<ShipmentId, String>,
    /// Whose buyers object just now.
    pub disputed: BTreeSet<ShipmentId>,
    /// Whose money an operator holds just now.
    pub frozen: BTreeSet<ShipmentId>,
    /// About whose money somebody has said anything.
    pub spoken_about: BTreeSet<ShipmentId>,
    /// Trades of which the provider may have something to say.
    pub to_say: Vec<(ShipmentId, String)>,
    /// Shipments that calls were about, since somebody last looked.
    pub touched: BTreeSet<ShipmentId>,
    pub lines: Vec<String>,
    pub broken: Vec<String>,
    pub carrier_calls: u64,
    pub webhooks: u64,
    faults: Faults,
    dice: fastrand::Rng,
    down: [Outages; 3],
}

pub struct Shop {
    pub merchant: MerchantId,
    pub secret: Secret,
}

/// What the world knows of a shipment, whatever the daemon makes of it.
pub struct Private {
    pub merchant: MerchantId,
    /// What nobody outside may read of it.
    pub words: Vec<String>,
    pub parcels: BTreeSet<ParcelId>,
    pub policy: ReleasePolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Carrier,
    Provider,
    Shop,
}

impl Outside {
    pub fn new(
        clock: Clock,
        fuse: Fuse,
        seed: u64,
        secret: Secret,
        faults: Faults,
        (start, days): (Instant, u32),
    ) -> Arc<Self> {
        let mut dice = fastrand::Rng::with_seed(seed);
        let down = [0, 1, 2].map(|_| Outages::new(&mut dice, faults.down, start, days));
        let books = Books {
            carrier: Carrier::default(),
            provider: Provider::new(secret, start),
            shops: BTreeMap::new(),
            secrets_of: BTreeMap::new(),
            codes: BTreeMap::new(),
            disputed: BTreeSet::new(),
            frozen: BTreeSet::new(),
            spoken_about: BTreeSet::new(),
            to_say: Vec::new(),
            touched: BTreeSet::new(),
            lines: Vec::new(),
            broken: Vec::new(),
            carrier_calls: 0,
            webhooks: 0,
            faults,
            dice,
            down,
        };
        Arc::new(Self { clock, fuse, books: Mutex::new(books) })
    }

    /// A panic elsewhere leaves them as they were.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers for Outside {
    fn answer(&self, request: Request) -> Option<Result<Answer, SendError>> {
        if self.fuse.burns_down() {
            return None;
        }
        let answer = self.books().answer(&request, self.clock.now());
        if self.fuse.burns_down() { None } else { Some(answer) }
    }
}

impl Books {
    /// From now on nothing goes wrong any more.
    pub fn calm_down(&mut self) {
        self.faults = super::Level::None.faults();
        self.down = [0, 1, 2].map(|_| Outages::new(&mut self.dice, 0.0, Instant::default(), 0));
    }

    fn answer(&mut self, request: &Request, now: Instant) -> Result<Answer, SendError> {
        let peer = match &request.url {
            url if url.starts_with(CARRIER) => Peer::Carrier,
            url if url.starts_with(ESCROW) => Peer::Provider,
            _ => Peer::Shop,
        };
        let is_down = match peer {
            Peer::Carrier => &self.down[0],
            Peer::Provider => &self.down[1],
            Peer::Shop => &self.down[2],
        };
        if is_down.covers(now) || self.dice.f64() < self.faults.requests_lost {
            self.lines.push(format!("{peer:?} is not reached"));
            return Err(SendError::NotSent("nobody is there".to_owned()));
        }
        if self.dice.f64() < self.faults.errors {
            self.lines.push(format!("{peer:?} answers with an error"));
            return Ok(problem([500, 502, 503][self.dice.usize(..3)], "Try again later."));
        }
        let answer = match peer {
            Peer::Carrier => self.ask_carrier(request, now),
            Peer::Provider => self.tell_provider(request, now),
            Peer::Shop => self.tell_shop(request, now),
        };
        if self.dice.f64() < self.faults.answers_lost {
            self.lines.push(format!("{peer:?} is not heard"));
            return Err(SendError::NoAnswer("timed out".to_owned()));
        }
        Ok(answer)
    }

    fn ask_carrier(&mut self, request: &Request, now: Instant) -> Answer {
        self.carrier_calls += 1;
        let number = request.url.split_once("trackingNumber=").map(|(_, rest)| rest);
        let number = number.and_then(|rest| rest.split('&').next()?.parse().ok());
        if let Some(label) = number.as_ref().and_then(|number| self.carrier.label(number)) {
            self.touched.insert(label.parcel.shipment);
        }
        let mut answer = self.carrier.answer(number, now);
        if self.dice.f64() < self.faults.answers_spoilt {
            if self.dice.bool() {
                answer = problem(429, "More than one a second.");
                answer.retry_after = Some(std::time::Duration::from_secs(self.dice.u64(1..600)));
            } else {
                // UTF-8 may be cut as well.
                answer.body.truncate(answer.body.len() / 2);
            }
        }
        self.lines.push(format!("asked: {} {}", answer.status, answer.body.len()));
        answer
    }

    fn tell_provider(&mut self, request: &Request, now: Instant) -> Answer {
        match self.provider.take(request, now) {
            Ok((answer, None)) => {
                self.lines.push(format!("provider is asked: {}", answer.status));
                answer
            }
            Ok((answer, Some(heard))) => {
                let TriggerFacts { shipment, action, .. } = heard.facts;
                if heard.is_new && moves_money(&heard.facts) {
                    self.to_say.push((shipment, heard.facts.payment_reference.clone()));
                }
                self.touched.insert(shipment);
                self.lines.push(format!("provider hears {action} of {shipment}, new: {}", heard.is_new));
                if let Err(reason) = self.stands_behind(&heard, now) {
                    self.broken.push(reason);
                }
                self.leaks(request, shipment);
                answer
            }
            Err(reason) => {
                self.broken.push(reason);
                problem(422, "refused")
            }
        }
    }

    /// Of a confirmation, each parcel's delivery has to be what the carrier said.
    fn stands_behind(&self, heard: &Heard, now: Instant) -> Result<(), String> {
        let TriggerFacts { shipment, action, evidence, .. } = &heard.facts;
        let is_spoken_about = self.spoken_about.contains(shipment);
        if *action == TriggerAction::Refund && !is_spoken_about {
            return Err(format!("{shipment} is refunded, and nobody has said a word about it"));
        }
        if *action != TriggerAction::ConfirmReceipt || !heard.is_new {
            return Ok(());
        }
        if self.disputed.contains(shipment) {
            return Err(format!("{shipment} is confirmed while its buyer objects"));
        }
        if self.frozen.contains(shipment) {
            return Err(format!("{shipment} is confirmed while an operator holds it"));
        }
        if evidence.parcels.is_empty() {
            return Err(format!("{shipment} is confirmed, and nothing stands behind it"));
        }
        if let Some(private) = self.secrets_of.get(shipment) {
            is_whole(private, &heard.facts)?;
            if !is_spoken_about {
                is_waited_for(private, &heard.facts, now)?;
            }
        }
        for proof in &evidence.parcels {
            let number = proof.tracking_number.as_ref().and_then(|number| number.parse().ok());
            let label = number.and_then(|number| self.carrier.label(&number));
            let label = label.filter(|label| label.parcel == proof.parcel);
            if !label.is_some_and(|label| label.told_delivered(proof.occurred_at, now)) {
                return Err(format!(
                    "{shipment} is confirmed, and nobody said that {} is delivered",
                    proof.parcel
                ));
            }
        }
        Ok(())
    }

    fn tell_shop(&mut self, request: &Request, now: Instant) -> Answer {
        self.webhooks += 1;
        let Some(shop) = self.shops.get(&request.url) else {
            self.broken.push(format!("a call to nobody: {}", request.url));
            return problem(404, "nobody");
        };
        let merchant = shop.merchant;
        let body = request.body.as_deref().unwrap_or_default();
        let secrets = std::slice::from_ref(&shop.secret);
        if let Err(refused) = standard_webhooks::verify(secrets, &signed(request), body, now, 300) {
            self.broken.push(format!("{merchant} refuses a signature: {refused}"));
            return problem(401, "refused");
        }
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let shipment = message["data"]["shipment"].as_str().and_then(|id| id.parse::<ShipmentId>().ok());
        if let Some(shipment) = shipment {
            let owner = self.secrets_of.get(&shipment).map(|private| private.merchant);
            if owner.is_some_and(|owner| owner != merchant) {
                self.broken.push(format!("{merchant} is told of {shipment}, which is another's"));
            }
            self.leaks(request, shipment);
            if let Some(code) = message["data"]["code"].as_str() {
                self.codes.insert(shipment, code.to_owned());
            }
        }
        self.lines.push(format!("{merchant} is told {} of {shipment:?}", message["type"]));
        Answer { status: 200, ..Answer::default() }
    }

    fn leaks(&mut self, request: &Request, shipment: ShipmentId) {
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default());
        let Some(private) = self.secrets_of.get(&shipment) else { return };
        if let Some(word) = private.words.iter().find(|word| body.contains(word.as_str())) {
            self.broken.push(format!("what is sent of {shipment} says {word:?}"));
        }
    }
}

/// Every parcel whose money it is has to be proved, and no other.
fn is_whole(private: &Private, facts: &TriggerFacts) -> Result<(), String> {
    let is_concerned = |parcel: &&ParcelId| facts.parcel.is_none_or(|number| parcel.number == number);
    let concerned: BTreeSet<_> = private.parcels.iter().filter(is_concerned).copied().collect();
    let proved: BTreeSet<_> = facts.evidence.parcels.iter().map(|proof| proof.parcel).collect();
    if concerned == proved {
        return Ok(());
    }
    Err(format!("{} is confirmed for {concerned:?}, and what stands behind it is {proved:?}", facts.shipment))
}

/// Where nobody says that it may be sooner.
fn is_waited_for(private: &Private, facts: &TriggerFacts, now: Instant) -> Result<(), String> {
    let policy = &private.policy;
    let proofs = || facts.evidence.parcels.iter();
    let waits = policy.release == ReleaseMode::AfterWindow
        || proofs().any(|proof| proof.delivered_to.is_some_and(|to| policy.wait_for_window.contains(&to)));
    let window = TimeDelta::days(if waits { i64::from(policy.days) } else { 0 });
    let wait = window.max(TimeDelta::minutes(i64::from(policy.dwell_minutes)));
    match proofs().map(|proof| proof.occurred_at + wait).max() {
        Some(earliest) if earliest > now => {
            Err(format!("{} is confirmed before {earliest}, and nobody said that it may be", facts.shipment))
        }
        Some(_) | None => Ok(()),
    }
}
