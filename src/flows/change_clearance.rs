//! A merchant has its goods cleared another way, as long as customs has not seen them and they are in no bag.
//!
//! The papers of a bag say how all that is in it is cleared, so what is packed can be changed only after it was
//! taken out: left behind, offloaded, or its departure called off. A closing that is under way goes before the
//! change (and it is refused) or after it (and packs under the new clearance).
//!
//! The clearance and the request to look at the plan are one transaction under the shipment's lock, so that
//! a scan that presents it to customs at the same moment goes before it (and it is refused) or after it.
//! Whether its gateway clears it so is found out when the plan is looked at. Again: nothing changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Deps;
use crate::customs;
use crate::domain::failure::Class;
use crate::domain::id::{MerchantId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::{DepartureId, DepartureState};
use crate::domain::service::Clearance;
use crate::domain::shipment::ShipmentStatus;
use crate::intake::{self, FieldError};
use crate::store::audit::{self, Change};
use crate::store::bag_parcels::{self, Placed};
use crate::store::replans::{self, Cause};
use crate::store::shipments::{self, Parcel};
use crate::store::{StoreError, Tx, departures};

#[derive(Debug, thiserror::Error)]
pub enum ClearanceError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("there is no such shipment")]
    NotFound,
    #[error("the shipment is {0}: its clearance can be changed only until customs has seen it")]
    TooLate(ShipmentStatus),
    #[error("the shipment is in bag {bag} of {departure}, whose papers say how it is cleared")]
    Packed { bag: u32, departure: DepartureId },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClearanceError {
    pub fn class(&self) -> Class {
        match self {
            ClearanceError::Fields(_) => Class::Caller,
            ClearanceError::NotFound => Class::NotFound,
            ClearanceError::TooLate(_) | ClearanceError::Packed { .. } => Class::Conflict,
            ClearanceError::Store(error) => error.class(),
        }
    }
}

pub async fn change(
    deps: &Deps,
    merchant: MerchantId,
    id: ShipmentId,
    body: &Value,
) -> Result<(), ClearanceError> {
    let clearance = intake::read_clearance(body).map_err(ClearanceError::Fields)?;
    let times = (deps.clock.now(), deps.clock.wall());
    deps.store
        .write(move |tx| Box::pin(async move { write(tx, merchant, id, clearance, times).await }))
        .await?;
    deps.replan_bell.notify_one();
    Ok(())
}

async fn write(
    tx: &Tx,
    merchant: MerchantId,
    id: ShipmentId,
    clearance: Clearance,
    (now, wall): (Instant, Instant),
) -> Result<(), ClearanceError> {
    let shipment = shipments::lock(tx, id).await?.filter(|shipment| shipment.merchant == merchant);
    let mut shipment = shipment.ok_or(ClearanceError::NotFound)?;
    let from = std::mem::replace(&mut shipment.clearance, clearance);
    if from == clearance {
        return Ok(());
    }
    let parcels = shipments::parcels(tx, id).await?;
    let statuses = parcels.iter().map(|parcel| parcel.status).chain([shipment.status]);
    if let Some(seen) = statuses.max().filter(|status| *status >= ShipmentStatus::Customs) {
        return Err(ClearanceError::TooLate(seen));
    }
    if let Some(placed) = placed(tx, id).await? {
        return Err(ClearanceError::Packed { bag: placed.bag_number, departure: placed.departure });
    }
    screen(&parcels, clearance)?;
    let actor = format!("merchant {merchant}");
    let detail = json!({"from": from, "to": clearance});
    let change = Change { actor: actor.clone(), action: "shipment.clearance_changed".to_owned(), detail };
    shipment.updated_at = now;
    audit::append(tx, id, &mut shipment.audit, &[change], now).await?;
    shipments::save_clearance(tx, &shipment).await?;
    let cause = Cause::new(format!("clearance {from} was changed to {clearance}"), actor);
    Ok(replans::request_check(tx, &[id], &cause, now, wall).await?)
}

/// A bag that a parcel of it is in, after all that are being packed at this moment.
async fn placed(tx: &Tx, id: ShipmentId) -> Result<Option<Placed>, StoreError> {
    let held = departures::held_by(tx, &[id]).await?.into_iter();
    let open = held.filter(|held| held.state == DepartureState::Open).map(|held| held.booking.departure);
    // In the order in which they are booked.
    for departure in open.collect::<BTreeSet<_>>() {
        departures::hold(tx, &departure).await?;
    }
    Ok(bag_parcels::packed_of(tx, &[id]).await?.into_iter().next())
}

/// Some goods may enter China in one way and not in another.
fn screen(parcels: &[Parcel], clearance: Clearance) -> Result<(), ClearanceError> {
    let items = parcels.iter().flat_map(|parcel| &parcel.items);
    let refused = items.filter_map(|item| customs::screen(&item.hs_code, Some(clearance)).err());
    let error = |refusal: customs::Refusal| FieldError {
        pointer: "/clearance".to_owned(),
        detail: refusal.to_string(),
    };
    let errors: Vec<_> = refused.map(error).collect();
    if errors.is_empty() { Ok(()) } else { Err(ClearanceError::Fields(errors)) }
}
