//! Events in any order, one timeline.

use proptest::prelude::*;

use super::*;
use crate::domain::event::{EventLocation, EventStatus, Facility, Happening, Occurred};
use crate::domain::instant::from_micros;

fn event(parcel: Option<u16>, hour: i64, source: EventSource, status: EventStatus) -> TrackingEvent {
    let at = from_micros(1_772_400_000_000_000 + hour * 3_600_000_000);
    TrackingEvent {
        parcel,
        source,
        source_name: "dhl_unified".into(),
        happening: Happening {
            status,
            delivered_to: None,
            occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
            code: status.to_string(),
            description: String::new(),
            location: EventLocation::default(),
            cancels: None,
        },
        tracking_number: None,
        scan: None,
        hub: None,
        facility: None,
        raw: String::new(),
        recorded_at: at,
        doubted: false,
    }
}

fn poll(hour: i64, status: EventStatus) -> TrackingEvent {
    event(Some(1), hour, EventSource::Poll, status)
}

fn scan(hour: i64, kind: ScanKind, facility: Facility) -> TrackingEvent {
    let mut event = event(Some(1), hour, EventSource::Scan, EventStatus::Arrived);
    event.scan = Some(kind);
    event.facility = Some(facility);
    event.hub = "CNPVG".parse().ok();
    event.happening.code = kind.to_string();
    event
}

#[test]
fn a_late_event_finds_its_place_and_moves_nothing_back() {
    let events = [poll(50, EventStatus::OutForDelivery), scan(1, ScanKind::Received, Facility::OriginHub)];
    let timeline = fold(&[1], &events);
    assert_eq!(timeline.status, ShipmentStatus::OutForDelivery);
    assert!(timeline.reached.contains_key(&Milestone::AtOriginHub));
    let late = [events[0].clone(), scan(60, ScanKind::Received, Facility::OriginHub)];
    assert_eq!(fold(&[1], &late).status, ShipmentStatus::OutForDelivery);
}

#[test]
fn a_shipment_is_delivered_when_every_parcel_is() {
    let mut second = poll(52, EventStatus::Delivered);
    second.parcel = Some(2);
    let events = [poll(50, EventStatus::Delivered), second];
    assert_eq!(fold(&[1, 2], &events[..1]).status, ShipmentStatus::Accepted);
    let timeline = fold(&[1, 2], &events);
    assert_eq!(timeline.status, ShipmentStatus::Delivered);
    assert_eq!(timeline.delivered_at, Some(events[1].happening.occurred.at));
}

#[test]
fn unknown_is_never_progress() {
    for status in
        [EventStatus::Unknown, EventStatus::Delayed, EventStatus::Exception, EventStatus::InfoReceived]
    {
        assert_eq!(fold(&[1], &[poll(1, status)]).milestone, Milestone::Accepted);
    }
}

#[test]
fn a_return_takes_a_delivery_back_for_good() {
    let events =
        [poll(1, EventStatus::Delivered), poll(2, EventStatus::Returning), poll(3, EventStatus::Delivered)];
    let timeline = fold(&[1], &events);
    assert_eq!(timeline.status, ShipmentStatus::Returning);
    assert!(timeline.parcels[0].delivered.is_none() && !timeline.parcels[0].troubles.is_empty());
}

#[test]
fn customs_holds_until_it_releases() {
    let held = [scan(1, ScanKind::CustomsHeld, Facility::Gateway)];
    assert_eq!(fold(&[1], &held).status, ShipmentStatus::OnHold);
    let released = [held[0].clone(), scan(2, ScanKind::CustomsReleased, Facility::Gateway)];
    assert_eq!(fold(&[1], &released).status, ShipmentStatus::Customs);
}

#[test]
fn what_is_called_off_stays_so() {
    let called_off = event(None, 2, EventSource::System, EventStatus::Cancelled);
    let events = [called_off, scan(3, ScanKind::Received, Facility::OriginHub)];
    assert_eq!(fold(&[1, 2], &events).status, ShipmentStatus::Cancelled);
}

