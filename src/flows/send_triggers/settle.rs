//! What came of an attempt, written down: the message, the trigger, and what it moved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;

use super::attempt::read;
use super::{Deps, together};
use crate::domain::escrow::{Declared, OrderState, TriggerAction};
use crate::domain::id::{ParcelId, TriggerId};
use crate::domain::instant::rfc3339;
use crate::domain::outbox::{Destination, OutboxState};
use crate::escrow::provider::{Since, Trade};
use crate::escrow::rules::Stands;
use crate::faults;
use crate::flows::advance::{Changes, Occasion, finish};
use crate::flows::notices;
use crate::flows::settle_order::{Case, raise_alarm, settle as settle_order};
use crate::flows::take_notices::believe_under;
use crate::flows::tell_merchants::Notice;
use crate::notifications::EscrowNews;
use crate::store::orders::Trigger;
use crate::store::outbox::{self, Ended, Message};
use crate::store::shipments::{self, Shipment};
use crate::store::{StoreError, Tx, at_once, orders};
use crate::telemetry;

/// What came of one attempt. `ended` is about all attempts so far.
pub enum Outcome {
    Acknowledged,
    Declared(Declared),
    Later {
        reason: String,
        wait: Duration,
        ended: Ended,
    },
    /// Nothing was sent: somebody took it out, or somebody else has it now.
    Overtaken,
    /// Nothing was sent, and its claim is given back.
    NotBegun,
    /// No more by itself: a person has to look, unless the trade says why.
    Dead {
        reason: String,
        ended: Ended,
        /// As its provider said then.
        trade: Option<Trade>,
    },
}

/// How many are stored at the same time, of those that take a transaction each.
const ONE_BY_ONE: usize = 16;

/// Never fails: what cannot be stored is done again when the lease ends.
pub async fn settle(deps: &Deps, answered: Vec<(Message, Outcome)>) {
    let mut taken = BTreeSet::new();
    let (together, one_by_one): (Vec<_>, Vec<_>) = answered.into_iter().partition(|(message, outcome)| {
        matches!(outcome, Outcome::Acknowledged)
            && !may_set_a_clock(deps, message)
            && taken.insert(message.shipment)
    });
    let mut by_provider: BTreeMap<Destination, Vec<Message>> = BTreeMap::new();
    for (message, _) in together {
        by_provider.entry(message.destination.clone()).or_default().push(message);
    }
    let mut left = one_by_one;
    for messages in by_provider.into_values() {
        if let Err(error) = acknowledged_together(deps, messages.clone()).await {
            // Perhaps because of one of them.
            tracing::warn!(%error, "acknowledgements could not be stored together; they are stored one by one");
            left.extend(messages.into_iter().map(|message| (message, Outcome::Acknowledged)));
        }
    }
    let left = left.into_iter().map(|(message, outcome)| async {
        let id = message.id;
        if let Err(error) = one(deps, message, outcome).await {
            tracing::error!(%error, trigger = %id, "what came of a trigger could not be stored; it will be sent again");
        }
        faults::reached("outbox.settled");
    });
    futures_util::stream::iter(left).buffer_unordered(ONE_BY_ONE).collect::<Vec<()>>().await;
}

/// The provider of all of them has them: one of each shipment.
async fn acknowledged_together(deps: &Deps, messages: Vec<Message>) -> Result<(), StoreError> {
    let Some(first) = messages.first() else { return Ok(()) };
    let (occasion, count) = (occasion(deps, first), messages.len());
    let told = deps
        .store
        .write(move |tx| Box::pin(async move { together::acknowledge(tx, &messages, &occasion).await }))
        .await?;
    for _ in 0..count {
        telemetry::trigger_sent("acknowledged");
        faults::reached("outbox.settled");
    }
    if told {
        deps.webhook_bell.notify_one();
    }
    Ok(())
}

async fn one(deps: &Deps, message: Message, outcome: Outcome) -> Result<(), StoreError> {
    match outcome {
        Outcome::Acknowledged => acknowledged(deps, message).await,
        Outcome::Declared(declared) => {
            if declared.identity_matches == Some(false) {
                tracing::error!(trigger = %message.id, "customs was told of a payer who is not the one that a declaration names");
            }
            let occasion = occasion(deps, &message);
            acknowledged_at(deps, message, occasion, Some(declared)).await
        }
        Outcome::Later { reason, wait, ended } => postpone(deps, message, wait, ended, reason).await,
        Outcome::Overtaken => Ok(()),
        Outcome::NotBegun => give_back(deps, message).await,
        Outcome::Dead { reason, ended, trade } => bury(deps, message, reason, ended, trade).await,
    }
}

