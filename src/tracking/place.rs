//! Where a parcel is, as far as a plan has to know.

use super::fold::{ParcelTimeline, Timeline};
use crate::domain::event::{EventSource, Facility, ScanKind, TrackingEvent, departure_named};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::shipment::{Milestone, ShipmentStatus};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nobody has it yet but the merchant.
    Uncollected,
    /// On the road to the first hub.
    Collected,
    InHub {
        hub: HubCode,
        since: Instant,
        /// It did not leave with this one, and when that was noticed.
        offloaded: Option<(DepartureId, Instant)>,
        /// Customs let it go.
        released_at: Option<Instant>,
    },
    /// It left a hub, with this departure as far as the scan named one.
    UnderWay { hub: HubCode, departure: Option<DepartureId>, at: Instant },
    /// With the last mile or further, or on no way of ours at all.
    Beyond,
}

/// The place of each parcel, in the order of the timeline.
pub fn places(timeline: &Timeline) -> Vec<Place> {
    let place = |parcel: &ParcelTimeline| {
        let events = timeline.events.iter().filter(|event| event.parcel == Some(parcel.number));
        place(parcel, events.copied())
    };
    timeline.parcels.iter().map(place).collect()
}

fn place<'e>(parcel: &ParcelTimeline, events: impl Iterator<Item = &'e TrackingEvent>) -> Place {
    let is_off = matches!(
        parcel.status,
        ShipmentStatus::Returning
            | ShipmentStatus::Returned
            | ShipmentStatus::Lost
            | ShipmentStatus::Destroyed
            | ShipmentStatus::Cancelled
    );
    if is_off || parcel.milestone >= Milestone::LastMile {
        return Place::Beyond;
    }
    let start = if parcel.milestone >= Milestone::PickedUp { Place::Collected } else { Place::Uncollected };
    events.fold(start, after)
}

fn after(place: Place, event: &TrackingEvent) -> Place {
    let (Some(kind), Some(hub)) = (event.scan, &event.hub) else { return place };
    // What we decide about a parcel does not take it anywhere.
    if event.source != EventSource::Scan {
        return place;
    }
    let at = event.happening.occurred.at;
    let is_here = matches!(&place, Place::InHub { hub: here, .. } if here == hub);
    let mut place = match kind {
        ScanKind::Departed if event.facility == Some(Facility::Gateway) => return Place::Beyond,
        ScanKind::HandedOver => return Place::Beyond,
        ScanKind::Departed => return Place::UnderWay { hub: hub.clone(), departure: departure(event), at },
        // What is scanned again where it is has been there all the time.
        _ if is_here => place,
        _ => Place::InHub { hub: hub.clone(), since: at, offloaded: None, released_at: None },
    };
    if let Place::InHub { offloaded, released_at, .. } = &mut place {
        match kind {
            ScanKind::Offloaded => *offloaded = departure(event).map(|departure| (departure, at)),
            ScanKind::CustomsReleased => *released_at = Some(at),
            ScanKind::CustomsHeld => *released_at = None,
            ScanKind::Received
            | ScanKind::Arrived
            | ScanKind::Departed
            | ScanKind::CustomsPresented
            | ScanKind::Packed
            | ScanKind::Unpacked
            | ScanKind::HandedOver => {}
        }
    }
    place
}