fn handed_over(hour: i64, number: &str) -> TrackingEvent {
    let mut event = scan(hour, ScanKind::HandedOver, Facility::Gateway);
    event.tracking_number = number.parse().ok();
    event
}

fn poll_of(number: &str, hour: i64, status: EventStatus) -> TrackingEvent {
    let mut event = poll(hour, status);
    event.tracking_number = number.parse().ok();
    event
}

#[test]
fn a_number_that_delivered_something_before_the_handover_delivers_nothing() {
    let recycled = [handed_over(100, "AB123456"), poll_of("AB123456", 60, EventStatus::Delivered)];
    let timeline = fold(&[1], &recycled);
    assert_eq!((timeline.status, timeline.events.len()), (ShipmentStatus::LastMile, 1));
    let early_scan = [handed_over(100, "AB123456"), poll_of("AB123456", 90, EventStatus::OutForDelivery)];
    assert_eq!(fold(&[1], &early_scan).status, ShipmentStatus::OutForDelivery);
}

#[test]
fn a_corrected_handover_takes_back_what_the_wrong_number_said() {
    let wrong = [handed_over(1, "WRONG001"), poll_of("WRONG001", 5, EventStatus::Delivered)];
    assert_eq!(fold(&[1], &wrong).status, ShipmentStatus::Delivered);
    let corrected = [wrong[0].clone(), wrong[1].clone(), handed_over(6, "RIGHT001")];
    let timeline = fold(&[1], &corrected);
    assert_eq!(timeline.status, ShipmentStatus::LastMile);
    assert_eq!(timeline.parcels[0].tracking_number.map(TrackingNumber::as_str), Some("RIGHT001"));
}

#[test]
fn what_a_replaced_number_said_is_wrong_stays_trouble() {
    let events = [
        handed_over(1, "FIRST001"),
        poll_of("FIRST001", 5, EventStatus::Returned),
        handed_over(9, "SECOND01"),
        poll_of("SECOND01", 12, EventStatus::Delivered),
    ];
    let timeline = fold(&[1], &events);
    assert_eq!(timeline.status, ShipmentStatus::Delivered);
    assert!(!timeline.parcels[0].troubles.is_empty());
}

#[test]
fn a_guessed_time_contradicts_nobody() {
    let mut late = poll(2, EventStatus::OutForDelivery);
    late.happening.occurred.offset_source = OffsetSource::AssumedUtc;
    assert!(fold(&[1], &[poll(1, EventStatus::Delivered), late]).parcels[0].troubles.is_empty());
}

#[test]
fn a_carrier_that_delivers_on_after_delivery_is_trouble() {
    let events = [poll(1, EventStatus::Delivered), poll(2, EventStatus::AttemptFailed)];
    let timeline = fold(&[1], &events);
    assert_eq!(timeline.status, ShipmentStatus::Delivered);
    assert!(!timeline.parcels[0].troubles.is_empty());
    assert!(
        fold(&[1], &[events[0].clone(), poll(0, EventStatus::AttemptFailed)]).parcels[0].troubles.is_empty()
    );
}

#[test]
fn only_a_release_closes_a_customs_case() {
    let mut events = vec![scan(1, ScanKind::CustomsHeld, Facility::Gateway), handed_over(2, "AB123456")];
    let timeline = fold(&[1], &events);
    assert!(timeline.parcels[0].held && timeline.status == ShipmentStatus::LastMile);
    events.push(scan(3, ScanKind::CustomsReleased, Facility::Gateway));
    assert!(!fold(&[1], &events).parcels[0].held);
    let same_minute = [
        scan(1, ScanKind::CustomsReleased, Facility::Gateway),
        scan(1, ScanKind::CustomsHeld, Facility::Gateway),
    ];
    assert!(fold(&[1], &same_minute).parcels[0].held);
}

