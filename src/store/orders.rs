//! Orders and their triggers.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};

use super::entity::{escrow_order, escrow_trigger, payment_owner};
use super::row::{Column, to_json};
use super::{StoreError, Tx};
use crate::domain::escrow::{OrderState, ReleasePolicy, TriggerAction, TriggerFacts};
use crate::domain::id::{MerchantId, OrderId, ShipmentId, TriggerId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::money::Money;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub shipment: ShipmentId,
    pub merchant: MerchantId,
    pub provider: String,
    /// The provider's trade number.
    pub payment_reference: String,
    /// What the provider holds.
    pub held: Money,
    pub policy: ReleasePolicy,
    pub state: OrderState,
    pub frozen_because: Option<String>,
    /// Another merchant's order named the same trade before.
    pub contested: bool,
    pub updated_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub id: TriggerId,
    pub facts: TriggerFacts,
    pub created_at: Instant,
    pub acknowledged_at: Option<Instant>,
}

/// Makes a payment this order's own. False: another order, of whomever, named it before.
pub async fn own_payment(tx: &Tx, order: &Order) -> Result<bool, StoreError> {
    let row = payment_owner::ActiveModel {
        provider: Set(order.provider.clone()),
        payment_reference: Set(order.payment_reference.clone()),
        order_id: Set(order.id.uuid()),
    };
    let added = payment_owner::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(added == 1)
}

pub async fn insert(tx: &Tx, order: &Order) -> Result<(), StoreError> {
    let row = escrow_order::ActiveModel {
        shipment_id: Set(order.shipment.uuid()),
        id: Set(order.id.uuid()),
        merchant_id: Set(order.merchant.uuid()),
        provider: Set(order.provider.clone()),
        payment_reference: Set(order.payment_reference.clone()),
        amount_minor: Set(order.held.minor),
        currency: Set(order.held.currency.to_string()),
        policy: Set(order.policy.to_string()),
        state: Set(order.state.to_string()),
        frozen_because: Set(order.frozen_because.clone()),
        contested: Set(order.contested),
        updated_at: Set(order.updated_at.timestamp_micros()),
    };
    escrow_order::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The shipment that a merchant's payment is already held for.
pub async fn by_payment(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
    provider: &str,
    payment_reference: &str,
) -> Result<Option<ShipmentId>, StoreError> {
    let found = escrow_order::Entity::find()
        .filter(escrow_order::Column::MerchantId.eq(merchant.uuid()))
        .filter(escrow_order::Column::Provider.eq(provider))
        .filter(escrow_order::Column::PaymentReference.eq(payment_reference))
        .one(db)
        .await?;
    Ok(found.map(|order| ShipmentId::from_uuid(order.shipment_id)))
}

/// A shipment is one order's goods, so it has one order.
pub async fn of_shipment(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Order, StoreError> {
    let row = escrow_order::Entity::find()
        .filter(escrow_order::Column::ShipmentId.eq(shipment.uuid()))
        .one(db)
        .await?
        .ok_or_else(|| Column("escrow_order", "shipment_id").corrupt(format!("{shipment} has no order")))?;
    from_row(row)
}

pub async fn save_state(tx: &Tx, order: &Order) -> Result<(), StoreError> {
    use escrow_order::Column as C;
    escrow_order::Entity::update_many()
        .col_expr(C::State, Expr::value(order.state.as_str()))
        .col_expr(C::FrozenBecause, Expr::value(order.frozen_because.clone()))
        .col_expr(C::UpdatedAt, Expr::value(order.updated_at.timestamp_micros()))
        .filter(C::ShipmentId.eq(order.shipment.uuid()))
        .filter(C::Id.eq(order.id.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Adds a trigger. That the order has one for this action already is an error: the key of
/// the table holds what must never happen twice.
pub async fn insert_trigger(tx: &Tx, trigger: &Trigger) -> Result<(), StoreError> {
    let row = escrow_trigger::ActiveModel {
        shipment_id: Set(trigger.facts.shipment.uuid()),
        order_id: Set(trigger.facts.order.uuid()),
        action: Set(trigger.facts.action.to_string()),
        id: Set(trigger.id.uuid()),
        facts: Set(to_json(&trigger.facts)),
        created_at: Set(trigger.created_at.timestamp_micros()),
        acknowledged_at: Set(trigger.acknowledged_at.map(|at| at.timestamp_micros())),
    };
    escrow_trigger::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

pub async fn triggers(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Vec<Trigger>, StoreError> {
    let rows = escrow_trigger::Entity::find()
        .filter(escrow_trigger::Column::ShipmentId.eq(shipment.uuid()))
        .order_by_asc(escrow_trigger::Column::Id)
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Trigger {
                id: TriggerId::from_uuid(row.id),
                facts: Column("escrow_trigger", "facts").json(&row.facts)?,
                created_at: from_micros(row.created_at),
                acknowledged_at: row.acknowledged_at.map(from_micros),
            })
        })
        .collect()
}

/// How many triggers there are, and how many of them the provider has acknowledged.
pub async fn trigger_totals(db: &impl ConnectionTrait) -> Result<(u64, u64), StoreError> {
    let all = escrow_trigger::Entity::find();
    let acknowledged = all.clone().filter(escrow_trigger::Column::AcknowledgedAt.is_not_null());
    Ok((all.count(db).await?, acknowledged.count(db).await?))
}

/// Keeps the first acknowledgement.
pub async fn acknowledge(
    tx: &Tx,
    shipment: ShipmentId,
    order: OrderId,
    action: TriggerAction,
    at: Instant,
) -> Result<(), StoreError> {
    use escrow_trigger::Column as C;
    escrow_trigger::Entity::update_many()
        .col_expr(C::AcknowledgedAt, Expr::value(at.timestamp_micros()))
        .filter(C::ShipmentId.eq(shipment.uuid()))
        .filter(C::OrderId.eq(order.uuid()))
        .filter(C::Action.eq(action.as_str()))
        .filter(C::AcknowledgedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn from_row(row: escrow_order::Model) -> Result<Order, StoreError> {
    let column = |name| Column("escrow_order", name);
    Ok(Order {
        id: OrderId::from_uuid(row.id),
        shipment: ShipmentId::from_uuid(row.shipment_id),
        merchant: MerchantId::from_uuid(row.merchant_id),
        provider: row.provider,
        payment_reference: row.payment_reference,
        held: Money::new(row.amount_minor, column("currency").word(&row.currency)?),
        policy: column("policy").word(&row.policy)?,
        state: column("state").word(&row.state)?,
        frozen_because: row.frozen_because,
        contested: row.contested,
        updated_at: from_micros(row.updated_at),
    })
}
