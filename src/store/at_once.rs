//! What many triggers change, in a few statements: for who takes in answers by the dozen.
//!
//! Lists are filled up to a power of two with their last entry, so that there are a few statements to prepare and not
//! one for each length. The caller holds the shipments' locks, taken in the order of their ids as by everybody.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::entity::{escrow_order, escrow_trigger, outbox, shipment};
use super::orders::{self, Order, Trigger};
use super::outbox::Message;
use super::row::{Column, columns, for_update, placeholders, statement, to_json};
use super::shipments::{self, Shipment};
use super::{StoreError, Tx};
use crate::domain::id::{OrderId, ShipmentId, TriggerId};
use crate::domain::instant::Instant;

/// As many as a power of two, with the last one again and again.
fn filled<T: Clone>(mut list: Vec<T>) -> Vec<T> {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
    list
}

/// `($1, $2, …)` for a filled list, behind `before` other values.
fn list_of(
    db: &impl ConnectionTrait,
    before: usize,
    ids: impl Iterator<Item = Uuid>,
) -> (String, Vec<Value>) {
    let ids = filled(ids.collect());
    (placeholders(db, before + 1, 1, ids.len()), ids.into_iter().map(Value::from).collect())
}

fn of_shipments(db: &impl ConnectionTrait, ids: &[ShipmentId]) -> (String, Vec<Value>) {
    list_of(db, 0, ids.iter().map(|id| id.uuid()))
}

/// Those of `ids` that there are, in the order of their ids, held until the end of the transaction.
pub async fn lock(tx: &Tx, ids: &[ShipmentId]) -> Result<Vec<Shipment>, StoreError> {
    let (list, values) = of_shipments(tx, ids);
    let sql = format!(
        "SELECT {} FROM shipment WHERE id IN {list} ORDER BY id{}",
        columns!(shipment),
        for_update(tx)
    );
    let rows = shipment::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(shipments::from_row).collect()
}

