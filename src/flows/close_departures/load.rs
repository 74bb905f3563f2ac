//! What a cut-off is decided on: who is booked, and who is there.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use super::standing::{Scene, Standing, standing};
use crate::consolidation::close::{Candidate, Departing, Piece, Way};
use crate::consolidation::segregation;
use crate::consolidation::terms::Terms;
use crate::domain::goods::Item;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState, TransportMode};
use crate::domain::plan::Plan;
use crate::routing::Network;
use crate::store::bag_parcels;
use crate::store::departures::{self, Booked, Booking, Dated};
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
        network,
        departure: &dated.id,
        from: &dated.from,
        cutoff_at: dated.cutoff_at,
        waits: terms.waits,
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
    let stays = stays(network, dated);
    let candidates: Vec<Candidate> = shipments
        .iter()
        .map(|(shipment, plan)| {
            let parcels = parcels.get(&shipment.id).map(Vec::as_slice).unwrap_or_default();
            let candidate = candidate(shipment, plan, parcels, &scene, terms);
            Candidate { absent: stays.clone().or(candidate.absent), ..candidate }
        })
        .collect();
    let lane = network.lane(&dated.id.lane);
    let departing = Departing {
        id: dated.id.clone(),
        // Nothing is packed for a lane that an import took away.
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

/// Why nobody goes: the departure itself does not leave, and a bag of it would stand there for ever.
fn stays(network: &Network, dated: &Dated) -> Option<String> {
    let (id, from) = (&dated.id, &dated.from);
    if network.departure(id).is_some() {
        return None;
    }
    Some(if network.is_cancelled(id) {
        format!("departure {id} is cancelled")
    } else if network.scheduled(id).is_some() {
        format!("hub {from} is closed when departure {id} is to leave")
    } else {
        format!("departure {id} is not in the network any more")
    })
}

fn by_parcel<T>(all: Vec<T>, parcel: fn(&T) -> ParcelId) -> BTreeMap<ParcelId, Vec<T>> {
    let mut by_parcel: BTreeMap<ParcelId, Vec<T>> = BTreeMap::new();
    for one in all {
        by_parcel.entry(parcel(&one)).or_default().push(one);
    }
    by_parcel
}

fn candidate(
    shipment: &Shipment,
    plan: &Plan,
    parcels: &[Parcel],
    scene: &Scene<'_>,
    terms: &Terms,
) -> Candidate {
    let last_mile = terms.last_mile(&plan.gateway, shipment.consignee.division);
    let named = |parcel: &Parcel, reason: String| match parcels.len() {
        1 => reason,
        all => format!("parcel {} of {all}: {reason}", parcel.id.number),
    };
    let (mut pieces, mut ahead, mut missing) = (Vec::new(), None, None);
    for parcel in parcels {
        match standing(parcel, shipment.pickup.until, plan, scene) {
            Standing::There => pieces.push(piece(parcel)),
            Standing::Ahead(reason) => ahead = ahead.or_else(|| Some(named(parcel, reason))),
            Standing::Missing(reason) => missing = missing.or_else(|| Some(named(parcel, reason))),
        }
    }
    // Whoever is ahead keeps nobody, but where all are there is nothing to pack.
    let absent = missing.or_else(|| ahead.filter(|_| pieces.is_empty()));
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
        pieces,
    }
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
