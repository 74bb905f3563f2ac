//! What a cut-off is decided on: who is booked, and who is there.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use crate::consolidation::close::{Candidate, Departing, Piece, Way};
use crate::consolidation::segregation;
use crate::consolidation::terms::Terms;
use crate::domain::event::ScanKind;
use crate::domain::goods::Item;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState, HubCode, TransportMode};
use crate::domain::plan::Plan;
use crate::domain::shipment::ShipmentStatus;
use crate::routing::Network;
use crate::store::bag_parcels::{self, Placed};
use crate::store::departures::{self, Booked, Booking};
use crate::store::events::{self, Sighting};
use crate::store::shipments::{self, Parcel, Shipment};
use crate::store::{Reads, StoreError, shipments_at_once};

/// Two of these are equal where the same is decided on them.
#[derive(Debug, PartialEq)]
pub struct Inputs {
    pub booked: Booked,
    pub departing: Departing,
    pub carrier: String,
    pub bookings: Vec<Booking>,
    pub candidates: Vec<Candidate>,
    /// Parcels that came here in a bag of another consolidation, which ends for them.
    pub forwarded: Vec<(ParcelId, ConsolidationId)>,
    /// Parcels that were seen at the other end already, where a cut-off is made up for late.
    pub arrived: BTreeMap<ParcelId, Instant>,
}

/// None: there is no such departure, or it is not open.
pub async fn load(
    db: &impl Reads,
    network: &Network,
    terms: &Terms,
    id: &DepartureId,
) -> Result<Option<Inputs>, StoreError> {
    let found = departures::find(db, id).await?;
    let Some(booked) = found.filter(|booked| booked.state == DepartureState::Open) else { return Ok(None) };
    load_of(db, network, terms, booked).await.map(Some)
}

pub async fn load_of(
    db: &impl Reads,
    network: &Network,
    terms: &Terms,
    booked: Booked,
) -> Result<Inputs, StoreError> {
    let dated = &booked.dated;
    let bookings = departures::bookings(db, &dated.id).await?;
    let ids: Vec<ShipmentId> = bookings.iter().map(|booking| booking.shipment).collect();
    let mut shipments = Vec::with_capacity(ids.len());
    for some in ids.chunks(500) {
        let mut plans = shipments_at_once::plans(db, some).await?;
        let found = shipments_at_once::find(db, some).await?.into_iter();
        shipments.extend(found.filter_map(|one| plans.remove(&one.id).map(|(_, plan)| (one, plan))));
    }
    let scene = Scene {
        from: &dated.from,
        cutoff_at: dated.cutoff_at,
        zone: network.hub(&dated.from).map_or(Tz::UTC, |hub| hub.zone),
        sightings: by_parcel(events::sightings(db, &ids).await?, |sighting| sighting.parcel),
        placed: by_parcel(bag_parcels::packed_of(db, &ids).await?, |placed| placed.member.parcel),
    };
    let mut parcels: BTreeMap<ShipmentId, Vec<Parcel>> = BTreeMap::new();
    for some in ids.chunks(500) {
        for parcel in shipments::parcels_of(db, some).await? {
            parcels.entry(parcel.id.shipment).or_default().push(parcel);
        }
    }
    let candidates: Vec<Candidate> = shipments
        .iter()
        .map(|(shipment, plan)| {
            let parcels = parcels.get(&shipment.id).map(Vec::as_slice).unwrap_or_default();
            candidate(shipment, plan, parcels, &scene, terms)
        })
        .collect();
    let lane = network.lane(&dated.id.lane);
    let departing = Departing {
        id: dated.id.clone(),
        // Of a lane that an import took away nobody knows how it runs: cages go into anything but aircraft.
        mode: lane.map_or(TransportMode::Road, |lane| lane.mode),
        cutoff_at: dated.cutoff_at,
        // As it is now: it may have shrunk since it was booked.
        capacity_grams: lane.map_or(dated.capacity_grams, |lane| lane.capacity_grams),
        capacity_cm3: lane.map_or(dated.capacity_cm3, |lane| lane.capacity_cm3),
    };
    let placed = scene.placed.iter().flat_map(|(parcel, placed)| placed.iter().map(move |one| (parcel, one)));
    let forwarded = placed.map(|(parcel, placed)| (*parcel, placed.member.consolidation)).collect();
    let arrived = scene.sightings.iter().filter_map(|(parcel, sightings)| {
        let there = |sighting: &&Sighting| sighting.hub == dated.to && sighting.occurred_at > dated.cutoff_at;
        Some((*parcel, sightings.iter().find(there)?.occurred_at))
    });
    Ok(Inputs {
        departing,
        carrier: lane.map(|lane| lane.carrier.clone()).unwrap_or_default(),
        candidates,
        forwarded,
        arrived: arrived.collect(),
        bookings,
        booked,
    })
}

