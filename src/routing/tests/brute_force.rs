//! The planner against somebody who tries everything.
//!
//! The enumerator knows the model (it asks the hubs' times, the departures and the costs of the parts, which
//! have tests of their own) and nothing of the search: no labels, no dominance, no order. It also takes later
//! departures than the first, so that "the first one is never worse" is checked and not assumed. From all
//! that it found, what nothing else beats is picked out by comparing each with each.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use proptest::prelude::*;

use super::{ask, at, gateway, hub, lane, pickup, settings};
use crate::config;
use crate::domain::calendar::{Calendar, ChangeKind, Closure, DepartureChange};
use crate::domain::dangerous::{Acceptance, DangerousCarriage};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, Hub, HubKind, Lane, TransportMode};
use crate::domain::place::Point;
use crate::domain::plan::{Itinerary, UsdMicros};
use crate::domain::quantity::{Chargeable, Grams};
use crate::domain::service::{Clearance, Service};
use crate::routing::closed::Closed;
use crate::routing::cost::{Factors, Road, distance_micrometres, line_haul};
use crate::routing::hub_time::ready_at;
use crate::routing::schedule::{departures, later};
use crate::routing::{Ask, LINE_HAULS_MAX, Load, Network, NoRoute, Planner, Start};

const HORIZON_DAYS: u32 = 14;
const PROMISE_DAYS: u32 = 8;

/// Horizon and promise short enough to matter to networks as small as these.
fn short_settings() -> config::Routing {
    settings(&format!(
        "[routing]\nhorizon_days = {HORIZON_DAYS}\norigin_hubs_max = 2\n[routing.promise_days]\n\
         express = {PROMISE_DAYS}\nstandard = {PROMISE_DAYS}\neconomy = {PROMISE_DAYS}\n\
         [routing.first_mile.by_country.US]\nspeed_kmh = 61.5\nper_km = \"0.0123\""
    ))
}

/// A network, what is booked on it, and a question.
#[derive(Debug, Clone)]
struct Case {
    hubs: Vec<Hub>,
    lanes: Vec<Lane>,
    calendar: Calendar,
    /// Departures, in whose way something is.
    booked: Vec<(DepartureId, Load)>,
    ask: Ask,
}

/// Arrival, cost and emissions at the door, and how it went there.
type Journey = ((Instant, i64, i64), (usize, Vec<String>), Vec<String>);

struct Everything<'a> {
    case: &'a Case,
    settings: &'a config::Routing,
    factors: Factors,
    last_at: Instant,
    journeys: Vec<Journey>,
}

fn every_journey(case: &Case, settings: &config::Routing) -> Vec<Journey> {
    let Start::Pickup { point, country, until, .. } = &case.ask.start else { return Vec::new() };
    let factors = Factors::new(&settings.co2e_grams_per_tonne_km);
    let last_at = later(*until, TimeDelta::days(i64::from(HORIZON_DAYS)));
    let mut everything = Everything { case, settings, factors, last_at, journeys: Vec::new() };
    let road = Road::new(&settings.first_mile.of(*country), &factors);
    let own = case.hubs.iter().filter(|hub| hub.kind == HubKind::OriginHub && hub.country == *country);
    let mut near: Vec<_> = own.map(|hub| (distance_micrometres(*point, hub.point), &hub.code, hub)).collect();
    near.sort_by_key(|(distance, code, _)| (*distance, (*code).clone()));
    for (distance, _, hub) in near.into_iter().take(settings.origin_hubs_max) {
        let received_at = later(*until, TimeDelta::minutes(road.minutes(distance)));
        let ready = everything.ready(hub, received_at);
        let (cost, co2e) = (road.cost(distance, case.ask.chargeable), road.co2e(distance, case.ask.weight));
        everything.go_on(hub, (ready, cost, co2e), &mut Vec::new(), &mut Vec::new());
    }
    everything.journeys
}

