//! What a person does with a trigger: sends a dead or parked one again, or takes one out.
//!
//! Under the shipment's lock, like everything that changes an order. A trigger whose order
//! is frozen is not sent again by hand either: the evidence for it is what is in doubt.

use serde_json::json;

use super::advance::judge;
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::TriggerId;
use crate::domain::instant::Instant;
use crate::domain::outbox::OutboxState;
use crate::store::audit::{self, Change};
use crate::store::outbox::{self, Message};
use crate::store::shipments::{self, Shipment};
use crate::store::{Store, StoreError, Tx, events, orders};
use crate::tracking;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    Retry,
    Park,
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
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn by_hand(
    store: &Store,
    id: TriggerId,
    what: ByHand,
    now: Instant,
    wall: Instant,
) -> Result<(), HandError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                let message = outbox::find(tx, id).await?.ok_or(HandError::NotThere(id))?;
                let shipment = shipments::lock(tx, message.shipment).await?.ok_or(HandError::NotThere(id))?;
                match what {
                    ByHand::Retry => retry(tx, shipment, message, now, wall).await,
                    ByHand::Park => park(tx, shipment, message, now, wall).await,
                }
            })
        })
        .await
}

async fn retry(
    tx: &Tx,
    mut shipment: Shipment,
    message: Message,
    now: Instant,
    wall: Instant,
) -> Result<(), HandError> {
    let id = message.id;
    let parcels = shipments::parcels(tx, shipment.id).await?;
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let events = events::of_shipment(tx, shipment.id).await?;
    let case = judge(tx, shipment.id, &tracking::fold(&numbers, &events), now).await?;
    let triggers = orders::triggers(tx, shipment.id).await?;
    let action = triggers.iter().find(|trigger| trigger.id == id).map(|trigger| trigger.facts.action);
    if case.decision.state == OrderState::Frozen && action != Some(TriggerAction::Shipped) {
        return Err(HandError::OrderFrozen(case.decision.because.unwrap_or_default()));
    }
    let from = [OutboxState::Dead, OutboxState::Parked];
    if !outbox::shift(tx, id, &from, OutboxState::Waiting, wall, "sent again by an operator").await? {
        return Err(HandError::NotToRetry { id, state: message.state });
    }
    let mut changes = vec![by_operator("trigger.revived", json!({"trigger": id}))];
    let mut order = case.order;
    if action == Some(TriggerAction::ConfirmReceipt) && order.state == OrderState::Failed {
        let detail = json!({"from": order.state, "to": OrderState::ConfirmRequested, "because": null});
        changes.push(by_operator("order.state", detail));
        (order.state, order.frozen_because, order.updated_at) = (OrderState::ConfirmRequested, None, now);
        orders::save_state(tx, &order).await?;
    }
    outbox::release_next(tx, message.stream, wall).await?;
    audit::append(tx, shipment.id, &mut shipment.audit, &changes, now).await?;
    Ok(shipments::save_progress(tx, &shipment).await?)
}

async fn park(
    tx: &Tx,
    mut shipment: Shipment,
    message: Message,
    now: Instant,
    wall: Instant,
) -> Result<(), HandError> {
    let from = [OutboxState::Pending, OutboxState::Waiting, OutboxState::Frozen, OutboxState::Dead];
    if !outbox::shift(tx, message.id, &from, OutboxState::Parked, wall, "parked by an operator").await? {
        return Err(HandError::NotToPark(message.id));
    }
    outbox::release_next(tx, message.stream, wall).await?;
    let changes = [by_operator("trigger.parked", json!({"trigger": message.id}))];
    audit::append(tx, shipment.id, &mut shipment.audit, &changes, now).await?;
    Ok(shipments::save_progress(tx, &shipment).await?)
}

fn by_operator(action: &str, detail: serde_json::Value) -> Change {
    Change { actor: "operator".to_owned(), action: action.to_owned(), detail }
}
