//! What delivered parcels did on their way. Rows are added and, when there are newer ones enough, taken away;
//! every daemon reads what came since it last looked.

use sea_orm::ColumnTrait;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::poll_history;
use super::row::{Column, to_json};
use super::{StoreError, Tx};
use crate::domain::carrier::CarrierCode;
use crate::domain::event::EventStatus;
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;

/// A journey with one carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journey {
    /// Oldest first, without the delivery.
    pub scans: Vec<(EventStatus, Instant)>,
    pub delivered_at: Instant,
    pub promised_at: Option<Instant>,
    /// Where the carrier got it.
    #[serde(default)]
    pub from_hub: Option<HubCode>,
}

pub async fn insert(tx: &Tx, id: Uuid, carrier: &CarrierCode, journey: &Journey) -> Result<(), StoreError> {
    let row = poll_history::ActiveModel {
        id: Set(id),
        carrier: Set(carrier.to_string()),
        body: Set(to_json(journey)),
    };
    poll_history::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The newest `most` of those that came after `after`, oldest first.
pub async fn since(
    db: &impl ConnectionTrait,
    after: Uuid,
    most: u64,
) -> Result<Vec<(Uuid, CarrierCode, Journey)>, StoreError> {
    let query = poll_history::Entity::find().filter(poll_history::Column::Id.gt(after));
    let rows = query.order_by_desc(poll_history::Column::Id).limit(most).all(db).await?;
    let column = |name| Column("poll_history", name);
    let read = |row: poll_history::Model| {
        let carrier = column("carrier").word(&row.carrier)?;
        Ok::<_, StoreError>((row.id, carrier, column("body").json(&row.body)?))
    };
    // What cannot be read is not learnt from, and keeps nobody from what came after it.
    let readable = |row: poll_history::Model| {
        let id = row.id;
        read(row).inspect_err(|error| tracing::error!(%error, journey = %id, "a journey cannot be read")).ok()
    };
    Ok(rows.into_iter().rev().filter_map(readable).collect())
}

/// Keeps the newest `most`. Says how many went.
pub async fn keep(tx: &Tx, most: u64) -> Result<u64, StoreError> {
    let newest = poll_history::Entity::find().order_by_desc(poll_history::Column::Id);
    let Some(oldest) = newest.offset(most).limit(1).one(tx).await? else { return Ok(0) };
    let old = poll_history::Column::Id.lte(oldest.id);
    Ok(poll_history::Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
}
