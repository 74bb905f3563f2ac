//! Carries triggers from the outbox to the escrow provider.
//!
//! claim (a lease, committed) → send → store what came of it. A crash after the claim
//! leaves the lease, which ends by itself; then the trigger goes out again under the same
//! key, and the provider, who may have seen it, acts once. An acknowledgement settles the
//! message, the trigger and, for the confirmation, the order, in one transaction.
//!
//! The worker is rung by the commit that wrote a trigger and looks by itself once a
//! second for retries and for leases that ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Deps;
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::instant::Instant;
use crate::domain::outbox::{Destination, OutboxState};
use crate::escrow::provider::{Commands, Reading};
use crate::faults;
use crate::outbox::rules::{Next, next};
use crate::store::audit::{self, Change};
use crate::store::outbox::{self, Message};
use crate::store::{StoreError, Tx, orders, shipments};
use crate::telemetry;

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
    let Some(provider) = deps.provider.clone() else { return Ok(0) };
    let mut sent = 0;
    while !deps.stopping.has_begun() {
        // No more than are sent at once: what is claimed does not wait behind something slow
        // while its lease runs out, or while its order freezes.
        let together = deps.settings.outbox.concurrency_max;
        let wall = deps.clock.wall();
        let leased_until = wall + chrono::Duration::seconds(i64::from(deps.settings.outbox.lease_seconds));
        let due: Vec<Message> = deps
            .store
            .write(move |tx| Box::pin(async move { outbox::claim(tx, wall, leased_until, together).await }))
            .await?;
        if due.is_empty() {
            break;
        }
        sent += due.len() as u64;
        faults::reached("outbox.claimed");
        let sending = due.into_iter().map(|message| {
            let provider: Arc<dyn Commands> = match message.destination {
                Destination::EscrowWebhook => provider.clone(),
            };
            send(deps, provider, message)
        });
        futures_util::future::join_all(sending).await;
    }
    Ok(sent)
}

/// What came of one attempt.
enum Outcome {
    Acknowledged,
    Later { reason: String, after: Option<Duration> },
    Gone { reason: String },
}

async fn send(deps: &Deps, provider: Arc<dyn Commands>, message: Message) {
    let request = provider.request(message.id, &message.body, deps.clock.wall());
    let outcome = match deps.outbound.send(request).await {
        Ok(answer) => match provider.read(&answer) {
            Reading::Acknowledged => Outcome::Acknowledged,
            Reading::Later { reason, after } => Outcome::Later { reason, after },
            Reading::Gone { reason } => Outcome::Gone { reason },
        },
        // Whether it arrived or not, it goes out again under the same key.
        Err(error) => Outcome::Later { reason: error.to_string(), after: None },
    };
    faults::reached("outbox.sent");
    let id = message.id;
    if let Err(error) = settle(deps, message, outcome).await {
        tracing::error!(%error, trigger = %id, "what came of a trigger could not be stored; it will be sent again");
    }
    faults::reached("outbox.settled");
}

async fn settle(deps: &Deps, message: Message, outcome: Outcome) -> Result<(), StoreError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    match outcome {
        Outcome::Acknowledged => {
            telemetry::trigger_sent("acknowledged");
            deps.store
                .write(move |tx| Box::pin(async move { acknowledge(tx, &message, now, wall).await }))
                .await?;
            // The next of its stream may go now.
            deps.outbox_bell.notify_one();
            Ok(())
        }
        Outcome::Later { reason, after } => {
            let settings = &deps.settings.outbox;
            let chance = fastrand::f64();
            match next(message.attempts + 1, &settings.retry_seconds, settings.jitter, chance, after) {
                Next::After(wait) => {
                    telemetry::trigger_sent("retried");
                    tracing::warn!(trigger = %message.id, attempts = message.attempts + 1, reason, "a trigger did not get through; it will be sent again");
                    let at = wall + chrono::Duration::from_std(wait).unwrap_or_default();
                    deps.store
                        .write(move |tx| {
                            Box::pin(
                                async move { outbox::postpone(tx, &message, at, &reason).await.map(drop) },
                            )
                        })
                        .await
                }
                Next::GiveUp => bury(deps, message, reason, now, wall).await,
            }
        }
        Outcome::Gone { reason } => bury(deps, message, reason, now, wall).await,
    }
}

