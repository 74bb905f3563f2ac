//! Many shipments in one question, and in one statement: for what concerns thousands of them.

use std::collections::HashMap;

use sea_orm::sea_query::Value;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::{plan, shipment};
use super::row::{Column, placeholders, statement};
use super::shipments::{AuditHead, Shipment, from_row, plan_row};
use super::{StoreError, Tx};
use crate::domain::id::{PlanId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::plan::Plan;

/// Those of `ids` that there are, in the order of their ids.
pub async fn find(db: &impl ConnectionTrait, ids: &[ShipmentId]) -> Result<Vec<Shipment>, StoreError> {
    let query = shipment::Entity::find().filter(shipment::Column::Id.is_in(ids.iter().map(|id| id.uuid())));
    query.order_by_asc(shipment::Column::Id).all(db).await?.into_iter().map(from_row).collect()
}

/// Those that were changed at `at` or later. Reads them all.
pub async fn changed_since(db: &impl ConnectionTrait, at: Instant) -> Result<Vec<ShipmentId>, StoreError> {
    use shipment::Column as C;
    let query = shipment::Entity::find().select_only().column(C::Id);
    let ids: Vec<uuid::Uuid> = query
        .filter(C::UpdatedAt.gte(at.timestamp_micros()))
        .order_by_asc(C::Id)
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(ShipmentId::from_uuid).collect())
}

/// All there are, in the order of their ids, and how long the chain of each is.
pub async fn chain_lengths(db: &impl ConnectionTrait) -> Result<Vec<(ShipmentId, i64)>, StoreError> {
    use shipment::Column as C;
    let query = shipment::Entity::find().select_only().columns([C::Id, C::AuditSeq]).order_by_asc(C::Id);
    let rows: Vec<(uuid::Uuid, i64)> = query.into_tuple().all(db).await?;
    Ok(rows.into_iter().map(|(id, length)| (ShipmentId::from_uuid(id), length)).collect())
}

/// Where the chain of each of `ids` that there is ends.
pub async fn chain_ends(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<Vec<(ShipmentId, AuditHead)>, StoreError> {
    use shipment::Column as C;
    let mut all = Vec::with_capacity(ids.len());
    for some in ids.chunks(500) {
        let query = shipment::Entity::find().select_only().columns([C::Id, C::AuditSeq, C::AuditHash]);
        let query = query.filter(C::Id.is_in(some.iter().map(|id| id.uuid())));
        let rows: Vec<(uuid::Uuid, i64, String)> = query.into_tuple().all(db).await?;
        all.extend(
            rows.into_iter().map(|(id, seq, hash)| (ShipmentId::from_uuid(id), AuditHead { seq, hash })),
        );
    }
    Ok(all)
}

/// The plan in force of each.
pub async fn plans(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<HashMap<ShipmentId, (PlanId, Plan)>, StoreError> {
    let list = placeholders(db, 1, 1, ids.len());
    let sql = format!(
        "SELECT p.shipment_id, p.id, p.body, p.reason, p.created_at FROM shipment s JOIN plan p ON p.shipment_id = s.id AND p.id = s.plan_id \
         WHERE s.id IN {list}"
    );
    let rows = plan::Model::find_by_statement(statement(db, &sql, ids.iter().map(|id| id.uuid().into())))
        .all(db)
        .await?;
    let plan = |row: plan::Model| {
        let plan = (PlanId::from_uuid(row.id), Column("plan", "body").json(&row.body)?);
        Ok((ShipmentId::from_uuid(row.shipment_id), plan))
    };
    rows.into_iter().map(plan).collect()
}

/// Locks shipments in the order of their ids, and says which plan and which end of its chain each has now.
pub async fn lock(
    tx: &Tx,
    ids: &[ShipmentId],
) -> Result<HashMap<ShipmentId, (PlanId, AuditHead)>, StoreError> {
    use shipment::Column as C;
    let rows: Vec<(uuid::Uuid, uuid::Uuid, i64, String)> = shipment::Entity::find()
        .select_only()
        .columns([C::Id, C::PlanId, C::AuditSeq, C::AuditHash])
        .filter(C::Id.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(C::Id)
        .lock_exclusive()
        .into_tuple()
        .all(tx)
        .await?;
    let head = |(id, plan, seq, hash)| {
        (ShipmentId::from_uuid(id), (PlanId::from_uuid(plan), AuditHead { seq, hash }))
    };
    Ok(rows.into_iter().map(head).collect())
}

/// New plans beside those there are.
pub async fn insert_plans<'p>(
    tx: &Tx,
    plans: impl IntoIterator<Item = (ShipmentId, PlanId, &'p Plan)>,
    at: Instant,
) -> Result<(), StoreError> {
    let rows: Vec<_> =
        plans.into_iter().map(|(shipment, id, plan)| plan_row(shipment, id, plan, at)).collect();
    if !rows.is_empty() {
        plan::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Writes the plan, the estimate and the end of the chain of each. Up to 2,000 at once.
pub async fn save_plans(tx: &Tx, shipments: &[&Shipment]) -> Result<(), StoreError> {
    if shipments.is_empty() {
        return Ok(());
    }
    let rows = placeholders(tx, 1, shipments.len(), 7);
    let sql = format!(
        "WITH now (id, plan_id, earliest, latest, updated_at, seq, hash) AS (VALUES {rows}) \
         UPDATE shipment SET plan_id = now.plan_id, estimated_earliest_at = now.earliest, \
         estimated_latest_at = now.latest, updated_at = now.updated_at, audit_seq = now.seq, \
         audit_hash = now.hash FROM now WHERE shipment.id = now.id"
    );
    let values = shipments.iter().flat_map(|shipment| -> [Value; 7] {
        [
            shipment.id.uuid().into(),
            shipment.plan.uuid().into(),
            shipment.estimate.earliest_at.timestamp_micros().into(),
            shipment.estimate.latest_at.timestamp_micros().into(),
            shipment.updated_at.timestamp_micros().into(),
            shipment.audit.seq.into(),
            shipment.audit.hash.clone().into(),
        ]
    });
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}
