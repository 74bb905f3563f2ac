//! Orders and their triggers.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    UpdateMany,
};

use super::entity::{escrow_act, escrow_order, escrow_trigger, payment_owner};
use super::row::{Column, columns, only, rows, statement, to_json};
use super::{StoreError, Tx};
use crate::domain::escrow::{Act, Declared, OrderState, ReleasePolicy, ShareState, TriggerFacts};
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
    /// At least one; together they are what is held.
    pub shares: Vec<ShareState>,
    /// How many acts were written down.
    pub acts: u32,
    /// When time alone changes it.
    pub wake_at: Option<Instant>,
    /// The last word to the provider was that nothing may move, and how often it was.
    pub provider_frozen: bool,
    pub freezes: u32,
    /// When the provider releases by itself, as far as it is known.
    pub release_deadline_at: Option<Instant>,
    pub deadline_told_at: Option<Instant>,
}

/// Something that a person or the provider did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAct {
    pub number: u32,
    pub actor: String,
    pub act: Act,
    pub at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub id: TriggerId,
    /// Of those that can happen more than once; 0 for the others.
    pub round: u32,
    pub facts: TriggerFacts,
    pub created_at: Instant,
    pub acknowledged_at: Option<Instant>,
    /// Of a declaration, what its provider said of it.
    pub outcome: Option<Declared>,
}

/// Makes a payment this order's own. `payment`: what it is known by, however the order spells it.
/// False: another order, of whomever, named it before.
pub async fn own_payment(tx: &Tx, order: &Order, payment: &str) -> Result<bool, StoreError> {
    let row = payment_owner::ActiveModel {
        provider: Set(order.provider.clone()),
        payment_reference: Set(payment.to_owned()),
        order_id: Set(order.id.uuid()),
    };
    let added = payment_owner::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(added == 1)
}

