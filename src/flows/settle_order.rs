//! What the escrow rules say of a shipment's order, written down.
//!
//! Everything happens in the caller's transaction, under the shipment's lock: where each share
//! stands, the triggers that are made, taken out, put back or (as long as nobody can have seen
//! them) written anew, and the audit entries. With the same facts again it changes nothing.

mod at_once;
mod case;
mod facts;

use serde_json::json;

pub use self::case::Case;
pub use self::facts::stands;
use super::advance::{Changes, Occasion};
use super::notices;
use super::send_triggers::moves_money;
use crate::chance;
use crate::domain::escrow::{Consignment, Evidence, OrderState, ShareOf, TriggerAction, TriggerFacts};
use crate::domain::id::{OrderId, ParcelId, TriggerId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::money::Money;
use crate::domain::outbox::{Destination, OutboxState};
use crate::domain::service::Clearance;
use crate::escrow::rules::{Decision, Made, Verdict, decide, is_settled, may_send};
use crate::escrow::webhook;
use crate::notifications::EscrowNews;
use crate::store::at_once::release_next;
use crate::store::orders::{self, Order, Trigger};
use crate::store::outbox::{self, Message};
use crate::store::shipments::Shipment;
use crate::store::{StoreError, Tx};
use crate::telemetry;

/// How long before the provider's own deadline a frozen order is somebody's business.
pub const WARN_DAYS: i64 = 2;

/// Writes what the rules decide. Says whether there is something new to send.
pub async fn settle(
    tx: &Tx,
    shipment: &Shipment,
    case: Case,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<bool, StoreError> {
    let streams: Vec<OrderId> = streams_beside(&case.triggers).chain([case.order.id]).collect();
    let awaits_its_turn = case.messages.iter().any(|message| message.state == OutboxState::Waiting);
    let Weighed { order, mut to_send } = weigh(tx, shipment, case, occasion, changes).await?;
    if let Some(order) = order {
        orders::save(tx, &order).await?;
    }
    // Whatever was made or moved is among the changes.
    if awaits_its_turn || changes.any() {
        to_send |= release_next(tx, &streams, occasion.wall).await?;
    }
    Ok(to_send)
}

/// What the rules made of an order.
pub struct Weighed {
    /// As it is now, if it has changed: to be saved.
    pub order: Option<Order>,
    /// Whether something goes out at once that nobody has begun to send: what is new beside the order's stream, and
    /// what a sender may have passed over just now, since it was held here.
    pub to_send: bool,
}

/// The same but for two things, which the caller does: it saves the order, and lets the next of its stream go.
pub async fn weigh(
    tx: &Tx,
    shipment: &Shipment,
    mut case: Case,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<Weighed, StoreError> {
    case.can.declare_customs &= is_declared(shipment.clearance);
    let decision = case.ask(|facts| decide(facts, occasion.now));
    let of_order = decision.order();
    let Decision { shares, tell } = decision;
    let before = case.before.clone();
    for verdict in &shares {
        take_over(&mut case.order, &before, shipment, verdict, changes);
    }
    (case.order.state, case.order.frozen_because) = of_order;
    if (case.order.state, &case.order.frozen_because) != (before.state, &before.frozen_because) {
        let because = &case.order.frozen_because;
        let detail = json!({"from": before.state, "to": case.order.state, "because": because});
        changes.add("order.state", detail);
        let because = because.clone();
        let news = EscrowNews::StateChanged { from: before.state, to: case.order.state, because };
        changes.notices.push(notices::of_escrow(shipment, None, &news));
    }
    for verdict in &shares {
        move_messages(tx, &case, verdict, occasion, changes).await?;
        rewrite(tx, &case, verdict, changes).await?;
    }
    if let Some(action) = tell {
        tell_provider(tx, &mut case, shipment, action, occasion, changes).await?;
    }
    let mut to_send = tell == Some(TriggerAction::Freeze) || case.messages.iter().any(Message::is_untouched);
    for verdict in shares.iter() {
        for made in &verdict.triggers {
            let facts = trigger_facts(&case, shipment, made, verdict.of, occasion);
            let amount = facts.amount.clone();
            let position = 1_000 + verdict.of.unwrap_or(0) * 8 + made.action as u16;
            let goes_beside = goes_beside(made.action);
            to_send |= goes_beside;
            let state = if goes_beside { OutboxState::Pending } else { OutboxState::Waiting };
            let at = (0, position, state);
            let id = issue(tx, &case.order, facts, at, occasion).await?;
            let detail =
                json!({"trigger": id, "action": made.action, "parcel": verdict.of, "amount": amount});
            changes.add("trigger.issued", detail);
        }
    }
    warn(&mut case.order, shipment, occasion.now, changes);
    case.order.wake_at = wake_at(&case.order, &shares, occasion.now);
    let order = (case.order != before).then_some(Order { updated_at: occasion.now, ..case.order });
    Ok(Weighed { order, to_send })
}

/// A release of ours took effect though somebody had objected by then, or the money was on its way back: nobody can
/// undo that but people. The case is as it stood before.
pub fn raise_alarm(case: &Case, released: ShareOf, shipment: &Shipment, changes: &mut Changes<'_>) {
    let share = case.order.shares.iter().find(|share| share.of == released);
    // What a provider or a person says of the whole is told where they say it.
    if case.standing().provider_released.is_some() || !share.is_some_and(|share| is_held(case, share.state)) {
        return;
    }
    let because = &case.order.frozen_because;
    telemetry::released_against_us(&case.order.provider);
    tracing::error!(shipment = %shipment.id, because, "a release took effect though its order is held by now");
    let detail = json!({"was": case.order.state, "because": because, "parcel": released});
    changes.add("order.released_against_hold", detail);
}

/// Whether money that stands so is not the merchant's, as things are.
pub fn is_held(case: &Case, state: OrderState) -> bool {
    match state {
        OrderState::Frozen | OrderState::RefundRequested | OrderState::Refunded => true,
        OrderState::Failed => !case.standing().refunds.is_empty(),
        OrderState::Held
        | OrderState::Shipped
        | OrderState::Delivered
        | OrderState::ConfirmRequested
        | OrderState::Confirmed => false,
    }
}

/// Cross-border e-commerce: customs wants the order, the payment and the way of the goods, each from its own party.
fn is_declared(clearance: Clearance) -> bool {
    match clearance {
        Clearance::B2cDirect | Clearance::B2cBonded => true,
        Clearance::Express | Clearance::Postal => false,
    }
}

/// What has nothing to do with money waits for none of it, and holds none of it up.
fn goes_beside(action: TriggerAction) -> bool {
    action == TriggerAction::DeclareCustoms
}

/// Of its own, for a trigger that waits for no other.
fn stream_beside(id: TriggerId) -> OrderId {
    OrderId::from_uuid(id.uuid())
}

/// The streams of an order's triggers that wait for no other.
pub fn streams_beside(triggers: &[Trigger]) -> impl Iterator<Item = OrderId> {
    let beside = triggers.iter().filter(|trigger| goes_beside(trigger.facts.action));
    beside.map(|trigger| stream_beside(trigger.id))
}

fn take_over(
    order: &mut Order,
    before: &Order,
    shipment: &Shipment,
    verdict: &Verdict,
    changes: &mut Changes<'_>,
) {
    let Some(was) = before.shares.iter().find(|share| share.of == verdict.of) else { return };
    let Some(share) = order.shares.iter_mut().find(|share| share.of == verdict.of) else { return };
    if verdict.of.is_some() && (was.state, &was.because) != (verdict.state, &verdict.because) {
        let detail = json!({
            "from": was.state, "to": verdict.state, "parcel": verdict.of, "because": verdict.because,
        });
        changes.add("share.state", detail);
        let parcel = verdict.of.map(|number| ParcelId { shipment: shipment.id, number });
        let because = verdict.because.clone();
        let news = EscrowNews::StateChanged { from: was.state, to: verdict.state, because };
        changes.notices.push(notices::of_escrow(shipment, parcel, &news));
    }
    share.state = verdict.state;
    share.because.clone_from(&verdict.because);
    share.delivered_at = verdict.delivered_at;
    share.taken_back = verdict.taken_back;
    share.buyer_confirmed = verdict.buyer_confirmed;
}

fn needs_a_person(state: OrderState) -> bool {
    matches!(state, OrderState::Frozen | OrderState::Failed)
}

/// A frozen order whose money the provider will soon release by itself is somebody's business, once.
fn warn(order: &mut Order, shipment: &Shipment, now: Instant, changes: &mut Changes<'_>) {
    if !needs_a_person(order.state) {
        // Frozen again, it is somebody's business again.
        order.deadline_told_at = None;
        return;
    }
    let Some(deadline_at) = order.release_deadline_at else { return };
    if order.deadline_told_at.is_some() || deadline_at - chrono::TimeDelta::days(WARN_DAYS) > now {
        return;
    }
    order.deadline_told_at = Some(now);
    tracing::error!(shipment = %shipment.id, %deadline_at, "an order waits for a person, and its provider will soon release the money by itself");
    changes.add("order.deadline_near", json!({"deadline_at": rfc3339(deadline_at)}));
    let what = "the provider releases the money by itself, though the order waits for a person".to_owned();
    let news = EscrowNews::DeadlineNear { what, deadline_at };
    changes.notices.push(notices::of_escrow(shipment, None, &news));
}

/// The next moment at which time alone changes something.
fn wake_at(order: &Order, shares: &[Verdict], now: Instant) -> Option<Instant> {
    let warned = order.deadline_told_at.is_some();
    let warn = order.release_deadline_at.filter(|_| needs_a_person(order.state) && !warned);
    let warn = warn.map(|deadline| (deadline - chrono::TimeDelta::days(WARN_DAYS)).max(now));
    shares.iter().filter_map(|share| share.wake_at).chain(warn).min()
}

/// Takes out of the outbox what may not be sent as things stand, and puts back what may.
async fn move_messages(
    tx: &Tx,
    case: &Case,
    verdict: &Verdict,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    let of_it =
        case.triggers.iter().filter(|trigger| trigger.facts.parcel == verdict.of && trigger.round == 0);
    for trigger in of_it {
        let Some(message) = case.message(trigger.id) else { continue };
        let may = may_send(verdict.state).contains(&trigger.facts.action);
        // Nothing more has to be said of it but what is on its way already, and stays true.
        let is_over = is_settled(verdict.state) && !message.is_in_doubt();
        let (from, to, action): (&[_], _, _) = match message.state {
            OutboxState::Frozen if is_over => (&[OutboxState::Frozen], OutboxState::Parked, "trigger.parked"),
            // There is nothing left to do about it.
            OutboxState::Dead if is_over && moves_money(trigger.facts.action) => {
                (&[OutboxState::Dead], OutboxState::Parked, "trigger.parked")
            }
            OutboxState::Pending | OutboxState::Waiting if is_over && !may => {
                (&[OutboxState::Pending, OutboxState::Waiting], OutboxState::Parked, "trigger.parked")
            }
            OutboxState::Frozen if may && !is_settled(verdict.state) => {
                (&[OutboxState::Frozen], OutboxState::Waiting, "trigger.put_back")
            }
            OutboxState::Pending | OutboxState::Waiting if !may => {
                (&[OutboxState::Pending, OutboxState::Waiting], OutboxState::Frozen, "trigger.taken_out")
            }
            OutboxState::Pending
            | OutboxState::Waiting
            | OutboxState::Acknowledged
            | OutboxState::Dead
            | OutboxState::Parked
            | OutboxState::Frozen => continue,
        };
        let because = match to {
            OutboxState::Parked => "its money has moved",
            OutboxState::Waiting => "its order is not frozen any more",
            _ => verdict.because.as_deref().unwrap_or("it may not be sent as things stand"),
        };
        if outbox::shift(tx, trigger.id, from, to, occasion.wall, because).await? {
            changes.add(action, json!({"trigger": trigger.id, "action": trigger.facts.action}));
        }
    }
    Ok(())
}

/// What nobody can have seen says what holds now.
async fn rewrite(
    tx: &Tx,
    case: &Case,
    verdict: &Verdict,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    for made in &verdict.rewritten {
        let known = case.triggers.iter().find(|trigger| {
            trigger.facts.parcel == verdict.of && trigger.facts.action == made.action && trigger.round == 0
        });
        let Some(mut trigger) = known.cloned() else { continue };
        trigger.facts.amount = Money::new(made.amount_minor, case.order.held.currency).amount();
        trigger.facts.evidence = made.evidence.clone();
        let body = webhook::body(&trigger.facts, trigger.created_at);
        // Somebody who claims it at this moment sends what it said before, and it says so still.
        if outbox::rewrite(tx, trigger.id, &body).await? {
            orders::rewrite_trigger(tx, &trigger).await?;
            changes.add("trigger.rewritten", json!({"trigger": trigger.id, "amount": trigger.facts.amount}));
        }
    }
    Ok(())
}

/// Tells the provider that it may let an order's payment go, whatever holds the order itself.
pub async fn thaw(
    tx: &Tx,
    case: &mut Case,
    shipment: &Shipment,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    tell_provider(tx, case, shipment, TriggerAction::Thaw, occasion, changes).await
}

/// `freeze` overtakes whatever waits; `thaw` goes before what it lets go.
async fn tell_provider(
    tx: &Tx,
    case: &mut Case,
    shipment: &Shipment,
    action: TriggerAction,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    let is_freeze = action == TriggerAction::Freeze;
    let was_heard = case.provider_may_hold();
    take_back_words(tx, case, occasion, changes).await?;
    case.order.provider_frozen = is_freeze;
    if !is_freeze && !was_heard {
        // Nobody began to say that nothing may move: there is nothing to take back.
        return Ok(());
    }
    case.order.freezes += u32::from(is_freeze);
    let round = case.order.freezes;
    if round >= ROUNDS_MAX {
        return Ok(());
    }
    let because = case.order.frozen_because.clone();
    let evidence = Evidence {
        policy: case.order.policy.clone(),
        decided_at: occasion.now,
        parcels: Vec::new(),
        because,
    };
    let made = Made { action, amount_minor: case.order.held.minor, evidence };
    let position = u16::try_from(round * 2).unwrap_or(0) + u16::from(!is_freeze);
    let facts =
        TriggerFacts { sequence: Some(position), ..trigger_facts(case, shipment, &made, None, occasion) };
    let state = if is_freeze { OutboxState::Pending } else { OutboxState::Waiting };
    let amount = facts.amount.clone();
    let id = issue(tx, &case.order, facts, (round, position, state), occasion).await?;
    changes.add("trigger.issued", json!({"trigger": id, "action": action, "amount": amount}));
    Ok(())
}

/// After so many freezes the provider is told of no more: their places in the stream are used up.
const ROUNDS_MAX: u32 = 499;

/// What was said before about freezing and is not there yet holds no more: arriving late it would undo what is
/// said now. But a freeze that somebody began to send can arrive late whatever is decided here. It is sent until
/// the provider has it, before the opposite is: then its key is known, and a late copy changes nothing.
async fn take_back_words(
    tx: &Tx,
    case: &Case,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    let open = [OutboxState::Pending, OutboxState::Waiting, OutboxState::Frozen, OutboxState::Dead];
    for trigger in case.triggers.iter().filter(|trigger| !trigger.facts.action.happens_once()) {
        let Some(message) = case.message(trigger.id) else { continue };
        let is_freeze = trigger.facts.action == TriggerAction::Freeze;
        let (from, to, action, because) = if is_freeze && message.is_on_its_way() && message.is_in_doubt() {
            (&open[..2], OutboxState::Waiting, "trigger.put_back", "it goes before what is said now")
        } else {
            (&open[..], OutboxState::Parked, "trigger.parked", "the opposite is said now")
        };
        if outbox::shift(tx, trigger.id, from, to, occasion.wall, because).await? {
            changes.add(action, json!({"trigger": trigger.id, "because": because}));
        }
    }
    Ok(())
}

fn trigger_facts(
    case: &Case,
    shipment: &Shipment,
    made: &Made,
    of: Option<u16>,
    occasion: &Occasion,
) -> TriggerFacts {
    let order = &case.order;
    let office = occasion.providers.customs().filter(|_| made.action == TriggerAction::DeclareCustoms);
    let concerned = |consignment: &&Consignment| of.is_none_or(|parcel| parcel == consignment.parcel);
    TriggerFacts {
        action: made.action,
        merchant: order.merchant,
        order: order.id,
        shipment: shipment.id,
        reference: shipment.reference.clone(),
        payment_reference: order.payment_reference.clone(),
        parcel: of,
        amount: Money::new(made.amount_minor, order.held.currency).amount(),
        currency: order.held.currency.to_string(),
        consignments: case.consignments.iter().filter(concerned).cloned().collect(),
        customs: office.cloned(),
        sequence: None,
        evidence: made.evidence.clone(),
    }
}

/// Writes a trigger and its message. Under the shipment's lock nobody else can have written it.
async fn issue(
    tx: &Tx,
    order: &Order,
    facts: TriggerFacts,
    (round, position, state): (u32, u16, OutboxState),
    occasion: &Occasion,
) -> Result<TriggerId, StoreError> {
    let id = TriggerId::from_uuid(chance::id());
    let message = Message {
        id,
        shipment: facts.shipment,
        stream: if goes_beside(facts.action) { stream_beside(id) } else { facts.order },
        position,
        destination: Destination::escrow(&order.provider),
        body: webhook::body(&facts, occasion.now),
        state,
        attempts: 0,
        next_attempt_at: occasion.wall,
        leased_until: occasion.wall,
        last_problem: None,
        created_at: occasion.now,
        claims: 0,
        answered: 0,
        first_sent_at: None,
    };
    let trigger =
        Trigger { id, round, facts, created_at: occasion.now, acknowledged_at: None, outcome: None };
    orders::insert_trigger(tx, &trigger).await?;
    outbox::append(tx, &message).await?;
    Ok(id)
}
