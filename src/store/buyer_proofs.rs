//! What is kept of buyers' attempts to prove themselves, a row a shipment.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::entity::buyer_proof;
use super::row::{Column, Only, to_json};
use super::{StoreError, Tx};
use crate::domain::buyer::ProofStanding;
use crate::domain::id::ShipmentId;

/// Under the shipment's lock.
pub async fn find(tx: &Tx, shipment: ShipmentId) -> Result<ProofStanding, StoreError> {
    match buyer_proof::Entity::find_by_id(shipment.uuid()).only(tx).await? {
        Some(row) => Column("buyer_proof", "standing").json(&row.standing),
        None => Ok(ProofStanding::default()),
    }
}

pub async fn save(tx: &Tx, shipment: ShipmentId, standing: &ProofStanding) -> Result<(), StoreError> {
    let row =
        buyer_proof::ActiveModel { shipment_id: Set(shipment.uuid()), standing: Set(to_json(standing)) };
    let there = OnConflict::column(buyer_proof::Column::ShipmentId)
        .update_column(buyer_proof::Column::Standing)
        .to_owned();
    buyer_proof::Entity::insert(row).on_conflict(there).exec_without_returning(tx).await?;
    Ok(())
}
