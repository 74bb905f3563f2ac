//! Whether a parcel is there when its departure is packed.
//!
//! Parcels of one shipment get separated: one is taken off a flight, the others go; or each is brought to another
//! hub. Those that are ahead, or that will not come any more, keep nobody waiting; those that are still to come do,
//! so that a shipment is not torn further apart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::domain::event::ScanKind;
use crate::domain::id::ParcelId;
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::plan::{LegKind, Plan};
use crate::domain::shipment::ShipmentStatus;
use crate::flows::replan::decide::{due_after, is_given_up};
use crate::routing::Network;
use crate::store::bag_parcels::Placed;
use crate::store::events::Sighting;
use crate::store::shipments::Parcel;

/// The hub at its cut-off, and all that was seen of the parcels by anybody.
pub struct Scene<'a> {
    pub network: &'a Network,
    pub departure: &'a DepartureId,
    pub from: &'a HubCode,
    pub cutoff_at: Instant,
    pub zone: Tz,
    /// For how long somebody waits for what does not come.
    pub waits: TimeDelta,
    pub sightings: BTreeMap<ParcelId, Vec<Sighting>>,
    pub placed: BTreeMap<ParcelId, Vec<Placed>>,
}

/// How a parcel stands to a departure of its shipment. Unless it is there, why, in words.
#[derive(Debug, PartialEq)]
pub enum Standing {
    There,
    /// It is past this hub, or on a way that does not lead here: nobody waits for it.
    Ahead(String),
    /// It is still to come, or may not leave.
    Missing(String),
}

fn is_reception(kind: ScanKind) -> bool {
    matches!(kind, ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked)
}

/// It was received by the cut-off, and not seen anywhere else by then: what people did later, they did after it
/// had gone, unless they say that it went otherwise or not at all. `pickup_until`: the end of its pickup window.
pub fn standing(parcel: &Parcel, pickup_until: Instant, plan: &Plan, scene: &Scene<'_>) -> Standing {
    if is_off(parcel.status) {
        return Standing::Ahead(format!("{}", parcel.status));
    }
    let from = scene.from;
    let sightings = scene.sightings.get(&parcel.id).map(Vec::as_slice).unwrap_or_default();
    let placed = scene.placed.get(&parcel.id).map(Vec::as_slice).unwrap_or_default();
    let passed = passed(plan, from);
    // In a bag that goes on from here, or past here.
    if let Some(bag) = placed.iter().find(|bag| bag.to != *from && !passed.contains(bag.to.as_str())) {
        return Standing::Ahead(format!("in bag {} of {}", bag.bag_number, bag.departure));
    }
    let (in_time, later) =
        sightings.split_at(sightings.partition_point(|one| one.occurred_at <= scene.cutoff_at));
    let was_received = in_time.iter().any(|one| one.hub == *from && is_reception(one.kind));
    // As whoever plans anew says, who lets the others go on.
    let not_received = |due_at: Instant| {
        if is_given_up(due_at, scene.waits, scene.cutoff_at) {
            return Standing::Ahead(format!("awaited in vain since {}", due_at.format("%F")));
        }
        let cutoff_at = scene.cutoff_at.with_timezone(&scene.zone);
        Standing::Missing(format!(
            "not received at {from} by its cut-off, {}",
            cutoff_at.format("%F %H:%M %Z")
        ))
    };
    let Some(last) = in_time.last() else {
        return unseen(parcel).unwrap_or_else(|| not_received(pickup_until));
    };
    if last.kind == ScanKind::HandedOver {
        return Standing::Ahead(format!("{} at {}", last.kind, last.hub));
    }
    if last.hub != *from {
        let seen = format!("seen at {} by the cut-off of {from}", last.hub);
        let is_past =
            !passed.contains(last.hub.as_str()) && (was_received || is_to_come(plan, from, &last.hub));
        return match went_past(last, &passed, scene) {
            Some(departure) => Standing::Ahead(format!("departed from {} with {departure}", last.hub)),
            None if is_past => Standing::Ahead(seen),
            None if was_received && last.kind != ScanKind::Departed => Standing::Missing(seen),
            // Brought to another hub, from where it goes a way of its own: both would wait for each other for ever.
            None if is_reception(last.kind) && !passed.contains(last.hub.as_str()) => Standing::Ahead(seen),
            None => unseen(parcel).unwrap_or_else(|| not_received(due_here(last, plan, scene))),
        };
    }
    if !was_received {
        return match left_with(last, scene) {
            Some(departure) => Standing::Ahead(format!("departed from {from} with {departure}")),
            None => unseen(parcel).unwrap_or_else(|| not_received(scene.cutoff_at)),
        };
    }
    // What was said here until it was seen elsewhere; the last word counts.
    let is_word = |one: &&Sighting| matches!(one.kind, ScanKind::Departed | ScanKind::Offloaded);
    let after = later.iter().take_while(|one| one.hub == *from).filter(is_word).last();
    let word = after.or_else(|| in_time.iter().rev().take_while(|one| one.hub == *from).find(is_word));
    if let Some((word, departure)) = word.and_then(|word| Some((word, word.departure.as_ref()?))) {
        let is_this = departure == scene.departure;
        if word.kind == ScanKind::Departed && !is_this {
            return Standing::Ahead(format!("departed from {from} with {departure}"));
        }
        if word.kind == ScanKind::Offloaded && is_this {
            return Standing::Missing(format!("offloaded from {departure}"));
        }
    }
    if last.kind == ScanKind::CustomsHeld {
        return Standing::Missing(format!("{} at {from}", last.kind));
    }
    Standing::There
}

