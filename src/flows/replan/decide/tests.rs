use super::*;
use crate::domain::calendar::{Calendar, ChangeKind, Closure, DepartureChange};
use crate::domain::network::TransportMode;
use crate::domain::plan::{Co2eMilligrams, UsdMicros};
use crate::routing::{NetworkFiles, read};

const HUBS: &str = "code,name_en,name_zh,kind,country,lat,lon,tz,customs_modes,cutoff_local,handling_hours
AA,A,甲,origin_hub,US,34,-118,UTC,,23:59,2
BB,B,乙,origin_hub,US,37,-122,UTC,,23:59,2
CC,C,丙,origin_hub,US,40,-74,UTC,,23:59,2
CN1,One,一,gateway,CN,31,121,UTC,9610,23:59,10
CN2,Two,二,gateway,CN,23,113,UTC,1210,23:59,10
";
const LANES: &str = "lane_id,from,to,mode,carrier,service,days_iso,depart_local,depart_tz,transit_hours,capacity_kg,capacity_m3,fixed_cost_usd,cost_per_kg_usd,distance_km
A1,AA,BB,road,Jade,truck,1;2;3;4;5;6;7,12:00,UTC,6,100,10,0,1,500
A2,AA,CN1,air,Jade,flight,1;2;3;4;5;6;7,13:00,UTC,9,100,10,0,9,9000
B1,BB,CN1,air,Jade,flight,1;2;3;4;5;6;7,22:00,UTC,12,100,10,0,1,9000
C1,CC,CN1,air,Jade,flight,1;2;3;4;5;6;7,22:00,UTC,12,100,10,0,1,9000
";

fn at(text: &str) -> Instant {
    // A day of March 2026 and a time.
    let (day, time) = text.split_once(' ').expect("a day and a time");
    format!("2026-03-{day}T{time}:00Z").parse().expect("an instant")
}

fn departure(text: &str) -> DepartureId {
    text.parse().expect("a departure")
}

fn network(calendar: &Calendar) -> Network {
    let files = NetworkFiles { hubs: HUBS, lanes: LANES, closures: "", holidays: "", departures: "" };
    let (hubs, lanes, _) = read(files).expect("a network");
    Network::new(hubs, lanes, calendar).expect("a network")
}

/// Collected by 08:00 on the 2nd, at AA an hour later, with A1 at noon to BB, with B1 at 22:00 to CN1, there at 10:00
/// on the 3rd, through customs at 20:00.
fn plan() -> Plan {
    let leg = |kind, from: &str, to: &str, id: Option<&str>, depart: &str, arrive: &str| Leg {
        kind,
        from: from.into(),
        to: to.into(),
        mode: TransportMode::Air,
        lane: id.map(|id| departure(id).lane),
        departure: id.map(departure),
        depart_at: at(depart),
        arrive_at: at(arrive),
        distance_km: 1.0,
        cost: UsdMicros(1),
        co2e: Co2eMilligrams(1),
    };
    Plan {
        legs: vec![
            leg(LegKind::FirstMile, "pickup", "AA", None, "02 08:00", "02 09:00"),
            leg(LegKind::LineHaul, "AA", "BB", Some("A1-20260302"), "02 12:00", "02 18:00"),
            leg(LegKind::LineHaul, "BB", "CN1", Some("B1-20260302"), "02 22:00", "03 10:00"),
            leg(LegKind::LastMile, "CN1", "consignee", None, "03 20:00", "04 08:00"),
        ],
        origin_hub: "AA".parse().expect("a hub"),
        gateway: "CN1".parse().expect("a hub"),
        ready_at_gateway_at: at("03 20:00"),
        arrive_at: at("04 08:00"),
        cost: UsdMicros(4),
        co2e: Co2eMilligrams(4),
        promised_by: at("12 08:00"),
        reason: String::new(),
        alternatives: Vec::new(),
        passed_over: Vec::new(),
    }
}

fn in_hub(hub: &str, since: &str) -> Place {
    let hub = hub.parse().expect("a hub");
    Place::InHub { hub, since: at(since), offloaded: None, released_at: None }
}