impl Everything<'_> {
    fn closed(&self, hub: &Hub) -> Closed {
        Closed::of(hub, &self.case.calendar)
    }

    fn ready(&self, hub: &Hub, received_at: Instant) -> Instant {
        ready_at(hub, &self.closed(hub), received_at)
    }

    fn carries(&self, lane: &Lane) -> bool {
        let ask = &self.case.ask;
        u64::from(ask.weight.0) <= lane.capacity_grams
            && lane.piece_grams_max.is_none_or(|most| ask.piece.0 <= most)
            && ask.goods.iter().all(|goods| lane.dangerous_goods.takes(goods, lane.mode))
    }

    fn has_room(&self, lane: &Lane, date: NaiveDate) -> bool {
        let is_it = |id: &DepartureId| id.lane == lane.id && id.date == date;
        let load =
            self.case.booked.iter().find(|(id, _)| is_it(id)).map(|(_, load)| *load).unwrap_or_default();
        let ask = &self.case.ask;
        load.grams + u64::from(ask.weight.0) <= lane.capacity_grams
            && load.cm3 + ask.volume_cm3 <= lane.capacity_cm3
    }

    fn go_on(
        &mut self,
        hub: &Hub,
        (at, cost, co2e): (Instant, i64, i64),
        taken: &mut Vec<String>,
        dates: &mut Vec<String>,
    ) {
        let ask = &self.case.ask;
        if hub.kind == HubKind::Gateway {
            if hub.clearances.contains(&ask.clearance) {
                let road = Road::new(&self.settings.last_mile.of(hub.country), &self.factors);
                let distance = distance_micrometres(hub.point, ask.consignee);
                let arrive_at = later(at, TimeDelta::minutes(road.minutes(distance)));
                let cost = cost + road.cost(distance, ask.chargeable);
                let co2e = co2e + road.co2e(distance, ask.weight);
                self.journeys.push(((arrive_at, cost, co2e), (taken.len(), taken.clone()), dates.clone()));
            }
            return;
        }
        let case = self.case;
        let lanes = case.lanes.iter().filter(|lane| lane.from == hub.code && taken.len() < LINE_HAULS_MAX);
        for lane in lanes.filter(|lane| self.carries(lane)).collect::<Vec<_>>() {
            let to = case.hubs.iter().find(|hub| hub.code == lane.to).expect("a known hub");
            let changes: BTreeMap<_, _> = case
                .calendar
                .changes
                .iter()
                .filter(|change| change.departure.lane == lane.id)
                .map(|change| (change.departure.date, change.kind))
                .collect();
            let mut runs = departures(lane, &changes, at, self.last_at);
            runs.retain(|run| !self.closed(hub).contains(run.depart_at) && self.has_room(lane, run.date));
            for run in runs.into_iter().take(2) {
                let reached = (
                    self.ready(to, run.arrive_at),
                    cost + line_haul(lane, ask.chargeable),
                    co2e + self.factors.line_haul(lane, ask.weight),
                );
                taken.push(lane.id.to_string());
                dates.push(run.date.to_string());
                self.go_on(to, reached, taken, dates);
                taken.pop();
                dates.pop();
            }
        }
    }
}

/// What nothing else beats; of equals, the one with fewer lanes and then the first by lane ids.
fn unbeaten(journeys: &[Journey]) -> Vec<Journey> {
    let no_worse = |a: &Journey, b: &Journey| a.0.0 <= b.0.0 && a.0.1 <= b.0.1 && a.0.2 <= b.0.2;
    let mut left: Vec<Journey> = journeys
        .iter()
        .filter(|one| !journeys.iter().any(|other| no_worse(other, one) && other.0 != one.0))
        .cloned()
        .collect();
    left.sort();
    left.dedup_by(|later, first| later.0 == first.0);
    left
}

