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
    use crate::customs;
    use crate::domain::contact::Address;
    use crate::domain::dangerous::Acceptance;
    use crate::domain::goods::DangerousGoods;
    use crate::domain::instant::Instant;
    use crate::domain::network::TransportMode;
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
