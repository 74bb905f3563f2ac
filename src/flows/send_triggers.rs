//! Carries triggers from the outbox to the escrow providers.
//!
//! claim (a lease, counted and committed) → ask, if an earlier sending may have had its effect →
//! send → store what came of it. A crash after the claim leaves the lease, which ends by itself;
//! then the provider is asked what it knows, where it can be asked, and the trigger goes out
//! again under the same key. What is older than the provider keeps its keys, and cannot be asked
//! about, is not sent again: a person decides. An acknowledgement settles the message, the
//! trigger and what it moved, in one transaction.
//!
//! The worker is rung by the commit that wrote a trigger and looks by itself once a
//! second for retries and for leases that ended.

mod doubts;
mod settle;

use std::time::Duration;

pub use doubts::ask_again;
use settle::{Outcome, settle};
pub use settle::{acknowledge, acknowledged, acknowledged_by, had_no_effect, had_no_effect_by, write_off};

use super::{Deps, ask_providers};
use crate::domain::escrow::TriggerFacts;
use crate::domain::instant::Instant;
use crate::domain::outbox::OutboxState;
use crate::escrow::provider::{Command, Found, Provider, Reading};
use crate::faults;
use crate::outbound::SendError;
use crate::store::StoreError;
use crate::store::outbox::{self, Ended, Message};