fn a_hub(index: usize, is_gateway: bool) -> impl Strategy<Value = Hub> {
    let zones = vec![chrono_tz::UTC, chrono_tz::America::New_York, chrono_tz::Asia::Shanghai];
    let figures = (0.0..2.0_f64, 0.0..2.0_f64, 0_u32..24, 0_u32..1_200, any::<bool>(), any::<bool>());
    (figures, prop::sample::select(zones)).prop_map(
        move |((lat, lon, cutoff, handling, abroad, postal), zone)| {
            let made = if is_gateway { gateway(&format!("CN{index}")) } else { hub(&format!("US{index}")) };
            // Now and then the pickup cannot go there directly, or the gateway does not clear it. Of each
            // kind the first can be used, or else half of the cases would be refusals.
            let (abroad, postal) = (abroad && index > 0, postal && index > 0);
            let country = if abroad && !is_gateway { "KR".parse().expect("a country") } else { made.country };
            let clearances = match (is_gateway, postal) {
                (true, true) => vec![Clearance::Postal],
                (true, false) | (false, _) => made.clearances.clone(),
            };
            let point = Point { lat, lon };
            let cutoff_local = chrono::NaiveTime::from_hms_opt(cutoff, 0, 0).expect("a time");
            Hub { point, country, clearances, zone, cutoff_local, handling_minutes: handling, ..made }
        },
    )
}

/// Which two hubs, weekdays as bits, departure hour, quarter days of transit, cents a kilogram, a rare small
/// plane.
type LaneFigures = (prop::sample::Index, prop::sample::Index, u8, u32, u32, i64, u8);

fn a_lane((index, figures): (usize, LaneFigures), hubs: &[Hub], origins: usize) -> Option<Lane> {
    let (from, to, days, hour, transit, cents, small) = figures;
    // The first lanes are a chain over all hubs, so that ways with several lanes are there to be found.
    let (from, to) =
        if index < origins { (index, index + 1) } else { (from.index(origins), to.index(hubs.len())) };
    let days: Vec<_> = (1..=7).filter(|day| days & 1 << day != 0).map(|day: u8| day.to_string()).collect();
    (from != to).then(|| Lane {
        weekdays: days.join(";").parse().expect("weekdays"),
        depart_local: chrono::NaiveTime::from_hms_opt(hour, 30, 0).expect("a time"),
        depart_zone: hubs[from].zone,
        transit_minutes: transit * 360,
        cost_per_kg_micros: cents * 10_000,
        // Often the same, so that ties are there to be decided.
        distance_metres: u64::from(transit % 3) * 500_000,
        mode: if transit > 5 { TransportMode::Sea } else { TransportMode::Air },
        capacity_grams: if small == 0 { 1_000 } else { 1_000_000 },
        piece_grams_max: (small == 1).then_some(1_200),
        dangerous_goods: if small == 2 { "none" } else { "" }.parse().expect("goods"),
        ..lane(&format!("L{index}"), hubs[from].code.as_str(), hubs[to].code.as_str())
    })
}

fn a_network() -> impl Strategy<Value = (Vec<Hub>, Vec<Lane>)> {
    let hubs = (2_usize..5, 1_usize..3).prop_flat_map(|(origins, gateways)| {
        let origin_hubs: Vec<_> = (0..origins).map(|index| a_hub(index, false)).collect();
        let gateways: Vec<_> = (0..gateways).map(|index| a_hub(index, true)).collect();
        (origin_hubs, gateways)
    });
    let index = any::<prop::sample::Index>;
    let figures = (index(), index(), 2_u8..=254, 0_u32..24, 1_u32..10, 0_i64..12, 0_u8..24);
    (hubs, prop::collection::vec(figures, 3..=10)).prop_map(|((origin_hubs, gateways), figures)| {
        let origins = origin_hubs.len();
        let hubs = [origin_hubs, gateways].concat();
        let lanes = figures.into_iter().enumerate().filter_map(|lane| a_lane(lane, &hubs, origins)).collect();
        (hubs, lanes)
    })
}

