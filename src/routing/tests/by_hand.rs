//! Plans that were worked out by hand, and refusals.

use std::sync::Arc;

use super::{ask, at, gateway, hub, lane, network as made, pickup, plan, settings};
use crate::domain::calendar::{Calendar, Closure};
use crate::domain::dangerous::{Acceptance, DangerousCarriage};
use crate::domain::failure::Class;
use crate::domain::network::{DepartureId, Hub, Lane, TransportMode};
use crate::domain::place::Point;
use crate::domain::plan::{LegKind, UsdMicros};
use crate::domain::quantity::Grams;
use crate::domain::service::{Clearance, Service};
use crate::routing::{Ask, Load, Network, NoRoute, Planner, Start};

const NOW: &str = "2026-03-01T00:00:00Z";

/// Two ways: AA flies at noon (dear), BB, a degree away, ships on Tuesdays (cheap).
fn network() -> Network {
    let one_degree = Point { lat: 0.0, lon: 1.0 };
    let hubs = vec![
        Hub { handling_minutes: 120, ..hub("AA") },
        Hub { point: one_degree, ..hub("BB") },
        Hub { handling_minutes: 600, cutoff_local: "18:00:00".parse().expect("a time"), ..gateway("CN1") },
    ];
    let air =
        Lane { cost_per_kg_micros: 3_000_000, fixed_cost_micros: 50_000_000, ..lane("A1", "AA", "CN1") };
    let sea = Lane {
        weekdays: "2".parse().expect("weekdays"),
        transit_minutes: 10 * 1_440,
        cost_per_kg_micros: 100_000,
        ..lane("S1", "BB", "CN1")
    };
    made(hubs, vec![air, sea])
}

#[test]
fn an_express_plan_is_the_one_worked_out_by_hand() {
    let plan = plan(&network(), &settings(""), &ask(Service::Express), at(NOW)).expect("a plan");
    let legs: Vec<_> = plan.legs.iter().map(|leg| (leg.kind, leg.from.as_str(), leg.to.as_str())).collect();
    assert_eq!(
        legs,
        [
            (LegKind::FirstMile, "pickup", "AA"),
            (LegKind::LineHaul, "AA", "CN1"),
            (LegKind::LastMile, "CN1", "consignee")
        ]
    );
    // No road to AA; two hours there; the flight at noon; a day.
    assert_eq!(plan.legs[0].arrive_at, at("2026-03-02T08:00:00Z"));
    assert_eq!(plan.legs[1].departure.as_ref().map(ToString::to_string), Some("A1-20260302".to_owned()));
    assert_eq!(plan.legs[1].arrive_at, at("2026-03-03T12:00:00Z"));
    // Before the gateway's cut-off; ten hours of customs; no road to the consignee.
    assert_eq!(plan.ready_at_gateway_at, at("2026-03-03T22:00:00Z"));
    assert_eq!(plan.arrive_at, at("2026-03-03T22:00:00Z"));
    // 2.50 + 0.15 × 2 = 2.80; 3 × 2 + 50 × 2 / 1000 = 6.10; 0.80 + 0.25 × 2 = 1.30
    let costs: Vec<_> = plan.legs.iter().map(|leg| leg.cost.0).collect();
    assert_eq!(costs, [2_800_000, 6_100_000, 1_300_000]);
    assert_eq!(plan.cost, UsdMicros(10_200_000));
    assert_eq!(plan.promised_by, at("2026-03-11T08:00:00Z"));
    assert_eq!((plan.origin_hub.as_str(), plan.gateway.as_str()), ("AA", "CN1"));
    assert_eq!(plan.reason, "the earliest arrival of 2 ways");
    let other = &plan.alternatives[0];
    assert_eq!(other.via.iter().map(|hub| hub.as_str()).collect::<Vec<_>>(), ["BB", "CN1"]);
    assert_eq!(other.reason, "arrives 2 d 14 h after the promise");
}