fn by_parcel<T>(all: Vec<T>, parcel: fn(&T) -> ParcelId) -> BTreeMap<ParcelId, Vec<T>> {
    let mut by_parcel: BTreeMap<ParcelId, Vec<T>> = BTreeMap::new();
    for one in all {
        by_parcel.entry(parcel(&one)).or_default().push(one);
    }
    by_parcel
}

/// The hub at its cut-off, and all that was seen of the parcels by anybody.
struct Scene<'a> {
    from: &'a HubCode,
    cutoff_at: Instant,
    zone: Tz,
    sightings: BTreeMap<ParcelId, Vec<Sighting>>,
    placed: BTreeMap<ParcelId, Vec<Placed>>,
}

fn candidate(
    shipment: &Shipment,
    plan: &Plan,
    parcels: &[Parcel],
    scene: &Scene<'_>,
    terms: &Terms,
) -> Candidate {
    let last_mile = terms.last_mile(&plan.gateway, shipment.consignee.division);
    let absent = parcels.iter().find_map(|parcel| {
        let reason = absent(parcel, scene)?;
        let which = match parcels.len() {
            1 => String::new(),
            all => format!("parcel {} of {all}: ", parcel.id.number),
        };
        Some(format!("{which}{reason}"))
    });
    Candidate {
        shipment: shipment.id,
        service: shipment.service,
        promised_by: plan.promised_by,
        way: Way {
            gateway: plan.gateway.clone(),
            clearance: shipment.clearance,
            last_mile_carrier: last_mile.map(str::to_owned),
        },
        absent,
        pieces: parcels.iter().map(piece).collect(),
    }
}

/// Why a parcel cannot go. It was received by the cut-off, and not seen anywhere else by then: what people
/// did later, they did after it had gone.
fn absent(parcel: &Parcel, scene: &Scene<'_>) -> Option<String> {
    match parcel.status {
        status @ (ShipmentStatus::Cancelled
        | ShipmentStatus::Returning
        | ShipmentStatus::Returned
        | ShipmentStatus::Lost
        | ShipmentStatus::Destroyed) => return Some(format!("{status}")),
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
        | ShipmentStatus::OnHold => {}
    }
    let from = scene.from;
    let sightings = scene.sightings.get(&parcel.id).map(Vec::as_slice).unwrap_or_default();
    let in_time = &sightings[..sightings.partition_point(|one| one.occurred_at <= scene.cutoff_at)];
    let is_reception =
        |kind: ScanKind| matches!(kind, ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked);
    let Some(last) =
        in_time.last().filter(|_| in_time.iter().any(|one| one.hub == *from && is_reception(one.kind)))
    else {
        let cutoff_at = scene.cutoff_at.with_timezone(&scene.zone);
        return Some(format!("not received at {from} by its cut-off, {}", cutoff_at.format("%F %H:%M %Z")));
    };
    if last.hub != *from {
        return Some(format!("seen at {} by the cut-off of {from}", last.hub));
    }
    if matches!(last.kind, ScanKind::CustomsHeld | ScanKind::HandedOver) {
        return Some(format!("{} at {from}", last.kind));
    }
    let placed = scene.placed.get(&parcel.id).map(Vec::as_slice).unwrap_or_default();
    let elsewhere = placed.iter().find(|placed| placed.to != *from)?;
    Some(format!("in bag {} of {}", elsewhere.bag_number, elsewhere.departure))
}

fn piece(parcel: &Parcel) -> Piece {
    let class = |item: &Item| match &item.dangerous_goods {
        Some(goods) => segregation::packing_class(Some(goods.un), &goods.class),
        None => segregation::NONE,
    };
    Piece {
        parcel: parcel.id,
        grams: u64::from(parcel.weight.0),
        cm3: parcel.size.cubic_cm(),
        classes: parcel.items.iter().map(class).collect::<BTreeSet<_>>(),
    }
}
