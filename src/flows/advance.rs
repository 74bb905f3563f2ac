//! New events of one shipment: into the timeline, the shipment, its order and the outbox.
//!
//! The one place where a shipment changes after it was accepted. Everything happens in
//! the caller's transaction, under the shipment's lock: the events, what they change, the
//! triggers they give cause to, what the merchant is told and the audit entries are there
//! together or not at all. With the same events again it changes nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::settle_order::{Case, settle};
use super::tell_merchants::{Notice, tell};
use super::{Deps, book_departures, learn_stage_times, notices};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventSource, EventStatus, TrackingEvent};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::plan::Plan;
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::registry::Providers;
use crate::store::audit::{self, Change};
use crate::store::shipments::{self, Parcel, Shipment};
use crate::store::{StoreError, Tx, at_once, events};
use crate::tracking::{self, Place, StageTimes, Timeline};

/// On whose behalf, and when by both clocks.
pub struct Occasion {
    /// As the audit names it: `hub USLAX`, `carrier dhl_unified`.
    pub actor: String,
    pub now: Instant,
    pub wall: Instant,
    /// What deliveries before taught.
    pub learned: Arc<StageTimes>,
    pub providers: Providers,
}

impl Occasion {
    pub fn new(deps: &Deps, actor: String) -> Self {
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        let (learned, providers) = (deps.stage_times.current(), deps.providers.clone());
        Self { actor, now, wall, learned, providers }
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
    let Some(shipment) = shipments::lock(tx, id).await? else { return Ok(None) };
    let parcels = shipments::parcels(tx, id).await?;
    advance_held(tx, (shipment, parcels), new, occasion).await.map(Some)
}

/// The same for who holds the shipment already, and has read it since.
pub async fn advance_held(
    tx: &Tx,
    (mut shipment, parcels): (Shipment, Vec<Parcel>),
    new: &[TrackingEvent],
    occasion: &Occasion,
) -> Result<Advanced, StoreError> {
    let id = shipment.id;
    let added = events::insert(tx, id, new).await?;
    let events = events::of_shipment(tx, id).await?;
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &events);
    let before = shipment.status;
    let mut changes = Changes::new(occasion);
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
    let case = Case::load_with(tx, id, &timeline, &occasion.providers).await?;
    let to_send = settle(tx, &shipment, case, occasion, &mut changes).await?;
    let to_tell = finish(tx, &mut shipment, changes, occasion).await?;
    let just_unknown = |event: &&TrackingEvent| {
        event.happening.status == EventStatus::Unknown
            && event.source != EventSource::System
            && new.iter().any(|new| new.recorded_at == event.recorded_at)
    };
    let unknown = if added > 0 { events.iter().filter(just_unknown).count() as u64 } else { 0 };
    let parcels = timeline.parcels.iter().map(|parcel| AdvancedParcel {
        number: parcel.number,
        status: parcel.status,
        delivered_at: parcel.delivered.map(|event| event.happening.occurred.at),
        tracking_number: parcel.tracking_number.cloned(),
    });
    let parcels = parcels.collect();
    Ok(Advanced { parcels, shipment, added, unknown, to_send, to_tell, plan, places })
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
pub struct Changes<'o> {
    actor: &'o str,
    all: Vec<Change>,
    pub notices: Vec<Notice>,
}

/// Writes down what has changed. Says whether there is something new to tell the merchant.
pub async fn finish(
    tx: &Tx,
    shipment: &mut Shipment,
    changes: Changes<'_>,
    occasion: &Occasion,
) -> Result<bool, StoreError> {
    let to_tell = tell(tx, &changes.notices, occasion.now, occasion.wall).await?;
    if changes.any() {
        shipment.updated_at = occasion.now;
        audit::append(tx, shipment.id, &mut shipment.audit, &changes.all, occasion.now).await?;
        shipments::save_progress(tx, shipment).await?;
    }
    Ok(to_tell)
}

/// The same of many shipments, with as many statements as of one.
pub async fn finish_each(
    tx: &Tx,
    changed: &mut [(Shipment, Changes<'_>)],
    occasion: &Occasion,
) -> Result<bool, StoreError> {
    let notices: Vec<Notice> =
        changed.iter_mut().flat_map(|(_, changes)| std::mem::take(&mut changes.notices)).collect();
    let to_tell = tell(tx, &notices, occasion.now, occasion.wall).await?;
    let entries = changed.iter_mut().filter(|(_, changes)| changes.any()).map(|(shipment, changes)| {
        shipment.updated_at = occasion.now;
        (shipment.id, &mut shipment.audit, changes.all.as_slice())
    });
    audit::append_to_each(tx, entries, occasion.now).await?;
    let saved = changed.iter().filter(|(_, changes)| changes.any());
    at_once::save_progress(tx, saved.map(|(shipment, _)| shipment).collect()).await?;
    Ok(to_tell)
}

impl<'o> Changes<'o> {
    pub fn new(occasion: &'o Occasion) -> Self {
        Self { actor: &occasion.actor, all: Vec::new(), notices: Vec::new() }
    }

    pub fn any(&self) -> bool {
        !self.all.is_empty()
    }

    pub fn add(&mut self, action: &str, detail: Value) {
        self.all.push(Change { actor: self.actor.to_owned(), action: action.to_owned(), detail });
    }
}

async fn save_parcels(
    tx: &Tx,
    parcels: Vec<Parcel>,
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
