//! A network to begin with, and pickup requests to send to it.
//!
//! Its operations are illustrative (see `network/ATTRIBUTION.md`): real airports, invented schedules.

pub const HUBS_CSV: &str = include_str!("network/hubs.csv");

pub const LANES_CSV: &str = include_str!("network/lanes.csv");

/// Bodies of `POST` requests, one a line.
pub const PICKUPS: &str = include_str!("pickups.jsonl");

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config;
    use crate::domain::contact::Address;
    use crate::domain::instant::Instant;
    use crate::domain::place::Division;
    use crate::domain::quantity::{Grams, SizeMm, chargeable};
    use crate::domain::service::{Clearance, Service};
    use crate::geography::Atlas;
    use crate::routing::{self, Ask, Network};

    #[derive(Deserialize)]
    struct Body {
        pickup: Pickup,
        consignee: To,
        service: Service,
        clearance: Clearance,
        parcels: Vec<Parcel>,
    }

    #[derive(Deserialize)]
    struct Pickup {
        address: Address,
        until: Instant,
    }

    #[derive(Deserialize)]
    struct To {
        division: Division,
    }

    #[derive(Deserialize)]
    struct Parcel {
        weight_grams: Grams,
        size_mm: SizeMm,
    }

    fn ask(body: &Body) -> Ask {
        let atlas = Atlas::embedded();
        let grams = |of: fn(&Parcel) -> Grams| Grams(body.parcels.iter().map(|parcel| of(parcel).0).sum());
        let cubic_mm: u64 = body.parcels.iter().map(|parcel| parcel.size_mm.cubic_mm()).sum();
        Ask {
            pickup: atlas.locate(&body.pickup.address).expect("a pickup that is located").point,
            pickup_country: body.pickup.address.country,
            until: body.pickup.until,
            consignee: atlas.division(body.consignee.division).expect("a known division").point,
            service: body.service,
            clearance: body.clearance,
            weight: grams(|parcel| parcel.weight_grams),
            volume_cm3: cubic_mm.div_ceil(1_000),
            chargeable: grams(|parcel| chargeable(parcel.weight_grams, parcel.size_mm)),
        }
    }

    #[test]
    fn every_sample_pickup_is_planned_over_the_sample_network() {
        let (hubs, lanes) = routing::read(HUBS_CSV, LANES_CSV).expect("good files");
        assert_eq!((hubs.len(), lanes.len()), (64, 456));
        let network = Network::new(hubs, lanes).expect("a network");
        let settings = config::defaults_with("").expect("valid defaults").routing;
        let now = "2026-03-01T00:00:00Z".parse().expect("an instant");
        let mut planned = 0;
        for line in PICKUPS.lines() {
            let body: Body = serde_json::from_str(line).expect("a body");
            let plan = routing::plan(&network, &settings, &ask(&body), now).expect(line);
            assert!(plan.arrive_at <= plan.promised_by, "{line}");
            planned += 1;
        }
        assert_eq!(planned, 200);
    }
}