/// How long the worker sleeps when nobody rings.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs until `stop` says so, and finishes what is under way.
pub async fn work(deps: Deps, mut stop: tokio::sync::watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = run_due(&deps).await {
            tracing::error!(%error, "the outbox cannot be read; it will be looked at again");
        }
        tokio::select! {
            () = deps.outbox_bell.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Sends all that is due. Says how many messages that were.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    if deps.providers.is_empty() {
        return Ok(0);
    }
    doubts::ask(deps).await?;
    let mut sent = 0;
    while !deps.stopping.has_begun() {
        // No more than are sent at once: what is claimed does not wait behind something slow
        // while its lease runs out, or while its order freezes.
        let together = deps.settings.outbox.concurrency_max;
        let (wall, leased_until) = lease(deps);
        let due: Vec<Message> = deps
            .store
            .write(move |tx| Box::pin(async move { outbox::claim(tx, wall, leased_until, together).await }))
            .await?;
        if due.is_empty() {
            break;
        }
        sent += due.len() as u64;
        faults::reached("outbox.claimed");
        futures_util::future::join_all(due.into_iter().map(|message| send(deps, message))).await;
    }
    Ok(sent)
}

/// Now, by the machine's clock, and until when what is claimed now is the claimant's.
fn lease(deps: &Deps) -> (Instant, Instant) {
    let wall = deps.clock.wall();
    (wall, wall + chrono::Duration::seconds(i64::from(deps.settings.outbox.lease_seconds)))
}

async fn send(deps: &Deps, message: Message) {
    let outcome = attempt(deps, &message).await;
    faults::reached("outbox.sent");
    let id = message.id;
    if let Err(error) = settle(deps, message, outcome).await {
        tracing::error!(%error, trigger = %id, "what came of a trigger could not be stored; it will be sent again");
    }
    faults::reached("outbox.settled");
}

async fn attempt(deps: &Deps, message: &Message) -> Outcome {
    let name = message.destination.provider().unwrap_or_default();
    let Some(provider) = deps.providers.get(name) else {
        let reason = format!("the provider {name} is not configured");
        return Outcome::Later { reason, after: None, ended: untouched(message) };
    };
    let facts = match read(&message.body) {
        Ok(facts) => facts,
        Err(reason) => return Outcome::Dead { reason, ended: untouched(message) },
    };
    let command = Command { id: message.id, facts: &facts, body: &message.body };
    if message.was_in_doubt() {
        match ask(deps, provider, &command).await {
            Some(Found::TookEffect) => return Outcome::Acknowledged,
            Some(Found::Refused { reason }) => return Outcome::Dead { reason, ended: Ended::WithoutEffect },
            Some(Found::UnderWay) => {
                let reason = "the provider is still at it".to_owned();
                return Outcome::Later { reason, after: None, ended: Ended::InDoubt };
            }
            Some(Found::NoWord { reason, after }) => {
                return Outcome::Later { reason, after, ended: Ended::InDoubt };
            }
            Some(Found::NotThere) if !is_still_ours(deps, message).await => return Outcome::Overtaken,
            Some(Found::NotThere) => {}
            None if is_forgotten(deps, provider, message) => {
                let reason = "what came of it is not known, and the provider keeps its key no longer";
                return Outcome::Dead { reason: reason.to_owned(), ended: Ended::InDoubt };
            }
            None => {}
        }
    }
    transmit(deps, provider, &command, message).await
}

async fn transmit(deps: &Deps, provider: &Provider, command: &Command<'_>, message: &Message) -> Outcome {
    let request = match provider.request(command, deps.clock.wall()) {
        Ok(request) => request,
        Err(unsayable) => return Outcome::Dead { reason: unsayable.0, ended: untouched(message) },
    };
    match ask_providers::send(deps, provider, request).await {
        Ok(answer) => match provider.read(command, &answer) {
            Reading::Acknowledged => Outcome::Acknowledged,
            Reading::Declared(declared) => Outcome::Declared(declared),
            Reading::Later { reason, after } => Outcome::Later { reason, after, ended: untouched(message) },
            Reading::Unknown { reason, after } => Outcome::Later { reason, after, ended: Ended::InDoubt },
            Reading::Refused { reason } => Outcome::Dead { reason, ended: untouched(message) },
            Reading::Gone { reason } => Outcome::Dead { reason, ended: untouched(message) },
        },
        Err(error @ (SendError::Forbidden(_) | SendError::NotSent(_))) => {
            Outcome::Later { reason: error.to_string(), after: None, ended: untouched(message) }
        }
        Err(error @ (SendError::NoAnswer(_) | SendError::TooLarge(_))) => {
            Outcome::Later { reason: error.to_string(), after: None, ended: Ended::InDoubt }
        }
    }
}

/// Asking takes its time: whether it may still be sent, and by us.
async fn is_still_ours(deps: &Deps, message: &Message) -> bool {
    let found = outbox::find(deps.store.reader(), message.id).await;
    found.is_ok_and(|found| {
        found.is_some_and(|found| {
            found.state == OutboxState::Pending
                && found.leased_until == message.leased_until
                && found.leased_until > deps.clock.wall()
        })
    })
}

/// This attempt had no effect; what is known of those before it stays as it was.
fn untouched(message: &Message) -> Ended {
    if message.was_in_doubt() { Ended::InDoubt } else { Ended::WithoutEffect }
}

/// None: this provider cannot be asked about such a command.
pub async fn ask(deps: &Deps, provider: &Provider, command: &Command<'_>) -> Option<Found> {
    let inquire = provider.abilities.inquire.as_ref()?;
    let request = inquire.about_command(command, deps.clock.wall())?;
    Some(match ask_providers::send(deps, provider, request).await {
        Ok(answer) => inquire.read_about_command(command, &answer),
        Err(error) => Found::NoWord { reason: error.to_string(), after: None },
    })
}

/// Whether the provider may have forgotten the key under which it was sent first.
fn is_forgotten(deps: &Deps, provider: &Provider, message: &Message) -> bool {
    let (Some(kept), Some(first)) = (provider.keeps_keys, message.first_sent_at) else { return false };
    (deps.clock.wall() - first).to_std().is_ok_and(|age| age >= kept)
}

/// The facts of a trigger, from the body that was written when it was made.
fn read(body: &str) -> Result<TriggerFacts, String> {
    #[derive(serde::Deserialize)]
    struct Body {
        data: TriggerFacts,
    }
    let body: Body = serde_json::from_str(body).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(body.data)
}