/// Legs follow each other in place and in time, and add up.
fn check_coherence(plan: &Itinerary) -> Result<(), TestCaseError> {
    for pair in plan.legs.windows(2) {
        prop_assert_eq!(&pair[0].to, &pair[1].from);
        prop_assert!(pair[0].arrive_at <= pair[1].depart_at);
    }
    prop_assert!(plan.legs.iter().all(|leg| leg.depart_at <= leg.arrive_at));
    prop_assert_eq!(plan.legs.iter().map(|leg| leg.cost).sum::<UsdMicros>(), plan.cost);
    prop_assert_eq!(plan.legs.iter().map(|leg| leg.co2e.0).sum::<i64>(), plan.co2e.0);
    prop_assert_eq!(plan.legs.last().map(|leg| leg.arrive_at), Some(plan.arrive_at));
    prop_assert_eq!(plan.legs.last().map(|leg| leg.depart_at), Some(plan.ready_at_gateway_at));
    Ok(())
}

/// Whole days from the start that a hub is closed, and departures that are off or extra or booked out.
type Trouble = (prop::sample::Index, u8, u8, prop::sample::Index, u8, u8);

fn a_case() -> impl Strategy<Value = Case> {
    let index = any::<prop::sample::Index>;
    let trouble = prop::collection::vec((index(), 0_u8..12, 0_u8..72, index(), 0_u8..14, 0_u8..6), 0..8);
    (a_network(), trouble, 0_i64..168, 0_u8..4).prop_map(|((hubs, lanes), trouble, hours, kind)| {
        // Around the night in which New York's clocks go forward.
        let start_at = at("2026-03-05T00:00:00Z") + TimeDelta::hours(hours);
        let mut ask = pickup(ask(Service::Express), |_, _, until| *until = start_at);
        if kind == 0 {
            let by_mode =
                [Acceptance::Declared, Acceptance::Allowed, Acceptance::Allowed, Acceptance::Allowed];
            ask.goods = vec![DangerousCarriage { un: "UN3480".parse().expect("a number"), by_mode }];
        }
        if kind == 1 {
            (ask.weight, ask.chargeable) = (Grams(1_777), Chargeable(1_999 * Chargeable::PER_GRAM + 5));
        }
        let mut case = Case { hubs, lanes, calendar: Calendar::default(), booked: Vec::new(), ask };
        for trouble in trouble {
            add_trouble(&mut case, trouble, start_at);
        }
        case
    })
}

fn add_trouble(case: &mut Case, (hub, day, hours, lane, date, kind): Trouble, start_at: Instant) {
    let from_at = start_at + TimeDelta::hours(i64::from(day) * 17);
    if case.lanes.is_empty() || kind < 2 {
        case.calendar.closures.push(Closure {
            hub: case.hubs[hub.index(case.hubs.len())].code.clone(),
            from_at,
            until_at: from_at + TimeDelta::hours(i64::from(hours)),
            reason: "trouble".to_owned(),
        });
        return;
    }
    let lane = &case.lanes[lane.index(case.lanes.len())];
    let date = start_at.date_naive() + TimeDelta::days(i64::from(date));
    let departure = DepartureId { lane: lane.id.clone(), date };
    let kind = match kind {
        2 => ChangeKind::Cancelled,
        3 => ChangeKind::Extra { depart_local: chrono::NaiveTime::from_hms_opt(2, 30, 0).expect("a time") },
        _ => {
            case.booked.retain(|(id, _)| *id != departure);
            // Now and then it fits to the gram.
            let weight = u64::from(case.ask.weight.0) - u64::from(kind == 4);
            let grams = lane.capacity_grams.saturating_sub(weight);
            return case.booked.push((departure, Load { grams, cm3: 0 }));
        }
    };
    case.calendar.changes.retain(|change| change.departure != departure);
    case.calendar.changes.push(DepartureChange { departure, kind, reason: "trouble".to_owned() });
}

fn planner(case: &Case, settings: &config::Routing) -> Planner {
    let network = Network::new(case.hubs.clone(), case.lanes.clone(), &case.calendar).expect("a network");
    let planner = Planner::new(Arc::new(network), settings.clone());
    for (departure, load) in &case.booked {
        planner.book(departure, *load);
    }
    planner
}

