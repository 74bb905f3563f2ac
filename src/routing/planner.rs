//! From a question to a plan: the first mile, the search, the last mile, the choice.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::TimeDelta;

use super::ask::{Ask, NoRoute};
use super::cost::{Road, distance_metres};
use super::hub_time::ready_at;
use super::network::Network;
use super::reasons::{self, Choice, Outcome};
use super::schedule::later;
use super::search::{Way, search};
use super::union::is_one_market;
use crate::config;
use crate::domain::instant::Instant;
use crate::domain::network::{Hub, HubCode, HubKind, TransportMode};
use crate::domain::plan::{Alternative, Leg, LegKind, Plan, UsdMicros};
use crate::domain::service::Service;

/// A way to the consignee's door.
struct Journey<'a> {
    way: Way<'a>,
    arrive_at: Instant,
    cost: UsdMicros,
    is_late: bool,
}

/// The times that a question is measured by.
struct Times {
    start_at: Instant,
    /// No departure after this one is looked at.
    last_at: Instant,
    promised_by: Instant,
}

/// The way that the service asks for, with its reasons and the best other ways.
///
/// Nothing is reserved by it. The same arguments give the same plan, in whatever order hubs and
/// lanes were loaded.
pub fn plan(network: &Network, settings: &config::Routing, ask: &Ask, now: Instant) -> Result<Plan, NoRoute> {
    if network.is_empty() {
        return Err(NoRoute::EmptyNetwork);
    }
    if !network.hubs().iter().any(|hub| hub.clearances.contains(&ask.clearance)) {
        return Err(NoRoute::NoGateway(ask.clearance));
    }
    let times = times(settings, ask, now);
    let starts = first_miles(network, settings, ask, times.start_at);
    if starts.is_empty() {
        return Err(NoRoute::NoOriginHub(ask.pickup_country));
    }
    let found = search(network, ask, starts, times.last_at);
    if found.ways.is_empty() && found.too_large {
        return Err(NoRoute::TooLarge { weight_grams: ask.weight.0, volume_cm3: ask.volume_cm3 });
    }
    let journeys = rank(network, settings, ask, &times, found.ways);
    let Some(best) = journeys.first() else {
        return Err(NoRoute::NoDeparture { horizon_days: settings.horizon_days, clearance: ask.clearance });
    };
    // Who buys the earliest arrival gets it whenever it is, and the plan says so; to the others the promise binds.
    let binds = match ask.service {
        Service::Express => false,
        Service::Standard | Service::Economy => true,
    };
    if best.is_late && binds {
        // Where all are late, the earliest of them is the first.
        let (fastest, promised_by) = (best.arrive_at, times.promised_by);
        return Err(NoRoute::PromiseNotKept { service: ask.service, fastest, promised_by });
    }
    Ok(write_down(network, settings, ask, now, &times, &journeys))
}

fn times(settings: &config::Routing, ask: &Ask, now: Instant) -> Times {
    let start_at = later(ask.until.max(now), TimeDelta::zero());
    let promise_days = match ask.service {
        Service::Express => settings.promise_days.express,
        Service::Standard => settings.promise_days.standard,
        Service::Economy => settings.promise_days.economy,
    };
    let days = |days: u32| later(start_at, TimeDelta::days(i64::from(days)));
    Times { start_at, last_at: days(settings.horizon_days), promised_by: days(promise_days) }
}

/// Ready at the nearest origin hubs that the pickup's country allows.
fn first_miles<'a>(
    network: &Network,
    settings: &config::Routing,
    ask: &Ask,
    start_at: Instant,
) -> Vec<Way<'a>> {
    let road = Road::new(&settings.first_mile);
    let mut near: Vec<(u64, usize)> = Vec::new();
    for (index, hub) in network.hubs().iter().enumerate() {
        if hub.kind == HubKind::OriginHub && is_one_market(ask.pickup_country, hub.country) {
            near.push((distance_metres(ask.pickup, hub.point), index));
        }
    }
    // Hubs are sorted by code, so that of two at the same distance the first by code comes first.
    near.sort_unstable();
    let nearest = near.into_iter().take(settings.origin_hubs_max);
    let start = |(metres, hub): (u64, usize)| Way {
        origin: hub,
        hub,
        ready_at: ready_at(&network.hubs()[hub], later(start_at, road.duration(metres))),
        cost: road.cost(metres, ask.chargeable),
        hauls: Vec::new(),
    };
    nearest.map(start).collect()
}

