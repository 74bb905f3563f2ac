//! Asks what became of triggers that were taken out after somebody had begun to send them.
//!
//! Nothing is sent here. Until the lease of the last sender is over nobody asks, since it may
//! still be sending. What a provider cannot be asked about stays in doubt, for a person to end.

use futures_util::future::join_all;

use super::settle::{acknowledged, had_no_effect};
use super::{Deps, ask as ask_provider, lease, read};
use crate::escrow::provider::{Command, Found};
use crate::store::StoreError;
use crate::store::outbox::{self, Message};

pub async fn ask(deps: &Deps) -> Result<(), StoreError> {
    let together = deps.settings.outbox.concurrency_max;
    let (wall, leased_until) = lease(deps);
    let due: Vec<Message> = deps
        .store
        .write(move |tx| {
            Box::pin(async move { outbox::claim_in_doubt(tx, wall, leased_until, together).await })
        })
        .await?;
    for done in join_all(due.into_iter().map(|message| one(deps, message))).await {
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