fn departure(event: &TrackingEvent) -> Option<DepartureId> {
    departure_named(&event.raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventLocation, EventStatus, Happening, Occurred, OffsetSource};
    use crate::domain::instant::from_micros;
    use crate::tracking::fold;

    fn hour(hour: i64) -> Instant {
        from_micros(hour * 3_600_000_000)
    }

    fn scan(at: i64, kind: ScanKind, hub: &str, departure: Option<&str>) -> TrackingEvent {
        let is_gateway = hub.starts_with("CN");
        TrackingEvent {
            parcel: Some(1),
            source: EventSource::Scan,
            source_name: hub.to_owned(),
            happening: Happening {
                status: EventStatus::Arrived,
                delivered_to: None,
                occurred: Occurred {
                    at: hour(at),
                    local_time: String::new(),
                    offset_source: OffsetSource::Carrier,
                },
                code: kind.to_string(),
                description: String::new(),
                location: EventLocation::default(),
                cancels: None,
            },
            tracking_number: (kind == ScanKind::HandedOver).then(|| "AB123456".parse().expect("a number")),
            scan: Some(kind),
            hub: hub.parse().ok(),
            facility: Some(if is_gateway { Facility::Gateway } else { Facility::OriginHub }),
            raw: departure.map_or(String::new(), |id| format!("{{\"departure\": \"{id}\"}}")),
            recorded_at: hour(at),
            doubted: false,
        }
    }

    fn place_of(events: &[TrackingEvent]) -> Place {
        places(&fold(&[1], events)).remove(0)
    }

    fn in_hub(hub: &str, since: i64) -> Place {
        let hub = hub.parse().expect("a hub");
        Place::InHub { hub, since: hour(since), offloaded: None, released_at: None }
    }

    #[test]
    fn each_scan_puts_it_where_it_is() {
        let flight: DepartureId = "L1-20260302".parse().expect("a departure");
        let under_way = |departure: Option<DepartureId>| Place::UnderWay {
            hub: "AA".parse().expect("a hub"),
            departure,
            at: hour(5),
        };
        let received = scan(1, ScanKind::Received, "AA", None);
        let left = scan(5, ScanKind::Departed, "AA", Some("L1-20260302"));
        let table: &[(&[TrackingEvent], Place)] = &[
            (&[], Place::Uncollected),
            (std::slice::from_ref(&received), in_hub("AA", 1)),
            (&[received.clone(), scan(3, ScanKind::Received, "AA", None)], in_hub("AA", 1)),
            (&[received.clone(), left.clone()], under_way(Some(flight.clone()))),
            (&[received.clone(), scan(5, ScanKind::Departed, "AA", None)], under_way(None)),
            (&[left.clone(), received.clone()], under_way(Some(flight.clone()))),
            (&[left.clone(), scan(9, ScanKind::Arrived, "CN1", None)], in_hub("CN1", 9)),
            (&[left.clone(), scan(9, ScanKind::Departed, "CN1", None)], Place::Beyond),
            (&[scan(9, ScanKind::HandedOver, "CN1", None)], Place::Beyond),
        ];
        for (events, expected) in table {
            assert_eq!(place_of(events), *expected, "{events:?}");
        }
        let offloaded = [received, scan(4, ScanKind::Offloaded, "AA", Some("L1-20260302"))];
        let expected = Place::InHub {
            hub: "AA".parse().expect("a hub"),
            since: hour(1),
            offloaded: Some((flight, hour(4))),
            released_at: None,
        };
        assert_eq!(place_of(&offloaded), expected);
    }

    #[test]
    fn customs_lets_it_go_and_can_take_it_back() {
        let presented = scan(10, ScanKind::CustomsPresented, "CN1", None);
        let released = scan(12, ScanKind::CustomsReleased, "CN1", None);
        let held = scan(13, ScanKind::CustomsHeld, "CN1", None);
        let released_at = |events: &[TrackingEvent]| match place_of(events) {
            Place::InHub { released_at, .. } => released_at,
            other => panic!("{other:?}"),
        };
        assert_eq!(released_at(std::slice::from_ref(&presented)), None);
        assert_eq!(released_at(&[presented.clone(), released.clone()]), Some(hour(12)));
        assert_eq!(released_at(&[presented, released, held]), None);
    }

    #[test]
    fn what_is_lost_or_on_its_way_back_is_nowhere_on_ours() {
        let mut lost = scan(5, ScanKind::Received, "AA", None);
        (lost.source, lost.scan, lost.happening.status) = (EventSource::System, None, EventStatus::Lost);
        assert_eq!(place_of(&[scan(1, ScanKind::Received, "AA", None), lost]), Place::Beyond);
    }
}