#[test]
fn an_economy_plan_waits_for_the_ship_and_says_what_the_flight_would_cost() {
    let plan = plan(&network(), &settings(""), &ask(Service::Economy), at(NOW)).expect("a plan");
    // 1.3 × 111.319 km / 50 km/h = 2 h 53.7 min, up to the minute.
    assert_eq!(plan.legs[0].distance_km, 111.319);
    assert_eq!(plan.legs[0].arrive_at, at("2026-03-02T10:54:00Z"));
    // 2.80 + 0.004 × 1.3 × 111.319490793 = 3.37886135, half up to the millionth.
    assert_eq!(plan.legs[0].cost, UsdMicros(3_378_861));
    // 1.5 kg: 1.3 × 111.319490793 km × 137 g/tkm = 29.739 g by road, 1,554 g by the lane's air.
    assert_eq!(plan.legs.iter().map(|leg| leg.co2e.0).collect::<Vec<_>>(), [29_739, 1_554_000, 0]);
    assert_eq!(plan.co2e.grams(), 1_584);
    assert_eq!(plan.legs[1].depart_at, at("2026-03-03T12:00:00Z"));
    assert_eq!(plan.arrive_at, at("2026-03-13T22:00:00Z"));
    assert_eq!(plan.cost, UsdMicros(3_378_861 + 200_000 + 1_300_000));
    assert_eq!(plan.reason, "the cheapest of 2 ways, all within the promise");
    assert_eq!(
        plan.alternatives[0].reason,
        "costs 5.32 USD more, but arrives 10 d earlier and emits 30 g CO₂e less"
    );
}

#[test]
fn a_standard_plan_drops_the_cheapest_where_it_is_too_late() {
    let settings = settings("[routing.promise_days]\nstandard = 3");
    let plan = plan(&network(), &settings, &ask(Service::Standard), at(NOW)).expect("a plan");
    assert_eq!(plan.origin_hub.as_str(), "AA");
    assert_eq!(plan.reason, "the only one of 2 ways that keeps the promise");
}

#[test]
fn a_window_that_is_over_starts_now_and_says_so() {
    let now = at("2026-03-02T13:00:00Z");
    let plan = plan(&network(), &settings(""), &ask(Service::Express), now).expect("a plan");
    assert_eq!(plan.legs[0].depart_at, now);
    assert_eq!(plan.promised_by, at("2026-03-11T13:00:00Z"));
    assert!(plan.reason.ends_with("the pickup window is already over, so it starts now"), "{}", plan.reason);
    // Past noon and two hours: the next day's flight, which is in time for the gateway.
    assert_eq!(plan.arrive_at, at("2026-03-04T22:00:00Z"));
}

#[test]
fn missing_the_gateway_s_cut_off_costs_the_rest_of_the_day() {
    let late = Lane { transit_minutes: 1_441 + 6 * 60, ..lane("A1", "AA", "CN1") };
    let hubs = network().hubs().to_vec();
    let network = made(hubs, vec![late]);
    let plan = plan(&network, &settings(""), &ask(Service::Express), at(NOW)).expect("a plan");
    assert_eq!(plan.legs[1].arrive_at, at("2026-03-03T18:01:00Z"));
    assert_eq!(plan.ready_at_gateway_at, at("2026-03-04T10:00:00Z"));
}

#[test]
fn two_and_three_line_hauls_are_found_and_four_are_not() {
    let chain = |codes: &[&str]| {
        let mut hubs: Vec<_> = codes.iter().map(|code| hub(code)).collect();
        hubs.push(gateway("CN1"));
        // Only the first is in the pickup's country.
        for hub in &mut hubs[1..codes.len()] {
            hub.country = "KR".parse().expect("a country");
        }
        let ends = hubs.windows(2).enumerate();
        let lanes =
            ends.map(|(i, pair)| lane(&format!("L{i}"), pair[0].code.as_str(), pair[1].code.as_str()));
        let network = made(hubs.clone(), lanes.collect());
        plan(&network, &settings(""), &ask(Service::Express), at(NOW))
    };
    assert_eq!(chain(&["AA", "BB"]).map(|plan| plan.legs.len()), Ok(4));
    assert_eq!(chain(&["AA", "BB", "CC"]).map(|plan| plan.legs.len()), Ok(5));
    let none = NoRoute::NoDeparture { horizon_days: 35, clearance: Clearance::B2cDirect };
    assert_eq!(chain(&["AA", "BB", "CC", "DD"]), Err(none));
}