fn any_event() -> impl Strategy<Value = TrackingEvent> {
    let word = |all: &'static [EventStatus]| prop::sample::select(all);
    let number = || prop::sample::select(vec!["AB123456", "CD123456"]);
    let cancels = prop::option::weighted(0.2, word(EventStatus::ALL));
    let source = prop::sample::select(vec!["dhl_unified", "seventeentrack"]);
    let carrier = (1_u16..3, 0_i64..20, word(EventStatus::ALL), number(), cancels, source).prop_map(
        |(parcel, hour, status, number, cancels, source)| {
            let mut event = poll_of(number, hour, status);
            event.parcel = Some(parcel);
            event.source_name = source.to_owned();
            event.happening.cancels = cancels.map(|status| status.to_string());
            event
        },
    );
    let hub = (1_u16..3, 0_i64..20, prop::sample::select(ScanKind::ALL), prop::sample::select(Facility::ALL))
        .prop_map(|(parcel, hour, kind, facility)| {
            let mut event = scan(hour, kind, facility);
            event.parcel = Some(parcel);
            event
        });
    prop_oneof![carrier, hub]
}

proptest! {
    #[test]
    fn the_order_in_which_events_came_does_not_matter(
        (events, shuffled) in prop::collection::vec(any_event(), 0..12)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        let (one, other) = (fold(&[1, 2], &events), fold(&[1, 2], &shuffled));
        prop_assert_eq!(one.status, other.status);
        prop_assert_eq!(&one.reached, &other.reached);
        let told = |timeline: &Timeline| {
            let line = |entry: &Entry| (entry.event.clone(), entry.also.len(), entry.taken_back);
            timeline.entries.iter().map(line).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(&one), told(&other));
        for (a, b) in one.parcels.iter().zip(&other.parcels) {
            prop_assert_eq!((a.status, a.milestone, a.held, a.hub), (b.status, b.milestone, b.held, b.hub));
            prop_assert_eq!(a.delivered.is_some(), b.delivered.is_some());
        }
    }

    #[test]
    fn milestones_only_grow_unless_something_is_corrected(events in prop::collection::vec(any_event(), 1..12)) {
        for known in 1..events.len() {
            let (before, after) = (fold(&[1], &events[..known]), fold(&[1], &events));
            let corrected = before.parcels[0].tracking_number != after.parcels[0].tracking_number
                || events.iter().any(|e| e.scan == Some(ScanKind::Offloaded) || e.happening.cancels.is_some());
            prop_assert!(corrected || before.milestone <= after.milestone);
        }
    }
}

fn correction(hour: i64, code: &str, cancels: &str) -> TrackingEvent {
    let mut event = poll(hour, EventStatus::Exception);
    (event.happening.code, event.happening.cancels) = (code.to_owned(), Some(cancels.to_owned()));
    event
}

#[test]
fn a_carrier_can_take_back_what_it_said_and_that_is_trouble_if_it_was_a_delivery() {
    let events = [
        poll(1, EventStatus::OutForDelivery),
        poll(2, EventStatus::Delivered),
        correction(3, "not delivered", "delivered"),
    ];
    let timeline = fold(&[1], &events);
    assert_eq!((timeline.status, timeline.delivered_at), (ShipmentStatus::OutForDelivery, None));
    assert_eq!(
        timeline.parcels[0].troubles.first().map(|event| event.happening.code.as_str()),
        Some("not delivered")
    );
    let taken_back: Vec<_> = timeline.entries.iter().map(|entry| entry.taken_back).collect();
    assert_eq!(taken_back, [false, true, false], "it stays visible");
    let another_carriers = TrackingEvent { source_name: "ems".into(), ..events[2].clone() };
    let others = [events[0].clone(), events[1].clone(), another_carriers];
    assert_eq!(fold(&[1], &others).status, ShipmentStatus::Delivered, "nobody takes back what others said");
    let progress = [events[0].clone(), correction(2, "not out", "out_for_delivery")];
    assert!(fold(&[1], &progress).parcels[0].troubles.is_empty());
}

