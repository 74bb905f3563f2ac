//! What the tests of the parts share, and the tests of whole plans.

mod brute_force;
mod by_hand;

use std::sync::Arc;

use crate::config;
use crate::domain::calendar::Calendar;
use crate::domain::dangerous::LaneGoods;
use crate::domain::instant::Instant;
use crate::domain::network::{Hub, HubKind, Lane, TransportMode};
use crate::domain::place::Point;
use crate::domain::plan::Plan;
use crate::domain::quantity::{Chargeable, Grams};
use crate::domain::service::{Clearance, Service};
use crate::routing::{Ask, Network, NoRoute, Planner, Start};

pub fn at(text: &str) -> Instant {
    text.parse().expect("an instant of the test")
}

/// On the equator, in UTC, takes in all day and hands on at once.
pub fn hub(code: &str) -> Hub {
    Hub {
        code: code.parse().expect("a hub code of the test"),
        name_en: code.to_owned(),
        name_zh: code.to_owned(),
        kind: HubKind::OriginHub,
        country: "US".parse().expect("a country of the test"),
        point: Point { lat: 0.0, lon: 0.0 },
        zone: chrono_tz::UTC,
        clearances: Vec::new(),
        cutoff_local: "23:59:59".parse().expect("a time of the test"),
        handling_minutes: 0,
    }
}

pub fn gateway(code: &str) -> Hub {
    Hub {
        kind: HubKind::Gateway,
        country: crate::domain::place::Country::CHINA,
        clearances: vec![Clearance::B2cDirect],
        ..hub(code)
    }
}

/// Leaves every noon, takes a day, costs nothing.
pub fn lane(id: &str, from: &str, to: &str) -> Lane {
    Lane {
        id: id.parse().expect("a lane id of the test"),
        from: from.parse().expect("a hub code of the test"),
        to: to.parse().expect("a hub code of the test"),
        mode: TransportMode::Air,
        carrier: "Silk Arc".to_owned(),
        service: "direct flight".to_owned(),
        weekdays: "1;2;3;4;5;6;7".parse().expect("weekdays of the test"),
        depart_local: "12:00:00".parse().expect("a time of the test"),
        depart_zone: chrono_tz::UTC,
        transit_minutes: 1_440,
        capacity_grams: 1_000_000,
        capacity_cm3: 10_000_000,
        fixed_cost_micros: 0,
        cost_per_kg_micros: 0,
        distance_metres: 1_000_000,
        piece_grams_max: None,
        dangerous_goods: LaneGoods::ByMode,
    }
}

/// 2 kg from the equator to the equator, asked for on a Monday morning.
pub fn ask(service: Service) -> Ask {
    Ask {
        start: Start::Pickup {
            point: Point { lat: 0.0, lon: 0.0 },
            country: "US".parse().expect("a country of the test"),
            until: at("2026-03-02T08:00:00Z"),
            promised_by: None,
        },
        consignee: Point { lat: 0.0, lon: 0.0 },
        service,
        clearance: Clearance::B2cDirect,
        weight: Grams(1_500),
        volume_cm3: 12_000,
        piece: Grams(1_500),
        chargeable: Chargeable(2_000 * Chargeable::PER_GRAM),
        goods: Vec::new(),
    }
}

pub fn settings(changes: &str) -> config::Routing {
    config::defaults_with(changes).expect("settings of the test").routing
}

/// Without closures, holidays and changed departures.
pub fn network(hubs: Vec<Hub>, lanes: Vec<Lane>) -> Network {
    Network::new(hubs, lanes, &Calendar::default()).expect("a network of the test")
}

pub fn plan(network: &Network, settings: &config::Routing, ask: &Ask, now: Instant) -> Result<Plan, NoRoute> {
    Planner::new(Arc::new(network.clone()), settings.clone()).plan(ask, now)
}

/// As [`ask`], with another end of the pickup window or country.
pub fn pickup(
    ask: Ask,
    change: impl FnOnce(&mut Point, &mut crate::domain::place::Country, &mut Instant),
) -> Ask {
    let mut ask = ask;
    if let Start::Pickup { point, country, until, .. } = &mut ask.start {
        change(point, country, until);
    }
    ask
}
