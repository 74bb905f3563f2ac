//! Events in, timeline out.

use std::collections::BTreeMap;

use super::handover::{handover, is_ours, meaning_here};
use super::meaning::Meaning;
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventSource, OffsetSource, ScanKind, TrackingEvent};
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;
use crate::domain::shipment::{Milestone, ShipmentStatus};

#[derive(Debug, Clone, PartialEq)]
pub struct ParcelTimeline<'e> {
    pub number: u16,
    pub status: ShipmentStatus,
    pub milestone: Milestone,
    /// When each milestone was first reached, as far as somebody said so.
    pub reached: BTreeMap<Milestone, Instant>,
    pub hub: Option<&'e HubCode>,
    /// Under which number the last mile has it.
    pub tracking_number: Option<&'e TrackingNumber>,
    /// The event by which it counts as picked up.
    pub picked_up: Option<&'e TrackingEvent>,
    /// The event by which it counts as delivered. None once that was taken back.
    pub delivered: Option<&'e TrackingEvent>,
    /// Customs opened a case and did not close it.
    pub held: bool,
    /// The first event that says no money should move by itself. Never forgotten.
    pub trouble: Option<&'e TrackingEvent>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<'e> {
    pub status: ShipmentStatus,
    pub milestone: Milestone,
    /// When the last parcel reached each milestone, for those that all have reached.
    pub reached: BTreeMap<Milestone, Instant>,
    pub delivered_at: Option<Instant>,
    pub parcels: Vec<ParcelTimeline<'e>>,
    /// Every event that is about these parcels, oldest first. What a carrier says under a number
    /// that was corrected since, or from before the handover, is about somebody else's.
    pub events: Vec<&'e TrackingEvent>,
}

/// The timeline of a shipment with these parcels.
pub fn fold<'e>(parcels: &[u16], events: &'e [TrackingEvent]) -> Timeline<'e> {
    let handovers: BTreeMap<_, _> = parcels.iter().filter_map(|number| handover(*number, events)).collect();
    let mut sorted: Vec<_> =
        events.iter().filter_map(|event| Some((meaning_here(event, events, &handovers)?, event))).collect();
    sorted.sort_by(|(a_meaning, a), (b_meaning, b)| {
        let key = |event: &'e TrackingEvent| {
            let h = &event.happening;
            (
                event.parcel,
                event.source_name.as_str(),
                h.code.as_str(),
                h.description.as_str(),
                h.occurred.local_time.as_str(),
            )
        };
        let (a_at, b_at) = (a.happening.occurred.at, b.happening.occurred.at);
        a_at.cmp(&b_at).then(a_meaning.cmp(b_meaning)).then_with(|| key(a).cmp(&key(b)))
    });
    let parcels: Vec<_> = parcels
        .iter()
        .map(|number| {
            let concerned = |event: &TrackingEvent| event.parcel.is_none_or(|parcel| parcel == *number);
            let tracking_number = handovers.get(number).map(|(tracking_number, _)| *tracking_number);
            let events = sorted.iter().filter(|(_, event)| concerned(event)).copied();
            ParcelTimeline { tracking_number, ..fold_parcel(*number, events) }
        })
        .collect();
    let status = of_all(&parcels);
    let milestone = parcels.iter().map(|parcel| parcel.milestone).min().unwrap_or(Milestone::Accepted);
    let delivered_at = match status {
        ShipmentStatus::Delivered => parcels
            .iter()
            .filter_map(|parcel| parcel.delivered)
            .map(|event| event.happening.occurred.at)
            .max(),
        _ => None,
    };
    Timeline {
        status,
        milestone,
        reached: reached_by_all(&parcels),
        delivered_at,
        events: sorted
            .into_iter()
            .map(|(_, event)| event)
            .filter(|event| is_ours(event, &handovers))
            .collect(),
        parcels,
    }
}

fn reached_by_all(parcels: &[ParcelTimeline]) -> BTreeMap<Milestone, Instant> {
    let all = |milestone: &&Milestone| parcels.iter().all(|parcel| parcel.milestone >= **milestone);
    let last = |milestone: &Milestone| {
        let at = parcels.iter().filter_map(|parcel| parcel.reached.get(milestone)).max()?;
        Some((*milestone, *at))
    };
    Milestone::ALL.iter().filter(all).filter_map(last).collect()
}

