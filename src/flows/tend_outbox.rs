//! What a person does with a trigger: sends a dead or parked one again, or takes one out.
//!
//! Under the shipment's lock, like everything that changes an order. A trigger whose order
//! is frozen is not sent again by hand either: the evidence for it is what is in doubt.

use serde_json::json;

use super::advance::{Changes, Occasion, finish};
use super::settle_order::{Case, settle};
use super::{Deps, send_triggers};
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::TriggerId;
use crate::domain::outbox::OutboxState;
use crate::escrow::rules::decide;
use crate::store::outbox::{self, Message};
use crate::store::{StoreError, Tx, shipments};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    Retry,
    Park,
    /// The provider's console shows that it took effect.
    TookEffect,
    /// The provider's console shows that nothing came of it, and nothing will.
    NoEffect,
}

#[derive(Debug, thiserror::Error)]
pub enum HandError {
    #[error("there is no trigger {0}; see `sampan outbox list`")]
    NotThere(TriggerId),
    #[error("trigger {id} is {state}: only a dead or parked one can be sent again")]
    NotToRetry { id: TriggerId, state: OutboxState },
    #[error("trigger {0} is acknowledged or parked already")]
    NotToPark(TriggerId),
    #[error("its order is frozen: {0}")]
    OrderFrozen(String),
    #[error("trigger {0} is not the last word about freezing its order")]
    Overtaken(TriggerId),
    #[error("trigger {0} says whether the order is frozen: freeze or thaw the order, and it is taken back")]
    StillMeant(TriggerId),
    #[error("what came of trigger {0} is known, or somebody is still sending it")]
    NotInDoubt(TriggerId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `actor`: as the audit names whoever does it. Gives the message as it stands then, which the order has a say in: one
/// whose money has moved is parked again at once.
pub async fn by_hand(deps: &Deps, id: TriggerId, what: ByHand, actor: String) -> Result<Message, HandError> {
    match what {
        ByHand::Retry | ByHand::Park => {}
        ByHand::TookEffect | ByHand::NoEffect => {
            say(deps, id, what == ByHand::TookEffect, actor).await?;
            return outbox::find(deps.store.reader(), id).await?.ok_or(HandError::NotThere(id));
        }
    }
    let occasion = Occasion::new(deps, actor);
    deps.store.write(move |tx| Box::pin(async move { write(tx, id, what, &occasion).await })).await
}

async fn write(tx: &Tx, id: TriggerId, what: ByHand, occasion: &Occasion) -> Result<Message, HandError> {
    let message = outbox::find(tx, id).await?.ok_or(HandError::NotThere(id))?;
    let mut shipment = shipments::lock(tx, message.shipment).await?.ok_or(HandError::NotThere(id))?;
    let mut case = Case::load(tx, shipment.id, &occasion.providers).await?;
    let mut changes = Changes::new(occasion);
    match what {
        ByHand::Retry => retry(tx, &mut case, &message, occasion, &mut changes).await?,
        ByHand::Park => park(tx, &case, &message, occasion, &mut changes).await?,
        ByHand::TookEffect | ByHand::NoEffect => {}
    }
    // Read again: what was moved stands differently now.
    let case = Case::load(tx, shipment.id, &occasion.providers).await?;
    settle(tx, &shipment, case, occasion, &mut changes).await?;
    finish(tx, &mut shipment, changes, occasion).await?;
    outbox::find(tx, id).await?.ok_or(HandError::NotThere(id))
}

/// Ends a doubt by a person's word.
async fn say(deps: &Deps, id: TriggerId, took_effect: bool, actor: String) -> Result<(), HandError> {
    let message = outbox::find(deps.store.reader(), id).await?.ok_or(HandError::NotThere(id))?;
    let settled = message.state == OutboxState::Acknowledged;
    if settled || !message.is_in_doubt() || message.leased_until > deps.clock.wall() {
        return Err(HandError::NotInDoubt(id));
    }
    if took_effect {
        send_triggers::acknowledged_by(deps, message, actor).await?;
    } else if !send_triggers::had_no_effect_by(deps, message, actor).await? {
        return Err(HandError::NotInDoubt(id));
    }
    Ok(())
}

async fn retry(
    tx: &Tx,
    case: &mut Case,
    message: &Message,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), HandError> {
    let id = message.id;
    let action = case.triggers.iter().find(|trigger| trigger.id == id).map(|trigger| trigger.facts.action);
    let (state, because) = case.ask(|facts| decide(facts, occasion.now)).order();
    let trigger = case.triggers.iter().find(|trigger| trigger.id == id);
    if let Some(trigger) = trigger.filter(|trigger| !trigger.facts.action.happens_once()) {
        let says_frozen = trigger.facts.action == TriggerAction::Freeze;
        let is_last = trigger.round == case.order.freezes && says_frozen == case.order.provider_frozen;
        if !is_last {
            return Err(HandError::Overtaken(id));
        }
    }
    let stays_true = [TriggerAction::Shipped, TriggerAction::DeclareCustoms];
    let moves = action.is_some_and(|action| action.happens_once() && !stays_true.contains(&action));
    if state == OrderState::Frozen && moves {
        return Err(HandError::OrderFrozen(because.unwrap_or_default()));
    }
    let from = [OutboxState::Dead, OutboxState::Parked];
    let why = "sent again by an operator";
    if !outbox::shift(tx, id, &from, OutboxState::Waiting, occasion.wall, why).await? {
        return Err(HandError::NotToRetry { id, state: message.state });
    }
    changes.add("trigger.revived", json!({"trigger": id}));
    Ok(())
}

async fn park(
    tx: &Tx,
    case: &Case,
    message: &Message,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), HandError> {
    let trigger = case.triggers.iter().find(|trigger| trigger.id == message.id);
    // What it says is meant until something else is said.
    if trigger.is_some_and(|trigger| !trigger.facts.action.happens_once()) && message.is_on_its_way() {
        return Err(HandError::StillMeant(message.id));
    }
    let from = [OutboxState::Pending, OutboxState::Waiting, OutboxState::Frozen, OutboxState::Dead];
    let why = "parked by an operator";
    if !outbox::shift(tx, message.id, &from, OutboxState::Parked, occasion.wall, why).await? {
        return Err(HandError::NotToPark(message.id));
    }
    changes.add("trigger.parked", json!({"trigger": message.id}));
    Ok(())
}
