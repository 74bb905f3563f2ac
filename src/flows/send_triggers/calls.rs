//! What is claimed, being sent, and being stored, at this moment.
//!
//! One task owns it all; what it waits for are tasks of their own. A place at a provider is free again when the
//! provider has answered, a place in the house when the answer is stored. While answers are stored, more is sent: as
//! much as a provider answered since the last claim is claimed beside what can go at once, and stands ready
//! ([`door`](super::door)).

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::{JoinError, JoinSet};

use super::attempt::{Line, attempt};
use super::door::{Claimed, Door, MOMENT, Places, claim};
use super::settle::{self, Outcome};
use super::{Deps, doubts, lease};
use crate::domain::instant::Instant;
use crate::domain::outbox::Destination;
use crate::escrow::provider::Provider;
use crate::outbox::gate::Went;
use crate::outbox::rules::rest;
use crate::store::outbox::Message;
use crate::store::{Backend, StoreError};
use crate::{chance, faults, telemetry};

pub struct Calls {
    deps: Deps,
    doors: BTreeMap<&'static str, Door>,
    under_way: JoinSet<Ended>,
    answered: Vec<(Message, Outcome)>,
    storing: JoinSet<usize>,
    /// Claimed to be sent, and what came of it not stored yet.
    unsettled: usize,
    doubts_asked_at: Option<Instant>,
}

/// What came of one call to a provider.
struct Ended {
    provider: &'static str,
    began_at: Instant,
    went: Went,
    what: What,
}

enum What {
    Sent(Box<(Message, Outcome)>),
    /// The attempt broke off: its lease ends by itself.
    Lost,
    /// What came of a question about a doubt is stored already.
    Asked,
}

/// Answers that are stored in one commit; while they are, the next ones gather.
const STORED_TOGETHER: usize = 128;

/// Commits of answers at the same time, where there is more than one writer.
const STORED_SIDE_BY_SIDE: usize = 2;

/// What is in doubt is looked for so often at most, in seconds.
const BETWEEN_DOUBTS: i64 = 1;

impl Calls {
    pub fn new(deps: Deps) -> Self {
        let doors = deps.providers.all().map(|provider| (provider.name, Door::default())).collect();
        Self {
            deps,
            doors,
            under_way: JoinSet::new(),
            answered: Vec::new(),
            storing: JoinSet::new(),
            unsettled: 0,
            doubts_asked_at: None,
        }
    }

    pub fn are_none(&self) -> bool {
        self.under_way.is_empty() && self.answered.is_empty() && self.storing.is_empty()
    }

    /// How long nobody has to look, at most `tick`.
    pub fn rest(&self, tick: Duration) -> Duration {
        if self.doors.values().any(Door::has_ready) { tick.min(MOMENT) } else { tick }
    }

    /// There may be something new.
    pub fn look_again(&mut self) {
        self.doors.values_mut().for_each(Door::look_again);
    }

    /// Begins whatever can begin. Says how many messages were claimed to be sent.
    pub async fn go_on(&mut self) -> Result<u64, StoreError> {
        self.gather();
        let begun = self.claim().await;
        // What has ended meanwhile is left to be noticed: it may have let others go, and the claim was before.
        self.carry_on();
        begun
    }

    /// Until something that is under way has ended.
    pub async fn one_ends(&mut self) {
        tokio::select! {
            Some(ended) = self.under_way.join_next() => self.ended(ended),
            Some(stored) = self.storing.join_next() => self.stored(stored),
            else => {}
        }
        self.gather();
    }

    /// Waits for what is under way, and stores what came of it.
    pub async fn finish(&mut self) {
        while !self.are_none() {
            self.gather();
            self.one_ends().await;
        }
    }

