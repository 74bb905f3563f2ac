use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::consolidation::terms::tests::terms;
use crate::consolidation::units::unit_type;

fn shipment(n: u64) -> ShipmentId {
    ShipmentId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn cutoff_at() -> Instant {
    "2026-03-02T08:00:00Z".parse().expect("an instant")
}

fn candidate(n: u64, service: Service, days: i64, weights: &[u64]) -> Candidate {
    let pieces = weights.iter().zip(1..).map(|(grams, number)| Piece {
        parcel: ParcelId { shipment: shipment(n), number },
        grams: *grams,
        cm3: grams * 4,
        classes: BTreeSet::from([segregation::NONE]),
    });
    Candidate {
        shipment: shipment(n),
        service,
        promised_by: cutoff_at() + TimeDelta::days(days),
        way: way("CNCAN"),
        absent: None,
        pieces: pieces.collect(),
    }
}

fn way(gateway: &str) -> Way {
    Way { gateway: gateway.parse().expect("a hub"), clearance: Clearance::B2cDirect, last_mile_carrier: None }
}

fn departing(capacity_grams: u64) -> Departing {
    Departing {
        id: "L0002-20260303".parse().expect("a departure"),
        mode: TransportMode::Air,
        cutoff_at: cutoff_at(),
        capacity_grams,
        capacity_cm3: capacity_grams * 5,
    }
}

fn closed(capacity_grams: u64, candidates: &[Candidate]) -> Closing {
    close(&departing(capacity_grams), candidates, &terms("").expect("terms")).expect("a closing")
}

fn left(closing: &Closing) -> Vec<ShipmentId> {
    closing.left_behind.iter().map(|left| left.shipment).collect()
}

#[test]
fn who_promised_more_goes_first_and_the_others_are_told() {
    let candidates = [
        candidate(1, Service::Economy, 3, &[400]),
        candidate(2, Service::Standard, 9, &[400]),
        candidate(3, Service::Standard, 2, &[400]),
        candidate(4, Service::Express, 8, &[200, 200]),
    ];
    let closing = closed(1_000, &candidates);
    assert_eq!(left(&closing), [shipment(1), shipment(2)]);
    assert_eq!(
        closing.left_behind[1].reason,
        "L0002-20260303 is overbooked: it takes 1.0 kg and 0.01 m3, and 1.6 kg and 0.01 m3 are there for it; \
         standard with 9 days left of its promise gives way to what has less time"
    );
    assert!(left(&closed(1_600, &candidates)).is_empty());
}

#[test]
fn of_equals_the_older_one_goes_and_a_small_one_takes_what_is_left() {
    let candidates = [
        candidate(1, Service::Standard, 5, &[600]),
        candidate(2, Service::Standard, 5, &[600]),
        candidate(3, Service::Economy, 20, &[300]),
    ];
    assert_eq!(left(&closed(1_000, &candidates)), [shipment(2)]);
}

#[test]
fn who_is_not_there_stays_behind_with_the_reason() {
    let mut absent = candidate(1, Service::Express, 5, &[100]);
    absent.absent = Some("not received".into());
    let closing = closed(1_000, &[absent, candidate(2, Service::Economy, 5, &[100])]);
    let reason = "not received".to_owned();
    assert_eq!(closing.left_behind, [LeftBehind { shipment: shipment(1), reason }]);
    assert_eq!(closing.bags.len(), 1);
}

#[test]
fn ways_have_bags_of_their_own_and_share_units() {
    let mut other = candidate(2, Service::Standard, 5, &[500]);
    other.way = way("CNPVG");
    let closing = closed(100_000, &[candidate(1, Service::Standard, 5, &[500, 500]), other]);
    let gateways: Vec<_> = closing.bags.iter().map(|bag| bag.way.gateway.as_str()).collect();
    assert_eq!(gateways, ["CNCAN", "CNPVG"]);
    assert_eq!((closing.units.len(), closing.units[0].number.as_str()), (1, "AKE-1"));
    assert!(closing.bags.iter().all(|bag| bag.unit == Some(0)));
}

#[test]
fn what_is_apart_shares_neither_bag_nor_unit() {
    let mut batteries = candidate(1, Service::Standard, 5, &[500]);
    batteries.pieces[0].classes = BTreeSet::from([segregation::LITHIUM]);
    let mut perfume = candidate(2, Service::Standard, 5, &[500]);
    perfume.pieces[0].classes = BTreeSet::from(["3"]);
    let closing = closed(100_000, &[batteries, perfume, candidate(3, Service::Standard, 5, &[500])]);
    assert_eq!((closing.bags.len(), closing.units.len()), (2, 2));
}

#[test]
fn what_no_bag_takes_is_a_single_piece_and_what_no_unit_takes_travels_loose() {
    let mut huge = candidate(1, Service::Standard, 5, &[31_000, 40_000]);
    huge.pieces[1].cm3 = 40_000_000;
    let closing = close(
        &Departing { capacity_cm3: 50_000_000, ..departing(100_000) },
        &[huge, candidate(2, Service::Standard, 5, &[100])],
        &terms("").expect("terms"),
    );
    let closing = closing.expect("a closing");
    assert_eq!(closing.bags.len(), 3);
    let loose: Vec<_> = closing.bags.iter().filter(|bag| bag.unit.is_none()).map(|bag| bag.cm3).collect();
    assert_eq!(loose, [40_000_000]);
    let mut said: Vec<_> =
        closing.bags.iter().map(|bag| bag.single_piece.map(|excess| excess.to_string())).collect();
    said.sort();
    let heavy = "31000 g where a bag takes 30000 g, and 124000 cm3 where a bag takes 120000 cm3";
    let huge = "40000 g where a bag takes 30000 g, and 40000000 cm3 where a bag takes 120000 cm3";
    assert_eq!(said, [None, Some(heavy.to_owned()), Some(huge.to_owned())]);
}

#[test]
fn of_a_single_piece_only_what_exceeds_is_named() {
    let pieces = |grams, cm3| Piece { cm3, ..candidate(1, Service::Standard, 5, &[grams]).pieces.remove(0) };
    let limits = Limits { weight_grams: 30_000, volume_cm3: Some(120_000), parcels: Some(100) };
    let said = |grams, cm3| Excess::of(&pieces(grams, cm3), &limits).map(|excess| excess.to_string());
    assert_eq!(said(30_000, 120_000), None);
    assert_eq!(said(30_001, 120_000).as_deref(), Some("30001 g where a bag takes 30000 g"));
    assert_eq!(said(30_000, 120_001).as_deref(), Some("120001 cm3 where a bag takes 120000 cm3"));
    assert_eq!(Excess::of(&pieces(1, 120_001), &Limits { volume_cm3: None, ..limits }), None);
}

#[test]
fn the_fewest_units_are_taken_and_of_those_the_lightest() {
    let terms =
        terms("consolidation.bag_weight_kg = 1000.0\nconsolidation.bag_volume_m3 = 4.0").expect("terms");
    let units = |parcels: usize| {
        let pieces = vec![900_000; parcels];
        let candidates = [candidate(1, Service::Standard, 5, &pieces)];
        let closing = close(&departing(100_000_000), &candidates, &terms).expect("a closing");
        closing.units.iter().map(|unit| unit.unit_type.code.clone()).collect::<Vec<_>>()
    };
    // 3.6 m3 each: one fills an AKE, three a PAG, lighter than a PMC; the fourth needs no more than an AKE.
    assert_eq!(units(1), ["AKE"]);
    assert_eq!(units(3), ["PAG"]);
    let mut four = units(4);
    four.sort();
    assert_eq!(four, ["AKE", "PAG"]);
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let classes = prop::sample::select(vec!["", "3", "5.1", "9", segregation::LITHIUM, segregation::UNKNOWN]);
    let piece = (1..40_000_u64, 1..150_000_u64, classes);
    let way = (prop::sample::select(vec!["CNCAN", "CNPVG"]), prop::bool::ANY);
    let service = prop::sample::select(Service::ALL.to_vec());
    (service, 0..20_i64, way, prop::collection::vec(piece, 1..5), prop::bool::weighted(0.1)).prop_map(
        |(service, days, (gateway, has_carrier), pieces, is_absent)| {
            let mut candidate = candidate(0, service, days, &[]);
            candidate.way = self::way(gateway);
            candidate.way.last_mile_carrier = has_carrier.then(|| "SF Express".to_owned());
            candidate.absent = is_absent.then(|| "not received".to_owned());
            let pieces = pieces.into_iter().zip(1..).map(|((grams, cm3, class), number)| Piece {
                parcel: ParcelId { shipment: shipment(0), number },
                grams,
                cm3,
                classes: BTreeSet::from([class]),
            });
            candidate.pieces = pieces.collect();
            candidate
        },
    )
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(any_candidate(), 0..40).prop_map(|mut all| {
        for (candidate, n) in all.iter_mut().zip(1..) {
            candidate.shipment = shipment(n);
            candidate.pieces.iter_mut().for_each(|piece| piece.parcel.shipment = shipment(n));
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_lost_no_limit_is_passed_and_apart_stays_apart(
        candidates in any_candidates(),
        capacity in 1..2_000_000_u64,
    ) {
        let terms = terms("").expect("terms");
        let departing = departing(capacity);
        let closing = close(&departing, &candidates, &terms).expect("a closing");

        // Whole shipments, each once: in bags or behind.
        let mut seen: Vec<ParcelId> = closing.bags.iter().flat_map(|bag| bag.parcels.clone()).collect();
        let behind: BTreeSet<_> = left(&closing).into_iter().collect();
        prop_assert!(seen.iter().all(|parcel| !behind.contains(&parcel.shipment)));
        let all = || candidates.iter().flat_map(|candidate| &candidate.pieces);
        seen.extend(all().map(|piece| piece.parcel).filter(|parcel| behind.contains(&parcel.shipment)));
        seen.sort_unstable();
        prop_assert_eq!(seen, all().map(|piece| piece.parcel).collect::<Vec<_>>());

        let piece = |parcel: &ParcelId| all().find(|piece| piece.parcel == *parcel).expect("a piece");
        let sums = |bags: &[&Bag]| bags.iter().fold((0, 0), |sum, bag| (sum.0 + bag.grams, sum.1 + bag.cm3));
        let every: Vec<&Bag> = closing.bags.iter().collect();
        let (grams, cm3) = sums(&every);
        prop_assert!(grams <= departing.capacity_grams && cm3 <= departing.capacity_cm3);

        let may_share = |bags: &[&Bag]| {
            let parcels: Vec<_> = bags.iter().flat_map(|bag| &bag.parcels).map(piece).collect();
            parcels.iter().all(|a| parcels.iter().filter(|b| b.parcel != a.parcel).all(|b| {
                let mut pairs = a.classes.iter().flat_map(|x| b.classes.iter().map(move |y| (x, y)));
                pairs.all(|(x, y)| segregation::may_share(x, y))
            }))
        };
        for bag in &closing.bags {
            let within = bag.grams <= terms.bag.weight_grams && Some(bag.cm3) <= terms.bag.volume_cm3;
            prop_assert!(within || bag.parcels.len() == 1);
            prop_assert_eq!(bag.single_piece.is_some(), !within);
            prop_assert!(may_share(&[bag]));
            prop_assert_eq!(bag.grams, bag.parcels.iter().map(|parcel| piece(parcel).grams).sum::<u64>());
            for parcel in &bag.parcels {
                let owner = candidates.iter().find(|one| one.shipment == parcel.shipment).expect("a candidate");
                prop_assert_eq!(&owner.way, &bag.way);
            }
        }
        for (place, unit) in closing.units.iter().enumerate() {
            let inside: Vec<&Bag> = closing.bags.iter().filter(|bag| bag.unit == Some(place)).collect();
            let (grams, cm3) = sums(&inside);
            prop_assert!(!inside.is_empty() && takes(unit.unit_type, grams, cm3));
            prop_assert!(may_share(&inside));
        }
        let largest = unit_type("PMC").expect("a type");
        prop_assert!(closing.bags.iter().all(|bag| bag.unit.is_some() || !takes(largest, bag.grams, bag.cm3)));
        prop_assert_eq!(close(&departing, &candidates, &terms).expect("a closing"), closing);
    }
}
