//! A merchant calls a shipment off, as long as no hub has it.
//!
//! The cancellation is an event like any other, in one transaction under the shipment's
//! lock: a scan that comes at the same moment goes before it (and it is refused) or after
//! it (and the shipment stays cancelled, with the scan on record). The order's money is
//! frozen with it. Again: the same answer.

use super::Deps;
use super::advance::{Occasion, advance};
use crate::domain::event::{EventStatus, Occurred, OffsetSource, TrackingEvent};
use crate::domain::failure::Class;
use crate::domain::id::{MerchantId, ShipmentId};
use crate::domain::instant::rfc3339;
use crate::domain::shipment::ShipmentStatus;
use crate::store::shipments::{self, Shipment};
use crate::store::{StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such shipment")]
    NotFound,
    #[error("the shipment is {0}: it can be cancelled only until a hub or a carrier has it")]
    TooLate(ShipmentStatus),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CancelError {
    pub fn class(&self) -> Class {
        match self {
            CancelError::NotFound => Class::NotFound,
            CancelError::TooLate(_) => Class::Conflict,
            CancelError::Store(error) => error.class(),
        }
    }
}

pub async fn cancel(deps: &Deps, merchant: MerchantId, id: ShipmentId) -> Result<Shipment, CancelError> {
    let occasion = Occasion::new(deps, format!("merchant {merchant}"));
    let now = occasion.now;
    let occurred = Occurred { at: now, local_time: rfc3339(now), offset_source: OffsetSource::Carrier };
    let description = "cancelled by the merchant";
    let event = TrackingEvent::of_our_own(EventStatus::Cancelled, "cancelled", description, occurred);
    let cancelled = deps
        .store
        .write(move |tx| Box::pin(async move { write(tx, merchant, id, event, &occasion).await }))
        .await?;
    deps.webhook_bell.notify_one();
    Ok(cancelled)
}

async fn write(
    tx: &Tx,
    merchant: MerchantId,
    id: ShipmentId,
    event: TrackingEvent,
    occasion: &Occasion,
) -> Result<Shipment, CancelError> {
    let shipment = shipments::lock(tx, id).await?.filter(|shipment| shipment.merchant == merchant);
    let shipment = shipment.ok_or(CancelError::NotFound)?;
    match shipment.status {
        ShipmentStatus::Cancelled => return Ok(shipment),
        ShipmentStatus::Requested | ShipmentStatus::Accepted | ShipmentStatus::PickupScheduled => {}
        ShipmentStatus::PickedUp
        | ShipmentStatus::AtOriginHub
        | ShipmentStatus::Consolidated
        | ShipmentStatus::LineHaul
        | ShipmentStatus::AtGateway
        | ShipmentStatus::Customs
        | ShipmentStatus::LastMile
        | ShipmentStatus::OutForDelivery
        | ShipmentStatus::Delivered
        | ShipmentStatus::OnHold
        | ShipmentStatus::Returning
        | ShipmentStatus::Returned
        | ShipmentStatus::Lost
        | ShipmentStatus::Destroyed => return Err(CancelError::TooLate(shipment.status)),
    }
    // One of several parcels at a hub keeps the shipment's status where it was.
    let parcels = shipments::parcels(tx, id).await?;
    if let Some(parcel) = parcels.iter().find(|parcel| parcel.status >= ShipmentStatus::PickedUp) {
        return Err(CancelError::TooLate(parcel.status));
    }
    let advanced = advance(tx, id, &[event], occasion).await?.ok_or(CancelError::NotFound)?;
    Ok(advanced.shipment)
}
