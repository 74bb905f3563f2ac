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

    use super::*;
    use crate::config;
    use crate::domain::calendar::Calendar;
    use crate::flows::accept_pickup;
    use crate::geography::Atlas;
    use crate::intake::{self, Known};
    use crate::routing::{self, Network, Planner};

    #[test]
    fn every_sample_pickup_is_planned_over_the_sample_network() {
        let (hubs, lanes, calendar) = routing::read(files()).expect("good files");
        assert_eq!((hubs.len(), lanes.len(), calendar), (64, 456, Calendar::default()));
        let network = Network::new(hubs, lanes, &Calendar::default()).expect("a network");
        let settings = config::defaults_with("").expect("valid defaults").routing;
        let planner = Planner::new(Arc::new(network), settings);
        let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let known = Known {
            now,
            providers: &["webhook"],
            address: &|address| Atlas::embedded().locate(address).map(drop).map_err(|_| unreachable!()),
            division: &|division| Atlas::embedded().division(division).is_some(),
        };
        let mut planned = 0;
        for line in PICKUPS.lines() {
            let body = serde_json::from_str(line).expect("a body");
            let request = intake::read(&body, &known).expect(line);
            let (_, ask) = accept_pickup::ask(&request).expect(line);
            let all = planner.plan_with_pareto(&ask, now).expect(line);
            assert!(all.plan.arrive_at <= all.plan.promised_by, "{line}");
            let chosen = planner.choose(&ask, now).expect(line);
            assert_eq!((chosen.legs, chosen.arrive_at), (all.plan.legs, all.plan.arrive_at), "{line}");
            assert!(all.pareto.iter().any(|way| way.cost == chosen.cost && way.co2e == chosen.co2e));
            planned += 1;
        }
        assert_eq!(planned, 200);
    }
}
