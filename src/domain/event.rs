//! Something that happened to a parcel, however it became known.

use serde::{Deserialize, Serialize};

use super::carrier::{CarrierCode, TrackingNumber};
use super::instant::Instant;
use super::network::{DepartureId, HubCode};
use super::place::Point;
use super::text::words;

words! {
    /// The normalised status of an event. What no table knows stays `unknown`; it
    /// never becomes progress.
    EventStatus {
        InfoReceived = "info_received",
        PickupScheduled = "pickup_scheduled",
        PickedUp = "picked_up",
        Departed = "departed",
        Arrived = "arrived",
        InTransit = "in_transit",
        ExportCustoms = "export_customs",
        CustomsPresented = "customs_presented",
        CustomsHeld = "customs_held",
        CustomsReleased = "customs_released",
        OutForDelivery = "out_for_delivery",
        AttemptFailed = "attempt_failed",
        AvailableForCollection = "available_for_collection",
        Delivered = "delivered",
        Returning = "returning",
        Returned = "returned",
        Delayed = "delayed",
        Exception = "exception",
        Damaged = "damaged",
        Lost = "lost",
        Destroyed = "destroyed",
        Cancelled = "cancelled",
        Unknown = "unknown",
    }
}

words! {
    /// To whom a parcel was handed, as far as the carrier says.
    DeliveredTo {
        Addressee = "addressee",
        Household = "household",
        Neighbour = "neighbour",
        Locker = "locker",
        Mailroom = "mailroom",
        Collected = "collected",
        Unspecified = "unspecified",
    }
}

words! {
    /// Where the offset of a local time came from, best first.
    OffsetSource {
        Carrier = "carrier",
        FacilityZone = "facility_zone",
        CountryZone = "country_zone",
        AssumedUtc = "assumed_utc",
    }
}

words! {
    /// Who told us.
    EventSource {
        /// Sampan itself, on behalf of somebody who called it: accepted, cancelled.
        System = "system",
        Scan = "scan",
        Poll = "poll",
        Push = "push",
    }
}

words! {
    /// What hub staff can report with a scanner.
    ScanKind {
        Received = "received",
        Departed = "departed",
        /// It did not leave with the departure that it was meant for.
        Offloaded = "offloaded",
        Arrived = "arrived",
        CustomsPresented = "customs_presented",
        CustomsHeld = "customs_held",
        CustomsReleased = "customs_released",
        HandedOver = "handed_over",
        /// Put into the bag it belongs in.
        Packed = "packed",
        /// Taken out of a bag at the other end.
        Unpacked = "unpacked",
    }
}

words! {
    /// Which part of the journey a facility belongs to.
    Facility { OriginHub = "origin_hub", Gateway = "gateway" }
}

/// A place as a carrier names it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventLocation {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub postal_code: Option<String>,
    /// Where that is, roughly, as far as it is known.
    #[serde(rename = "coordinates", skip_serializing_if = "Option::is_none", default)]
    pub point: Option<Point>,
}

/// When it happened: the local time as the source wrote it, the instant that is meant,
/// and why the one is taken for the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurred {
    pub at: Instant,
    pub local_time: String,
    pub offset_source: OffsetSource,
}

/// One happening in normalised form, without who reported it or which parcel it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    pub status: EventStatus,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_to: Option<DeliveredTo>,
    pub occurred: Occurred,
    /// The source's own code or kind, kept as it came.
    pub code: String,
    pub description: String,
    pub location: EventLocation,
    /// The code of the event before it that it takes back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancels: Option<String>,
}

/// A [`Happening`] with what was known about it when it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackingEvent {
    /// The parcel's number; none where the whole shipment is meant.
    pub parcel: Option<u16>,
    pub source: EventSource,
    /// The carrier's or the hub's name, as far as there is one.
    pub source_name: String,
    pub happening: Happening,
    /// The carrier's number that was asked about, or that the parcel was handed over under.
    pub tracking_number: Option<TrackingNumber>,
    pub scan: Option<ScanKind>,
    pub hub: Option<HubCode>,
    pub facility: Option<Facility>,
    /// What the source sent for this event, byte for byte.
    pub raw: String,
    pub recorded_at: Instant,
    /// Its source said that it was a delivery, and now says otherwise of the same event.
    pub doubted: bool,
}

impl TrackingEvent {
    /// Something that Sampan itself has to say of a whole shipment.
    pub fn of_our_own(status: EventStatus, code: &str, description: &str, occurred: Occurred) -> Self {
        Self {
            parcel: None,
            source: EventSource::System,
            source_name: "sampan".to_owned(),
            recorded_at: occurred.at,
            happening: Happening {
                status,
                delivered_to: None,
                occurred,
                code: code.to_owned(),
                description: description.to_owned(),
                location: EventLocation::default(),
                cancels: None,
            },
            tracking_number: None,
            scan: None,
            hub: None,
            facility: None,
            raw: String::new(),
            doubted: false,
        }
    }
}

/// The departure that a scan named, from the scan itself.
pub fn departure_named(raw: &str) -> Option<DepartureId> {
    let body: serde_json::Value = serde_json::from_str(raw).ok()?;
    body["departure"].as_str()?.parse().ok()
}

/// The carrier that a handover named, likewise.
pub fn carrier_named(raw: &str) -> Option<CarrierCode> {
    let body: serde_json::Value = serde_json::from_str(raw).ok()?;
    body["carrier"].as_str()?.parse().ok()
}
