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

impl ShipmentStatus {
    /// Whether somebody waits for it to be delivered.
    pub fn is_under_way(self) -> bool {
        match self {
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
            | ShipmentStatus::OutForDelivery
            | ShipmentStatus::OnHold => true,
            ShipmentStatus::Delivered
            | ShipmentStatus::Returning
            | ShipmentStatus::Returned
            | ShipmentStatus::Lost
            | ShipmentStatus::Destroyed
            | ShipmentStatus::Cancelled => false,
        }
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

/// How late a delivery was, as seen from one milestone before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSample {
    pub milestone: Milestone,
    /// Whose doing the rest of the way was, as far as that was known then: a way into the country, or a carrier.
    pub group: String,
    /// From when it was due by then until it was delivered.
    pub residual_seconds: i64,
}

/// When the consignee can expect it: one of ten comes earlier, one of ten later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub earliest_at: Instant,
    pub latest_at: Instant,
}

impl Estimate {
    /// How many of all are delivered within their window.
    pub const CONFIDENCE: f64 = 0.8;
}