/// It ends where it is.
fn is_off(status: ShipmentStatus) -> bool {
    match status {
        ShipmentStatus::Cancelled
        | ShipmentStatus::Returning
        | ShipmentStatus::Returned
        | ShipmentStatus::Lost
        | ShipmentStatus::Destroyed => true,
        ShipmentStatus::Requested
        | ShipmentStatus::Accepted
        | ShipmentStatus::PickupScheduled
        | ShipmentStatus::PickedUp
        | ShipmentStatus::AtOriginHub
        | ShipmentStatus::Consolidated
        | ShipmentStatus::LineHaul
        | ShipmentStatus::AtGateway
        | ShipmentStatus::Customs
        | ShipmentStatus::LastMile
        | ShipmentStatus::OutForDelivery
        | ShipmentStatus::Delivered
        | ShipmentStatus::OnHold => false,
    }
}

/// Of what staff here never saw a carrier may say that it is far beyond.
fn unseen(parcel: &Parcel) -> Option<Standing> {
    let is_beyond = matches!(
        parcel.status,
        ShipmentStatus::LastMile | ShipmentStatus::OutForDelivery | ShipmentStatus::Delivered
    );
    is_beyond.then(|| Standing::Ahead(parcel.status.to_string()))
}

/// The hubs of a plan before `from`, from which something still comes here.
fn passed<'p>(plan: &'p Plan, from: &HubCode) -> BTreeSet<&'p str> {
    let hauls = || plan.legs.iter().filter(|leg| leg.kind == LegKind::LineHaul);
    let is_on_it = hauls().any(|leg| leg.from == from.as_str());
    let before = hauls().take_while(|leg| is_on_it && leg.from != from.as_str());
    before.map(|leg| leg.from.as_str()).collect()
}

/// Whether a plan comes through `hub` after `from`.
fn is_to_come(plan: &Plan, from: &HubCode, hub: &HubCode) -> bool {
    let hauls = plan.legs.iter().filter(|leg| leg.kind == LegKind::LineHaul);
    hauls.skip_while(|leg| leg.from != from.as_str()).any(|leg| leg.to == hub.as_str())
}

/// Another departure, by the scan of whoever loaded it without saying that it had come.
fn left_with<'s>(last: &'s Sighting, scene: &Scene<'_>) -> Option<&'s DepartureId> {
    let departure = last.departure.as_ref().filter(|_| last.kind == ScanKind::Departed)?;
    (departure != scene.departure).then_some(departure)
}

/// When what left another hub is in the next one; what has not left yet is waited for.
fn due_here(last: &Sighting, plan: &Plan, scene: &Scene<'_>) -> Instant {
    if last.kind != ScanKind::Departed {
        return scene.cutoff_at;
    }
    due_after(scene.network, plan, &last.hub, last.departure.as_ref(), last.occurred_at)
}

/// The departure with which it left another hub, and which does not come here.
fn went_past<'s>(last: &'s Sighting, passed: &BTreeSet<&str>, scene: &Scene<'_>) -> Option<&'s DepartureId> {
    let departure = last.departure.as_ref().filter(|_| last.kind == ScanKind::Departed)?;
    let lane = scene.network.lane(&departure.lane)?;
    (lane.to != *scene.from && !passed.contains(lane.to.as_str())).then_some(departure)
}
