//! What is to become of each shipment of a batch: computed, nothing written.

use chrono::TimeDelta;

use super::decide::{Anew, Beginning, Decision, Known, SCANNED_WITHIN, Travelled, decide};
use super::load::Case;
use crate::config;
use crate::domain::id::PlanId;
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState};
use crate::domain::plan::{Leg, LegKind, Plan};
use crate::domain::shipment::Estimate;
use crate::flows::book_departures::{self, Release, Wanted};
use crate::flows::read_pickup::{self, Piece};
use crate::geography::Atlas;
use crate::routing::{Ask, Load, Network, Planner, Start};
use crate::store::departures::{Booking, Held};
use crate::store::shipments::Parcel;
use crate::tracking::{self, Place, StageTimes};

pub enum Outcome {
    /// The plan holds, or there is nothing more to plan.
    Done,
    /// Nobody waits for it any more.
    Abandoned(Abandoned),
    NoWay(String),
    Anew(Box<NewPlan>),
}

pub struct Abandoned {
    /// It was on its way then.
    pub is_collected: bool,
    /// Nothing is booked for it any more. As long as something is, it goes with that if it comes after all.
    pub is_over: bool,
    /// What comes yet may seem to be in time for a departure that it has no room on any more: it is looked at again,
    /// until that has left.
    pub again: bool,
    pub released: Vec<Release>,
}

pub struct NewPlan {
    pub id: PlanId,
    pub plan: Plan,
    pub estimate: Estimate,
    /// Why the old one does not hold.
    pub why: String,
    pub released: Vec<Release>,
    pub wanted: Vec<Wanted>,
}

impl Outcome {
    /// Those whose load it makes a difference to.
    pub fn departures(&self) -> Vec<&DepartureId> {
        let (released, wanted): (&[Release], &[Wanted]) = match self {
            Outcome::Done | Outcome::NoWay(_) => (&[], &[]),
            Outcome::Abandoned(abandoned) => (&abandoned.released, &[]),
            Outcome::Anew(new) => (&new.released, &new.wanted),
        };
        let released = released.iter().map(|release| &release.booking.departure);
        released.chain(wanted.iter().flat_map(|one| one.departures.iter().map(|dated| &dated.id))).collect()
    }
}

/// One after the other: each finds the room that the ones before it took or gave back.
pub fn all(
    planner: &Planner,
    settings: &config::Routing,
    learned: &StageTimes,
    cases: Vec<Case>,
    now: Instant,
) -> Vec<(Case, Outcome)> {
    let horizon = TimeDelta::days(i64::from(settings.horizon_days));
    let outcome = |case: Case| {
        let outcome = outcome(planner, horizon, learned, &case, now);
        (case, outcome)
    };
    cases.into_iter().map(outcome).collect()
}

fn outcome(
    planner: &Planner,
    horizon: TimeDelta,
    learned: &StageTimes,
    case: &Case,
    now: Instant,
) -> Outcome {
    let numbers: Vec<u16> = case.parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &case.events);
    let places = tracking::places(&timeline);
    let closed =
        case.held.iter().filter(|held| case.waiting.left_behind && held.state == DepartureState::Closed);
    let left_behind: Vec<_> = closed.map(|held| held.booking.departure.clone()).collect();
    let cancelled = case.held.iter().filter(|held| held.state == DepartureState::Cancelled);
    let cancelled: Vec<_> = cancelled.map(|held| held.booking.departure.clone()).collect();
    // Who was given up has given its room back, and its plan still names it.
    let is_held = |id: &&DepartureId| case.held.iter().any(|held| held.booking.departure == **id);
    let unbooked = case.plan.legs.iter().filter_map(|leg| leg.departure.as_ref()).filter(|id| !is_held(id));
    let goes_without: Vec<_> = left_behind.iter().chain(unbooked).cloned().collect();
    let known = Known {
        plan: &case.plan,
        clearance: case.shipment.clearance,
        pickup_until: case.shipment.pickup.until,
        places: &places,
        left_behind: &goes_without,
        cancelled: &cancelled,
    };
    let found = Found { case, places: &places, left_behind: &left_behind };
    match decide(planner.network(), &known, horizon, now) {
        Decision::StillHolds | Decision::Nothing => Outcome::Done,
        Decision::Abandoned => abandoned(&found, now),
        Decision::Anew(anew) => match new_plan(planner, &found, anew, now) {
            Ok(mut new) => {
                new.estimate = tracking::estimate(&new.plan, Some(&timeline), learned, now);
                Outcome::Anew(Box::new(new))
            }
            Err(problem) => Outcome::NoWay(problem),
        },
    }
}