/// Trouble first, then the least advanced.
fn of_all(parcels: &[ParcelTimeline]) -> ShipmentStatus {
    let any = |status| parcels.iter().any(|parcel| parcel.status == status);
    let trouble = [
        ShipmentStatus::Cancelled,
        ShipmentStatus::Lost,
        ShipmentStatus::Destroyed,
        ShipmentStatus::Returning,
        ShipmentStatus::Returned,
        ShipmentStatus::OnHold,
    ];
    let least = parcels.iter().map(|parcel| parcel.status).min();
    trouble.into_iter().find(|status| any(*status)).or(least).unwrap_or(ShipmentStatus::Accepted)
}

fn fold_parcel<'e>(
    number: u16,
    events: impl Iterator<Item = (Meaning, &'e TrackingEvent)>,
) -> ParcelTimeline<'e> {
    let mut parcel = ParcelTimeline {
        number,
        status: ShipmentStatus::Accepted,
        milestone: Milestone::Accepted,
        reached: BTreeMap::new(),
        hub: None,
        tracking_number: None,
        picked_up: None,
        delivered: None,
        held: false,
        trouble: None,
    };
    let mut beside = None;
    for (meaning, event) in events {
        // Where it is, people say; what we decide about it moves nothing.
        if event.scan.is_some() && event.source == EventSource::Scan {
            let left = matches!(event.scan, Some(ScanKind::Departed | ScanKind::HandedOver));
            parcel.hub = if left { None } else { event.hub.as_ref() };
        }
        match meaning {
            Meaning::Nothing => {}
            Meaning::Reaches(milestone) => {
                contradiction(&mut parcel, milestone, event);
                reach(&mut parcel, milestone, event);
                // What is found again is no longer lost; what is on its way back or gone stays so.
                if beside == Some(ShipmentStatus::Lost) {
                    beside = None;
                }
            }
            Meaning::Held => {
                reach(&mut parcel, Milestone::Customs, event);
                parcel.held = true;
            }
            Meaning::Released => {
                reach(&mut parcel, Milestone::Customs, event);
                parcel.held = false;
            }
            Meaning::Damaged => {
                parcel.trouble.get_or_insert(event);
            }
            Meaning::Returning => trouble(&mut parcel, &mut beside, ShipmentStatus::Returning, event),
            Meaning::Returned => trouble(&mut parcel, &mut beside, ShipmentStatus::Returned, event),
            Meaning::Lost => trouble(&mut parcel, &mut beside, ShipmentStatus::Lost, event),
            Meaning::Destroyed => trouble(&mut parcel, &mut beside, ShipmentStatus::Destroyed, event),
            Meaning::CalledOff => beside = Some(ShipmentStatus::Cancelled),
        }
    }
    let going_back = matches!(beside, Some(ShipmentStatus::Returning | ShipmentStatus::Returned));
    if going_back || beside == Some(ShipmentStatus::Destroyed) || beside == Some(ShipmentStatus::Cancelled) {
        parcel.delivered = None;
    }
    parcel.status = match beside {
        Some(status) => status,
        // Further on, an open case is the order's business, and no longer where the parcel is.
        None if parcel.held && parcel.milestone <= Milestone::Customs => ShipmentStatus::OnHold,
        None => parcel.milestone.into(),
    };
    parcel
}

/// A carrier that goes on delivering what it has delivered contradicts itself.
fn contradiction<'e>(parcel: &mut ParcelTimeline<'e>, milestone: Milestone, event: &'e TrackingEvent) {
    let by_carrier = matches!(event.source, EventSource::Poll | EventSource::Push);
    // Of a time whose zone was guessed nobody can say that it is later.
    let guessed = |event: &TrackingEvent| event.happening.occurred.offset_source == OffsetSource::AssumedUtc;
    if guessed(event) || parcel.delivered.is_some_and(guessed) {
        return;
    }
    let later = parcel
        .delivered
        .is_some_and(|delivered| delivered.happening.occurred.at < event.happening.occurred.at);
    if by_carrier && later && milestone < Milestone::Delivered {
        parcel.trouble.get_or_insert(event);
    }
}