fn under_way(hub: &str, id: Option<&str>, since: &str) -> Place {
    let hub = hub.parse().expect("a hub");
    Place::UnderWay { hub, departure: id.map(departure), at: at(since) }
}

fn decided(calendar: &Calendar, places: &[Place], now: &str) -> Decision {
    let plan = plan();
    let known = Known {
        plan: &plan,
        clearance: Clearance::B2cDirect,
        pickup_until: at("02 08:00"),
        places,
        left_behind: &[],
        cancelled: &[],
    };
    decide(&network(calendar), &known, TimeDelta::days(20), at(now))
}

fn closed(hub: &str, from: &str, until: &str) -> Calendar {
    let closure = Closure {
        hub: hub.parse().expect("a hub"),
        from_at: at(from),
        until_at: at(until),
        reason: "a strike".to_owned(),
    };
    Calendar { closures: vec![closure], ..Calendar::default() }
}

fn changed(id: &str, kind: ChangeKind) -> Calendar {
    let change = DepartureChange { departure: departure(id), kind, reason: "fog".to_owned() };
    Calendar { changes: vec![change], ..Calendar::default() }
}

fn extra(time: &str) -> ChangeKind {
    ChangeKind::Extra { depart_local: time.parse().expect("a time") }
}

/// Why, where the new way begins and from when, and how many legs are behind it.
fn anew(decision: Decision) -> (String, String, usize) {
    let Decision::Anew(Anew { why, start, travelled, .. }) = decision else { panic!("{decision:?}") };
    let start = match start {
        Beginning::Pickup { until } => format!("pickup {}", until.format("%d %H:%M")),
        Beginning::Hub { code, ready_at } => format!("{code} {}", ready_at.format("%d %H:%M")),
    };
    (why, start, travelled.len())
}

#[test]
fn a_plan_holds_as_long_as_its_departures_can_be_boarded() {
    let none = Calendar::default();
    for (place, now) in [
        (Place::Uncollected, "02 07:00"),
        // Nobody has scanned it, and it can still be on the road.
        (Place::Uncollected, "02 09:59"),
        (Place::Collected, "02 09:30"),
        (in_hub("AA", "02 10:00"), "02 10:00"),
        (in_hub("AA", "02 05:00"), "02 11:00"),
        // It has left, and the scan of it is late.
        (in_hub("AA", "02 10:00"), "02 13:00"),
        (under_way("AA", Some("A1-20260302"), "02 12:00"), "02 12:00"),
        // Half an hour late, and still in time for the next one.
        (under_way("AA", None, "02 12:30"), "02 12:30"),
        (in_hub("BB", "02 20:00"), "02 20:00"),
        (under_way("BB", Some("B1-20260302"), "02 22:40"), "02 22:40"),
        (in_hub("CN1", "03 10:50"), "03 11:00"),
    ] {
        assert_eq!(
            decided(&none, std::slice::from_ref(&place), now),
            Decision::StillHolds,
            "{place:?} at {now}"
        );
    }
}

