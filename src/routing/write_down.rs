//! What a search found, as a plan that people can read.

use chrono::NaiveDate;

use super::ask::{Ask, NoRoute, Start};
use super::cost::{self, Road, kilometres};
use super::planner::{Planner, Times, distance_to};
use super::reasons::{self, Choice, Outcome};
use super::schedule::later;
use super::search::{Label, PassedOver};
use super::timetable::Timetable;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode, TransportMode};
use crate::domain::plan::{Alternative, Co2eMilligrams, Itinerary, Leg, LegKind, Plan, UsdMicros};
use crate::domain::service::Service;

/// All that a search found, and what it was asked with.
pub struct Found<'s> {
    /// By arrival, then cost, then emissions.
    pub doors: &'s [Label],
    pub passed_over: &'s PassedOver,
    pub times: Times,
    pub origins: &'s [(u32, u64)],
    pub gateways: &'s [(u32, u64)],
    pub timetable: &'s Timetable,
}

impl Found<'_> {
    /// The way that the service asks for; of what is equal in that, fewer lanes, then the first lane ids.
    pub fn choice(&self, service: Service) -> Result<&Label, NoRoute> {
        let promised_by = self.times.promised_by.timestamp_micros();
        let earliest = || self.doors.iter().min_by_key(|door| (door.ready_at, door.rank()));
        let cheapest = || {
            let in_time = self.doors.iter().filter(|door| door.ready_at <= promised_by);
            in_time.min_by_key(|door| (door.cost, door.rank()))
        };
        let wanted = match service {
            Service::Express => earliest(),
            Service::Standard | Service::Economy => cheapest(),
        };
        // Being cheap is worth nothing to what is late: then the earliest is wanted.
        match wanted.or_else(|| earliest().filter(|_| !self.times.binds)) {
            Some(chosen) => Ok(chosen),
            None => Err(NoRoute::PromiseNotKept {
                service,
                fastest: from_micros(self.doors.first().map_or(promised_by, |door| door.ready_at)),
                promised_by: self.times.promised_by,
            }),
        }
    }
}

fn outcome(door: &Label) -> Outcome {
    Outcome {
        arrive_at: from_micros(door.ready_at),
        cost: UsdMicros(door.cost),
        co2e: Co2eMilligrams(door.co2e),
    }
}

/// The chosen way, with the best others.
pub fn plan(planner: &Planner, ask: &Ask, found: &Found) -> Result<Plan, NoRoute> {
    let chosen = found.choice(ask.service)?;
    let promised_by = found.times.promised_by;
    let in_time = found.doors.iter().filter(|door| from_micros(door.ready_at) <= promised_by).count();
    let arrive_at = from_micros(chosen.ready_at);
    let Itinerary { legs, ready_at_gateway_at, cost, co2e, .. } = itinerary(planner, ask, found, chosen);
    let via = via(planner, found, chosen);
    Ok(Plan {
        legs,
        origin_hub: via.first().cloned().unwrap_or_else(|| planner.network.hubs()[0].code.clone()),
        gateway: planner.network.hubs()[chosen.hub as usize].code.clone(),
        ready_at_gateway_at,
        arrive_at,
        cost,
        co2e,
        promised_by,
        reason: reasons::of_choice(&Choice {
            service: ask.service,
            ways: found.doors.len(),
            in_time,
            late_by: (arrive_at > promised_by).then(|| arrive_at - promised_by),
            window_is_over: found.times.window_is_over,
        }),
        alternatives: alternatives(planner, ask, found, chosen),
        passed_over: passed_over(planner, ask, found),
    })
}

/// The others in the order in which the service would take them: in time before late, then by what it asks for.
fn alternatives(planner: &Planner, ask: &Ask, found: &Found, chosen: &Label) -> Vec<Alternative> {
    let promised_by = found.times.promised_by.timestamp_micros();
    let mut others: Vec<&Label> = found.doors.iter().filter(|door| !std::ptr::eq(*door, chosen)).collect();
    others.sort_by_key(|door| {
        let is_late = door.ready_at > promised_by;
        let wanted = match ask.service {
            Service::Express => (door.ready_at, door.cost),
            Service::Standard | Service::Economy => (door.cost, door.ready_at),
        };
        (is_late, wanted, door.rank())
    });
    let others = others.into_iter().take(planner.settings.alternatives_max);
    let alternative = |other: &Label| Alternative {
        via: via(planner, found, other),
        arrive_at: from_micros(other.ready_at),
        cost: UsdMicros(other.cost),
        co2e: Co2eMilligrams(other.co2e),
        reason: reasons::of_alternative(
            ask.service,
            outcome(chosen),
            outcome(other),
            found.times.promised_by,
        ),
    };
    others.map(alternative).collect()
}