async fn give_back(deps: &Deps, message: Message) -> Result<(), StoreError> {
    let occasion = occasion(deps, &message);
    let write = async move |tx: &Tx| {
        shipments::lock(tx, message.shipment).await?;
        if outbox::give_back(tx, &message).await? {
            // Taken out meanwhile, it was as good as being sent: what waited for its outcome may go on.
            judge_again(tx, &message, &occasion).await?;
        }
        Ok(())
    };
    deps.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { write(tx).await })).await?;
    deps.outbox_bell.notify_one();
    Ok(())
}

async fn postpone(
    deps: &Deps,
    message: Message,
    wait: Duration,
    ended: Ended,
    reason: String,
) -> Result<(), StoreError> {
    telemetry::trigger_sent("retried");
    tracing::warn!(trigger = %message.id, attempts = message.attempts + 1, reason, "a trigger did not get through; it will be sent again");
    let at = deps.clock.wall() + chrono::Duration::from_std(wait).unwrap_or_default();
    let occasion = occasion(deps, &message);
    let write = async move |tx: &Tx| {
        // The shipment first, as everybody else does.
        let was_in_doubt = message.is_in_doubt();
        shipments::lock(tx, message.shipment).await?;
        if !outbox::postpone(tx, &message, at, ended, &reason).await? && was_in_doubt {
            // Taken out while it was being sent: what waits for its outcome may go on.
            judge_again(tx, &message, &occasion).await?;
        }
        Ok(())
    };
    deps.store.write(move |tx| Box::pin(async move { write(tx).await })).await
}

fn occasion(deps: &Deps, message: &Message) -> Occasion {
    let provider = message.destination.provider().unwrap_or_default();
    Occasion::new(deps, format!("provider {provider}"))
}

/// The provider has it, whoever says so.
pub async fn acknowledged(deps: &Deps, message: Message) -> Result<(), StoreError> {
    let occasion = occasion(deps, &message);
    acknowledged_at(deps, message, occasion, None).await
}

/// The same, by a person's word.
pub async fn acknowledged_by(deps: &Deps, message: Message, actor: String) -> Result<(), StoreError> {
    let occasion = Occasion::new(deps, actor);
    acknowledged_at(deps, message, occasion, None).await
}

async fn acknowledged_at(
    deps: &Deps,
    message: Message,
    occasion: Occasion,
    declared: Option<Declared>,
) -> Result<(), StoreError> {
    telemetry::trigger_sent("acknowledged");
    let write = async move |tx: &Tx| acknowledge_with(tx, &message, declared.as_ref(), &occasion).await;
    deps.store.write(move |tx| Box::pin(async move { write(tx).await })).await?;
    // The next of its stream may go now.
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(())
}

/// It is known that nothing came of a message that was taken out. False: that is not so any more.
pub async fn had_no_effect(deps: &Deps, message: Message) -> Result<bool, StoreError> {
    let actor = occasion(deps, &message).actor;
    had_no_effect_by(deps, message, actor).await
}

pub async fn had_no_effect_by(deps: &Deps, message: Message, actor: String) -> Result<bool, StoreError> {
    let occasion = Occasion::new(deps, actor);
    let is_so = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else {
                    return Ok(false);
                };
                if !outbox::had_no_effect(tx, &message).await? {
                    return Ok(false);
                }
                let mut changes = Changes::new(&occasion);
                changes.add("trigger.no_effect", json!({"trigger": message.id}));
                judge(tx, &shipment, &occasion, &mut changes, None).await?;
                finish(tx, &mut shipment, changes, &occasion).await?;
                Ok::<_, StoreError>(true)
            })
        })
        .await?;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(is_so)
}

/// The same under the caller's transaction.
pub async fn acknowledge(tx: &Tx, message: &Message, occasion: &Occasion) -> Result<(), StoreError> {
    acknowledge_with(tx, message, None, occasion).await
}

