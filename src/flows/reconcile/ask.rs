//! Both sides of one order.

use std::collections::BTreeMap;

use super::Deps;
use crate::clock::Clock;
use crate::domain::escrow::{OrderState, TriggerAction};
use crate::domain::id::{ShipmentId, TriggerId};
use crate::domain::money::Money;
use crate::domain::outbox::OutboxState;
use crate::escrow::provider::{Command, Found, Inquire, Provider, Trade};
use crate::escrow::reconciliation::{Account, Freezing, Hold, Sent, Silence};
use crate::escrow::rules::Stands;
use crate::flows::settle_order::{stands, streams_beside};
use crate::flows::{ask_providers, send_triggers};
use crate::store::orders::{self, Order, Trigger};
use crate::store::outbox::{self, Message};
use crate::store::reconciliations::Days;
use crate::store::{Store, StoreError};

/// So often an order is read and asked about, until nothing of it changes meanwhile.
const TRIES: usize = 3;
const TOO_MANY_REQUESTS: u16 = 429;

pub enum Asked {
    Said(Box<Hold>, Account),
    /// It never stood still, or something is being sent at this moment.
    Changing,
    /// It is another provider's, or nobody's.
    Gone,
}

struct Read {
    order: Order,
    triggers: Vec<Trigger>,
    messages: Vec<Message>,
}

pub async fn about(
    deps: &Deps,
    provider: &Provider,
    shipment: ShipmentId,
    days: Days,
) -> Result<Asked, StoreError> {
    let Some(inquire) = &provider.abilities.inquire else { return Ok(Asked::Gone) };
    for _ in 0..TRIES {
        let read = read(&deps.store, shipment).await?;
        if read.order.provider != provider.name || read.order.contested {
            return Ok(Asked::Gone);
        }
        let Some(before) = hold(&read, provider, days, &deps.clock) else {
            return Ok(Asked::Changing);
        };
        let account = ask(deps, provider, inquire.as_ref(), &read, &before).await;
        let after = self::read(&deps.store, shipment).await?;
        if hold(&after, provider, days, &deps.clock).as_ref() == Some(&before) {
            return Ok(Asked::Said(Box::new(before), account));
        }
    }
    Ok(Asked::Changing)
}

/// All of one moment.
async fn read(store: &Store, shipment: ShipmentId) -> Result<Read, StoreError> {
    let moment = store.snapshot().await?;
    let order = orders::of_shipment(&*moment, shipment).await?;
    let triggers = orders::triggers(&*moment, shipment).await?;
    let mut messages = Vec::new();
    for stream in streams_beside(&triggers).chain([order.id]).filter(|_| !triggers.is_empty()) {
        messages.extend(outbox::of_stream(&*moment, stream).await?);
    }
    Ok(Read { order, triggers, messages })
}

/// None: somebody is sending something of it.
fn hold(read: &Read, provider: &Provider, days: Days, clock: &Clock) -> Option<Hold> {
    let (now, wall) = (clock.now(), clock.wall());
    let Read { order, triggers, messages } = read;
    let message = |id: TriggerId| messages.iter().find(|message| message.id == id);
    let is_being_sent = |message: &Message| {
        message.state == OutboxState::Pending && message.is_in_doubt() && message.leased_until > wall
    };
    if messages.iter().any(is_being_sent) {
        return None;
    }
    let sent = |trigger: &Trigger| {
        let message = message(trigger.id);
        Sent {
            id: trigger.id,
            action: trigger.facts.action,
            parcel: trigger.facts.parcel,
            amount_minor: amount(order, trigger),
            stands: stands(trigger, message),
            first_sent_at: message.and_then(|message| message.first_sent_at),
            claims: message.map_or(0, |message| message.claims),
        }
    };
    let all: Vec<Sent> = triggers.iter().map(sent).collect();
    let (released_minor, refunded_minor) = moved(order, &all);
    let is_recent = |(_, trigger): &(Sent, &Trigger)| {
        trigger.acknowledged_at.max(Some(trigger.created_at)) >= Some(days.since)
    };
    let recent = all.clone().into_iter().zip(triggers).filter(is_recent).map(|(sent, _)| sent).collect();
    Some(Hold {
        shipment: order.shipment,
        order: order.id,
        provider: order.provider.clone(),
        payment_reference: order.payment_reference.clone(),
        state: order.state,
        held: order.held,
        waits_for_us: provider.can(TriggerAction::ConfirmReceipt),
        is_waiting: order.state == OrderState::Delivered && order.wake_at.is_some_and(|at| at > now),
        released_minor,
        refunded_minor,
        freezing: freezing(order, &all, triggers),
        release_deadline_at: order.release_deadline_at,
        keeps_keys: provider.keeps_keys,
        triggers: recent,
    })
}