async fn acknowledge(tx: &Tx, message: &Message, now: Instant, wall: Instant) -> Result<(), StoreError> {
    let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
    if !outbox::acknowledge(tx, message.id, wall).await? {
        // Another attempt was acknowledged before.
        return Ok(());
    }
    let triggers = orders::triggers(tx, message.shipment).await?;
    let Some(trigger) = triggers.into_iter().find(|trigger| trigger.id == message.id) else { return Ok(()) };
    let action = trigger.facts.action;
    orders::acknowledge(tx, message.shipment, message.stream, action, now).await?;
    let mut changes = vec![change("trigger.acknowledged", json!({"trigger": message.id, "action": action}))];
    if action == TriggerAction::ConfirmReceipt {
        // Frozen or not: the provider has acted, and that is the truth now.
        changes.extend(move_order(tx, message, OrderState::Confirmed, None, now).await?);
        for left in outbox::of_stream(tx, message.stream).await? {
            let because = "its order was confirmed while it was frozen";
            if outbox::shift(tx, left.id, &[OutboxState::Frozen], OutboxState::Parked, wall, because).await? {
                changes.push(change("trigger.parked", json!({"trigger": left.id, "because": because})));
            }
        }
    }
    outbox::release_next(tx, message.stream, wall).await?;
    audit::append(tx, message.shipment, &mut shipment.audit, &changes, now).await?;
    shipments::save_progress(tx, &shipment).await?;
    faults::reached("outbox.before_commit");
    Ok(())
}

fn change(action: &str, detail: serde_json::Value) -> Change {
    Change { actor: "provider webhook".to_owned(), action: action.to_owned(), detail }
}

async fn move_order(
    tx: &Tx,
    message: &Message,
    to: OrderState,
    because: Option<String>,
    now: Instant,
) -> Result<Option<Change>, StoreError> {
    let mut order = orders::of_shipment(tx, message.shipment).await?;
    if order.state == to {
        return Ok(None);
    }
    let detail = json!({"from": order.state, "to": to, "because": because});
    (order.state, order.frozen_because, order.updated_at) = (to, because, now);
    orders::save_state(tx, &order).await?;
    Ok(Some(change("order.state", detail)))
}

/// No more tries: a person has to look. The money stays where it is.
async fn bury(
    deps: &Deps,
    message: Message,
    reason: String,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    telemetry::trigger_sent("dead");
    tracing::error!(trigger = %message.id, attempts = message.attempts + 1, reason, "a trigger is a dead letter; see sampan outbox list");
    deps.store
        .write(move |tx| Box::pin(async move { write_off(tx, &message, &reason, now, wall).await }))
        .await?;
    deps.outbox_bell.notify_one();
    Ok(())
}

async fn write_off(
    tx: &Tx,
    message: &Message,
    reason: &str,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
    if !outbox::bury(tx, message, wall, reason).await? {
        // Acknowledged, taken out or claimed by somebody else meanwhile.
        return Ok(());
    }
    let mut changes = vec![change("trigger.dead", json!({"trigger": message.id, "because": reason}))];
    let triggers = orders::triggers(tx, message.shipment).await?;
    let action = triggers.iter().find(|trigger| trigger.id == message.id).map(|trigger| trigger.facts.action);
    if action == Some(TriggerAction::ConfirmReceipt) {
        let because = format!("trigger {} is a dead letter: {reason}", message.id);
        changes.extend(move_order(tx, message, OrderState::Failed, Some(because), now).await?);
    }
    outbox::release_next(tx, message.stream, wall).await?;
    audit::append(tx, message.shipment, &mut shipment.audit, &changes, now).await?;
    shipments::save_progress(tx, &shipment).await
}