/// `declared`: what the provider said beside.
async fn acknowledge_with(
    tx: &Tx,
    message: &Message,
    declared: Option<&Declared>,
    occasion: &Occasion,
) -> Result<(), StoreError> {
    let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
    if !outbox::acknowledge(tx, message.id, occasion.wall).await? {
        // Another attempt was acknowledged before.
        return Ok(());
    }
    let triggers = orders::triggers(tx, message.shipment).await?;
    let Some(trigger) = triggers.into_iter().find(|trigger| trigger.id == message.id) else { return Ok(()) };
    orders::acknowledge(tx, &trigger, declared, occasion.now).await?;
    let mut changes = Changes::new(occasion);
    let action = trigger.facts.action;
    let mut detail = json!({"trigger": message.id, "action": action});
    if let Some(declared) = declared {
        detail["declared"] = json!(declared);
    }
    changes.add("trigger.acknowledged", detail);
    changes.notices.push(about(&shipment, &trigger, |trigger, action| EscrowNews::TriggerAcknowledged {
        trigger,
        action,
    }));
    let is_judged = changes_its_order(action)
        || action == TriggerAction::Shipped && sets_a_clock(tx, &shipment, occasion, &mut changes).await?;
    if is_judged {
        let case = Case::load(tx, shipment.id, &occasion.providers).await?;
        if action == TriggerAction::ConfirmReceipt {
            raise_alarm(&case, trigger.facts.parcel, &shipment, &mut changes);
        }
        settle_order(tx, &shipment, case, occasion, &mut changes).await?;
    } else {
        at_once::release_next(tx, &[message.stream], occasion.wall).await?;
    }
    finish(tx, &mut shipment, changes, occasion).await?;
    faults::reached("outbox.before_commit");
    Ok(())
}

