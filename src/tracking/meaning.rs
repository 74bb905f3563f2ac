//! What an event means for the parcel it is about.

use crate::domain::event::{EventSource, EventStatus, Facility, ScanKind, TrackingEvent};
use crate::domain::shipment::Milestone;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Shown, and nothing else.
    Nothing,
    Reaches(Milestone),
    /// Customs lets it go. Before [`Meaning::Held`]: of two that bear the same time, the case is open.
    Released,
    /// Customs keeps it.
    Held,
    Damaged,
    /// A carrier takes back that it delivered, or says something else of the same event now.
    Corrected,
    Returning,
    Returned,
    Lost,
    Destroyed,
    /// The merchant, or we for it, called it off.
    CalledOff,
}

pub fn meaning(event: &TrackingEvent) -> Meaning {
    match (event.source, event.scan) {
        // What we pack is as good as what staff scan.
        (EventSource::System, Some(kind)) => of_a_scan(kind, event.facility),
        (EventSource::System, None) => of_our_own(event.happening.status),
        (EventSource::Scan, Some(kind)) => of_a_scan(kind, event.facility),
        (EventSource::Scan, None) => Meaning::Nothing,
        (EventSource::Poll | EventSource::Push, _) => match of_a_carrier(event.happening.status) {
            Meaning::Nothing | Meaning::Reaches(_) | Meaning::Released if event.doubted => Meaning::Corrected,
            meaning => meaning,
        },
    }
}

fn of_our_own(status: EventStatus) -> Meaning {
    match status {
        EventStatus::InfoReceived => Meaning::Reaches(Milestone::Accepted),
        EventStatus::PickupScheduled => Meaning::Reaches(Milestone::PickupScheduled),
        EventStatus::PickedUp => Meaning::Reaches(Milestone::PickedUp),
        EventStatus::Cancelled => Meaning::CalledOff,
        EventStatus::Lost => Meaning::Lost,
        EventStatus::Destroyed => Meaning::Destroyed,
        EventStatus::Damaged => Meaning::Damaged,
        EventStatus::Departed
        | EventStatus::Arrived
        | EventStatus::InTransit
        | EventStatus::ExportCustoms
        | EventStatus::CustomsPresented
        | EventStatus::CustomsHeld
        | EventStatus::CustomsReleased
        | EventStatus::OutForDelivery
        | EventStatus::AttemptFailed
        | EventStatus::AvailableForCollection
        | EventStatus::Delivered
        | EventStatus::Returning
        | EventStatus::Returned
        | EventStatus::Delayed
        | EventStatus::Exception
        | EventStatus::Unknown => Meaning::Nothing,
    }
}

fn of_a_scan(kind: ScanKind, facility: Option<Facility>) -> Meaning {
    let at_gateway = facility == Some(Facility::Gateway);
    match kind {
        ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked if at_gateway => {
            Meaning::Reaches(Milestone::AtGateway)
        }
        ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked => {
            Meaning::Reaches(Milestone::AtOriginHub)
        }
        ScanKind::Packed => Meaning::Reaches(Milestone::Consolidated),
        ScanKind::Departed if at_gateway => Meaning::Nothing,
        ScanKind::Departed => Meaning::Reaches(Milestone::LineHaul),
        ScanKind::Offloaded => Meaning::Nothing,
        ScanKind::CustomsPresented => Meaning::Reaches(Milestone::Customs),
        ScanKind::CustomsHeld => Meaning::Held,
        ScanKind::CustomsReleased => Meaning::Released,
        ScanKind::HandedOver => Meaning::Reaches(Milestone::LastMile),
    }
}

fn of_a_carrier(status: EventStatus) -> Meaning {
    match status {
        EventStatus::PickedUp | EventStatus::Departed | EventStatus::Arrived | EventStatus::InTransit => {
            Meaning::Reaches(Milestone::LastMile)
        }
        EventStatus::OutForDelivery | EventStatus::AttemptFailed | EventStatus::AvailableForCollection => {
            Meaning::Reaches(Milestone::OutForDelivery)
        }
        EventStatus::Delivered => Meaning::Reaches(Milestone::Delivered),
        EventStatus::CustomsHeld => Meaning::Held,
        EventStatus::CustomsReleased => Meaning::Released,
        EventStatus::Damaged => Meaning::Damaged,
        EventStatus::Returning => Meaning::Returning,
        EventStatus::Returned => Meaning::Returned,
        EventStatus::Lost => Meaning::Lost,
        EventStatus::Destroyed => Meaning::Destroyed,
        // A carrier that cancels its label has not taken the goods away from us.
        EventStatus::Cancelled
        | EventStatus::InfoReceived
        | EventStatus::PickupScheduled
        | EventStatus::ExportCustoms
        | EventStatus::CustomsPresented
        | EventStatus::Delayed
        | EventStatus::Exception
        | EventStatus::Unknown => Meaning::Nothing,
    }
}