fn amount(order: &Order, trigger: &Trigger) -> i64 {
    let written = Money::parse(&trigger.facts.amount, order.held.currency);
    // Written by us, in the order's own currency.
    written.map_or(order.held.minor, |money| money.minor)
}

/// What was released and refunded, share by share.
fn moved(order: &Order, sent: &[Sent]) -> (i64, i64) {
    let mut moved = (0, 0);
    for share in &order.shares {
        let acknowledged = |action| {
            let such = sent.iter().filter(|sent| {
                sent.parcel == share.of && sent.action == action && sent.stands == Stands::Acknowledged
            });
            such.map(|sent| sent.amount_minor).sum::<i64>()
        };
        let refunded = match share.state {
            OrderState::Refunded => share.held_minor,
            OrderState::Held
            | OrderState::Shipped
            | OrderState::Delivered
            | OrderState::ConfirmRequested
            | OrderState::Confirmed
            | OrderState::Frozen
            | OrderState::RefundRequested
            | OrderState::Failed => acknowledged(TriggerAction::Refund),
        };
        // What was settled by the provider itself has no trigger of ours.
        let released = match share.state {
            OrderState::Confirmed => share.held_minor - refunded,
            OrderState::Refunded => 0,
            OrderState::Held
            | OrderState::Shipped
            | OrderState::Delivered
            | OrderState::ConfirmRequested
            | OrderState::Frozen
            | OrderState::RefundRequested
            | OrderState::Failed => acknowledged(TriggerAction::ConfirmReceipt),
        };
        moved = (moved.0 + released, moved.1 + refunded);
    }
    moved
}

/// By the last word that may have had an effect: of one that was refused the provider stands where it stood before.
fn freezing(order: &Order, sent: &[Sent], triggers: &[Trigger]) -> Freezing {
    let counts = |sent: &Sent| !sent.action.happens_once() && sent.stands != Stands::Refused;
    let words = sent.iter().zip(triggers).filter(|(sent, _)| counts(sent));
    // A thaw goes behind its freeze.
    let last = words.max_by_key(|(sent, trigger)| (trigger.round, sent.action));
    match last.map(|(sent, _)| (sent.action, sent.stands)) {
        None => Freezing::Told(false),
        // One that it took, and that we would have taken back, is nothing that it has to stand by.
        Some((action, Stands::Acknowledged)) => {
            Freezing::Told(action == TriggerAction::Freeze && order.provider_frozen)
        }
        Some((_, Stands::Unseen | Stands::MaybeSeen | Stands::Refused | Stands::GivenUp)) => {
            Freezing::OnItsWay
        }
    }
}

/// The trade first: of a provider that does not answer nothing more is asked.
async fn ask(deps: &Deps, provider: &Provider, inquire: &dyn Inquire, read: &Read, hold: &Hold) -> Account {
    let trade = about_trade(deps, provider, inquire, &hold.payment_reference).await;
    let mut commands = BTreeMap::new();
    let is_down = trade.as_ref().is_err_and(|silence| silence.is_down);
    let was_sent = |sent: &&Sent| sent.first_sent_at.is_some() && !is_down;
    for sent in hold.triggers.iter().filter(was_sent) {
        if let Some(found) = about_command(deps, provider, read, sent.id).await {
            commands.insert(sent.id, found);
        }
    }
    Account { order: hold.order, trade, commands }
}

async fn about_trade(
    deps: &Deps,
    provider: &Provider,
    inquire: &dyn Inquire,
    reference: &str,
) -> Result<Trade, Silence> {
    let request = inquire.about_trade(reference, deps.clock.wall());
    match ask_providers::send(deps, provider, request).await {
        Err(error) => Err(Silence { reason: error.to_string(), is_down: true }),
        Ok(answer) => provider.read_about_trade(reference, &answer, deps.clock.now()).map_err(|reason| {
            let wants_time = answer.status == TOO_MANY_REQUESTS || answer.retry_after.is_some();
            Silence { reason, is_down: wants_time || answer.status >= 500 }
        }),
    }
}

async fn about_command(deps: &Deps, provider: &Provider, read: &Read, id: TriggerId) -> Option<Found> {
    let trigger = read.triggers.iter().find(|trigger| trigger.id == id)?;
    let body = read.messages.iter().find(|message| message.id == id).map(|message| message.body.as_str())?;
    send_triggers::ask(deps, provider, &Command { id, facts: &trigger.facts, body }).await
}

/// Whether nobody has to send it any more.
pub fn is_given_up(state: OutboxState) -> bool {
    matches!(state, OutboxState::Dead | OutboxState::Parked)
}