/// A shipment, and what was found out about it.
struct Found<'f> {
    case: &'f Case,
    /// By parcel.
    places: &'f [Place],
    left_behind: &'f [DepartureId],
}

/// What has not left yet it keeps until it is left behind by it.
fn abandoned(found: &Found, now: Instant) -> Outcome {
    let Found { case, places, left_behind } = found;
    let open = case.held.iter().filter(|held| held.state == DepartureState::Open);
    let is_over = !open.clone().any(|held| held.depart_at > now);
    // With those that closed before, others of its parcels went.
    let left_by = case.held.iter().rfind(|held| left_behind.contains(&held.booking.departure));
    let released = open.filter(|_| is_over).map(|held| release(held, false));
    let released = released.chain(left_by.map(|held| release(held, true))).collect();
    let is_collected = !places.contains(&Place::Uncollected);
    let mut hauls = case.plan.legs.iter().filter(|leg| leg.kind == LegKind::LineHaul);
    let again = is_over && hauls.any(|leg| now <= leg.depart_at + SCANNED_WITHIN);
    Outcome::Abandoned(Abandoned { is_collected, is_over, again, released })
}

fn release(held: &Held, closed_too: bool) -> Release {
    Release { booking: held.booking.clone(), closed_too }
}

fn new_plan(planner: &Planner, found: &Found, anew: Anew, now: Instant) -> Result<NewPlan, String> {
    let Anew { why, start, travelled, parcels, given_up } = anew;
    let case = found.case;
    let on_it: Vec<&Parcel> = parcels.iter().filter_map(|at| case.parcels.get(*at)).collect();
    let ask = ask(case, start, &on_it)?;
    let travelled: Vec<Leg> = travelled.into_iter().filter_map(|leg| leg_of(planner, leg, &ask)).collect();
    let released = released(case, &travelled, found.left_behind);
    tell(planner, &released, &[]);
    let mut plan = planner.plan(&ask, now).map_err(|no_route| {
        give_back(planner, &released);
        no_route.to_string()
    })?;
    let network = planner.network();
    let load = (u64::from(ask.weight.0), ask.volume_cm3);
    let mut wanted = vec![Wanted::of(network, case.shipment.id, &plan.legs, load.0, load.1)];
    wanted.extend(kept(planner.network(), found, &released, |at| {
        parcels.contains(&at) || given_up.contains(&at)
    }));
    tell(planner, &[], &wanted);
    let cause = &case.waiting.cause.reason;
    plan.reason = format!("{}: {}", if cause.is_empty() { &why } else { cause }, plan.reason);
    plan.promised_by = case.plan.promised_by;
    if !travelled.is_empty() {
        plan.origin_hub = case.plan.origin_hub.clone();
        plan.cost = travelled.iter().map(|leg| leg.cost).sum::<crate::domain::plan::UsdMicros>() + plan.cost;
        plan.co2e =
            travelled.iter().map(|leg| leg.co2e).sum::<crate::domain::plan::Co2eMilligrams>() + plan.co2e;
        plan.legs = travelled.into_iter().chain(plan.legs).collect();
    }
    let (id, estimate) = (case.next_plan, case.shipment.estimate);
    Ok(NewPlan { id, plan, estimate, why, released, wanted })
}

fn ask(case: &Case, start: Beginning, parcels: &[&Parcel]) -> Result<Ask, String> {
    let shipment = &case.shipment;
    let promised_by = case.plan.promised_by;
    let start = match start {
        Beginning::Pickup { until } => {
            let address = &shipment.pickup.address;
            let located = Atlas::embedded().locate(address).map_err(|error| error.to_string())?;
            let country = address.country;
            Start::Pickup { point: located.point, country, until, promised_by: Some(promised_by) }
        }
        Beginning::Hub { code, ready_at } => Start::Hub { code, ready_at, promised_by },
    };
    let pieces =
        parcels.iter().map(|parcel| Piece { weight: parcel.weight, size: parcel.size, items: &parcel.items });
    read_pickup::ask_from(start, shipment.consignee.division, shipment.service, shipment.clearance, pieces)
        .ok_or_else(|| "the consignee's division is not known any more".to_owned())
}

fn leg_of(planner: &Planner, leg: Travelled, ask: &Ask) -> Option<Leg> {
    match leg {
        Travelled::Planned(leg) => Some(leg),
        Travelled::Otherwise { departure, depart_at } => planner.haul(&departure, depart_at, ask),
    }
}