#[test]
fn the_first_mile_leads_to_the_nearest_hubs_of_the_same_market_only() {
    let at_lon = |code: &str, country: &str, lon| Hub {
        country: country.parse().expect("a country"),
        point: Point { lat: 0.0, lon },
        ..hub(code)
    };
    let hubs =
        || vec![at_lon("DE1", "DE", 2.0), at_lon("FR1", "FR", 1.0), at_lon("GB1", "GB", 0.0), gateway("CN1")];
    let lanes = || {
        ["DE1", "FR1", "GB1"]
            .map(|from| {
                let distance_metres = if from == "DE1" { 500_000 } else { 1_000_000 };
                Lane { distance_metres, ..lane(from, from, "CN1") }
            })
            .to_vec()
    };
    let network = made(hubs(), lanes());
    let from = |country: &str, most: usize| {
        let settings = settings(&format!("[routing]\norigin_hubs_max = {most}"));
        let ask = pickup(ask(Service::Express), |_, from, _| *from = country.parse().expect("a country"));
        plan(&network, &settings, &ask, at(NOW))
            .map(|plan| {
                [vec![plan.origin_hub], plan.alternatives.into_iter().map(|a| a.via[0].clone()).collect()]
            })
            .map(|hubs| hubs.concat().iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    // The shorter road catches the earlier flight; the lane behind the longer one is shorter.
    assert_eq!(from("PL", 8), Ok(vec!["FR1".to_owned(), "DE1".to_owned()]));
    assert_eq!(from("PL", 1), Ok(vec!["FR1".to_owned()]));
    assert_eq!(from("GB", 8), Ok(vec!["GB1".to_owned()]));
    assert_eq!(from("US", 8), Err(NoRoute::NoOriginHub("US".parse().expect("a country"))));
}

#[test]
fn what_cannot_be_planned_says_what_is_missing_and_who_must_act() {
    let refused = |network: &Network, ask: Ask, changes: &str| {
        plan(network, &settings(changes), &ask, at(NOW)).expect_err("no route")
    };
    let express = || ask(Service::Express);
    let empty = made(vec![hub("AA")], vec![]);
    assert_eq!(refused(&empty, express(), ""), NoRoute::EmptyNetwork);
    assert_eq!(NoRoute::EmptyNetwork.class(), Class::Retry);

    let bonded = Ask { clearance: Clearance::B2cBonded, ..express() };
    assert_eq!(refused(&network(), bonded, ""), NoRoute::NoGateway(Clearance::B2cBonded));

    for heavy in [Ask { weight: Grams(1_000_001), ..express() }, Ask { volume_cm3: 10_000_001, ..express() }]
    {
        let (weight_grams, volume_cm3) = (heavy.weight.0, heavy.volume_cm3);
        assert_eq!(refused(&network(), heavy, ""), NoRoute::TooLarge { weight_grams, volume_cm3 });
    }

    // From Monday 08:00, Wednesday noon is four hours beyond a horizon of two days.
    let wednesdays = Lane { weekdays: "3".parse().expect("weekdays"), ..lane("A1", "AA", "CN1") };
    let weekly = made(network().hubs().to_vec(), vec![wednesdays]);
    let none = NoRoute::NoDeparture { horizon_days: 2, clearance: Clearance::B2cDirect };
    assert_eq!(refused(&weekly, express(), "[routing]\nhorizon_days = 2"), none);

    let late = refused(&network(), ask(Service::Standard), "[routing.promise_days]\nstandard = 1");
    let (fastest, promised_by) = (at("2026-03-03T22:00:00Z"), at("2026-03-03T08:00:00Z"));
    assert_eq!(late, NoRoute::PromiseNotKept { service: Service::Standard, fastest, promised_by });
    assert_eq!(
        late.to_string(),
        "standard promises delivery by 2026-03-03T08:00:00Z, the earliest that is possible is \
         2026-03-03T22:00:00Z; choose a slower service if there is one, or express for the earliest \
         arrival whenever that is"
    );
    assert_eq!(late.class(), Class::Caller);
}

#[test]
fn express_takes_the_earliest_arrival_and_says_where_it_is_after_the_promise() {
    let settings = settings("[routing.promise_days]\nexpress = 1");
    let plan = plan(&network(), &settings, &ask(Service::Express), at(NOW)).expect("a plan");
    assert_eq!(plan.arrive_at, at("2026-03-03T22:00:00Z"));
    assert_eq!(plan.promised_by, at("2026-03-03T08:00:00Z"));
    assert_eq!(plan.reason, "the earliest arrival of 2 ways; it arrives 14 h after the promise");
    assert_eq!(
        plan.alternatives[0].reason,
        "arrives 10 d later, and emits 30 g CO₂e more, but costs 5.32 USD less"
    );
}

#[test]
fn of_ways_that_are_equal_the_one_with_fewer_lanes_and_then_the_first_lane_is_taken() {
    let instant = |id: &str, from: &str, to: &str, depart: &str| Lane {
        depart_local: depart.parse().expect("a time"),
        transit_minutes: 60,
        distance_metres: if from == "AA" && to == "CN1" { 1_000_000 } else { 500_000 },
        ..lane(id, from, to)
    };
    let hubs = vec![
        hub("AA"),
        Hub { country: "KR".parse().expect("a country"), ..hub("BB") },
        Hub { handling_minutes: 1, ..gateway("CN1") },
    ];
    // Over BB at the same price to the same minute; and two lanes that are equal but for their ids.
    let lanes = vec![
        instant("A1", "AA", "BB", "09:00:00"),
        instant("A2", "BB", "CN1", "12:00:00"),
        instant("Z2", "AA", "CN1", "12:00:00"),
        instant("Z1", "AA", "CN1", "12:00:00"),
    ];
    let network = made(hubs, lanes);
    for service in [Service::Express, Service::Standard] {
        let plan = plan(&network, &settings(""), &ask(service), at(NOW)).expect("a plan");
        assert_eq!(plan.legs[1].lane.as_ref().map(|id| id.as_str()), Some("Z1"));
        // What is equal in everything is no alternative.
        assert_eq!((plan.alternatives, plan.reason.as_str()), (vec![], "no other way is better in anything"));
    }
}

#[test]
fn times_beyond_the_calendar_are_no_panic() {
    let far = pickup(ask(Service::Express), |_, _, until| *until = chrono::DateTime::<chrono::Utc>::MAX_UTC);
    let none = plan(&network(), &settings(""), &far, at(NOW));
    assert!(none.is_err(), "{none:?}");
    let slow = settings("[routing.first_mile]\nspeed_kmh = 0.001\n[routing.last_mile]\ndetour = 10");
    assert!(plan(&network(), &slow, &ask(Service::Express), at(NOW)).is_ok_and(|plan| plan.cost.0 > 0));
}

#[test]
fn a_full_departure_is_passed_over_and_said_to_be_full() {
    let planner = Planner::new(Arc::new(network()), settings(""));
    let monday: DepartureId = "A1-20260302".parse().expect("a departure");
    let flies_on = |grams, cm3| {
        planner.book(&monday, Load { grams, cm3 });
        let plan = planner.plan(&ask(Service::Express), at(NOW)).expect("a plan");
        (plan.legs[1].departure.as_ref().expect("a departure").to_string(), plan.passed_over)
    };
    // 1,500 g and 12,000 cm³ fit to the gram and to the cubic centimetre.
    assert_eq!(flies_on(998_500, 9_988_000), ("A1-20260302".to_owned(), vec![]));
    let said = vec!["full departures such as A1-20260302".to_owned()];
    assert_eq!(flies_on(998_501, 0), ("A1-20260303".to_owned(), said.clone()));
    assert_eq!(flies_on(0, 9_988_001), ("A1-20260303".to_owned(), said));
    assert_eq!(flies_on(0, 0), ("A1-20260302".to_owned(), vec![]));
}

#[test]
fn dangerous_goods_and_heavy_pieces_take_the_lanes_that_take_them() {
    use Acceptance::{Allowed, Declared, Forbidden};
    let goods = |by_air, by_sea| DangerousCarriage {
        un: "UN3480".parse().expect("a number"),
        by_mode: [by_air, by_sea, Allowed, Allowed],
    };
    let ship = |piece_grams_max| {
        let mut lanes = network().lanes().to_vec();
        lanes[1].mode = TransportMode::Sea;
        lanes[1].piece_grams_max = piece_grams_max;
        made(network().hubs().to_vec(), lanes)
    };
    let asked = |goods: &[DangerousCarriage], network: &Network| {
        let ask = Ask { goods: goods.to_vec(), ..ask(Service::Express) };
        plan(network, &settings(""), &ask, at(NOW)).map(|plan| (plan.legs[1].mode, plan.passed_over))
    };
    let by_sea = vec!["lanes that do not take UN3480 such as A1".to_owned()];
    assert_eq!(asked(&[goods(Allowed, Allowed)], &ship(None)), Ok((TransportMode::Air, vec![])));
    assert_eq!(asked(&[goods(Declared, Allowed)], &ship(None)), Ok((TransportMode::Sea, by_sea)));
    let refused = asked(&[goods(Declared, Forbidden)], &ship(None));
    assert_eq!(refused, Err(NoRoute::GoodsNotTaken { goods: "UN3480".to_owned() }));
    let light = asked(&[goods(Declared, Allowed)], &ship(Some(1_499)));
    assert!(light.is_err_and(|error| error.class() == Class::Caller));
    let mut lanes = network().lanes().to_vec();
    lanes.iter_mut().for_each(|lane| lane.piece_grams_max = Some(1_499));
    let none = asked(&[], &made(network().hubs().to_vec(), lanes));
    assert_eq!(none, Err(NoRoute::PieceTooHeavy { weight_grams: 1_500 }));
}

#[test]
fn from_a_hub_the_way_goes_on_without_a_first_mile_and_whatever_was_promised() {
    let from = |code: &str, ready_at: &str| Ask {
        start: Start::Hub {
            code: code.parse().expect("a hub code"),
            ready_at: at(ready_at),
            promised_by: at("2026-03-03T00:00:00Z"),
        },
        ..ask(Service::Standard)
    };
    let planned = |ask: &Ask| plan(&network(), &settings(""), ask, at(NOW));
    let flight = planned(&from("AA", "2026-03-02T12:00:00Z")).expect("a plan");
    assert_eq!(
        flight.legs.iter().map(|leg| leg.kind).collect::<Vec<_>>(),
        [LegKind::LineHaul, LegKind::LastMile]
    );
    assert_eq!(flight.legs[0].departure.as_ref().map(ToString::to_string), Some("A1-20260302".to_owned()));
    assert_eq!(flight.reason, "no other way is better in anything; it arrives 22 h after the promise");
    // Released by customs already: only the road is left.
    let released = planned(&from("CN1", "2026-03-05T07:00:00Z")).expect("a plan");
    assert_eq!((released.legs.len(), released.origin_hub.as_str()), (1, "CN1"));
    assert_eq!(released.arrive_at, at("2026-03-05T07:00:00Z"));
    let gone = "XX".parse().expect("a hub code");
    assert_eq!(planned(&from("XX", NOW)), Err(NoRoute::NoSuchHub(gone)));
}

#[test]
fn a_refusal_names_what_alone_stands_in_the_way() {
    let refused =
        |network: Network, ask: &Ask| plan(&network, &settings(""), ask, at(NOW)).expect_err("no route");
    let hubs = || network().hubs().to_vec();
    let with = |change: &dyn Fn(&mut Lane), closed: bool| {
        let mut lanes = network().lanes().to_vec();
        lanes.iter_mut().for_each(change);
        let closure = |hub: &Hub| Closure {
            hub: hub.code.clone(),
            from_at: at("2026-01-01T00:00:00Z"),
            until_at: at("2027-01-01T00:00:00Z"),
            reason: "flood".to_owned(),
        };
        let closures = hubs().iter().take(2).filter(|_| closed).map(closure).collect();
        let calendar = Calendar { closures, ..Calendar::default() };
        Network::new(hubs(), lanes, &calendar).expect("a network")
    };
    let none = NoRoute::NoDeparture { horizon_days: 35, clearance: Clearance::B2cDirect };
    // A limit that is no matter where the hubs are closed anyway.
    let light = |lane: &mut Lane| lane.piece_grams_max = Some(1);
    assert_eq!(refused(with(&light, true), &ask(Service::Express)), none);
    let piece = NoRoute::PieceTooHeavy { weight_grams: 1_500 };
    assert_eq!(refused(with(&light, false), &ask(Service::Express)), piece);
    let by_mode = [Acceptance::Forbidden; 4];
    let goods = vec![DangerousCarriage { un: "UN3480".parse().expect("a number"), by_mode }];
    let dangerous = Ask { goods, ..ask(Service::Economy) };
    assert_eq!(refused(with(&light, false), &dangerous), NoRoute::Hindered);
    // The first of two departures is full, and the second would do but for the goods.
    let planner = Planner::new(Arc::new(with(&|_| {}, false)), settings(""));
    planner.book(&"A1-20260302".parse().expect("a departure"), Load { grams: u64::MAX / 2, cm3: 0 });
    let goods = planner.plan(&dangerous, at(NOW)).expect_err("no route");
    assert_eq!(goods, NoRoute::GoodsNotTaken { goods: "UN3480".to_owned() });
    for day in 2..=31 {
        let full = Load { grams: u64::MAX / 2, cm3: 0 };
        for (lane, month) in [("A1", 3), ("A1", 4), ("S1", 3), ("S1", 4)] {
            let id = format!("{lane}-2026{month:02}{day:02}");
            if let Ok(id) = id.parse() {
                planner.book(&id, full);
            }
        }
    }
    planner.book(&"A1-20260401".parse().expect("a departure"), Load { grams: u64::MAX / 2, cm3: 0 });
    let full = planner.plan(&ask(Service::Express), at(NOW)).expect_err("no route");
    assert_eq!((full.class(), full), (Class::Retry, NoRoute::Full { horizon_days: 35 }));
}