fn start_at(case: &Case) -> Instant {
    match &case.ask.start {
        Start::Pickup { until, .. } => *until,
        Start::Hub { ready_at, .. } => *ready_at,
    }
}

/// Vector, lanes and dates of an itinerary.
fn journey(way: &Itinerary) -> Journey {
    let departures: Vec<_> = way.legs.iter().filter_map(|leg| leg.departure.as_ref()).collect();
    let lanes: Vec<_> = departures.iter().map(|departure| departure.lane.to_string()).collect();
    let dates = departures.iter().map(|departure| departure.date.to_string()).collect();
    ((way.arrive_at, way.cost.0, way.co2e.0), (lanes.len(), lanes), dates)
}

fn check_pareto(case: &Case) -> Result<(), TestCaseError> {
    let settings = short_settings();
    let (planner, journeys) = (planner(case, &settings), every_journey(case, &settings));
    let expected = unbeaten(&journeys);
    match planner.pareto(&case.ask, start_at(case)) {
        Ok(found) => {
            found.iter().try_for_each(check_coherence)?;
            prop_assert_eq!(found.iter().map(journey).collect::<Vec<_>>(), expected);
        }
        Err(_) => prop_assert_eq!(expected, Vec::new()),
    }
    Ok(())
}

fn check_choice(case: &Case) -> Result<(), TestCaseError> {
    let settings = short_settings();
    let (planner, ways) = (planner(case, &settings), unbeaten(&every_journey(case, &settings)));
    let now = start_at(case);
    let promised_by = now + TimeDelta::days(i64::from(PROMISE_DAYS));
    for service in [Service::Express, Service::Standard] {
        let best = match service {
            Service::Express => ways.iter().min_by_key(|way| (way.0.0, way.1.clone())),
            Service::Standard | Service::Economy => {
                let in_time = ways.iter().filter(|way| way.0.0 <= promised_by);
                in_time.min_by_key(|way| (way.0.1, way.1.clone()))
            }
        };
        let ask = Ask { service, ..case.ask.clone() };
        let (chosen, plan) = (planner.choose(&ask, now), planner.plan(&ask, now));
        prop_assert_eq!(chosen.as_ref().err(), plan.as_ref().err());
        match (chosen, plan) {
            (Ok(chosen), Ok(plan)) => {
                prop_assert_eq!(Some(&journey(&chosen)), best);
                prop_assert_eq!((&chosen.legs, chosen.cost), (&plan.legs, plan.cost));
                prop_assert_eq!(plan.arrive_at > promised_by, plan.reason.contains("after the promise"));
                prop_assert_eq!(plan.alternatives.len(), (ways.len() - 1).min(settings.alternatives_max));
            }
            (Err(NoRoute::PromiseNotKept { fastest, .. }), _) => {
                prop_assert!(service != Service::Express && best.is_none());
                prop_assert_eq!(ways.first().map(|way| way.0.0), Some(fastest));
            }
            (Err(_), _) => prop_assert!(ways.is_empty()),
            (Ok(_), Err(_)) => prop_assert!(false, "a choice without a plan"),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_planner_finds_what_nothing_beats_and_nothing_else(case in a_case()) {
        check_pareto(&case)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_journey_is_better_than_the_choice(case in a_case()) {
        check_choice(&case)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_loading_makes_no_difference(
        (case, hubs, lanes) in a_case().prop_flat_map(|case| {
            let shuffled = (Just(case.hubs.clone()).prop_shuffle(), Just(case.lanes.clone()).prop_shuffle());
            (Just(case), shuffled.0, shuffled.1)
        }),
    ) {
        let shuffled = Case { hubs, lanes, ..case.clone() };
        for service in Service::ALL {
            let ask = Ask { service: *service, ..case.ask.clone() };
            let planned = |case| planner(case, &short_settings()).plan(&ask, start_at(case));
            prop_assert_eq!(planned(&case), planned(&shuffled));
        }
    }
}
