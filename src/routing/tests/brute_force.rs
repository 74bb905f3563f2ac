//! The planner against somebody who tries everything.
//!
//! The enumerator knows the model (it asks `ready_at`, the departures and the costs of the parts, which have
//! tests of their own) and nothing of the search: no labels, no dominance, no order. It also takes later
//! departures than the first, so that "the first one is never worse" is checked and not assumed.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{ask, at, gateway, hub, lane, settings};
use crate::config;
use crate::domain::instant::Instant;
use crate::domain::network::{Hub, HubKind, Lane};
use crate::domain::place::Point;
use crate::domain::plan::{Plan, UsdMicros};
use crate::domain::service::{Clearance, Service};
use crate::routing::cost::{Road, distance_metres, line_haul};
use crate::routing::schedule::{departures_from, later};
use crate::routing::{Ask, LINE_HAULS_MAX, Network, NoRoute, plan, ready_at};

const HORIZON_DAYS: u32 = 14;
const PROMISE_DAYS: u32 = 8;

/// Horizon and promise short enough to matter to networks as small as these.
fn short_settings() -> config::Routing {
    settings(&format!(
        "[routing]\nhorizon_days = {HORIZON_DAYS}\norigin_hubs_max = 2\n[routing.promise_days]\n\
         express = {PROMISE_DAYS}\nstandard = {PROMISE_DAYS}\neconomy = {PROMISE_DAYS}"
    ))
}

/// Arrival and cost of every journey there is.
fn every_journey(
    hubs: &[Hub],
    lanes: &[Lane],
    settings: &config::Routing,
    ask: &Ask,
) -> Vec<(Instant, UsdMicros)> {
    let everything = Everything {
        hubs,
        lanes,
        settings,
        ask,
        last_at: later(ask.until, TimeDelta::days(i64::from(HORIZON_DAYS))),
    };
    let road = Road::new(&settings.first_mile);
    let mut near: Vec<_> = hubs
        .iter()
        .filter(|hub| hub.kind == HubKind::OriginHub && hub.country == ask.pickup_country)
        .map(|hub| (distance_metres(ask.pickup, hub.point), &hub.code, hub))
        .collect();
    near.sort_by_key(|(metres, code, _)| (*metres, (*code).clone()));
    let mut journeys = Vec::new();
    for (metres, _, hub) in near.into_iter().take(settings.origin_hubs_max) {
        let received_at = later(ask.until, road.duration(metres));
        let start = (ready_at(hub, received_at), road.cost(metres, ask.chargeable));
        everything.go_on(hub, start, LINE_HAULS_MAX, &mut journeys);
    }
    journeys
}

struct Everything<'a> {
    hubs: &'a [Hub],
    lanes: &'a [Lane],
    settings: &'a config::Routing,
    ask: &'a Ask,
    last_at: Instant,
}

impl Everything<'_> {
    fn go_on(
        &self,
        hub: &Hub,
        (at, cost): (Instant, UsdMicros),
        lanes_left: usize,
        journeys: &mut Vec<(Instant, UsdMicros)>,
    ) {
        if hub.kind == HubKind::Gateway {
            if hub.clearances.contains(&self.ask.clearance) {
                let road = Road::new(&self.settings.last_mile);
                let metres = distance_metres(hub.point, self.ask.consignee);
                let cost = cost + road.cost(metres, self.ask.chargeable);
                journeys.push((later(at, road.duration(metres)), cost));
            }
            return;
        }
        let out = self.lanes.iter().filter(|lane| lane.from == hub.code && lanes_left > 0);
        for lane in out.filter(|lane| u64::from(self.ask.weight.0) <= lane.capacity_grams) {
            let to = self.hubs.iter().find(|hub| hub.code == lane.to).expect("a known hub");
            for departure in departures_from(lane, at, self.last_at - at).take(2) {
                let reached =
                    (ready_at(to, departure.arrive_at), cost + line_haul(lane, self.ask.chargeable));
                self.go_on(to, reached, lanes_left - 1, journeys);
            }
        }
    }
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
        capacity_grams: if small == 0 { 1_000 } else { 1_000_000 },
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
fn check_coherence(plan: &Plan) -> Result<(), TestCaseError> {
    for pair in plan.legs.windows(2) {
        prop_assert_eq!(&pair[0].to, &pair[1].from);
        prop_assert!(pair[0].arrive_at <= pair[1].depart_at);
    }
    prop_assert!(plan.legs.iter().all(|leg| leg.depart_at <= leg.arrive_at));
    prop_assert_eq!(plan.legs.iter().map(|leg| leg.cost).sum::<UsdMicros>(), plan.cost);
    prop_assert_eq!(plan.legs.last().map(|leg| leg.arrive_at), Some(plan.arrive_at));
    prop_assert_eq!(plan.legs.last().map(|leg| leg.depart_at), Some(plan.ready_at_gateway_at));
    Ok(())
}

fn check_against_everything(hubs: &[Hub], lanes: &[Lane], hours: i64) -> Result<(), TestCaseError> {
    let network = Network::new(hubs.to_vec(), lanes.to_vec()).expect("a network");
    let settings = short_settings();
    for service in [Service::Express, Service::Standard] {
        // Around the night in which New York's clocks go forward.
        let until = at("2026-03-05T00:00:00Z") + TimeDelta::hours(hours);
        let ask = Ask { until, ..ask(service) };
        let journeys = every_journey(hubs, lanes, &settings, &ask);
        let promised_by = until + TimeDelta::days(i64::from(PROMISE_DAYS));
        let in_time = journeys.iter().filter(|(arrive_at, _)| *arrive_at <= promised_by);
        let best = match service {
            Service::Express => journeys.iter().min().copied(),
            Service::Standard | Service::Economy => {
                in_time.min_by_key(|(arrive_at, cost)| (*cost, *arrive_at)).copied()
            }
        };
        match plan(&network, &settings, &ask, until) {
            Ok(plan) => {
                prop_assert_eq!(Some((plan.arrive_at, plan.cost)), best);
                prop_assert_eq!(plan.arrive_at > promised_by, plan.reason.contains("after the promise"));
                check_coherence(&plan)?;
            }
            Err(NoRoute::PromiseNotKept { fastest, .. }) => {
                prop_assert!(service != Service::Express);
                prop_assert_eq!(best, None);
                prop_assert_eq!(journeys.iter().map(|(arrive_at, _)| *arrive_at).min(), Some(fastest));
            }
            Err(NoRoute::EmptyNetwork | NoRoute::NoOriginHub(_) | NoRoute::NoGateway(_))
            | Err(NoRoute::NoDeparture { .. } | NoRoute::TooLarge { .. }) => {
                prop_assert!(journeys.is_empty())
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_journey_is_better_than_the_plan((hubs, lanes) in a_network(), hours in 0_i64..168) {
        check_against_everything(&hubs, &lanes, hours)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_loading_makes_no_difference(
        ((hubs, lanes), (shuffled_hubs, shuffled_lanes)) in a_network().prop_flat_map(|(hubs, lanes)| {
            let shuffled = (Just(hubs.clone()).prop_shuffle(), Just(lanes.clone()).prop_shuffle());
            (Just((hubs, lanes)), shuffled)
        }),
    ) {
        let one = Network::new(hubs, lanes).expect("a network");
        let other = Network::new(shuffled_hubs, shuffled_lanes).expect("a network");
        for service in Service::ALL {
            let ask = ask(*service);
            let planned = |network| plan(network, &short_settings(), &ask, ask.until);
            prop_assert_eq!(planned(&one), planned(&other));
        }
    }
}