/// From when it was told of the shipping on, a provider may count the days until it releases by itself. What it
/// says itself of that day is known better.
async fn sets_a_clock(
    tx: &Tx,
    shipment: &Shipment,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<bool, StoreError> {
    let mut order = orders::of_shipment(tx, shipment.id).await?;
    let after = occasion.providers.get(&order.provider).and_then(|provider| provider.releases_after);
    let deadline_at = after.and_then(|after| after.deadline(Since::Shipping, occasion.now));
    let Some(deadline_at) = deadline_at.filter(|_| order.release_deadline_at.is_none()) else {
        return Ok(false);
    };
    order.release_deadline_at = Some(deadline_at);
    orders::save(tx, &order).await?;
    changes.add("order.releases_at", json!({"deadline_at": rfc3339(deadline_at), "estimated": true}));
    Ok(true)
}

/// Whether an acknowledgement may do that: it is taken by itself.
fn may_set_a_clock(deps: &Deps, message: &Message) -> bool {
    let provider = message.destination.provider().and_then(|name| deps.providers.get(name));
    let after = provider.and_then(|provider| provider.releases_after);
    after.is_some_and(|after| after.deadline(Since::Shipping, message.created_at).is_some())
        && read(&message.body).is_ok_and(|facts| facts.action == TriggerAction::Shipped)
}

/// Whether its acknowledgement changes how the order stands: money has moved, or may move now.
pub fn changes_its_order(action: TriggerAction) -> bool {
    moves_money(action) || matches!(action, TriggerAction::Freeze | TriggerAction::Thaw)
}

/// Frozen or not, the provider has acted when it acknowledges it, and that is the truth then.
pub fn moves_money(action: TriggerAction) -> bool {
    match action {
        TriggerAction::ConfirmReceipt | TriggerAction::Refund => true,
        TriggerAction::Shipped
        | TriggerAction::Delivered
        | TriggerAction::Freeze
        | TriggerAction::Thaw
        | TriggerAction::DeclareCustoms => false,
    }
}

pub fn about(
    shipment: &Shipment,
    trigger: &Trigger,
    news: impl FnOnce(TriggerId, TriggerAction) -> EscrowNews,
) -> Notice {
    let parcel = trigger.facts.parcel.map(|number| ParcelId { shipment: shipment.id, number });
    notices::of_escrow(shipment, parcel, &news(trigger.id, trigger.facts.action))
}

async fn judge_again(tx: &Tx, message: &Message, occasion: &Occasion) -> Result<(), StoreError> {
    let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
    let mut changes = Changes::new(occasion);
    judge(tx, &shipment, occasion, &mut changes, None).await?;
    finish(tx, &mut shipment, changes, occasion).await.map(drop)
}

/// Judges the order with what is known now. `failed`: why a trigger goes out no more.
async fn judge(
    tx: &Tx,
    shipment: &Shipment,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
    failed: Option<(&Message, &str)>,
) -> Result<(), StoreError> {
    let mut case = Case::load(tx, shipment.id, &occasion.providers).await?;
    if let Some((message, reason)) = failed {
        blame(&mut case, message, reason);
    }
    settle_order(tx, shipment, case, occasion, changes).await?;
    Ok(())
}

/// Says of a share why it has failed, in more words than the rules have.
fn blame(case: &mut Case, message: &Message, reason: &str) {
    let Some(trigger) = case.triggers.iter().find(|trigger| trigger.id == message.id) else { return };
    let (of, action) = (trigger.facts.parcel, trigger.facts.action);
    let given_up = case.shares().iter().any(|share| {
        share.of == of
            && share.issued(action).is_some_and(|it| matches!(it.stands, Stands::Refused | Stands::GivenUp))
    });
    let Some(share) = case.order.shares.iter_mut().find(|share| share.of == of) else { return };
    let moves = matches!(action, TriggerAction::ConfirmReceipt | TriggerAction::Refund);
    let waits = matches!(share.state, OrderState::ConfirmRequested | OrderState::RefundRequested);
    if given_up && moves && waits {
        share.state = OrderState::Failed;
        share.because = Some(format!("trigger {} is a dead letter: {reason}", message.id));
    }
}

/// No more tries: a person has to look. The money stays where it is.
async fn bury(
    deps: &Deps,
    message: Message,
    reason: String,
    ended: Ended,
    trade: Option<Trade>,
) -> Result<(), StoreError> {
    telemetry::trigger_sent("dead");
    let (trigger, attempts, because) = (message.id, message.attempts + 1, reason.clone());
    let (occasion, above) = (occasion(deps, &message), deps.settings.escrow.second_person_above.clone());
    let write = async move |tx: &Tx| {
        write_off(tx, &message, &reason, ended, &occasion).await?;
        if let (Some(trade), Some(provider)) = (trade, message.destination.provider()) {
            let believed = believe_under(tx, provider, message.shipment, &trade, &above, &occasion).await?;
            if let Some(problem) = believed {
                tracing::warn!(trigger = %message.id, problem, "what a provider says of the trade of a trigger that it refused");
            }
        }
        Ok(outbox::find(tx, message.id).await?.map(|message| message.state))
    };
    let state =
        deps.store.write::<_, StoreError, _>(move |tx| Box::pin(async move { write(tx).await })).await?;
    // Where its trade says that the money has moved there is nothing left for a person.
    if state == Some(OutboxState::Dead) {
        tracing::error!(%trigger, attempts, reason = because, "a trigger is a dead letter; see sampan outbox list");
    } else {
        tracing::info!(%trigger, attempts, reason = because, ?state, "a trigger goes out no more, and need not");
    }
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(())
}

/// A message goes out no more, since its provider will never do what it says. The caller's transaction.
pub async fn write_off(
    tx: &Tx,
    message: &Message,
    reason: &str,
    ended: Ended,
    occasion: &Occasion,
) -> Result<(), StoreError> {
    let Some(mut shipment) = shipments::lock(tx, message.shipment).await? else { return Ok(()) };
    if !outbox::bury(tx, message, occasion.wall, ended, reason).await? {
        // Acknowledged, taken out or claimed by somebody else meanwhile.
        return judge_again(tx, message, occasion).await;
    }
    let mut changes = Changes::new(occasion);
    changes.add("trigger.dead", json!({"trigger": message.id, "because": reason}));
    let triggers = orders::triggers(tx, message.shipment).await?;
    changes.notices.extend(triggers.iter().filter(|trigger| trigger.id == message.id).map(|trigger| {
        about(&shipment, trigger, |trigger, action| EscrowNews::TriggerFailed {
            trigger,
            action,
            because: reason.to_owned(),
        })
    }));
    judge(tx, &shipment, occasion, &mut changes, Some((message, reason))).await?;
    finish(tx, &mut shipment, changes, occasion).await.map(drop)
}