/// Makes a payment that was another's this order's.
pub async fn give_payment(tx: &Tx, order: &Order, payment: &str) -> Result<(), StoreError> {
    use payment_owner::Column as C;
    payment_owner::Entity::update_many()
        .col_expr(C::OrderId, Expr::value(order.id.uuid()))
        .filter(C::Provider.eq(order.provider.as_str()))
        .filter(C::PaymentReference.eq(payment))
        .exec(tx)
        .await?;
    Ok(())
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
        policy: Set(to_json(&order.policy)),
        state: Set(order.state.to_string()),
        frozen_because: Set(order.frozen_because.clone()),
        contested: Set(order.contested),
        updated_at: Set(order.updated_at.timestamp_micros()),
        shares: Set(to_json(&order.shares)),
        acts: Set(0),
        wake_at: Set(None),
        provider_frozen: Set(false),
        freezes: Set(0),
        release_deadline_at: Set(order.release_deadline_at.map(|at| at.timestamp_micros())),
        deadline_told_at: Set(None),
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

/// The shipment whose order a payment belongs to: of all that named it the first.
pub async fn owner_of_payment(
    db: &impl ConnectionTrait,
    provider: &str,
    payment: &str,
) -> Result<Option<ShipmentId>, StoreError> {
    if payment.contains('\0') {
        // No row has it, and PostgreSQL does not take the question.
        return Ok(None);
    }
    let row = db.query_one_raw(statement(db, OWNER, [provider.into(), payment.into()])).await?;
    row.map(|row| Ok(ShipmentId::from_uuid(row.try_get("", "shipment_id")?))).transpose()
}

/// Whose a payment is, on its own so that a test can look at its plan.
pub const OWNER: &str = "SELECT o.shipment_id FROM payment_owner p JOIN escrow_order o ON o.id = p.order_id \
     WHERE p.provider = $1 AND p.payment_reference = $2";

/// A shipment is one order's goods, so it has one order.
pub async fn of_shipment(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Order, StoreError> {
    let sql = format!("SELECT {} FROM escrow_order WHERE shipment_id = $1", columns!(escrow_order));
    let found = only(db, &sql, [shipment.uuid().into()]).await?;
    let lost = || Column("escrow_order", "shipment_id").corrupt(format!("{shipment} has no order"));
    from_row(found.ok_or_else(lost)?)
}

/// Everything of an order that changes after it was taken.
pub async fn save(tx: &Tx, order: &Order) -> Result<(), StoreError> {
    use escrow_order::Column as C;
    let micros = |at: Option<Instant>| at.map(|at| at.timestamp_micros());
    escrow_order::Entity::update_many()
        .col_expr(C::State, Expr::value(order.state.as_str()))
        .col_expr(C::FrozenBecause, Expr::value(order.frozen_because.clone()))
        .col_expr(C::Shares, Expr::value(to_json(&order.shares)))
        .col_expr(C::Contested, Expr::value(order.contested))
        .col_expr(C::Acts, Expr::value(i32::try_from(order.acts).unwrap_or(i32::MAX)))
        .col_expr(C::WakeAt, Expr::value(micros(order.wake_at)))
        .col_expr(C::ProviderFrozen, Expr::value(order.provider_frozen))
        .col_expr(C::Freezes, Expr::value(i32::try_from(order.freezes).unwrap_or(i32::MAX)))
        .col_expr(C::ReleaseDeadlineAt, Expr::value(micros(order.release_deadline_at)))
        .col_expr(C::DeadlineToldAt, Expr::value(micros(order.deadline_told_at)))
        .col_expr(C::UpdatedAt, Expr::value(order.updated_at.timestamp_micros()))
        .filter(C::ShipmentId.eq(order.shipment.uuid()))
        .filter(C::Id.eq(order.id.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Orders that time alone changes, on its own so that a test can look at its plan.
pub const WAKING: &str =
    "SELECT shipment_id, wake_at FROM escrow_order WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2";

/// Up to `most` shipments whose orders are to be judged again at `now`, the longest due first.
pub async fn waking(
    db: &impl ConnectionTrait,
    now: Instant,
    most: usize,
) -> Result<Vec<ShipmentId>, StoreError> {
    let values = [now.timestamp_micros().into(), (most as i64).into()];
    let rows = db.query_all_raw(statement(db, WAKING, values)).await?;
    rows.iter().map(|row| Ok(ShipmentId::from_uuid(row.try_get("", "shipment_id")?))).collect()
}

/// An order that cannot be judged is looked at again then, and stands before no other until then.
pub async fn put_off(tx: &Tx, shipment: ShipmentId, at: Instant) -> Result<(), StoreError> {
    escrow_order::Entity::update_many()
        .col_expr(escrow_order::Column::WakeAt, Expr::value(at.timestamp_micros()))
        .filter(escrow_order::Column::ShipmentId.eq(shipment.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes down what somebody did, behind all that was done before.
pub async fn write_act(
    tx: &Tx,
    order: &mut Order,
    actor: &str,
    act: &Act,
    at: Instant,
) -> Result<(), StoreError> {
    order.acts += 1;
    let row = escrow_act::ActiveModel {
        shipment_id: Set(order.shipment.uuid()),
        order_id: Set(order.id.uuid()),
        number: Set(i32::try_from(order.acts).unwrap_or(i32::MAX)),
        actor: Set(actor.to_owned()),
        act: Set(to_json(act)),
        at: Set(at.timestamp_micros()),
    };
    escrow_act::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// What was done about an order, oldest first. Nobody is asked where nothing was.
pub async fn acts(db: &impl ConnectionTrait, order: &Order) -> Result<Vec<WrittenAct>, StoreError> {
    if order.acts == 0 {
        return Ok(Vec::new());
    }
    let rows = escrow_act::Entity::find()
        .filter(escrow_act::Column::ShipmentId.eq(order.shipment.uuid()))
        .filter(escrow_act::Column::OrderId.eq(order.id.uuid()))
        .order_by_asc(escrow_act::Column::Number)
        .all(db)
        .await?;
    rows.into_iter().map(act_from_row).collect()
}

pub(super) fn act_from_row(row: escrow_act::Model) -> Result<WrittenAct, StoreError> {
    Ok(WrittenAct {
        number: Column("escrow_act", "number").number(row.number)?,
        actor: row.actor,
        act: Column("escrow_act", "act").json(&row.act)?,
        at: from_micros(row.at),
    })
}

/// Adds a trigger. That the order has one for this action already is an error: the key of
/// the table holds what must never happen twice.
pub async fn insert_trigger(tx: &Tx, trigger: &Trigger) -> Result<(), StoreError> {
    let row = escrow_trigger::ActiveModel {
        shipment_id: Set(trigger.facts.shipment.uuid()),
        order_id: Set(trigger.facts.order.uuid()),
        share: Set(i32::from(trigger.facts.parcel.unwrap_or(0))),
        action: Set(trigger.facts.action.to_string()),
        round: Set(i32::try_from(trigger.round).unwrap_or(i32::MAX)),
        id: Set(trigger.id.uuid()),
        facts: Set(to_json(&trigger.facts)),
        created_at: Set(trigger.created_at.timestamp_micros()),
        acknowledged_at: Set(trigger.acknowledged_at.map(|at| at.timestamp_micros())),
        outcome: Set(trigger.outcome.as_ref().map(to_json)),
    };
    escrow_trigger::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

pub async fn triggers(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Vec<Trigger>, StoreError> {
    let sql =
        format!("SELECT {} FROM escrow_trigger WHERE shipment_id = $1 ORDER BY id", columns!(escrow_trigger));
    let found = rows(db, &sql, [shipment.uuid().into()]).await?;
    found.into_iter().map(trigger_from_row).collect()
}

pub(super) fn trigger_from_row(row: escrow_trigger::Model) -> Result<Trigger, StoreError> {
    Ok(Trigger {
        id: TriggerId::from_uuid(row.id),
        round: Column("escrow_trigger", "round").number(row.round)?,
        facts: Column("escrow_trigger", "facts").json(&row.facts)?,
        created_at: from_micros(row.created_at),
        acknowledged_at: row.acknowledged_at.map(from_micros),
        outcome: match &row.outcome {
            Some(outcome) => Some(Column("escrow_trigger", "outcome").json(outcome)?),
            None => None,
        },
    })
}

/// How many triggers there are, and how many of them the provider has acknowledged.
pub async fn trigger_totals(db: &impl ConnectionTrait) -> Result<(u64, u64), StoreError> {
    // Words about freezing come as often as there is cause.
    let all = escrow_trigger::Entity::find().filter(escrow_trigger::Column::Round.eq(0));
    let acknowledged = all.clone().filter(escrow_trigger::Column::AcknowledgedAt.is_not_null());
    Ok((all.count(db).await?, acknowledged.count(db).await?))
}

/// Keeps the first acknowledgement.
pub async fn acknowledge(
    tx: &Tx,
    trigger: &Trigger,
    outcome: Option<&Declared>,
    at: Instant,
) -> Result<(), StoreError> {
    use escrow_trigger::Column as C;
    of(trigger)
        .col_expr(C::AcknowledgedAt, Expr::value(at.timestamp_micros()))
        .col_expr(C::Outcome, Expr::value(outcome.map(to_json)))
        .filter(C::AcknowledgedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// What nobody has seen yet says something else from now on.
pub async fn rewrite_trigger(tx: &Tx, trigger: &Trigger) -> Result<(), StoreError> {
    use escrow_trigger::Column as C;
    of(trigger).col_expr(C::Facts, Expr::value(to_json(&trigger.facts))).exec(tx).await?;
    Ok(())
}

fn of(trigger: &Trigger) -> UpdateMany<escrow_trigger::Entity> {
    use escrow_trigger::Column as C;
    escrow_trigger::Entity::update_many()
        .filter(C::ShipmentId.eq(trigger.facts.shipment.uuid()))
        .filter(C::OrderId.eq(trigger.facts.order.uuid()))
        .filter(C::Id.eq(trigger.id.uuid()))
}

pub(super) fn from_row(row: escrow_order::Model) -> Result<Order, StoreError> {
    let column = |name| Column("escrow_order", name);
    let held = Money::new(row.amount_minor, column("currency").word(&row.currency)?);
    let state = column("state").word(&row.state)?;
    let mut shares: Vec<ShareState> = column("shares").json(&row.shares)?;
    if shares.is_empty() {
        // Written before money had shares.
        let (held_minor, because) = (held.minor, row.frozen_because.clone());
        shares.push(ShareState {
            of: None,
            held_minor,
            state,
            because,
            delivered_at: None,
            taken_back: false,
            buyer_confirmed: false,
        });
    }
    Ok(Order {
        id: OrderId::from_uuid(row.id),
        shipment: ShipmentId::from_uuid(row.shipment_id),
        merchant: MerchantId::from_uuid(row.merchant_id),
        provider: row.provider,
        payment_reference: row.payment_reference,
        held,
        policy: read_policy(&row.policy)?,
        state,
        frozen_because: row.frozen_because,
        contested: row.contested,
        updated_at: from_micros(row.updated_at),
        shares,
        acts: column("acts").number(row.acts)?,
        wake_at: row.wake_at.map(from_micros),
        provider_frozen: row.provider_frozen,
        freezes: column("freezes").number(row.freezes)?,
        release_deadline_at: row.release_deadline_at.map(from_micros),
        deadline_told_at: row.deadline_told_at.map(from_micros),
    })
}

/// JSON; a bare name where it was written by an older version.
fn read_policy(text: &str) -> Result<ReleasePolicy, StoreError> {
    let column = Column("escrow_order", "policy");
    if text.starts_with('{') { column.json(text) } else { column.json(&format!("\"{text}\"")) }
}
