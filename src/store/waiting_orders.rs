//! Orders that wait for a person, those that wait longest first.

use std::collections::HashMap;

use sea_orm::sea_query::Value;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder};

use super::StoreError;
use super::entity::{escrow_act, escrow_order};
use super::orders::{self, Order, WrittenAct};
use super::row::{columns, statement};
use crate::domain::escrow::OrderState;
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;

/// Since when it is as it is, and whose it is: behind which a page goes on.
pub type Place = (Instant, ShipmentId);

/// In one of these an order waits for a person, until he does something or what froze it ends.
pub const STATES: [OrderState; 2] = [OrderState::Frozen, OrderState::Failed];

/// Those of one state, on its own so that a test can look at its plan. The state is part of the text: the indexes are of
/// one state each.
pub fn waiting_in(state: OrderState) -> String {
    format!(
        "SELECT {} FROM escrow_order WHERE state = '{state}' AND (updated_at, shipment_id) > ($1, $2) \
         ORDER BY updated_at, shipment_id LIMIT $3",
        columns!(escrow_order)
    )
}

/// Up to `most` of those in `state`, behind `after`.
pub async fn waiting(
    db: &impl ConnectionTrait,
    state: OrderState,
    after: Option<Place>,
    most: u64,
) -> Result<Vec<Order>, StoreError> {
    let (at, id) = after.unzip();
    let values: [Value; 3] = [
        at.map_or(i64::MIN, |at| at.timestamp_micros()).into(),
        id.map_or(uuid::Uuid::nil(), |id| id.uuid()).into(),
        i64::try_from(most).unwrap_or(i64::MAX).into(),
    ];
    let asked = statement(db, &waiting_in(state), values);
    let rows = escrow_order::Model::find_by_statement(asked).all(db).await?;
    rows.into_iter().map(orders::from_row).collect()
}

/// How many there are of each.
pub async fn counts(db: &impl ConnectionTrait) -> Result<[(OrderState, u64); 2], StoreError> {
    let mut counts = STATES.map(|state| (state, 0));
    for (state, count) in &mut counts {
        let asked = format!("SELECT COUNT(*) AS n FROM escrow_order WHERE state = '{state}'");
        let row = db.query_one_raw(statement(db, &asked, [])).await?;
        let found: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
        *count = u64::try_from(found).unwrap_or(0);
    }
    Ok(counts)
}

/// What was done about each of these orders, oldest first, in one question.
pub async fn acts(
    db: &impl ConnectionTrait,
    orders: &[Order],
) -> Result<HashMap<ShipmentId, Vec<WrittenAct>>, StoreError> {
    let acted = orders.iter().filter(|order| order.acts > 0).map(|order| order.shipment.uuid());
    let rows = escrow_act::Entity::find()
        .filter(escrow_act::Column::ShipmentId.is_in(acted))
        .order_by_asc(escrow_act::Column::Number)
        .all(db)
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::with_capacity(orders.len());
    for row in rows {
        let shipment = ShipmentId::from_uuid(row.shipment_id);
        found.entry(shipment).or_default().push(orders::act_from_row(row)?);
    }
    Ok(found)
}
