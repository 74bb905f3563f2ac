//! New events of one shipment: into the timeline, the shipment, its order and the outbox.
//!
//! The one place where a shipment changes after it was accepted. Everything happens in
//! the caller's transaction, under the shipment's lock: the events, what they change, the
//! triggers they give cause to and the audit entries are there together or not at all.
//! With the same events again it changes nothing.

use serde_json::json;
use uuid::Uuid;

use crate::domain::escrow::{ParcelEvidence, TriggerAction, TriggerFacts};
use crate::domain::event::TrackingEvent;
use crate::domain::id::{ParcelId, ShipmentId, TriggerId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::outbox::{Destination, OutboxState};
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::rules::{Decision, Facts, ParcelFacts, Unacknowledged, decide};
use crate::escrow::webhook;
use crate::store::audit::{self, Change};
use crate::store::orders::{self, Order, Trigger};
use crate::store::outbox::{self, Message};
use crate::store::shipments::{self, Shipment};
use crate::store::tracked::{self, Tracked};
use crate::store::{StoreError, Tx, events};
use crate::tracking::{self, ParcelTimeline, Timeline};

/// On whose behalf, and when by both clocks.
pub struct Occasion {
    /// As the audit names it: `hub USLAX`, `carrier dhl_unified`.
    pub actor: String,
    pub now: Instant,
    pub wall: Instant,
}

/// What came of it.
pub struct Advanced {
    pub shipment: Shipment,
    /// Each parcel's status and when it was delivered.
    pub parcels: Vec<(u16, ShipmentStatus, Option<Instant>)>,
    /// Events that were not known before.
    pub added: u64,
    /// Whether there is something new to send.
    pub to_send: bool,
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
    let mut changes = Vec::new();
    if added > 0 {
        save_parcels(tx, parcels, &timeline).await?;
        changes.extend(take_over(tx, &mut shipment, &timeline, occasion).await?);
    }
    let (order_changes, to_send) = settle_order(tx, &shipment, &timeline, occasion).await?;
    changes.extend(order_changes);
    if !changes.is_empty() {
        shipment.updated_at = occasion.now;
        audit::append(tx, id, &mut shipment.audit, &changes, occasion.now).await?;
        shipments::save_progress(tx, &shipment).await?;
    }
    let parcels = timeline.parcels.iter().map(|parcel| {
        let delivered_at = parcel.delivered.map(|event| event.happening.occurred.at);
        (parcel.number, parcel.status, delivered_at)
    });
    Ok(Some(Advanced { parcels: parcels.collect(), shipment, added, to_send }))
}

async fn save_parcels(
    tx: &Tx,
    parcels: Vec<shipments::Parcel>,
    timeline: &Timeline<'_>,
) -> Result<(), StoreError> {
    for (mut parcel, now) in parcels.into_iter().zip(&timeline.parcels) {
        let before = (parcel.status, parcel.hub.take(), parcel.delivered_to);
        parcel.status = now.status;
        parcel.hub = now.hub.cloned();
        parcel.delivered_to = now.delivered.and_then(|event| event.happening.delivered_to);
        if before != (parcel.status, parcel.hub.clone(), parcel.delivered_to) {
            shipments::save_parcel(tx, &parcel).await?;
        }
    }
    Ok(())
}

/// Writes the timeline's outcome into `shipment`; says what changed.
async fn take_over(
    tx: &Tx,
    shipment: &mut Shipment,
    timeline: &Timeline<'_>,
    occasion: &Occasion,
) -> Result<Option<Change>, StoreError> {
    let plan = shipments::plan(tx, shipment.id, shipment.plan).await?;
    let estimate = tracking::estimate(&plan, Some(timeline));
    let before = (shipment.status, shipment.estimate, shipment.delivered_at);
    if before == (timeline.status, estimate, timeline.delivered_at) {
        return Ok(None);
    }
    (shipment.status, shipment.estimate, shipment.delivered_at) =
        (timeline.status, estimate, timeline.delivered_at);
    let parcels: serde_json::Map<_, _> =
        timeline.parcels.iter().map(|p| (p.number.to_string(), json!(p.status))).collect();
    Ok(Some(Change {
        actor: occasion.actor.clone(),
        action: "shipment.advanced".to_owned(),
        detail: json!({
            "from": before.0, "to": shipment.status, "parcels": parcels,
            "estimated_earliest_at": rfc3339(estimate.earliest_at),
        }),
    }))
}

/// Asks the escrow rules, and writes what they decide. Says what changed, and whether there is something to send.
async fn settle_order(
    tx: &Tx,
    shipment: &Shipment,
    timeline: &Timeline<'_>,
    occasion: &Occasion,
) -> Result<(Vec<Change>, bool), StoreError> {
    let mut order = orders::of_shipment(tx, shipment.id).await?;
    let triggers = orders::triggers(tx, shipment.id).await?;
    let tracked = tracked::of_shipment(tx, shipment.id).await?;
    let parcels: Vec<_> = timeline.parcels.iter().map(|p| parcel_facts(shipment.id, p, &tracked)).collect();
    let issued: Vec<_> = triggers.iter().map(|trigger| trigger.facts.action).collect();
    let called_off = timeline.status == ShipmentStatus::Cancelled;
    let facts =
        Facts { state: order.state, policy: order.policy, parcels: &parcels, issued: &issued, called_off };
    let decision = decide(&facts, occasion.now);

    let mut changes = Vec::new();
    let mut change = |action: &str, detail| {
        changes.push(Change { actor: occasion.actor.clone(), action: action.to_owned(), detail });
    };
    if (decision.state, &decision.frozen_because) != (order.state, &order.frozen_because) {
        let detail = json!({"from": order.state, "to": decision.state, "because": decision.frozen_because});
        change("order.state", detail);
        order.state = decision.state;
        order.frozen_because.clone_from(&decision.frozen_because);
        order.updated_at = occasion.now;
        orders::save_state(tx, &order).await?;
    }
    let moved = move_unacknowledged(tx, &triggers, &decision, occasion).await?;
    if let Some((trigger, action)) = moved {
        change(action, json!({"trigger": trigger}));
    }
    let to_send = !decision.triggers.is_empty() || moved.is_some_and(|(_, action)| action == PUT_BACK);
    for (action, evidence) in decision.triggers {
        let facts = trigger_facts(&order, shipment, action, evidence);
        let id = issue(tx, facts, occasion).await?;
        change("trigger.issued", json!({"trigger": id, "action": action}));
    }
    Ok((changes, to_send))
}

const TAKEN_OUT: &str = "trigger.taken_out";
const PUT_BACK: &str = "trigger.put_back";

/// A freeze takes the confirm-receipt out of the outbox, a thaw puts it back.
async fn move_unacknowledged(
    tx: &Tx,
    triggers: &[Trigger],
    decision: &Decision,
    occasion: &Occasion,
) -> Result<Option<(TriggerId, &'static str)>, StoreError> {
    let confirm = triggers.iter().find(|trigger| {
        trigger.facts.action == TriggerAction::ConfirmReceipt && trigger.acknowledged_at.is_none()
    });
    let Some(trigger) = confirm else { return Ok(None) };
    let state = outbox::find(tx, trigger.id).await?.map(|message| message.state);
    match (decision.confirm, state) {
        (Unacknowledged::TakeOut, Some(OutboxState::Pending)) => {
            let reason = decision.frozen_because.as_deref().unwrap_or("the order is frozen");
            outbox::park(tx, trigger.id, occasion.wall, reason).await?;
            Ok(Some((trigger.id, TAKEN_OUT)))
        }
        (Unacknowledged::PutBack, Some(OutboxState::Parked)) => {
            outbox::revive(tx, trigger.id, occasion.wall).await?;
            Ok(Some((trigger.id, PUT_BACK)))
        }
        _ => Ok(None),
    }
}

fn trigger_facts(
    order: &Order,
    shipment: &Shipment,
    action: TriggerAction,
    evidence: crate::domain::escrow::Evidence,
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

/// Writes a trigger and its message.
async fn issue(tx: &Tx, facts: TriggerFacts, occasion: &Occasion) -> Result<TriggerId, StoreError> {
    let id = TriggerId::from_uuid(Uuid::now_v7());
    let message = Message {
        id,
        shipment: facts.shipment,
        stream: facts.order,
        position: facts.action as u16,
        destination: Destination::EscrowWebhook,
        body: webhook::body(&facts, occasion.now),
        state: OutboxState::Pending,
        attempts: 0,
        next_attempt_at: occasion.wall,
        last_problem: None,
        created_at: occasion.now,
    };
    let trigger = Trigger { id, facts, created_at: occasion.now, acknowledged_at: None };
    if orders::insert_trigger(tx, &trigger).await? {
        outbox::append(tx, &message).await?;
    }
    Ok(id)
}

fn parcel_facts(shipment: ShipmentId, parcel: &ParcelTimeline, tracked: &[Tracked]) -> ParcelFacts {
    let id = ParcelId { shipment, number: parcel.number };
    let evidence = |event: &TrackingEvent| ParcelEvidence {
        parcel: id,
        status: event.happening.status.to_string(),
        delivered_to: event.happening.delivered_to,
        occurred_at: event.happening.occurred.at,
        source: event.source,
        reported_by: event.source_name.clone(),
        tracking_number: tracked
            .iter()
            .find(|number| number.parcel == id && number.carrier.as_str() == event.source_name)
            .map(|number| number.number.to_string()),
    };
    ParcelFacts {
        picked_up: parcel.picked_up.map(evidence),
        delivered: parcel.delivered.map(evidence),
        trouble: parcel.trouble.map(|event| event.happening.status.to_string()),
        held: parcel.held,
    }
}
