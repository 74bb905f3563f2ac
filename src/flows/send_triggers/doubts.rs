//! Asks what became of triggers that go out no more after somebody had begun to send them.
//!
//! Nothing is sent here. What was taken out is asked about as soon as the lease of its last sender is over, since
//! until then that one may still be sending; dead letters and parked ones, whose end a person has to find, now and
//! then. What a provider cannot be asked about stays in doubt, for a person to end.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::Deps;
use super::attempt::{Line, read};
use super::settle::{acknowledged, had_no_effect};
use crate::domain::outbox::{Destination, OutboxState};
use crate::escrow::provider::{Command, Found, Provider};
use crate::outbox::gate::Went;
use crate::store::StoreError;
use crate::store::outbox::{self, Message};

/// How often the provider is asked about one that waits for a person.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// Those that wait for a person.
pub async fn ask_again(deps: &Deps) -> Result<(), StoreError> {
    let providers: Vec<Provider> = deps.providers.all().cloned().collect();
    for provider in providers.iter().filter(|provider| provider.abilities.inquire.is_some()) {
        for state in [OutboxState::Dead, OutboxState::Parked] {
            // As long as it answers: one that is away is not asked a thousand times in vain.
            while waiting(deps, provider, state).await? {}
        }
    }
    Ok(())
}

/// About as many as may be under way to it at once. Says whether it had something to say, and there may be more.
async fn waiting(deps: &Deps, provider: &Provider, state: OutboxState) -> Result<bool, StoreError> {
    let (wall, together) = (deps.clock.wall(), deps.settings.outbox.per_provider_max);
    let destination = Destination::escrow(provider.name);
    let claim = deps.store.write(move |tx| {
        Box::pin(async move {
            outbox::claim_in_doubt(tx, state, &destination, wall, wall + AGAIN, together).await
        })
    });
    let claimed = claim.await?;
    let may_be_more = claimed.len() == together;
    let mut has_answered = false;
    for done in join_all(claimed.into_iter().map(|message| one(deps, provider, message))).await {
        match done {
            Ok(went) => has_answered |= matches!(went, Went::Well),
            Err(error) => {
                tracing::error!(%error, "what became of a trigger could not be stored; it will be asked again");
            }
        }
    }
    Ok(may_be_more && has_answered && !deps.stopping.has_begun())
}

async fn one(deps: &Deps, provider: &Provider, message: Message) -> Result<Went, StoreError> {
    let mut line = Line::new(deps, provider);
    ask(deps, &mut line, message).await?;
    Ok(line.went)
}

/// About one that the caller has claimed to be asked about.
pub async fn ask(deps: &Deps, line: &mut Line<'_>, message: Message) -> Result<(), StoreError> {
    let Ok(facts) = read(&message.body) else { return Ok(()) };
    let command = Command { id: message.id, facts: &facts, body: &message.body };
    match line.ask(&command).await {
        Some(Found::TookEffect) => acknowledged(deps, message).await,
        Some(Found::NotThere | Found::Refused { .. }) => had_no_effect(deps, message).await.map(drop),
        Some(Found::UnderWay | Found::NoWord { .. }) | None => Ok(()),
    }
}
