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

use futures_util::StreamExt;
use serde_json::json;

use super::Deps;
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::TriggerId;
use crate::domain::instant::Instant;
use crate::domain::outbox::Destination;
use crate::escrow::provider::{Commands, Reading};
use crate::faults;
use crate::outbox::rules::{Next, next};
use crate::store::audit::{self, Change};
use crate::store::outbox::{self, Message};
use crate::store::{Store, StoreError, Tx, orders, shipments};
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
    loop {
        let batch = deps.settings.outbox.batch;
        let wall = deps.clock.wall();
        let leased_until = wall + chrono::Duration::seconds(i64::from(deps.settings.outbox.lease_seconds));
        let due: Vec<Message> = deps
            .store
            .write(move |tx| Box::pin(async move { outbox::claim(tx, wall, leased_until, batch).await }))
            .await?;
        if due.is_empty() {
            return Ok(sent);
        }
        sent += due.len() as u64;
        faults::reached("outbox.claimed");
        futures_util::stream::iter(due)
            .for_each_concurrent(deps.settings.outbox.concurrency_max, |message| {
                let provider: Arc<dyn Commands> = match message.destination {
                    Destination::EscrowWebhook => provider.clone(),
                };
                send(deps, provider, message)
            })
            .await;
    }
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
            match next(message.attempts, &settings.retry_seconds, settings.jitter, chance, after) {
                Next::After(wait) => {
                    telemetry::trigger_sent("retried");
                    tracing::warn!(trigger = %message.id, attempts = message.attempts, reason, "a trigger did not get through; it will be sent again");
                    let at = wall + chrono::Duration::from_std(wait).unwrap_or_default();
                    deps.store
                        .write(move |tx| {
                            Box::pin(async move { outbox::postpone(tx, message.id, at, &reason).await })
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
    }
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
    tracing::error!(trigger = %message.id, attempts = message.attempts, reason, "a trigger is a dead letter; see sampan outbox list");
    deps.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
                outbox::bury(tx, message.id, wall, &reason).await?;
                let because = format!("trigger {} is a dead letter: {reason}", message.id);
                let mut changes =
                    vec![change("trigger.dead", json!({"trigger": message.id, "reason": reason}))];
                let confirms = message.body.contains("\"type\":\"escrow.confirm_receipt\"");
                if confirms {
                    changes.extend(move_order(tx, &message, OrderState::Failed, Some(because), now).await?);
                }
                audit::append(tx, message.shipment, &mut shipment.audit, &changes, now).await?;
                shipments::save_progress(tx, &shipment).await
            })
        })
        .await
}

/// What a person does with a message: `sampan outbox retry` and `park`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    Retry,
    Park,
}

/// Says whether the message was in a state for it. The audit says that an operator did it.
pub async fn by_hand(
    store: &Store,
    id: TriggerId,
    what: ByHand,
    now: Instant,
    wall: Instant,
) -> Result<bool, StoreError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                let Some(message) = outbox::find(tx, id).await? else { return Ok(false) };
                let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else {
                    return Ok(false);
                };
                let (done, action) = match what {
                    ByHand::Retry => (outbox::revive(tx, id, wall).await?, "trigger.revived"),
                    ByHand::Park => {
                        (outbox::park(tx, id, wall, "parked by an operator").await?, "trigger.parked")
                    }
                };
                if done {
                    let change = Change {
                        actor: "operator".to_owned(),
                        action: action.to_owned(),
                        detail: json!({"trigger": id}),
                    };
                    audit::append(tx, message.shipment, &mut shipment.audit, &[change], now).await?;
                    shipments::save_progress(tx, &shipment).await?;
                }
                Ok(done)
            })
        })
        .await
}