#[test]
fn a_new_way_begins_where_it_is() {
    let none = Calendar::default();
    for (place, now, expected) in [
        // Two hours late, and so half an hour later than now at least.
        (Place::Uncollected, "02 10:04", ("departure A1-20260302 is missed", "pickup 02 10:35", 0)),
        (Place::Collected, "02 10:04", ("departure A1-20260302 is missed", "AA 02 12:35", 1)),
        (in_hub("AA", "02 10:01"), "02 10:01", ("departure A1-20260302 is missed", "AA 02 12:01", 1)),
        (in_hub("AA", "02 05:00"), "02 18:01", ("departure A1-20260302 is missed", "AA 02 07:00", 1)),
        (in_hub("CC", "02 06:00"), "02 06:00", ("hub CC is not on the way", "CC 02 08:00", 0)),
        (in_hub("CN2", "03 06:00"), "03 06:00", ("hub CN2 is not on the way", "CN2 03 16:00", 2)),
        (
            under_way("AA", None, "02 15:00"),
            "02 15:00",
            ("departure B1-20260302 is missed", "BB 02 23:00", 2),
        ),
        // It was to be there at 18:00.
        (
            under_way("AA", None, "02 12:00"),
            "02 22:00",
            ("departure B1-20260302 is missed", "BB 03 01:00", 2),
        ),
        (
            under_way("AA", Some("A2-20260302"), "02 15:00"),
            "02 15:00",
            ("it left with A2-20260302", "CN1 03 10:00", 2),
        ),
        (in_hub("BB", "02 20:01"), "02 20:01", ("departure B1-20260302 is missed", "BB 02 22:01", 2)),
        (under_way("BB", None, "03 01:00"), "03 01:00", ("gateway CN1 hands it on later", "CN1 03 23:00", 3)),
        (in_hub("CN1", "03 13:00"), "03 13:00", ("gateway CN1 hands it on later", "CN1 03 23:00", 3)),
    ] {
        let (why, start, behind) = anew(decided(&none, std::slice::from_ref(&place), now));
        assert_eq!((why.as_str(), start.as_str(), behind), expected, "{place:?} at {now}");
    }
}

#[test]
fn what_changes_ahead_breaks_a_plan_and_what_is_behind_does_not() {
    let there = in_hub("AA", "02 05:00");
    let gone = [under_way("BB", Some("B1-20260302"), "02 22:00")];
    for (calendar, why) in [
        (changed("A1-20260302", ChangeKind::Cancelled), Some("departure A1-20260302 does not leave")),
        (changed("B1-20260302", ChangeKind::Cancelled), Some("departure B1-20260302 does not leave")),
        (changed("A2-20260302", ChangeKind::Cancelled), None),
        (changed("A1-20260302", extra("12:30:00")), Some("departure A1-20260302 has other times")),
        (closed("AA", "02 11:00", "02 13:00"), Some("departure A1-20260302 does not leave")),
        (closed("AA", "02 12:01", "02 13:00"), None),
        (closed("BB", "02 17:00", "02 21:00"), Some("departure B1-20260302 is missed")),
        (closed("CN1", "03 09:00", "03 18:00"), Some("gateway CN1 hands it on later")),
        (closed("CN2", "01 00:00", "09 00:00"), None),
    ] {
        let decision = decided(&calendar, std::slice::from_ref(&there), "02 06:00");
        match why {
            Some(why) => assert_eq!(anew(decision).0, why),
            None => assert_eq!(decision, Decision::StillHolds, "{calendar:?}"),
        }
    }
    let behind = changed("A1-20260302", ChangeKind::Cancelled);
    assert_eq!(decided(&behind, &gone, "02 23:00"), Decision::StillHolds);
}

#[test]
fn another_clearance_needs_a_gateway_that_has_it() {
    let (plan, network) = (plan(), network(&Calendar::default()));
    let places = [in_hub("AA", "02 05:00")];
    let known = Known {
        plan: &plan,
        clearance: Clearance::B2cBonded,
        pickup_until: at("02 08:00"),
        places: &places,
        left_behind: &[],
        cancelled: &[],
    };
    let decision = decide(&network, &known, TimeDelta::days(20), at("02 06:00"));
    assert_eq!(anew(decision).0, "gateway CN1 does not clear 1210");
}

#[test]
fn what_did_not_go_goes_with_a_later_one() {
    let offloaded = |noticed: &str| Place::InHub {
        hub: "AA".parse().expect("a hub"),
        since: at("02 05:00"),
        offloaded: Some((departure("A1-20260302"), at(noticed))),
        released_at: None,
    };
    let (why, start, _) = anew(decided(&Calendar::default(), &[offloaded("02 11:00")], "02 11:00"));
    assert_eq!((why.as_str(), start.as_str()), ("departure A1-20260302 is missed", "AA 02 12:00"));
    let (_, start, _) = anew(decided(&Calendar::default(), &[offloaded("02 12:40")], "02 12:40"));
    assert_eq!(start, "AA 02 12:40");
    let plan = plan();
    let (places, left_behind) = ([in_hub("AA", "02 05:00")], [departure("A1-20260302")]);
    let known = Known {
        plan: &plan,
        clearance: Clearance::B2cDirect,
        pickup_until: at("02 08:00"),
        places: &places,
        left_behind: &left_behind,
        cancelled: &[],
    };
    let decision = decide(&network(&Calendar::default()), &known, TimeDelta::days(20), at("02 10:01"));
    assert_eq!(anew(decision).0, "departure A1-20260302 was packed without it");
}

