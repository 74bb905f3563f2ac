//! How loud a status is said. A colour never says anything alone: the word stands beside it.

use std::fmt;

use crate::domain::event::EventStatus;
use crate::domain::shipment::ShipmentStatus;

/// Its text is the name of a class in the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Going,
    Done,
    /// Somebody has to act before it goes on.
    Held,
    /// It goes back or was called off.
    Ended,
    /// It is gone or broken.
    Alarm,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Going => "going",
            Self::Done => "done",
            Self::Held => "held",
            Self::Ended => "ended",
            Self::Alarm => "alarm",
        })
    }
}

/// A status that is none of ours is said without raising the voice.
pub fn of_shipment(status: &str) -> Tone {
    status.parse().map_or(Tone::Going, |status| match status {
        ShipmentStatus::Requested
        | ShipmentStatus::Accepted
        | ShipmentStatus::PickupScheduled
        | ShipmentStatus::PickedUp
        | ShipmentStatus::AtOriginHub
        | ShipmentStatus::Consolidated
        | ShipmentStatus::LineHaul
        | ShipmentStatus::AtGateway
        | ShipmentStatus::Customs
        | ShipmentStatus::LastMile
        | ShipmentStatus::OutForDelivery => Tone::Going,
        ShipmentStatus::Delivered => Tone::Done,
        ShipmentStatus::OnHold => Tone::Held,
        ShipmentStatus::Returning | ShipmentStatus::Returned | ShipmentStatus::Cancelled => Tone::Ended,
        ShipmentStatus::Lost | ShipmentStatus::Destroyed => Tone::Alarm,
    })
}

pub fn of_event(status: &str) -> Tone {
    status.parse().map_or(Tone::Going, |status| match status {
        EventStatus::InfoReceived
        | EventStatus::PickupScheduled
        | EventStatus::PickedUp
        | EventStatus::Departed
        | EventStatus::Arrived
        | EventStatus::InTransit
        | EventStatus::ExportCustoms
        | EventStatus::CustomsPresented
        | EventStatus::CustomsReleased
        | EventStatus::OutForDelivery
        | EventStatus::AvailableForCollection
        | EventStatus::Unknown => Tone::Going,
        EventStatus::Delivered => Tone::Done,
        EventStatus::CustomsHeld
        | EventStatus::AttemptFailed
        | EventStatus::Delayed
        | EventStatus::Exception => Tone::Held,
        EventStatus::Returning | EventStatus::Returned | EventStatus::Cancelled => Tone::Ended,
        EventStatus::Damaged | EventStatus::Lost | EventStatus::Destroyed => Tone::Alarm,
    })
}
