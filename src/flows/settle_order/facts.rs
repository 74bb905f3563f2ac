//! What is stored of an order, in the words of the escrow rules.

use crate::domain::escrow::{Consignment, ParcelEvidence};
use crate::domain::event::{EventSource, ScanKind, TrackingEvent, carrier_named};
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::outbox::OutboxState;
use crate::escrow::rules::{ParcelFacts, Stands, Trouble};
use crate::store::orders::Trigger;
use crate::store::outbox::Message;
use crate::tracking::{ParcelTimeline, Timeline};

pub fn stands(trigger: &Trigger, message: Option<&Message>) -> Stands {
    if trigger.acknowledged_at.is_some() {
        return Stands::Acknowledged;
    }
    // A trigger without its message: nobody knows what came of it.
    let Some(message) = message else { return Stands::GivenUp };
    match (message.state, message.is_in_doubt()) {
        (OutboxState::Acknowledged, _) => Stands::Acknowledged,
        (OutboxState::Dead | OutboxState::Parked, true) => Stands::GivenUp,
        (OutboxState::Dead | OutboxState::Parked, false) => Stands::Refused,
        (OutboxState::Pending | OutboxState::Waiting | OutboxState::Frozen, true) => Stands::MaybeSeen,
        (OutboxState::Pending | OutboxState::Waiting | OutboxState::Frozen, false) => Stands::Unseen,
    }
}

pub fn consignments(timeline: &Timeline) -> Vec<Consignment> {
    let of = |parcel: &ParcelTimeline| {
        let tracking_number = parcel.tracking_number?.to_string();
        let by_carrier = |event: &&&TrackingEvent| {
            matches!(event.source, EventSource::Poll | EventSource::Push)
                && event.tracking_number.as_ref() == parcel.tracking_number
        };
        let said = timeline.events.iter().rev().find(by_carrier);
        let handed_over = timeline.events.iter().rev().filter(|event| event.parcel == Some(parcel.number));
        let mut named = handed_over
            .filter(|event| event.scan == Some(ScanKind::HandedOver))
            .filter_map(|event| carrier_named(&event.raw));
        let carrier = said.map(|event| event.source_name.clone());
        let carrier = carrier.or_else(|| named.next().map(|code| code.to_string())).unwrap_or_default();
        Some(Consignment { parcel: parcel.number, carrier, tracking_number })
    };
    timeline.parcels.iter().filter_map(of).collect()
}

pub fn parcel_facts(shipment: ShipmentId, parcel: &ParcelTimeline) -> ParcelFacts {
    let id = ParcelId { shipment, number: parcel.number };
    let evidence = |event: &TrackingEvent| ParcelEvidence {
        parcel: id,
        status: event.happening.status.to_string(),
        delivered_to: event.happening.delivered_to,
        occurred_at: event.happening.occurred.at,
        source: event.source,
        reported_by: event.source_name.clone(),
        tracking_number: event.tracking_number.as_ref().map(ToString::to_string),
    };
    let trouble = |event: &&TrackingEvent| {
        let (text, at) = (event.happening.status.to_string(), event.happening.occurred.at);
        let name = format!("{} {text} {} {}", parcel.number, at.timestamp_micros(), event.source_name);
        Trouble { name, text }
    };
    ParcelFacts {
        number: parcel.number,
        picked_up: parcel.picked_up.map(evidence),
        delivered: parcel.delivered.map(evidence),
        troubles: parcel.troubles.iter().map(trouble).collect(),
        held: parcel.held,
    }
}
