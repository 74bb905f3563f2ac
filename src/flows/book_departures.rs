//! Room on departures for the shipments that are planned on them.
//!
//! A planner knows what was booked a moment ago; the database knows what is. So a plan is booked in the
//! transaction that saves it, and where a departure has become full meanwhile, nothing is saved: what is true
//! of it is looked up, and the plan is made again. Each such round learns of one full departure, so that it
//! ends. What other daemons book is read every few seconds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{Deps, SharedNetwork};
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState};
use crate::domain::plan::{Leg, Plan};
use crate::routing::{Departure, Load, Network, Planner};
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
        let departures = legs.iter().filter_map(|leg| of_leg(network, leg)).collect();
        Wanted { shipment, grams, cm3, departures }
    }
}

fn of_leg(network: &Network, leg: &Leg) -> Option<Dated> {
    let id = leg.departure.as_ref()?;
    dated(network, id, Departure { date: id.date, depart_at: leg.depart_at, arrive_at: leg.arrive_at })
}

/// A departure as it is booked. None: its lane is not in the network.
pub fn dated(network: &Network, id: &DepartureId, departure: Departure) -> Option<Dated> {
    let lane = network.lane(&id.lane)?;
    let Departure { depart_at, arrive_at, .. } = departure;
    // Whoever plans on it has found a cut-off; where the network changed since, nobody can be in time.
    let cutoff_at = network.cutoff_at(&lane.from, depart_at).unwrap_or(depart_at);
    Some(Dated {
        id: id.clone(),
        from: lane.from.clone(),
        to: lane.to.clone(),
        depart_at,
        arrive_at,
        cutoff_at,
        capacity_grams: lane.capacity_grams,
        capacity_cm3: lane.capacity_cm3,
    })
}

/// What is booked on departures by now, to be told to the planner once it is committed.
pub type Loads = Vec<(DepartureId, Load)>;

/// Books all of `wanted`, or says which departure is full; then the transaction has to be given up.
pub async fn book(tx: &Tx, wanted: &[Wanted], now: Instant, wall: Instant) -> Result<Loads, BookError> {
    rebook(tx, &[], wanted, now, wall).await
}

/// Something that a shipment holds and does not need any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub booking: Booking,
    /// Of a departure that was packed without it, too.
    pub closed_too: bool,
}

/// What is given back to one departure and taken of it.
#[derive(Default)]
struct Both<'w> {
    given: (u64, u64),
    closed_too: bool,
    taken: Option<(&'w Dated, u64, u64)>,
}

/// Gives back and books in one go, each departure once and in the order of their ids, so that nobody who does
/// the same waits for one who waits for him. A departure that was closed meanwhile counts as full.
pub async fn rebook(
    tx: &Tx,
    released: &[Release],
    wanted: &[Wanted],
    now: Instant,
    wall: Instant,
) -> Result<Loads, BookError> {
    let mut both: BTreeMap<&DepartureId, Both> = BTreeMap::new();
    for Release { booking, closed_too } in released {
        let one = both.entry(&booking.departure).or_default();
        one.given = (one.given.0 + booking.grams, one.given.1 + booking.cm3);
        one.closed_too |= closed_too;
    }
    let mut bookings: BTreeMap<(ShipmentId, &DepartureId), (u64, u64)> = BTreeMap::new();
    for one in wanted {
        for dated in &one.departures {
            let sum = both.entry(&dated.id).or_default().taken.get_or_insert((dated, 0, 0));
            (sum.1, sum.2) = (sum.1 + one.grams, sum.2 + one.cm3);
            let own = bookings.entry((one.shipment, &dated.id)).or_default();
            *own = (own.0 + one.grams, own.1 + one.cm3);
        }
    }
    let mut loads = Vec::with_capacity(both.len());
    for (id, Both { given, closed_too, taken }) in both {
        let full = || BookError::Full(id.clone());
        let mut booked = None;
        if given != (0, 0) {
            booked = Some(departures::give(tx, id, given, closed_too, wall).await?.ok_or_else(full)?);
        }
        if let Some((dated, grams, cm3)) = taken {
            booked = Some(departures::take(tx, dated, (grams, cm3), wall).await?.ok_or_else(full)?);
        }
        if let Some((grams, cm3)) = booked.filter(|_| !closed_too) {
            loads.push((id.clone(), Load { grams, cm3 }));
        }
    }
    let given = released.iter().map(|release| (release.booking.shipment, release.booking.departure.clone()));
    departures::delete_bookings(tx, &given.collect::<Vec<_>>()).await?;
    let bookings = bookings.into_iter().map(|((shipment, departure), (grams, cm3))| Booking {
        shipment,
        departure: departure.clone(),
        grams,
        cm3,
    });
    departures::insert_bookings(tx, &bookings.collect::<Vec<_>>(), now).await?;
    Ok(loads)
}

/// Gives back what a shipment holds of departures that have not left: it does not go with them.
pub async fn release(tx: &Tx, shipment: ShipmentId, now: Instant, wall: Instant) -> Result<(), StoreError> {
    let mut all = departures::held_by(tx, &[shipment]).await?;
    all.sort_by(|a, b| a.booking.departure.cmp(&b.booking.departure));
    for held in all {
        if held.state != DepartureState::Open || held.depart_at <= now {
            continue;
        }
        let Booking { departure, grams, cm3, .. } = held.booking;
        // Closed in this very moment, it has been packed without it.
        if departures::give(tx, &departure, (grams, cm3), true, wall).await?.is_some() {
            departures::delete_bookings(tx, &[(shipment, departure)]).await?;
        }
    }
    Ok(())
}

/// The departures that a plan takes from its beginning.
pub fn wanted(network: &Network, shipment: ShipmentId, plan: &Plan, grams: u64, cm3: u64) -> Wanted {
    Wanted::of(network, shipment, &plan.legs, grams, cm3)
}

/// Looks up what is booked on a departure that turned out to be full.
pub async fn look(store: &Store, planner: &Planner, id: &DepartureId) -> Result<(), StoreError> {
    look_at(store.reader(), planner, [id]).await
}

/// The same for several, in one question.
pub async fn look_at(
    db: &impl Reads,
    planner: &Planner,
    ids: impl IntoIterator<Item = &DepartureId>,
) -> Result<(), StoreError> {
    let mut unknown: BTreeSet<&DepartureId> = ids.into_iter().collect();
    for booked in departures::find_many(db, unknown.iter().copied()).await? {
        unknown.remove(&booked.dated.id);
        tell(planner, &booked);
    }
    // Nobody has booked on it yet.
    unknown.into_iter().for_each(|id| planner.book(id, Load::default()));
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
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// The job of the scheduler: what others booked since the last time.
pub async fn run_due(deps: &Deps) -> Result<(), StoreError> {
    let wall = deps.clock.wall();
    let planner = deps.network.planner();
    planner.forget_before((deps.clock.now() - TimeDelta::days(2)).date_naive());
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
