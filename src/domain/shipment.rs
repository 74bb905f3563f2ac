//! A shipment's life: the milestones it reaches, and the states beside them.

use super::instant::Instant;
use super::text::words;

words! {
    /// The way a shipment goes when all goes well, in order. A milestone that was
    /// reached stays reached, whatever arrives late.
    Milestone {
        Accepted = "accepted",
        PickupScheduled = "pickup_scheduled",
        PickedUp = "picked_up",
        AtOriginHub = "at_origin_hub",
        Consolidated = "consolidated",
        LineHaul = "line_haul",
        AtGateway = "at_gateway",
        Customs = "customs",
        LastMile = "last_mile",
        OutForDelivery = "out_for_delivery",
        Delivered = "delivered",
    }
}

words! {
    /// What a shipment or a parcel is called at one moment.
    ShipmentStatus {
        Requested = "requested",
        Accepted = "accepted",
        PickupScheduled = "pickup_scheduled",
        PickedUp = "picked_up",
        AtOriginHub = "at_origin_hub",
        Consolidated = "consolidated",
        LineHaul = "line_haul",
        AtGateway = "at_gateway",
        Customs = "customs",
        LastMile = "last_mile",
        OutForDelivery = "out_for_delivery",
        Delivered = "delivered",
        OnHold = "on_hold",
        Returning = "returning",
        Returned = "returned",
        Lost = "lost",
        Destroyed = "destroyed",
        Cancelled = "cancelled",
    }
}

impl From<Milestone> for ShipmentStatus {
    fn from(milestone: Milestone) -> Self {
        match milestone {
            Milestone::Accepted => ShipmentStatus::Accepted,
            Milestone::PickupScheduled => ShipmentStatus::PickupScheduled,
            Milestone::PickedUp => ShipmentStatus::PickedUp,
            Milestone::AtOriginHub => ShipmentStatus::AtOriginHub,
            Milestone::Consolidated => ShipmentStatus::Consolidated,
            Milestone::LineHaul => ShipmentStatus::LineHaul,
            Milestone::AtGateway => ShipmentStatus::AtGateway,
            Milestone::Customs => ShipmentStatus::Customs,
            Milestone::LastMile => ShipmentStatus::LastMile,
            Milestone::OutForDelivery => ShipmentStatus::OutForDelivery,
            Milestone::Delivered => ShipmentStatus::Delivered,
        }
    }
}

/// When the consignee can expect it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub earliest_at: Instant,
    pub latest_at: Instant,
}