#[test]
fn what_customs_let_go_waits_for_nothing() {
    let released = |at_time: &str| Place::InHub {
        hub: "CN1".parse().expect("a hub"),
        since: at("03 10:00"),
        offloaded: None,
        released_at: Some(at(at_time)),
    };
    assert_eq!(decided(&Calendar::default(), &[released("03 20:30")], "03 20:30"), Decision::StillHolds);
    let (_, start, behind) = anew(decided(&Calendar::default(), &[released("05 09:00")], "05 09:00"));
    assert_eq!((start.as_str(), behind), ("CN1 05 09:00", 3));
}

#[test]
fn the_least_advanced_parcels_decide_and_what_is_with_the_last_mile_does_not() {
    let none = Calendar::default();
    let parcels = |decision: Decision| match decision {
        Decision::Anew(anew) => anew.parcels,
        other => panic!("{other:?}"),
    };
    let places = [under_way("AA", None, "02 12:00"), in_hub("AA", "02 10:30"), in_hub("AA", "02 09:00")];
    assert_eq!(parcels(decided(&none, &places, "02 12:00")), [1, 2]);
    assert_eq!(decided(&none, &[Place::Beyond, Place::Beyond], "02 12:00"), Decision::Nothing);
    let places = [Place::Beyond, in_hub("BB", "02 21:00")];
    assert_eq!(parcels(decided(&none, &places, "02 21:00")), [1]);
    let long_after = "28 00:00";
    assert_eq!(decided(&none, &[Place::Uncollected], long_after), Decision::Abandoned);
    assert_eq!(decided(&none, &[Place::Beyond, Place::Uncollected], long_after), Decision::Abandoned);
    let places = [Place::Uncollected, in_hub("BB", "27 21:00")];
    assert_eq!(parcels(decided(&none, &places, long_after)), [1], "it goes on without the other one");
    for lost in [Place::Collected, under_way("AA", None, "02 12:00")] {
        assert_eq!(decided(&none, std::slice::from_ref(&lost), long_after), Decision::Abandoned, "{lost:?}");
        let Decision::Anew(anew) = decided(&none, &[lost, in_hub("BB", "27 21:00")], long_after) else {
            panic!("it is late")
        };
        assert_eq!((anew.parcels, anew.given_up), (vec![1], vec![0]));
    }
    let at_sea = under_way("AA", None, "20 12:00");
    assert_ne!(
        decided(&none, &[at_sea], long_after),
        Decision::Abandoned,
        "it is waited for since it was to arrive"
    );
}

#[test]
fn the_legs_behind_have_the_times_at_which_they_happened() {
    let Decision::Anew(late) = decided(&Calendar::default(), &[in_hub("AA", "02 11:00")], "02 11:00") else {
        panic!("it is late");
    };
    let [Travelled::Planned(first)] = late.travelled.as_slice() else { panic!("{late:?}") };
    assert_eq!((first.depart_at, first.arrive_at), (at("02 08:00"), at("02 11:00")));
    let other = under_way("AA", Some("A2-20260303"), "03 13:00");
    let Decision::Anew(other) = decided(&Calendar::default(), &[other], "03 13:00") else {
        panic!("it is late")
    };
    let expected = Travelled::Otherwise { departure: departure("A2-20260303"), depart_at: at("03 13:00") };
    assert_eq!((other.travelled.len(), other.travelled.last()), (2, Some(&expected)));
}