/// The best journey over each sequence of hubs, best first: those in time before those that are late,
/// then by what the service asks for. Of what is equal, fewer lanes, then the first by lane ids.
fn rank<'a>(
    network: &Network,
    settings: &config::Routing,
    ask: &Ask,
    times: &Times,
    ways: Vec<Way<'a>>,
) -> Vec<Journey<'a>> {
    let road = Road::new(&settings.last_mile);
    let mut by_hubs: BTreeMap<Vec<&HubCode>, Journey<'a>> = BTreeMap::new();
    for way in ways {
        let metres = distance_metres(network.hubs()[way.hub].point, ask.consignee);
        let arrive_at = later(way.ready_at, road.duration(metres));
        let cost = way.cost + road.cost(metres, ask.chargeable);
        let journey = Journey { way, arrive_at, cost, is_late: arrive_at > times.promised_by };
        match by_hubs.entry(via(network, &journey.way)) {
            Entry::Vacant(free) => {
                free.insert(journey);
            }
            Entry::Occupied(mut taken) => {
                if compare(ask.service, &journey, taken.get()).is_lt() {
                    taken.insert(journey);
                }
            }
        }
    }
    let mut journeys: Vec<_> = by_hubs.into_values().collect();
    journeys.sort_by(|a, b| compare(ask.service, a, b));
    journeys
}

fn compare(service: Service, a: &Journey, b: &Journey) -> std::cmp::Ordering {
    let earliest = (a.arrive_at, a.cost).cmp(&(b.arrive_at, b.cost));
    let wanted = match service {
        Service::Express => earliest,
        // Being cheap is worth nothing to what is late: then the earliest is wanted.
        Service::Standard | Service::Economy if a.is_late && b.is_late => earliest,
        Service::Standard | Service::Economy => (a.cost, a.arrive_at).cmp(&(b.cost, b.arrive_at)),
    };
    let lanes = a.way.hauls.len().cmp(&b.way.hauls.len());
    let ids = || a.way.lane_ids().cmp(b.way.lane_ids());
    a.is_late.cmp(&b.is_late).then(wanted).then(lanes).then_with(ids)
}

fn via<'a>(network: &'a Network, way: &Way<'a>) -> Vec<&'a HubCode> {
    let origin = &network.hubs()[way.origin].code;
    std::iter::once(origin).chain(way.hauls.iter().map(|haul| &haul.lane.to)).collect()
}

/// The plan of the first of `journeys`, with the next ones as alternatives.
fn write_down(
    network: &Network,
    settings: &config::Routing,
    ask: &Ask,
    now: Instant,
    times: &Times,
    journeys: &[Journey],
) -> Plan {
    let chosen = &journeys[0];
    let outcome = |journey: &Journey| Outcome { arrive_at: journey.arrive_at, cost: journey.cost };
    let others = journeys[1..].iter().take(settings.alternatives_max);
    let alternatives = others.map(|other| Alternative {
        via: via(network, &other.way).into_iter().cloned().collect(),
        arrive_at: other.arrive_at,
        cost: other.cost,
        reason: reasons::of_alternative(ask.service, outcome(chosen), outcome(other), times.promised_by),
    });
    let in_time = journeys.iter().filter(|journey| !journey.is_late).count();
    Plan {
        legs: legs(network, settings, ask, times.start_at, chosen),
        origin_hub: network.hubs()[chosen.way.origin].code.clone(),
        gateway: network.hubs()[chosen.way.hub].code.clone(),
        ready_at_gateway_at: chosen.way.ready_at,
        arrive_at: chosen.arrive_at,
        cost: chosen.cost,
        promised_by: times.promised_by,
        reason: reasons::of_choice(&Choice {
            service: ask.service,
            ways: journeys.len(),
            in_time,
            late_by: chosen.is_late.then(|| chosen.arrive_at - times.promised_by),
            window_is_over: now > ask.until,
        }),
        alternatives: alternatives.collect(),
    }
}

fn legs(
    network: &Network,
    settings: &config::Routing,
    ask: &Ask,
    start_at: Instant,
    journey: &Journey,
) -> Vec<Leg> {
    let way = &journey.way;
    let (origin, gateway) = (&network.hubs()[way.origin], &network.hubs()[way.hub]);
    let road_leg = |kind, from: &str, to: &str, hub: &Hub, address, mile, depart_at| {
        let (metres, road) = (distance_metres(address, hub.point), Road::new(mile));
        Leg {
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            mode: TransportMode::Road,
            lane: None,
            departure: None,
            depart_at,
            arrive_at: later(depart_at, road.duration(metres)),
            distance_km: metres as f64 / 1_000.0,
            cost: road.cost(metres, ask.chargeable),
        }
    };
    let to_hub = (LegKind::FirstMile, "pickup", origin.code.as_str());
    let first = road_leg(to_hub.0, to_hub.1, to_hub.2, origin, ask.pickup, &settings.first_mile, start_at);
    let hauls = way.hauls.iter().map(|haul| Leg {
        kind: LegKind::LineHaul,
        from: haul.lane.from.to_string(),
        to: haul.lane.to.to_string(),
        mode: haul.lane.mode,
        lane: Some(haul.lane.id.clone()),
        departure: Some(haul.departure.id.clone()),
        depart_at: haul.departure.depart_at,
        arrive_at: haul.departure.arrive_at,
        distance_km: f64::from(haul.lane.distance_km),
        cost: haul.cost,
    });
    let to_door = (LegKind::LastMile, gateway.code.as_str(), "consignee");
    let last =
        road_leg(to_door.0, to_door.1, to_door.2, gateway, ask.consignee, &settings.last_mile, way.ready_at);
    std::iter::once(first).chain(hauls).chain([last]).collect()
}