/// What is ahead on the old plan. What it travelled with stays its own, and so does what is closed but for
/// what it was left behind by.
fn released(case: &Case, travelled: &[Leg], left_behind: &[DepartureId]) -> Vec<Release> {
    let is_behind =
        |held: &&Held| travelled.iter().any(|leg| leg.departure.as_ref() == Some(&held.booking.departure));
    let release = |held: &Held| match held.state {
        DepartureState::Open => Some(release(held, false)),
        DepartureState::Closed => left_behind.contains(&held.booking.departure).then(|| release(held, true)),
        DepartureState::Cancelled => None,
    };
    case.held.iter().filter(|held| !is_behind(held)).filter_map(release).collect()
}

/// What parcels that are further on keep of what is given back: room for themselves, on what still leaves and
/// each of them has yet to go with.
fn kept(
    network: &Network,
    found: &Found,
    released: &[Release],
    is_seen_to: impl Fn(usize) -> bool,
) -> Vec<Wanted> {
    let Found { case, places, left_behind } = found;
    let is_given_back = |held: &Held| {
        released.iter().any(|one| !one.closed_too && one.booking.departure == held.booking.departure)
    };
    let mut wanted = Vec::new();
    for (at, (parcel, place)) in case.parcels.iter().zip(*places).enumerate() {
        if is_seen_to(at) {
            continue;
        }
        let ahead = still_ahead(network, case, place, left_behind);
        let departures = ahead.into_iter().filter(|held| is_given_back(held)).filter_map(|held| {
            let id = &held.booking.departure;
            book_departures::dated(network, id, network.departure(id)?)
        });
        wanted.push(Wanted {
            shipment: case.shipment.id,
            grams: u64::from(parcel.weight.0),
            cm3: parcel.size.cubic_cm(),
            departures: departures.collect(),
        });
    }
    wanted
}

/// What a parcel at `place` goes with of all that its shipment holds, be it of one plan or of several: from
/// each hub the next that leaves. What it is on is among it.
fn still_ahead<'c>(
    network: &Network,
    case: &'c Case,
    place: &Place,
    left_behind: &[DepartureId],
) -> Vec<&'c Held> {
    let lane = |held: &Held| network.lane(&held.booking.departure.lane);
    let goes = |held: &&Held| {
        held.state != DepartureState::Cancelled && !left_behind.contains(&held.booking.departure)
    };
    let mut ahead: Vec<&Held> = Vec::new();
    let (mut hub, mut after, not_with) = match place {
        Place::Beyond => return ahead,
        Place::Uncollected | Place::Collected => (case.plan.origin_hub.clone(), None, None),
        Place::InHub { hub, since, offloaded, .. } => {
            (hub.clone(), Some(*since), offloaded.as_ref().map(|(departure, _)| departure))
        }
        Place::UnderWay { hub, departure, at } => {
            let is_it = |held: &&Held| match departure {
                Some(departure) => held.booking.departure == *departure,
                None => lane(held).is_some_and(|lane| lane.from == *hub),
            };
            let on = case.held.iter().filter(goes).find(is_it);
            ahead.extend(on);
            let on = departure.as_ref().or(on.map(|held| &held.booking.departure));
            let Some(lane) = on.and_then(|on| network.lane(&on.lane)) else { return ahead };
            (lane.to.clone(), Some(*at), None)
        }
    };
    // By the time at which they leave, so that each step is a later one and there is an end.
    while let Some((next, lane)) = case
        .held
        .iter()
        .filter(goes)
        .filter(|held| after.is_none_or(|after| held.depart_at > after))
        .filter(|held| not_with != Some(&held.booking.departure))
        .find_map(|held| lane(held).filter(|lane| lane.from == hub).map(|lane| (held, lane)))
    {
        ahead.push(next);
        (hub, after) = (lane.to.clone(), Some(next.depart_at));
    }
    ahead
}

/// Tells the planner what is given back and taken, before it is.
fn tell(planner: &Planner, released: &[Release], wanted: &[Wanted]) {
    for Release { booking, closed_too } in released {
        if !closed_too {
            let Load { grams, cm3 } = planner.booked(&booking.departure);
            let load =
                Load { grams: grams.saturating_sub(booking.grams), cm3: cm3.saturating_sub(booking.cm3) };
            planner.book(&booking.departure, load);
        }
    }
    for one in wanted {
        for dated in &one.departures {
            let Load { grams, cm3 } = planner.booked(&dated.id);
            planner.book(&dated.id, Load { grams: grams + one.grams, cm3: cm3 + one.cm3 });
        }
    }
}

fn give_back(planner: &Planner, released: &[Release]) {
    for Release { booking: Booking { departure, grams, cm3, .. }, closed_too } in released {
        if !closed_too {
            let load = planner.booked(departure);
            planner.book(departure, Load { grams: load.grams + grams, cm3: load.cm3 + cm3 });
        }
    }
}
