//! New events of one shipment: into the timeline, the shipment, its order and the outbox.
//!
//! The one place where a shipment changes after it was accepted. Everything happens in
//! the caller's transaction, under the shipment's lock: the events, what they change, the
//! triggers they give cause to, what the merchant is told and the audit entries are there
//! together or not at all. With the same events again it changes nothing.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::tell_merchants::{Notice, tell};
use super::{Deps, book_departures, learn_stage_times, notices};
use crate::domain::carrier::TrackingNumber;
use crate::domain::escrow::{Evidence, ParcelEvidence, TriggerAction, TriggerFacts};
use crate::domain::event::{EventSource, EventStatus, TrackingEvent};
use crate::domain::id::{ParcelId, ShipmentId, TriggerId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::outbox::{Destination, OutboxState};
use crate::domain::plan::Plan;
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::rules::{Decision, Facts, ParcelFacts, Unacknowledged, decide};
use crate::escrow::webhook;
use crate::notifications::EscrowNews;
use crate::store::audit::{self, Change};
use crate::store::orders::{self, Order, Trigger};
use crate::store::outbox::{self, Message};
use crate::store::shipments::{self, Shipment};
use crate::store::{Reads, StoreError, Tx, events};
use crate::tracking::{self, ParcelTimeline, Place, StageTimes, Timeline};

/// On whose behalf, and when by both clocks.
pub struct Occasion {
    /// As the audit names it: `hub USLAX`, `carrier dhl_unified`.
    pub actor: String,
    pub now: Instant,
    pub wall: Instant,
    /// What deliveries before taught.
    pub learned: Arc<StageTimes>,
}

impl Occasion {
    pub fn new(deps: &Deps, actor: String) -> Self {
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        Self { actor, now, wall, learned: deps.stage_times.current() }
    }
}

/// What came of it.
pub struct Advanced {
    pub shipment: Shipment,
    pub parcels: Vec<AdvancedParcel>,
    /// Events that were not known before, or were read differently.
    pub added: u64,
    /// Of those, what carriers said that no table knows.
    pub unknown: u64,
    /// Whether there is something new to send.
    pub to_send: bool,
    /// Whether there is something new to tell the merchant.
    pub to_tell: bool,
    /// The plan in force, where something was added.
    pub plan: Option<Plan>,
    /// Of each parcel.
    pub places: Vec<Place>,
}

pub struct AdvancedParcel {
    pub number: u16,
    pub status: ShipmentStatus,
    pub delivered_at: Option<Instant>,
    /// Under which the last mile has it.
    pub tracking_number: Option<TrackingNumber>,
}

/// None: there is no such shipment.
pub async fn advance(
    tx: &Tx,
    id: ShipmentId,
    new: &[TrackingEvent],
    occasion: &Occasion,
) -> Result<Option<Advanced>, StoreError> {
    let Some(mut shipment) = shipments::lock(tx, id).await? else { return Ok(None) };
    let added = events::insert(tx, id, new).await?;
    let events = events::of_shipment(tx, id).await?;
    let parcels = shipments::parcels(tx, id).await?;
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &events);
    let before = shipment.status;
    let mut changes = Changes { actor: &occasion.actor, all: Vec::new(), notices: Vec::new() };
    let mut plan = None;
    if added > 0 {
        let was_picked_up = parcels.iter().all(|parcel| parcel.status >= ShipmentStatus::PickedUp);
        save_parcels(tx, parcels, &timeline, &mut changes).await?;
        let in_force = shipments::plan(tx, shipment.id, shipment.plan).await?;
        take_over(&mut shipment, &in_force, &timeline, occasion, &mut changes);
        changes.notices = notices::of_progress(&shipment, before, was_picked_up, &timeline);
        learn_stage_times::note(tx, before, &shipment, &timeline, occasion.now).await?;
        plan = Some(in_force);
    }
    let places = tracking::places(&timeline);
    // As long as one parcel is on a way, the others' share of the room stays with it.
    let is_on_a_way = places.iter().any(|place| *place != Place::Beyond);
    if added > 0 && !is_on_a_way && goes_nowhere(shipment.status) {
        book_departures::release(tx, id, occasion.now, occasion.wall).await?;
    }
    let to_send = settle_order(tx, &shipment, &timeline, occasion, &mut changes).await?;
    let to_tell = tell(tx, &changes.notices, occasion.now, occasion.wall).await?;
    if !changes.all.is_empty() {
        shipment.updated_at = occasion.now;
        audit::append(tx, id, &mut shipment.audit, &changes.all, occasion.now).await?;
        shipments::save_progress(tx, &shipment).await?;
    }
    let just_unknown = |event: &&TrackingEvent| {
        event.happening.status == EventStatus::Unknown
            && event.source != EventSource::System
            && event.recorded_at == occasion.now
    };
    let unknown = if added > 0 { events.iter().filter(just_unknown).count() as u64 } else { 0 };
    let parcels = timeline.parcels.iter().map(|parcel| AdvancedParcel {
        number: parcel.number,
        status: parcel.status,
        delivered_at: parcel.delivered.map(|event| event.happening.occurred.at),
        tracking_number: parcel.tracking_number.cloned(),
    });
    Ok(Some(Advanced {
        parcels: parcels.collect(),
        shipment,
        added,
        unknown,
        to_send,
        to_tell,
        plan,
        places,
    }))
}

