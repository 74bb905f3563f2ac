//! A network to begin with, and pickup requests to send to it.
//!
//! Its operations are illustrative (see `network/ATTRIBUTION.md`): real airports, invented schedules.

use crate::routing::NetworkFiles;

pub const HUBS_CSV: &str = include_str!("network/hubs.csv");

pub const LANES_CSV: &str = include_str!("network/lanes.csv");

pub fn files() -> NetworkFiles<'static> {
    NetworkFiles { hubs: HUBS_CSV, lanes: LANES_CSV, ..NetworkFiles::default() }
}

/// Bodies of `POST` requests, one a line.
pub const PICKUPS: &str = include_str!("pickups.jsonl");

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::*;
    use crate::config;
    use crate::customs;
    use crate::domain::calendar::Calendar;
    use crate::domain::dangerous::Acceptance;
    use crate::domain::goods::DangerousGoods;
    use crate::domain::network::TransportMode;
    use crate::domain::service::Clearance;
    use crate::escrow::registry::Providers;
    use crate::flows::read_pickup;
    use crate::routing::{self, Network, Planner};

    #[test]
    fn every_sample_pickup_is_planned_over_the_sample_network() {
        let (hubs, lanes, calendar) = routing::read(files()).expect("good files");
        assert_eq!((hubs.len(), lanes.len(), calendar), (64, 456, Calendar::default()));
        let network = Network::new(hubs, lanes, &Calendar::default()).expect("a network");
        let settings = config::defaults_with("").expect("valid defaults").routing;
        let planner = Planner::new(Arc::new(network), settings);
        let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let mut planned = 0;
        for line in PICKUPS.lines() {
            let body = serde_json::from_str(line).expect("a body");
            let request = read_pickup::read(&body, now, &["webhook"], &Providers::default()).expect(line);
            let (_, ask) = read_pickup::ask(&request).expect(line);
            let all = planner.plan_with_pareto(&ask, now).expect(line);
            assert!(all.plan.arrive_at <= all.plan.promised_by, "{line}");
            let chosen = planner.choose(&ask, now).expect(line);
            assert_eq!((chosen.legs, chosen.arrive_at), (all.plan.legs, all.plan.arrive_at), "{line}");
            assert!(all.pareto.iter().any(|way| way.cost == chosen.cost && way.co2e == chosen.co2e));
            planned += 1;
        }
        assert_eq!(planned, 200);
    }

    #[derive(Deserialize)]
    struct Announced {
        reference: String,
        clearance: Clearance,
        parcels: Vec<Contents>,
    }

    #[derive(Deserialize)]
    struct Contents {
        items: Vec<Declared>,
    }

    #[derive(Deserialize)]
    struct Declared {
        hs_code: String,
        dangerous_goods: Option<DangerousGoods>,
    }

    #[test]
    fn every_sample_pickup_may_enter_and_one_needs_more_than_any_flight() {
        let mut not_on_any_flight = Vec::new();
        for line in PICKUPS.lines() {
            let body: Announced = serde_json::from_str(line).expect("a body");
            for declared in body.parcels.iter().flat_map(|parcel| &parcel.items) {
                let entry = customs::screen(&declared.hs_code, Some(body.clearance));
                entry.unwrap_or_else(|refusal| panic!("{}: {refusal}", body.reference));
                let Some(goods) = &declared.dangerous_goods else { continue };
                customs::check(goods.un, Some(&goods.class)).expect(line);
                let known = customs::dangerous(goods.un).expect("a row of the table");
                if known.carriage.by(TransportMode::Air) != Acceptance::Allowed {
                    not_on_any_flight.push(body.reference.clone());
                }
            }
        }
        assert_eq!(not_on_any_flight, ["R00000021"], "a power bank, UN3480");
    }
}