fn reach<'e>(parcel: &mut ParcelTimeline<'e>, milestone: Milestone, event: &'e TrackingEvent) {
    parcel.reached.entry(milestone).or_insert(event.happening.occurred.at);
    parcel.milestone = parcel.milestone.max(milestone);
    if milestone >= Milestone::PickedUp {
        parcel.picked_up.get_or_insert(event);
    }
    if milestone == Milestone::Delivered {
        parcel.delivered.get_or_insert(event);
    }
}

fn trouble<'e>(
    parcel: &mut ParcelTimeline<'e>,
    beside: &mut Option<ShipmentStatus>,
    status: ShipmentStatus,
    event: &'e TrackingEvent,
) {
    parcel.trouble.get_or_insert(event);
    parcel.delivered = None;
    match *beside {
        // A parcel that is back is not on its way back again, and what is destroyed or called off stays so.
        Some(ShipmentStatus::Returned) if status == ShipmentStatus::Returning => {}
        Some(ShipmentStatus::Destroyed | ShipmentStatus::Cancelled) => {}
        _ => *beside = Some(status),
    }
}

#[cfg(test)]
mod tests {
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
        let events =
            [poll(50, EventStatus::OutForDelivery), scan(1, ScanKind::Received, Facility::OriginHub)];
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
        let events = [
            poll(1, EventStatus::Delivered),
            poll(2, EventStatus::Returning),
            poll(3, EventStatus::Delivered),
        ];
        let timeline = fold(&[1], &events);
        assert_eq!(timeline.status, ShipmentStatus::Returning);
        assert!(timeline.parcels[0].delivered.is_none() && timeline.parcels[0].trouble.is_some());
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
        assert!(timeline.parcels[0].trouble.is_some());
    }

    #[test]
    fn a_guessed_time_contradicts_nobody() {
        let mut late = poll(2, EventStatus::OutForDelivery);
        late.happening.occurred.offset_source = OffsetSource::AssumedUtc;
        assert!(fold(&[1], &[poll(1, EventStatus::Delivered), late]).parcels[0].trouble.is_none());
    }

    #[test]
    fn a_carrier_that_delivers_on_after_delivery_is_trouble() {
        let events = [poll(1, EventStatus::Delivered), poll(2, EventStatus::AttemptFailed)];
        let timeline = fold(&[1], &events);
        assert_eq!(timeline.status, ShipmentStatus::Delivered);
        assert!(timeline.parcels[0].trouble.is_some());
        assert!(
            fold(&[1], &[events[0].clone(), poll(0, EventStatus::AttemptFailed)]).parcels[0]
                .trouble
                .is_none()
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
        let carrier = (1_u16..3, 0_i64..20, word(EventStatus::ALL), number()).prop_map(
            |(parcel, hour, status, number)| {
                let mut event = poll_of(number, hour, status);
                event.parcel = Some(parcel);
                event
            },
        );
        let hub =
            (1_u16..3, 0_i64..20, prop::sample::select(ScanKind::ALL), prop::sample::select(Facility::ALL))
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
            prop_assert_eq!(one.reached, other.reached);
            for (a, b) in one.parcels.iter().zip(&other.parcels) {
                prop_assert_eq!((a.status, a.milestone, a.held, a.hub), (b.status, b.milestone, b.held, b.hub));
                prop_assert_eq!(a.delivered.is_some(), b.delivered.is_some());
            }
        }

        #[test]
        fn milestones_only_grow_unless_a_handover_is_corrected(events in prop::collection::vec(any_event(), 1..12)) {
            for known in 1..events.len() {
                let (before, after) = (fold(&[1], &events[..known]), fold(&[1], &events));
                let corrected = before.parcels[0].tracking_number != after.parcels[0].tracking_number;
                prop_assert!(corrected || before.milestone <= after.milestone);
            }
        }
    }
}