/// What it has booked is others' again.
fn goes_nowhere(status: ShipmentStatus) -> bool {
    matches!(
        status,
        ShipmentStatus::Cancelled
            | ShipmentStatus::Lost
            | ShipmentStatus::Destroyed
            | ShipmentStatus::Returning
            | ShipmentStatus::Returned
    )
}

/// What is to be audited, all on behalf of one actor, and what of it the merchant is told.
struct Changes<'o> {
    actor: &'o str,
    all: Vec<Change>,
    notices: Vec<Notice>,
}

impl Changes<'_> {
    fn add(&mut self, action: &str, detail: Value) {
        self.all.push(Change { actor: self.actor.to_owned(), action: action.to_owned(), detail });
    }
}

async fn save_parcels(
    tx: &Tx,
    parcels: Vec<shipments::Parcel>,
    timeline: &Timeline<'_>,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    for (mut parcel, now) in parcels.into_iter().zip(&timeline.parcels) {
        let before = (parcel.status, parcel.hub.take(), parcel.delivered_to);
        parcel.status = now.status;
        parcel.hub = now.hub.cloned();
        parcel.delivered_to = now.delivered.and_then(|event| event.happening.delivered_to);
        if before != (parcel.status, parcel.hub.clone(), parcel.delivered_to) {
            shipments::save_parcel(tx, &parcel).await?;
            let detail = json!({
                "parcel": parcel.id, "from": before.0, "to": parcel.status, "hub": parcel.hub,
                "delivered_to": parcel.delivered_to,
            });
            changes.add("parcel.advanced", detail);
        }
    }
    Ok(())
}

/// Writes the timeline's outcome into `shipment`. What is delivered, or not coming any more, keeps its last estimate.
fn take_over(
    shipment: &mut Shipment,
    plan: &Plan,
    timeline: &Timeline<'_>,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) {
    let estimate = match timeline.status.is_under_way() {
        true => tracking::estimate(plan, Some(timeline), &occasion.learned, occasion.now),
        false => shipment.estimate,
    };
    let before = (shipment.status, shipment.estimate, shipment.delivered_at);
    (shipment.status, shipment.estimate, shipment.delivered_at) =
        (timeline.status, estimate, timeline.delivered_at);
    if before != (shipment.status, shipment.estimate, shipment.delivered_at) {
        let detail = json!({
            "from": before.0, "to": shipment.status,
            "estimated_earliest_at": rfc3339(estimate.earliest_at),
        });
        changes.add("shipment.advanced", detail);
    }
}

/// An order, and what the rules say of it now.
pub struct Case {
    pub order: Order,
    triggers: Vec<Trigger>,
    messages: Vec<Message>,
    pub decision: Decision,
}

/// Asks the escrow rules about a shipment's order.
pub async fn judge(
    db: &impl Reads,
    shipment: ShipmentId,
    timeline: &Timeline<'_>,
    now: Instant,
) -> Result<Case, StoreError> {
    let order = orders::of_shipment(db, shipment).await?;
    let triggers = orders::triggers(db, shipment).await?;
    let messages = outbox::of_stream(db, order.id).await?;
    let parcels: Vec<_> = timeline.parcels.iter().map(|parcel| parcel_facts(shipment, parcel)).collect();
    let issued: Vec<_> = triggers.iter().map(|trigger| trigger.facts.action).collect();
    let confirm = triggers.iter().find(|trigger| trigger.facts.action == TriggerAction::ConfirmReceipt);
    let is = |trigger: &Trigger, states: &[OutboxState]| {
        messages.iter().any(|message| message.id == trigger.id && states.contains(&message.state))
    };
    let proved: Option<Vec<_>> = parcels.iter().map(|parcel| parcel.delivered.clone()).collect();
    let says_otherwise = |trigger: &Trigger| {
        trigger.facts.action != TriggerAction::Shipped
            && is(trigger, &[OutboxState::Frozen])
            && proved.as_ref().is_some_and(|proved| *proved != trigger.facts.evidence.parcels)
    };
    let facts = Facts {
        state: order.state,
        policy: order.policy,
        parcels: &parcels,
        issued: &issued,
        because: order.frozen_because.as_deref(),
        called_off: timeline.status == ShipmentStatus::Cancelled,
        contested: order.contested,
        evidence_changed: triggers.iter().any(says_otherwise),
        confirm_is_dead: confirm
            .is_some_and(|confirm| is(confirm, &[OutboxState::Dead, OutboxState::Parked])),
    };
    let decision = decide(&facts, now);
    Ok(Case { order, triggers, messages, decision })
}

