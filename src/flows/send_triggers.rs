//! Carries triggers from the outbox to the escrow providers.
//!
//! claim (a lease, counted and committed) → ask, if an earlier sending may have had its effect →
//! send → store what came of it. A crash after the claim leaves the lease, which ends by itself;
//! then the provider is asked what it knows, where it can be asked, and the trigger goes out
//! again under the same key. What is older than the provider keeps its keys, and cannot be asked
//! about, is not sent again: a person decides. An acknowledgement settles the message, the
//! trigger and what it moved, in one transaction.
//!
//! The three go on beside each other: while some are sent, what came of others is stored, many in
//! a commit, and more are claimed: as many as can be sent at once, and ahead of a provider that
//! answers fast what it will have dealt with in a moment. Each provider has so many under
//! way and no more; of one that fails again and again nothing is claimed, but a single trigger now
//! and then, until it is back ([`crate::outbox::gate`]). One that is not configured is not looked
//! at: its triggers wait.
//!
//! The worker is rung by the commit that wrote a trigger, here or in another daemon, and looks by
//! itself every `outbox.tick_seconds` for retries and for leases that ended.

mod attempt;
mod calls;
mod door;
mod doubts;
mod settle;
mod together;

use std::time::Duration;

pub use attempt::read;
use calls::Calls;
pub use doubts::ask_again;
pub use settle::{
    acknowledge, acknowledged, acknowledged_by, had_no_effect, had_no_effect_by, moves_money, write_off,
};

use super::{Deps, ask_providers};
use crate::domain::instant::Instant;
use crate::escrow::provider::{Command, Found, Provider};
use crate::store::StoreError;

/// Runs until `stop` says so, and finishes what is under way.
pub async fn work(deps: Deps, mut stop: tokio::sync::watch::Receiver<bool>) {
    let tick = Duration::from_secs(u64::from(deps.settings.outbox.tick_seconds));
    let mut calls = Calls::new(deps.clone());
    while !*stop.borrow() {
        if let Err(error) = calls.go_on().await {
            tracing::error!(%error, "the outbox cannot be read; it will be looked at again");
        }
        let rest = calls.rest(tick);
        tokio::select! {
            () = deps.outbox_bell.notified() => calls.look_again(),
            () = calls.one_ends(), if !calls.are_none() => {}
            () = tokio::time::sleep(rest) => calls.look_again(),
            _ = stop.changed() => {}
        }
    }
    calls.finish().await;
}

/// Sends all that is due. Says how many messages that were.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let mut calls = Calls::new(deps.clone());
    let mut sent = 0;
    loop {
        match calls.go_on().await {
            Ok(begun) => sent += begun,
            Err(error) => {
                calls.finish().await;
                return Err(error);
            }
        }
        if calls.are_none() {
            return Ok(sent);
        }
        calls.one_ends().await;
    }
}

/// Now, by the machine's clock, and until when what is claimed now is the claimant's.
fn lease(deps: &Deps) -> (Instant, Instant) {
    let wall = deps.clock.wall();
    (wall, wall + chrono::Duration::seconds(i64::from(deps.settings.outbox.lease_seconds)))
}

/// None: this provider cannot be asked about such a command.
pub async fn ask(deps: &Deps, provider: &Provider, command: &Command<'_>) -> Option<Found> {
    attempt::Line::new(deps, provider).ask(command).await
}
