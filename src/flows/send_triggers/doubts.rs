//! Asks what became of triggers that go out no more after somebody had begun to send them.
//!
//! Nothing is sent here. What was taken out is asked about as soon as the lease of its last sender is over, since
//! until then that one may still be sending; dead letters and parked ones, whose end a person has to find, now and
//! then. What a provider cannot be asked about stays in doubt, for a person to end.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::{Deps, acknowledged, ask as ask_provider, had_no_effect, lease, read};
use crate::domain::instant::Instant;
use crate::domain::outbox::OutboxState;
use crate::escrow::provider::{Command, Found};
use crate::store::StoreError;
use crate::store::outbox::{self, Message};

/// How often the provider is asked about one that waits for a person.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// Those that were taken out.
pub async fn ask(deps: &Deps) -> Result<(), StoreError> {
    let (_, again_at) = lease(deps);
    in_state(deps, OutboxState::Frozen, again_at).await
}

/// Those that wait for a person.
pub async fn ask_again(deps: &Deps) -> Result<(), StoreError> {
    for state in [OutboxState::Dead, OutboxState::Parked] {
        in_state(deps, state, deps.clock.wall() + AGAIN).await?;
    }
    Ok(())
}

async fn in_state(deps: &Deps, state: OutboxState, again_at: Instant) -> Result<(), StoreError> {
    let (wall, together) = (deps.clock.wall(), deps.settings.outbox.concurrency_max);
    let claim = deps.store.write(move |tx| {
        Box::pin(async move { outbox::claim_in_doubt(tx, state, wall, again_at, together).await })
    });
    for done in join_all(claim.await?.into_iter().map(|message| one(deps, message))).await {
        if let Err(error) = done {
            tracing::error!(%error, "what became of a trigger could not be stored; it will be asked again");
        }
    }
    Ok(())
}

async fn one(deps: &Deps, message: Message) -> Result<(), StoreError> {
    let Some(provider) = message.destination.provider().and_then(|name| deps.providers.get(name)) else {
        return Ok(());
    };
    let Ok(facts) = read(&message.body) else { return Ok(()) };
    let command = Command { id: message.id, facts: &facts, body: &message.body };
    match ask_provider(deps, provider, &command).await {
        Some(Found::TookEffect) => acknowledged(deps, message).await,
        Some(Found::NotThere | Found::Refused { .. }) => had_no_effect(deps, message).await,
        Some(Found::UnderWay | Found::NoWord { .. }) | None => Ok(()),
    }
}