#[test]
fn what_is_lost_after_its_delivery_and_found_again_is_not_delivered() {
    let mut events = vec![poll(1, EventStatus::Delivered), poll(2, EventStatus::Lost)];
    assert_eq!(fold(&[1], &events).status, ShipmentStatus::Lost);
    events.push(poll(3, EventStatus::InTransit));
    let found = fold(&[1], &events);
    assert_eq!((found.status, found.delivered_at), (ShipmentStatus::LastMile, None));
    assert!(found.parcels[0].delivered.is_none() && !found.parcels[0].troubles.is_empty());
    events.push(poll(4, EventStatus::Delivered));
    assert_eq!(fold(&[1], &events).status, ShipmentStatus::Delivered);
}

#[test]
fn a_delivery_that_is_read_otherwise_now_is_taken_back_and_is_trouble() {
    let doubted = |status| TrackingEvent { doubted: true, ..poll(2, status) };
    let with = |event: TrackingEvent| [poll(1, EventStatus::OutForDelivery), event];
    let events = with(doubted(EventStatus::Unknown));
    let timeline = fold(&[1], &events);
    assert_eq!((timeline.status, timeline.delivered_at), (ShipmentStatus::OutForDelivery, None));
    assert!(!timeline.parcels[0].troubles.is_empty());
    let taken_back: Vec<_> = timeline.entries.iter().map(|entry| entry.taken_back).collect();
    assert_eq!(taken_back, [false, true]);
    let came_back = with(doubted(EventStatus::Returned));
    assert_eq!(fold(&[1], &came_back).status, ShipmentStatus::Returned);
    let mut unmade = doubted(EventStatus::Unknown);
    unmade.happening.code = "delivered".to_owned();
    let both = [unmade, correction(3, "not delivered", "delivered")];
    assert!(!fold(&[1], &both).parcels[0].troubles.is_empty(), "taken back by an event as well");
}

#[test]
fn an_offload_undoes_the_packing() {
    let departure = |mut event: TrackingEvent, departure: &str| {
        event.raw = format!("{{\"departure\":\"{departure}\"}}");
        event
    };
    let at = Facility::OriginHub;
    let received = scan(1, ScanKind::Received, at);
    let packed = departure(scan(2, ScanKind::Packed, at), "L0001-20260302");
    let offloaded = |name| departure(scan(3, ScanKind::Offloaded, at), name);
    let status = |events: &[TrackingEvent]| fold(&[1], events).status;
    assert_eq!(status(&[received.clone(), packed.clone()]), ShipmentStatus::Consolidated);
    let undone = [received.clone(), packed.clone(), offloaded("L0001-20260302")];
    assert_eq!(status(&undone), ShipmentStatus::AtOriginHub);
    let other = [received.clone(), packed.clone(), offloaded("L0002-20260302")];
    assert_eq!(status(&other), ShipmentStatus::Consolidated);
    let again = departure(scan(4, ScanKind::Packed, at), "L0001-20260303");
    assert_eq!(status(&[&undone[..], &[again]].concat()), ShipmentStatus::Consolidated);
}

#[test]
fn a_happening_that_two_tell_is_told_once() {
    let minutes_later = |minutes: i64, source: &str| {
        let mut event = poll(1, EventStatus::Delivered);
        event.happening.occurred.at += chrono::TimeDelta::minutes(minutes);
        event.source_name = source.into();
        event
    };
    let lines = |events: &[TrackingEvent]| {
        let timeline = fold(&[1], events);
        timeline.entries.iter().map(|entry| 1 + entry.also.len()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&[minutes_later(0, "sf_express"), minutes_later(10, "seventeentrack")]), [2]);
    assert_eq!(lines(&[minutes_later(0, "sf_express"), minutes_later(10, "sf_express")]), [1, 1]);
    assert_eq!(lines(&[minutes_later(0, "sf_express"), minutes_later(16, "seventeentrack")]), [1, 1]);
}
