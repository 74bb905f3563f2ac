//! What merchants are told of a shipment, in the words in which they are told.
//!
//! Nothing in them says who somebody is: they name shipments, states and times.

use serde_json::{Value, json};

use super::tell_merchants::Notice;
use super::views::EstimateView;
use crate::domain::id::ParcelId;
use crate::domain::instant::rfc3339;
use crate::domain::shipment::ShipmentStatus;
use crate::domain::webhook::WebhookKind;
use crate::notifications::EscrowNews;
use crate::store::shipments::Shipment;
use crate::tracking::Timeline;

/// Messages go out side by side: `sequence` says which of a shipment's was written down later.
fn notice(shipment: &Shipment, kind: WebhookKind, mut data: Value) -> Notice {
    data["sequence"] = shipment.audit.seq.into();
    Notice { merchant: shipment.merchant, shipment: shipment.id, kind, data }
}

pub fn pickup_accepted(shipment: &Shipment, parcels: usize) -> Notice {
    let data = json!({
        "reference": shipment.reference,
        "parcels": parcels,
        "from": rfc3339(shipment.pickup.from),
        "until": rfc3339(shipment.pickup.until),
        "estimated_delivery": EstimateView::from(shipment.estimate),
    });
    notice(shipment, WebhookKind::PickupAccepted, data)
}

/// Of a shipment that was `before` and had or had not been picked up whole: its new status, and the end of its
/// pickup.
pub fn of_progress(
    shipment: &Shipment,
    before: ShipmentStatus,
    was_picked_up: bool,
    timeline: &Timeline<'_>,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let picked_up_at: Option<Vec<_>> = timeline
        .parcels
        .iter()
        .map(|parcel| parcel.picked_up.map(|event| event.happening.occurred.at))
        .collect();
    if let Some(last) = picked_up_at.and_then(|all| all.into_iter().max()).filter(|_| !was_picked_up) {
        let data = json!({"reference": shipment.reference, "picked_up_at": rfc3339(last)});
        notices.push(notice(shipment, WebhookKind::PickupPickedUp, data));
    }
    if before == shipment.status {
        return notices;
    }
    if shipment.status == ShipmentStatus::Cancelled {
        let data = json!({"reference": shipment.reference});
        notices.push(notice(shipment, WebhookKind::PickupCancelled, data));
    }
    notices.push(status_changed(shipment, before));
    notices
}

fn status_changed(shipment: &Shipment, from: ShipmentStatus) -> Notice {
    let data = json!({
        "reference": shipment.reference,
        "from": from,
        "to": shipment.status,
        "estimated_delivery": EstimateView::from(shipment.estimate),
        "delivered_at": shipment.delivered_at.map(rfc3339),
    });
    notice(shipment, WebhookKind::ShipmentStatusChanged, data)
}

/// `parcel`: where it concerns one of several.
pub fn of_escrow(shipment: &Shipment, parcel: Option<ParcelId>, news: &EscrowNews) -> Notice {
    notice(shipment, news.kind(), news.data(&shipment.reference, parcel))
}