/// What was left out before anything was compared, in words.
fn passed_over(planner: &Planner, ask: &Ask, found: &Found) -> Vec<String> {
    let lane = |index: usize| &planner.network.lanes()[index].id;
    let PassedOver { too_small, piece, goods, full } = found.passed_over;
    let full = full.map(|(index, departure)| {
        let departure = DepartureId { lane: lane(index).clone(), date: found.timetable.date(departure) };
        format!("full departures such as {departure}")
    });
    let goods = goods.map(|index| {
        let goods: Vec<_> = ask.goods.iter().map(|goods| goods.un.to_string()).collect();
        format!("lanes that do not take {} such as {}", goods.join(", "), lane(index))
    });
    let piece =
        piece.map(|index| format!("lanes that take no piece of {} g such as {}", ask.piece.0, lane(index)));
    let too_small = too_small.map(|index| format!("lanes that are too small such as {}", lane(index)));
    [full, goods, piece, too_small].into_iter().flatten().collect()
}

fn via(planner: &Planner, found: &Found, door: &Label) -> Vec<HubCode> {
    let hubs = planner.network.hubs();
    let origin = found.origins[door.start as usize].0 as usize;
    let lanes = door.hauls().map(|(lane, _)| planner.network.ends(lane).1);
    std::iter::once(origin).chain(lanes).map(|hub| hubs[hub].code.clone()).collect()
}

/// One way, leg by leg.
pub fn itinerary(planner: &Planner, ask: &Ask, found: &Found, door: &Label) -> Itinerary {
    let gateway = door.hub as usize;
    let (origin, micrometres) = found.origins[door.start as usize];
    let first = first_mile(planner, ask, found, origin as usize, micrometres);
    let hauls = door.hauls().map(|(lane, departure)| {
        let depart_at = from_micros(found.timetable.depart_at[departure]);
        haul(planner, ask, lane, found.timetable.date(departure), depart_at)
    });
    let to_door = distance_to(found.gateways, gateway);
    let road = planner.last_mile_road(gateway);
    let arrive_at = from_micros(door.ready_at);
    let ready_at_gateway_at = arrive_at - chrono::TimeDelta::minutes(road.minutes(to_door));
    let ends = (planner.network.hubs()[gateway].code.as_str(), "consignee");
    let last = road_leg(ask, road, LegKind::LastMile, ends, ready_at_gateway_at, to_door);
    Itinerary {
        legs: first.into_iter().chain(hauls).chain([last]).collect(),
        ready_at_gateway_at,
        arrive_at,
        cost: UsdMicros(door.cost),
        co2e: Co2eMilligrams(door.co2e),
    }
}

pub fn haul(planner: &Planner, ask: &Ask, lane: usize, date: NaiveDate, depart_at: Instant) -> Leg {
    let lane = &planner.network.lanes()[lane];
    Leg {
        kind: LegKind::LineHaul,
        from: lane.from.to_string(),
        to: lane.to.to_string(),
        mode: lane.mode,
        lane: Some(lane.id.clone()),
        departure: Some(DepartureId { lane: lane.id.clone(), date }),
        depart_at,
        arrive_at: later(depart_at, chrono::TimeDelta::minutes(i64::from(lane.transit_minutes))),
        distance_km: lane.distance_metres as f64 / 1_000.0,
        cost: UsdMicros(cost::line_haul(lane, ask.chargeable)),
        co2e: Co2eMilligrams(planner.factors.line_haul(lane, ask.weight)),
    }
}

fn first_mile(planner: &Planner, ask: &Ask, found: &Found, origin: usize, micrometres: u64) -> Option<Leg> {
    let Start::Pickup { country, .. } = &ask.start else { return None };
    let road = planner.first_mile(*country);
    let ends = ("pickup", planner.network.hubs()[origin].code.as_str());
    Some(road_leg(ask, road, LegKind::FirstMile, ends, found.times.start_at, micrometres))
}

fn road_leg(
    ask: &Ask,
    road: &Road,
    kind: LegKind,
    (from, to): (&str, &str),
    depart_at: Instant,
    micrometres: u64,
) -> Leg {
    Leg {
        kind,
        from: from.to_owned(),
        to: to.to_owned(),
        mode: TransportMode::Road,
        lane: None,
        departure: None,
        depart_at,
        arrive_at: later(depart_at, chrono::TimeDelta::minutes(road.minutes(micrometres))),
        distance_km: kilometres(micrometres),
        cost: UsdMicros(road.cost(micrometres, ask.chargeable)),
        co2e: Co2eMilligrams(road.co2e(micrometres, ask.weight)),
    }
}
