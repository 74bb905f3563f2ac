//! Room on departures for the shipments that are planned on them.
//!
//! A planner knows what was booked a moment ago; the database knows what is. So a plan is booked in the
//! transaction that saves it, and where a departure has become full meanwhile, nothing is saved: what is true
//! of it is looked up, and the plan is made again. Each such round learns of one full departure, so that it
//! ends. What other daemons book is read every few seconds.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Deps, SharedNetwork};
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState};
use crate::domain::plan::{Leg, Plan};
use crate::routing::{Load, Network, Planner};
use crate::store::departures::{self, Booked, Booking, Dated};
use crate::store::{Reads, Store, StoreError, Tx};

/// Why nothing was booked.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("departure {0} has become full")]
    Full(DepartureId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one shipment takes of each departure it is planned on.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub shipment: ShipmentId,
    pub grams: u64,
    pub cm3: u64,
    pub departures: Vec<Dated>,
}

impl Wanted {
    /// The departures of `legs` as the network has them.
    pub fn of(network: &Network, shipment: ShipmentId, legs: &[Leg], grams: u64, cm3: u64) -> Wanted {
        let departures = legs.iter().filter_map(|leg| dated(network, leg)).collect();
        Wanted { shipment, grams, cm3, departures }
    }
}

fn dated(network: &Network, leg: &Leg) -> Option<Dated> {
    let id = leg.departure.clone()?;
    let lane = network.lane(&id.lane)?;
    // Whoever plans on it has found a cut-off; where the network changed since, nobody can be in time.
    let cutoff_at = network.cutoff_at(&lane.from, leg.depart_at).unwrap_or(leg.depart_at);
    Some(Dated {
        from: lane.from.clone(),
        to: lane.to.clone(),
        depart_at: leg.depart_at,
        arrive_at: leg.arrive_at,
        cutoff_at,
        capacity_grams: lane.capacity_grams,
        capacity_cm3: lane.capacity_cm3,
        id,
    })
}

/// What is booked on departures by now, to be told to the planner once it is committed.
pub type Loads = Vec<(DepartureId, Load)>;

/// Books all of `wanted`, or says which departure is full; then the transaction has to be given up.
pub async fn book(tx: &Tx, wanted: &[Wanted], now: Instant, wall: Instant) -> Result<Loads, BookError> {
    let mut sums: BTreeMap<&DepartureId, (&Dated, u64, u64)> = BTreeMap::new();
    for one in wanted {
        for dated in &one.departures {
            let sum = sums.entry(&dated.id).or_insert((dated, 0, 0));
            (sum.1, sum.2) = (sum.1 + one.grams, sum.2 + one.cm3);
        }
    }
    let mut loads = Vec::with_capacity(sums.len());
    for (id, (dated, grams, cm3)) in sums {
        match departures::take(tx, dated, (grams, cm3), wall).await? {
            Some((grams, cm3)) => loads.push((id.clone(), Load { grams, cm3 })),
            None => return Err(BookError::Full(id.clone())),
        }
    }
    let bookings: Vec<_> = wanted.iter().flat_map(bookings).collect();
    departures::insert_bookings(tx, &bookings, now).await?;
    Ok(loads)
}

fn bookings(wanted: &Wanted) -> impl Iterator<Item = Booking> {
    wanted.departures.iter().map(|dated| Booking {
        shipment: wanted.shipment,
        departure: dated.id.clone(),
        grams: wanted.grams,
        cm3: wanted.cm3,
    })
}

/// The departures that a plan takes from its beginning.
pub fn wanted(network: &Network, shipment: ShipmentId, plan: &Plan, grams: u64, cm3: u64) -> Wanted {
    Wanted::of(network, shipment, &plan.legs, grams, cm3)
}

/// Looks up what is booked on a departure that turned out to be full.
pub async fn look(store: &Store, planner: &Planner, id: &DepartureId) -> Result<(), StoreError> {
    if let Some(booked) = departures::find(store.reader(), id).await? {
        tell(planner, &booked);
    }
    Ok(())
}

fn tell(planner: &Planner, booked: &Booked) {
    let load = match booked.state {
        DepartureState::Open => Load { grams: booked.grams, cm3: booked.cm3 },
        // Nothing more goes on it.
        DepartureState::Closed | DepartureState::Cancelled => Load { grams: u64::MAX / 2, cm3: u64::MAX / 2 },
    };
    planner.book(&booked.dated.id, load);
}

/// Tells a new planner all that is booked on departures to come.
pub async fn tell_all(db: &impl Reads, planner: &Planner, now: Instant) -> Result<(), StoreError> {
    for booked in departures::to_come(db, now - TimeDelta::days(1)).await? {
        tell(planner, &booked);
    }
    Ok(())
}

/// Commits come in another order than they were begun in, and daemons' clocks differ.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);

/// The job of the scheduler: what others booked since the last time.
pub async fn run_due(deps: &Deps) -> Result<(), StoreError> {
    let wall = deps.clock.wall();
    let planner = deps.network.planner();
    for booked in departures::changed_since(deps.store.reader(), wall - OVERLAP).await? {
        tell(&planner, &booked);
    }
    Ok(())
}

impl SharedNetwork {
    /// Tells the planner in force what was booked.
    pub fn booked(&self, loads: &[(DepartureId, Load)]) {
        let planner = self.planner();
        for (id, load) in loads {
            planner.book(id, *load);
        }
    }
}