/// Writes what the escrow rules decide. Says whether there is something new to send.
async fn settle_order(
    tx: &Tx,
    shipment: &Shipment,
    timeline: &Timeline<'_>,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<bool, StoreError> {
    let Case { mut order, triggers, messages, decision } =
        judge(tx, shipment.id, timeline, occasion.now).await?;
    if (decision.state, &decision.because) != (order.state, &order.frozen_because) {
        let detail = json!({"from": order.state, "to": decision.state, "because": decision.because});
        changes.add("order.state", detail);
        let (from, to, because) = (order.state, decision.state, decision.because.clone());
        let news = EscrowNews::StateChanged { from, to, because };
        changes.notices.push(notices::of_escrow(shipment, None, &news));
        (order.state, order.updated_at) = (decision.state, occasion.now);
        order.frozen_because.clone_from(&decision.because);
        orders::save_state(tx, &order).await?;
    }
    move_unacknowledged(tx, &triggers, &messages, &decision, occasion, changes).await?;
    for (action, evidence) in decision.triggers {
        let id = issue(tx, trigger_facts(&order, shipment, action, evidence), occasion).await?;
        changes.add("trigger.issued", json!({"trigger": id, "action": action}));
    }
    outbox::release_next(tx, order.id, occasion.wall).await
}

/// A freeze takes out of the outbox what says that goods arrived; a thaw puts it back.
async fn move_unacknowledged(
    tx: &Tx,
    triggers: &[Trigger],
    messages: &[Message],
    decision: &Decision,
    occasion: &Occasion,
    changes: &mut Changes<'_>,
) -> Result<(), StoreError> {
    let (from, to, action): (&[_], _, _) = match decision.unacknowledged {
        Unacknowledged::Leave => return Ok(()),
        Unacknowledged::TakeOut => {
            (&[OutboxState::Pending, OutboxState::Waiting], OutboxState::Frozen, "trigger.taken_out")
        }
        Unacknowledged::PutBack => (&[OutboxState::Frozen], OutboxState::Waiting, "trigger.put_back"),
    };
    let because = decision.because.as_deref().unwrap_or("its order is not frozen any more");
    for trigger in triggers.iter().filter(|trigger| trigger.facts.action != TriggerAction::Shipped) {
        let concerned =
            messages.iter().any(|message| message.id == trigger.id && from.contains(&message.state));
        if concerned && outbox::shift(tx, trigger.id, from, to, occasion.wall, because).await? {
            changes.add(action, json!({"trigger": trigger.id, "action": trigger.facts.action}));
        }
    }
    Ok(())
}

fn trigger_facts(
    order: &Order,
    shipment: &Shipment,
    action: TriggerAction,
    evidence: Evidence,
) -> TriggerFacts {
    TriggerFacts {
        action,
        merchant: order.merchant,
        order: order.id,
        shipment: shipment.id,
        reference: shipment.reference.clone(),
        payment_reference: order.payment_reference.clone(),
        amount: order.held.amount(),
        currency: order.held.currency.to_string(),
        evidence,
    }
}

/// Writes a trigger and its message. Under the shipment's lock nobody else can have written it.
async fn issue(tx: &Tx, facts: TriggerFacts, occasion: &Occasion) -> Result<TriggerId, StoreError> {
    let id = TriggerId::from_uuid(Uuid::now_v7());
    let message = Message {
        id,
        shipment: facts.shipment,
        stream: facts.order,
        position: facts.action as u16,
        destination: Destination::EscrowWebhook,
        body: webhook::body(&facts, occasion.now),
        state: OutboxState::Waiting,
        attempts: 0,
        next_attempt_at: occasion.wall,
        leased_until: occasion.wall,
        last_problem: None,
        created_at: occasion.now,
    };
    let trigger = Trigger { id, facts, created_at: occasion.now, acknowledged_at: None };
    orders::insert_trigger(tx, &trigger).await?;
    outbox::append(tx, &message).await?;
    Ok(id)
}

fn parcel_facts(shipment: ShipmentId, parcel: &ParcelTimeline) -> ParcelFacts {
    let id = ParcelId { shipment, number: parcel.number };
    let evidence = |event: &TrackingEvent| ParcelEvidence {
        parcel: id,
        status: event.happening.status.to_string(),
        delivered_to: event.happening.delivered_to,
        occurred_at: event.happening.occurred.at,
        source: event.source,
        reported_by: event.source_name.clone(),
        tracking_number: event.tracking_number.as_ref().map(ToString::to_string),
    };
    ParcelFacts {
        picked_up: parcel.picked_up.map(evidence),
        delivered: parcel.delivered.map(evidence),
        trouble: parcel.trouble.map(|event| event.happening.status.to_string()),
        held: parcel.held,
    }
}