/// The parcels' numbers, in their order.
pub async fn parcel_numbers(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Vec<u16>>, StoreError> {
    let (list, values) = of_shipments(db, ids);
    let sql = format!("SELECT shipment_id, number FROM parcel WHERE shipment_id IN {list} ORDER BY number");
    let mut found: HashMap<_, Vec<_>> = HashMap::with_capacity(ids.len());
    for row in db.query_all_raw(statement(db, &sql, values)).await? {
        let (id, number): (Uuid, i32) = (row.try_get("", "shipment_id")?, row.try_get("", "number")?);
        let number = Column("parcel", "number").number(number)?;
        found.entry(ShipmentId::from_uuid(id)).or_default().push(number);
    }
    Ok(found)
}

pub async fn orders(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Order>, StoreError> {
    let (list, values) = of_shipments(db, ids);
    let sql = format!("SELECT {} FROM escrow_order WHERE shipment_id IN {list}", columns!(escrow_order));
    let rows = escrow_order::Model::find_by_statement(statement(db, &sql, values)).all(db).await?;
    let order = |row| orders::from_row(row).map(|order| (order.shipment, order));
    rows.into_iter().map(order).collect()
}

/// Every trigger of the shipments, each's in the order in which they were made.
pub async fn triggers(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Vec<Trigger>>, StoreError> {
    let (list, values) = of_shipments(db, ids);
    let sql = format!(
        "SELECT {} FROM escrow_trigger WHERE shipment_id IN {list} ORDER BY id",
        columns!(escrow_trigger)
    );
    let rows = escrow_trigger::Model::find_by_statement(statement(db, &sql, values)).all(db).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::with_capacity(ids.len());
    for row in rows {
        let shipment = ShipmentId::from_uuid(row.shipment_id);
        found.entry(shipment).or_default().push(orders::trigger_from_row(row)?);
    }
    Ok(found)
}

/// Every message of the streams, each's in order. Until the transaction ends nobody claims any of them.
pub async fn hold_streams(
    tx: &Tx,
    streams: &[OrderId],
) -> Result<HashMap<OrderId, Vec<Message>>, StoreError> {
    let (list, values) = list_of(tx, 0, streams.iter().map(|id| id.uuid()));
    let sql = format!(
        "SELECT {} FROM outbox WHERE stream IN {list} ORDER BY stream, position{}",
        columns!(outbox),
        for_update(tx)
    );
    let rows = outbox::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::with_capacity(streams.len());
    for row in rows {
        let message = super::outbox::from_row(row)?;
        found.entry(message.stream).or_default().push(message);
    }
    Ok(found)
}

/// The receiver has them, whatever was decided about them meanwhile. Says of which that was not known.
pub async fn acknowledge(
    tx: &Tx,
    ids: &[TriggerId],
    wall: Instant,
) -> Result<HashSet<TriggerId>, StoreError> {
    let (list, ids) = list_of(tx, 1, ids.iter().map(|id| id.uuid()));
    let sql = format!(
        "UPDATE outbox SET state = 'acknowledged', settled_at = $1, leased_until = 0, attempts = attempts + 1 \
         WHERE id IN {list} AND state <> 'acknowledged' RETURNING id"
    );
    let values = std::iter::once(wall.timestamp_micros().into()).chain(ids);
    let rows = tx.query_all_raw(statement(tx, &sql, values)).await?;
    rows.iter().map(|row| Ok(TriggerId::from_uuid(row.try_get("", "id")?))).collect()
}

/// Keeps the first acknowledgement of each, and says what they are.
pub async fn acknowledge_triggers(
    tx: &Tx,
    acknowledged: &[(ShipmentId, TriggerId)],
    at: Instant,
) -> Result<HashMap<ShipmentId, Trigger>, StoreError> {
    if acknowledged.is_empty() {
        return Ok(HashMap::new());
    }
    let (shipments, of) = list_of(tx, 1, acknowledged.iter().map(|(shipment, _)| shipment.uuid()));
    let (list, ids) = list_of(tx, 1 + of.len(), acknowledged.iter().map(|(_, id)| id.uuid()));
    let sql = format!(
        "UPDATE escrow_trigger SET acknowledged_at = COALESCE(acknowledged_at, $1) \
         WHERE shipment_id IN {shipments} AND id IN {list} RETURNING {}",
        columns!(escrow_trigger)
    );
    let values = std::iter::once(at.timestamp_micros().into()).chain(of).chain(ids);
    let rows = escrow_trigger::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let trigger = |row: escrow_trigger::Model| {
        Ok((ShipmentId::from_uuid(row.shipment_id), orders::trigger_from_row(row)?))
    };
    rows.into_iter().map(trigger).collect()
}

/// The first waiting message of each of `streams`, unless another one of it is on its way; on its own so that a test can
/// look at its plan. Found by their streams alone: behind an index of states stands all that waits.
pub fn next_of(streams: &str) -> String {
    format!(
        "SELECT m.id FROM (SELECT id, state, position, \
         MIN(CASE WHEN state = 'waiting' THEN position END) OVER (PARTITION BY stream) AS first, \
         MAX(CASE WHEN state = 'pending' THEN 1 ELSE 0 END) OVER (PARTITION BY stream) AS busy \
         FROM outbox WHERE stream IN {streams}) m \
         WHERE m.busy = 0 AND m.state = 'waiting' AND m.position = m.first"
    )
}

/// Lets the first waiting message of each stream go, unless another one of it is on its way. Says whether one does.
pub async fn release_next(tx: &Tx, streams: &[OrderId], wall: Instant) -> Result<bool, StoreError> {
    if streams.is_empty() {
        return Ok(false);
    }
    let (list, ids) = list_of(tx, 1, streams.iter().map(|id| id.uuid()));
    let next = next_of(&list);
    let sql = format!("UPDATE outbox SET state = 'pending', next_attempt_at = $1 WHERE id IN ({next})");
    let values = std::iter::once(wall.timestamp_micros().into()).chain(ids);
    Ok(tx.execute_raw(statement(tx, &sql, values)).await?.rows_affected() > 0)
}

/// Everything of each order that changes after it was taken.
pub async fn save_orders(tx: &Tx, orders: Vec<Order>) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let orders = filled(orders);
    let rows = placeholders(tx, 1, orders.len(), 13);
    let sql = format!(
        "WITH now (shipment, id, state, because, shares, acts, wake, frozen, freezes, deadline, told, updated, contested) \
         AS (VALUES {rows}) \
         UPDATE escrow_order SET state = now.state, frozen_because = now.because, shares = now.shares, \
         acts = now.acts, wake_at = now.wake, provider_frozen = now.frozen, freezes = now.freezes, \
         release_deadline_at = now.deadline, deadline_told_at = now.told, updated_at = now.updated, \
         contested = now.contested FROM now WHERE escrow_order.shipment_id = now.shipment AND escrow_order.id = now.id"
    );
    let micros = |at: Option<Instant>| at.map(|at| at.timestamp_micros());
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let values = orders.into_iter().flat_map(|order| -> [Value; 13] {
        [
            order.shipment.uuid().into(),
            order.id.uuid().into(),
            order.state.as_str().into(),
            order.frozen_because.clone().into(),
            to_json(&order.shares).into(),
            count(order.acts).into(),
            micros(order.wake_at).into(),
            order.provider_frozen.into(),
            count(order.freezes).into(),
            micros(order.release_deadline_at).into(),
            micros(order.deadline_told_at).into(),
            order.updated_at.timestamp_micros().into(),
            order.contested.into(),
        ]
    });
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}

/// What changes in each shipment's life, with the end of its audit chain.
pub async fn save_progress(tx: &Tx, shipments: Vec<&Shipment>) -> Result<(), StoreError> {
    if shipments.is_empty() {
        return Ok(());
    }
    let shipments = filled(shipments);
    let rows = placeholders(tx, 1, shipments.len(), 8);
    let sql = format!(
        "WITH now (id, status, earliest, latest, delivered, updated, seq, hash) AS (VALUES {rows}) \
         UPDATE shipment SET status = now.status, estimated_earliest_at = now.earliest, \
         estimated_latest_at = now.latest, delivered_at = now.delivered, updated_at = now.updated, \
         audit_seq = now.seq, audit_hash = now.hash FROM now WHERE shipment.id = now.id"
    );
    let values = shipments.into_iter().flat_map(|shipment| -> [Value; 8] {
        [
            shipment.id.uuid().into(),
            shipment.status.as_str().into(),
            shipment.estimate.earliest_at.timestamp_micros().into(),
            shipment.estimate.latest_at.timestamp_micros().into(),
            shipment.delivered_at.map(|at| at.timestamp_micros()).into(),
            shipment.updated_at.timestamp_micros().into(),
            shipment.audit.seq.into(),
            shipment.audit.hash.clone().into(),
        ]
    });
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}