    /// Takes in whatever has ended, and lets it be stored.
    fn gather(&mut self) {
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended(ended);
        }
        while let Some(stored) = self.storing.try_join_next() {
            self.stored(stored);
        }
        self.carry_on();
    }

    /// Sends what stands ready, and lets be stored what is answered.
    fn carry_on(&mut self) {
        self.begin_ready();
        let side_by_side = match self.deps.store.backend() {
            // It has one writer.
            Backend::Sqlite => 1,
            Backend::Postgres => STORED_SIDE_BY_SIDE,
        };
        if self.answered.is_empty() || self.storing.len() >= side_by_side {
            return;
        }
        let together = self.answered.len().min(STORED_TOGETHER);
        let answered: Vec<_> = self.answered.drain(..together).collect();
        let deps = self.deps.clone();
        self.storing.spawn(async move {
            let stored = AssertUnwindSafe(settle::settle(&deps, answered)).catch_unwind().await;
            if stored.is_err() {
                tracing::error!("what came of triggers could not be stored; they will be sent again");
            }
            together
        });
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) {
        // A call ends by itself, and catches what breaks off in it.
        let Ok(Ended { provider, began_at, went, what }) = ended else { return };
        match what {
            What::Sent(answered) => self.answered.push(*answered),
            What::Lost => self.unsettled = self.unsettled.saturating_sub(1),
            What::Asked => {}
        }
        let Some(door) = self.doors.get_mut(provider) else { return };
        let (settings, wall) = (&self.deps.settings.outbox, self.deps.clock.wall());
        let asked = match went {
            Went::Failed { asked } => asked,
            Went::Well => {
                door.has_answered();
                None
            }
            Went::Unused => None,
        };
        let rested = door.gate.rests();
        door.gate.ended(began_at, wall, went, |times| {
            let wait = rest(times, &settings.retry_seconds, settings.jitter, chance::share(), asked);
            tracing::warn!(
                provider,
                seconds = wait.as_secs(),
                "an escrow provider fails again and again: its triggers wait"
            );
            chrono::Duration::from_std(wait).unwrap_or_default()
        });
        if rested != door.gate.rests() {
            telemetry::provider_rests(provider, !rested);
            if rested {
                tracing::info!(provider, "an escrow provider is back");
                door.look_again();
            }
        }
    }

    fn stored(&mut self, stored: Result<usize, JoinError>) {
        self.unsettled = self.unsettled.saturating_sub(stored.unwrap_or_default());
        // The next of their streams may go now.
        self.look_again();
    }

    async fn claim(&mut self) -> Result<u64, StoreError> {
        if self.deps.stopping.has_begun() {
            return Ok(0);
        }
        let (wall, leased_until) = lease(&self.deps);
        let places = self.places(wall);
        if places.is_empty() {
            return Ok(0);
        }
        let through: Vec<_> = places.iter().map(|places| (places.provider.name, places.through)).collect();
        let claimed = self
            .deps
            .store
            .write(move |tx| Box::pin(async move { claim(tx, places, wall, leased_until).await }))
            .await;
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(error) => {
                for (provider, through) in through {
                    self.door(provider, |door| door.gate.give_back(through, wall));
                }
                return Err(error);
            }
        };
        if claimed.iter().any(|claimed| !claimed.to_send.is_empty()) {
            faults::reached("outbox.claimed");
        }
        // The commit took its time.
        let wall = self.deps.clock.wall();
        Ok(claimed.into_iter().map(|claimed| self.begin(claimed, wall)).sum())
    }

    fn door(&mut self, provider: &str, change: impl FnOnce(&mut Door)) {
        if let Some(door) = self.doors.get_mut(provider) {
            change(door);
        }
    }

    /// What is to be claimed for each provider that something may be due to.
    fn places(&mut self, wall: Instant) -> Vec<Places> {
        let settings = &self.deps.settings.outbox;
        let most = settings.per_provider_max.min(settings.concurrency_max);
        let mut room = settings.concurrency_max.saturating_sub(self.unsettled);
        let is_time_for_doubts =
            self.doubts_asked_at.is_none_or(|at| wall < at || (wall - at).num_seconds() >= BETWEEN_DOUBTS);
        // What is claimed ahead of one provider leaves each other one its places.
        let to_others = most * self.doors.len().saturating_sub(1);
        let mut all = Vec::new();
        for provider in self.deps.providers.all() {
            let Some(door) = self.doors.get_mut(provider.name) else { continue };
            let Some((through, ahead)) = door.places(most, room, to_others, wall) else { continue };
            room -= through + ahead;
            let can_be_asked = provider.abilities.inquire.is_some() && is_time_for_doubts;
            all.push(Places {
                provider: provider.clone(),
                destination: Destination::escrow(provider.name),
                through,
                to_ask: if can_be_asked { through.div_ceil(4) } else { 0 },
                ahead,
            });
        }
        if is_time_for_doubts && !all.is_empty() {
            self.doubts_asked_at = Some(wall);
        }
        all
    }

    /// Says how many were claimed to be sent.
    fn begin(&mut self, mut claimed: Claimed, wall: Instant) -> u64 {
        let count = claimed.to_send.len();
        self.door(claimed.places.provider.name, |door| door.claimed(&mut claimed, wall));
        let Claimed { places: Places { provider, .. }, to_ask, to_send } = claimed;
        self.unsettled += count;
        for message in to_ask {
            self.under_way.spawn(ask(self.deps.clone(), provider.clone(), wall, message));
        }
        for message in to_send {
            self.under_way.spawn(send(self.deps.clone(), provider.clone(), wall, message));
        }
        count as u64
    }

    /// Sends what stands ready, as far as there are places, and gives back what shall not stand there any longer.
    fn begin_ready(&mut self) {
        let settings = &self.deps.settings.outbox;
        let most = settings.per_provider_max.min(settings.concurrency_max);
        let (wall, is_closing) = (self.deps.clock.wall(), self.deps.stopping.has_begun());
        for provider in self.deps.providers.all() {
            let Some(door) = self.doors.get_mut(provider.name) else { continue };
            let turned_away = door.turn_away(is_closing, wall);
            self.answered.extend(turned_away.map(|message| (message, Outcome::NotBegun)));
            while let Some(message) = door.next(most, wall) {
                self.under_way.spawn(send(self.deps.clone(), provider.clone(), wall, message));
            }
        }
    }
}

async fn send(deps: Deps, provider: Provider, began_at: Instant, mut message: Message) -> Ended {
    let mut line = Line::new(&deps, &provider);
    let outcome = AssertUnwindSafe(attempt(&mut line, &mut message)).catch_unwind().await;
    let went = line.went;
    faults::reached("outbox.sent");
    let what = match outcome {
        Ok(outcome) => What::Sent(Box::new((message, outcome))),
        Err(_) => {
            tracing::error!(trigger = %message.id, "sending a trigger broke off; it will be sent again");
            What::Lost
        }
    };
    Ended { provider: provider.name, began_at, went, what }
}

async fn ask(deps: Deps, provider: Provider, began_at: Instant, message: Message) -> Ended {
    let mut line = Line::new(&deps, &provider);
    let id = message.id;
    let asked = AssertUnwindSafe(doubts::ask(&deps, &mut line, message)).catch_unwind().await;
    let went = line.went;
    match asked {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(%error, trigger = %id, "what became of a trigger could not be stored; it will be asked again");
        }
        Err(_) => {
            tracing::error!(trigger = %id, "asking about a trigger broke off; it will be asked again");
        }
    }
    Ended { provider: provider.name, began_at, went, what: What::Asked }
}
