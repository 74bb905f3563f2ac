//! What a provider's answer proves is believed in the way in which its answers are believed anyway.
//!
//! Looked at again under the shipment's lock: what somebody else settled meanwhile stays as it is.

use super::Deps;
use super::ask::is_given_up;
use crate::domain::id::TriggerId;
use crate::escrow::provider::{Provider, Trade};
use crate::escrow::reconciliation::{Difference, Done, Proof};
use crate::flows::{send_triggers, take_notices};
use crate::store::StoreError;
use crate::store::outbox::{self, Message};

/// Says in the difference what was done about it. `trade`: what the provider says of all of it.
pub async fn prove(
    deps: &Deps,
    provider: &Provider,
    difference: &mut Difference,
    trade: Option<&Trade>,
) -> Result<(), StoreError> {
    let Some(proof) = difference.proof else { return Ok(()) };
    let (done, because) = match (proof, difference.shipment, trade) {
        (Proof::TookEffect(id), _, _) => match own(deps, provider, id).await? {
            Some(message) => {
                send_triggers::acknowledged(deps, message).await?;
                (Done::Acknowledged, None)
            }
            None => (Done::Reported, None),
        },
        (Proof::NoEffect { trigger, claims }, _, _) => {
            let message = own(deps, provider, trigger).await?;
            // What was sent since the provider was asked is another matter.
            let message = message.filter(|it| is_given_up(it.state) && it.claims == claims);
            let is_so = match message {
                Some(message) => send_triggers::had_no_effect(deps, message).await?,
                None => false,
            };
            (if is_so { Done::DoubtEnded } else { Done::Reported }, None)
        }
        (Proof::Moved | Proof::Deadline, Some(shipment), Some(trade)) => {
            let believed = if proof == Proof::Moved { Done::WrittenDown } else { Done::DeadlineLearned };
            match take_notices::believe(deps, provider.name, shipment, trade.clone()).await? {
                None => (believed, None),
                Some(reason) => (Done::NotWritten, Some(reason)),
            }
        }
        (Proof::Moved | Proof::Deadline, _, _) => (Done::Reported, None),
    };
    (difference.done, difference.because) = (done, because);
    Ok(())
}

async fn own(deps: &Deps, provider: &Provider, id: TriggerId) -> Result<Option<Message>, StoreError> {
    let message = outbox::find(deps.store.reader(), id).await?;
    Ok(message.filter(|message| message.destination.provider() == Some(provider.name)))
}
