//! Shipments, their parcels, their plans, and the requests they came from.

use chrono_tz::Tz;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::{parcel, pickup_request, plan, shipment};
use super::row::{Column, columns, for_update, only, rows, statement, to_json};
use super::{StoreError, Tx};
use crate::domain::contact::{Consignee, Pickup};
use crate::domain::escrow::OrderState;
use crate::domain::event::DeliveredTo;
use crate::domain::goods::Item;
use crate::domain::id::{MerchantId, OrderId, ParcelId, PlanId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::HubCode;
use crate::domain::plan::Plan;
use crate::domain::quantity::{Grams, SizeMm};
use crate::domain::service::{Clearance, Service};
use crate::domain::shipment::{Estimate, ShipmentStatus};

/// The end of a shipment's audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Shipment {
    pub id: ShipmentId,
    pub merchant: MerchantId,
    pub order: OrderId,
    pub plan: PlanId,
    pub reference: String,
    pub tracking_token: String,
    pub status: ShipmentStatus,
    pub service: Service,
    pub clearance: Clearance,
    pub pickup: Pickup,
    pub consignee: Consignee,
    pub pickup_zone: Tz,
    pub estimate: Estimate,
    pub delivered_at: Option<Instant>,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub audit: AuditHead,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    pub id: ParcelId,
    pub reference: String,
    pub weight: Grams,
    pub size: SizeMm,
    pub items: Vec<Item>,
    pub status: ShipmentStatus,
    /// Where it is, when it is in a hub.
    pub hub: Option<HubCode>,
    pub delivered_to: Option<DeliveredTo>,
}

/// All that one accepted pickup request becomes, but for its money, its events and its audit.
pub struct Accepted {
    pub shipment: Shipment,
    pub parcels: Vec<Parcel>,
    pub plan: Plan,
    /// The request, byte for byte.
    pub body: String,
}

pub async fn insert(tx: &Tx, accepted: &Accepted) -> Result<(), StoreError> {
    let Accepted { shipment, parcels, plan, body } = accepted;
    let request = pickup_request::ActiveModel {
        shipment_id: Set(shipment.id.uuid()),
        merchant_id: Set(shipment.merchant.uuid()),
        reference: Set(shipment.reference.clone()),
        body: Set(body.clone()),
        received_at: Set(shipment.created_at.timestamp_micros()),
    };
    pickup_request::Entity::insert(request).exec_without_returning(tx).await?;
    shipment::Entity::insert(shipment_row(shipment)).exec_without_returning(tx).await?;
    let rows = parcels.iter().map(parcel_row);
    parcel::Entity::insert_many(rows).exec_without_returning(tx).await?;
    insert_plan(tx, shipment.id, shipment.plan, plan, shipment.created_at).await
}

async fn insert_plan(
    tx: &Tx,
    shipment: ShipmentId,
    id: PlanId,
    plan: &Plan,
    at: Instant,
) -> Result<(), StoreError> {
    plan::Entity::insert(plan_row(shipment, id, plan, at)).exec_without_returning(tx).await?;
    Ok(())
}

pub(super) fn plan_row(shipment: ShipmentId, id: PlanId, plan: &Plan, at: Instant) -> plan::ActiveModel {
    plan::ActiveModel {
        shipment_id: Set(shipment.uuid()),
        id: Set(id.uuid()),
        body: Set(to_json(plan)),
        reason: Set(plan.reason.clone()),
        created_at: Set(at.timestamp_micros()),
    }
}

/// The shipment that a merchant's reference already stands for.
pub async fn by_reference(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
    reference: &str,
) -> Result<Option<ShipmentId>, StoreError> {
    let found = pickup_request::Entity::find()
        .filter(pickup_request::Column::MerchantId.eq(merchant.uuid()))
        .filter(pickup_request::Column::Reference.eq(reference))
        .one(db)
        .await?;
    Ok(found.map(|request| ShipmentId::from_uuid(request.shipment_id)))
}

pub async fn find(db: &impl ConnectionTrait, id: ShipmentId) -> Result<Option<Shipment>, StoreError> {
    let sql = format!("SELECT {} FROM shipment WHERE id = $1", columns!(shipment));
    only(db, &sql, [id.uuid().into()]).await?.map(from_row).transpose()
}

pub async fn find_by_token(db: &impl ConnectionTrait, token: &str) -> Result<Option<Shipment>, StoreError> {
    let sql = format!("SELECT {} FROM shipment WHERE tracking_token = $1", columns!(shipment));
    only(db, &sql, [token.into()]).await?.map(from_row).transpose()
}

/// The shipment, held until the end of the transaction: two who change one shipment take turns.
pub async fn lock(tx: &Tx, id: ShipmentId) -> Result<Option<Shipment>, StoreError> {
    let sql = format!("SELECT {} FROM shipment WHERE id = $1{}", columns!(shipment), for_update(tx));
    only(tx, &sql, [id.uuid().into()]).await?.map(from_row).transpose()
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<ShipmentStatus>,
    pub reference: Option<String>,
    /// Only what was made before this one.
    pub before: Option<ShipmentId>,
}

/// A merchant's shipments, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
    filter: &Filter,
    limit: u64,
) -> Result<Vec<Shipment>, StoreError> {
    let mut query = shipment::Entity::find().filter(shipment::Column::MerchantId.eq(merchant.uuid()));
    if let Some(status) = filter.status {
        query = query.filter(shipment::Column::Status.eq(status.as_str()));
    }
    if let Some(reference) = &filter.reference {
        query = query.filter(shipment::Column::Reference.eq(reference.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(shipment::Column::Id.lt(before.uuid()));
    }
    let rows = query.order_by_desc(shipment::Column::Id).limit(limit).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

pub async fn parcels(db: &impl ConnectionTrait, id: ShipmentId) -> Result<Vec<Parcel>, StoreError> {
    let sql = format!("SELECT {} FROM parcel WHERE shipment_id = $1 ORDER BY number", columns!(parcel));
    let found = rows(db, &sql, [id.uuid().into()]).await?;
    found.into_iter().map(parcel_from_row).collect()
}

/// The parcels of many shipments in one question, in the order of shipments and numbers.
pub async fn parcels_of(db: &impl ConnectionTrait, ids: &[ShipmentId]) -> Result<Vec<Parcel>, StoreError> {
    let query =
        parcel::Entity::find().filter(parcel::Column::ShipmentId.is_in(ids.iter().map(|id| id.uuid())));
    let query = query.order_by_asc(parcel::Column::ShipmentId).order_by_asc(parcel::Column::Number);
    query.all(db).await?.into_iter().map(parcel_from_row).collect()
}

/// Where one parcel is, and how its order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParcelStanding {
    pub status: ShipmentStatus,
    /// When it is expected at the latest.
    pub expected_by: Instant,
    pub order: OrderState,
    /// When time alone changes something about it.
    pub order_wakes_at: Option<Instant>,
}

/// None: there is no such parcel.
pub async fn parcel_standing(
    db: &impl ConnectionTrait,
    id: ParcelId,
) -> Result<Option<ParcelStanding>, StoreError> {
    let sql = "SELECT p.status, s.estimated_latest_at, o.state, o.wake_at FROM parcel p \
         JOIN shipment s ON s.id = p.shipment_id JOIN escrow_order o ON o.shipment_id = p.shipment_id \
         WHERE p.shipment_id = $1 AND p.number = $2";
    let values = [id.shipment.uuid().into(), i32::from(id.number).into()];
    let row = db.query_one_raw(statement(db, sql, values)).await?;
    row.map(|row| {
        let (status, order): (String, String) = (row.try_get("", "status")?, row.try_get("", "state")?);
        let wakes_at: Option<i64> = row.try_get("", "wake_at")?;
        Ok(ParcelStanding {
            status: Column("parcel", "status").word(&status)?,
            expected_by: from_micros(row.try_get("", "estimated_latest_at")?),
            order: Column("escrow_order", "state").word(&order)?,
            order_wakes_at: wakes_at.map(from_micros),
        })
    })
    .transpose()
}

/// Under what number each consignee is called.
pub async fn consignee_phones(
    db: &impl ConnectionTrait,
    ids: &[ShipmentId],
) -> Result<Vec<(ShipmentId, String)>, StoreError> {
    let rows = shipment::Entity::find()
        .select_only()
        .columns([shipment::Column::Id, shipment::Column::Consignee])
        .filter(shipment::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .into_tuple::<(uuid::Uuid, String)>()
        .all(db)
        .await?;
    let phone = |(id, consignee): (uuid::Uuid, String)| {
        let consignee: Consignee = Column("shipment", "consignee").json(&consignee)?;
        Ok((ShipmentId::from_uuid(id), consignee.phone))
    };
    rows.into_iter().map(phone).collect()
}

/// There is none without a plan.
pub fn without_plan(shipment: &Shipment) -> StoreError {
    Column("plan", "body").corrupt(format!("{} has no plan {}", shipment.id, shipment.plan))
}

pub async fn plan(db: &impl ConnectionTrait, shipment: ShipmentId, id: PlanId) -> Result<Plan, StoreError> {
    let body = Column("plan", "body");
    let sql = format!("SELECT {} FROM plan WHERE shipment_id = $1 AND id = $2", columns!(plan));
    let row: Option<plan::Model> = only(db, &sql, [shipment.uuid().into(), id.uuid().into()]).await?;
    let row = row.ok_or_else(|| body.corrupt(format!("{shipment} has no plan {id}")))?;
    body.json(&row.body)
}

/// A plan that a shipment has or had.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub id: PlanId,
    pub plan: Plan,
    pub created_at: Instant,
}

/// Every plan that a shipment has had, newest first.
pub async fn plans(db: &impl ConnectionTrait, shipment: ShipmentId) -> Result<Vec<Planned>, StoreError> {
    let query = plan::Entity::find().filter(plan::Column::ShipmentId.eq(shipment.uuid()));
    let rows = query.order_by_desc(plan::Column::Id).all(db).await?;
    let planned = |row: plan::Model| {
        Ok(Planned {
            id: PlanId::from_uuid(row.id),
            plan: Column("plan", "body").json(&row.body)?,
            created_at: from_micros(row.created_at),
        })
    };
    rows.into_iter().map(planned).collect()
}

/// How many shipments there are of each status. Reads the whole table.
pub async fn counts(db: &impl ConnectionTrait) -> Result<Vec<(ShipmentStatus, u64)>, StoreError> {
    let rows: Vec<(String, i64)> = shipment::Entity::find()
        .select_only()
        .column(shipment::Column::Status)
        .column_as(shipment::Column::Id.count(), "shipments")
        .group_by(shipment::Column::Status)
        .into_tuple()
        .all(db)
        .await?;
    let column = Column("shipment", "status");
    rows.into_iter()
        .map(|(status, shipments)| Ok((column.word(&status)?, column.number(shipments)?)))
        .collect()
}

/// Writes what changes in a shipment's life. The end of the audit chain goes with it, so
/// that no change is saved without its entry.
pub async fn save_progress(tx: &Tx, shipment: &Shipment) -> Result<(), StoreError> {
    use shipment::Column as C;
    shipment::Entity::update_many()
        .col_expr(C::Status, Expr::value(shipment.status.as_str()))
        .col_expr(C::EstimatedEarliestAt, Expr::value(shipment.estimate.earliest_at.timestamp_micros()))
        .col_expr(C::EstimatedLatestAt, Expr::value(shipment.estimate.latest_at.timestamp_micros()))
        .col_expr(C::DeliveredAt, Expr::value(shipment.delivered_at.map(|at| at.timestamp_micros())))
        .col_expr(C::UpdatedAt, Expr::value(shipment.updated_at.timestamp_micros()))
        .col_expr(C::AuditSeq, Expr::value(shipment.audit.seq))
        .col_expr(C::AuditHash, Expr::value(shipment.audit.hash.as_str()))
        .filter(C::Id.eq(shipment.id.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Another clearance, with its entry.
pub async fn save_clearance(tx: &Tx, shipment: &Shipment) -> Result<(), StoreError> {
    use shipment::Column as C;
    shipment::Entity::update_many()
        .col_expr(C::Clearance, Expr::value(shipment.clearance.as_str()))
        .filter(C::Id.eq(shipment.id.uuid()))
        .exec(tx)
        .await?;
    save_progress(tx, shipment).await
}

pub async fn save_parcel(tx: &Tx, parcel: &Parcel) -> Result<(), StoreError> {
    use parcel::Column as C;
    parcel::Entity::update_many()
        .col_expr(C::Status, Expr::value(parcel.status.as_str()))
        .col_expr(C::HubCode, Expr::value(parcel.hub.as_ref().map(|hub| hub.as_str().to_owned())))
        .col_expr(C::DeliveredTo, Expr::value(parcel.delivered_to.map(|to| to.as_str().to_owned())))
        .filter(C::ShipmentId.eq(parcel.id.shipment.uuid()))
        .filter(C::Number.eq(i32::from(parcel.id.number)))
        .exec(tx)
        .await?;
    Ok(())
}

fn shipment_row(s: &Shipment) -> shipment::ActiveModel {
    shipment::ActiveModel {
        id: Set(s.id.uuid()),
        merchant_id: Set(s.merchant.uuid()),
        order_id: Set(s.order.uuid()),
        plan_id: Set(s.plan.uuid()),
        reference: Set(s.reference.clone()),
        tracking_token: Set(s.tracking_token.clone()),
        status: Set(s.status.to_string()),
        service: Set(s.service.to_string()),
        clearance: Set(s.clearance.to_string()),
        pickup: Set(to_json(&s.pickup)),
        consignee: Set(to_json(&s.consignee)),
        pickup_zone: Set(s.pickup_zone.name().to_owned()),
        estimated_earliest_at: Set(s.estimate.earliest_at.timestamp_micros()),
        estimated_latest_at: Set(s.estimate.latest_at.timestamp_micros()),
        delivered_at: Set(s.delivered_at.map(|at| at.timestamp_micros())),
        created_at: Set(s.created_at.timestamp_micros()),
        updated_at: Set(s.updated_at.timestamp_micros()),
        audit_seq: Set(s.audit.seq),
        audit_hash: Set(s.audit.hash.clone()),
    }
}

pub(super) fn from_row(row: shipment::Model) -> Result<Shipment, StoreError> {
    let column = |name| Column("shipment", name);
    Ok(Shipment {
        id: ShipmentId::from_uuid(row.id),
        merchant: MerchantId::from_uuid(row.merchant_id),
        order: OrderId::from_uuid(row.order_id),
        plan: PlanId::from_uuid(row.plan_id),
        reference: row.reference,
        tracking_token: row.tracking_token,
        status: column("status").word(&row.status)?,
        service: column("service").word(&row.service)?,
        clearance: column("clearance").word(&row.clearance)?,
        pickup: column("pickup").json(&row.pickup)?,
        consignee: column("consignee").json(&row.consignee)?,
        pickup_zone: column("pickup_zone").word(&row.pickup_zone)?,
        estimate: Estimate {
            earliest_at: from_micros(row.estimated_earliest_at),
            latest_at: from_micros(row.estimated_latest_at),
        },
        delivered_at: row.delivered_at.map(from_micros),
        created_at: from_micros(row.created_at),
        updated_at: from_micros(row.updated_at),
        audit: AuditHead { seq: row.audit_seq, hash: row.audit_hash },
    })
}

fn parcel_row(parcel: &Parcel) -> parcel::ActiveModel {
    let [length, width, height] = parcel.size.0.map(i64::from);
    parcel::ActiveModel {
        shipment_id: Set(parcel.id.shipment.uuid()),
        number: Set(i32::from(parcel.id.number)),
        reference: Set(parcel.reference.clone()),
        weight_grams: Set(i64::from(parcel.weight.0)),
        length_mm: Set(length),
        width_mm: Set(width),
        height_mm: Set(height),
        items: Set(to_json(&parcel.items)),
        status: Set(parcel.status.to_string()),
        hub_code: Set(parcel.hub.as_ref().map(ToString::to_string)),
        delivered_to: Set(parcel.delivered_to.map(|to| to.to_string())),
    }
}

fn parcel_from_row(row: parcel::Model) -> Result<Parcel, StoreError> {
    let column = |name| Column("parcel", name);
    let side = |name, side: i64| column(name).number::<u32, _>(side);
    Ok(Parcel {
        id: ParcelId {
            shipment: ShipmentId::from_uuid(row.shipment_id),
            number: column("number").number(row.number)?,
        },
        reference: row.reference,
        weight: Grams(column("weight_grams").number(row.weight_grams)?),
        size: SizeMm([
            side("length_mm", row.length_mm)?,
            side("width_mm", row.width_mm)?,
            side("height_mm", row.height_mm)?,
        ]),
        items: column("items").json(&row.items)?,
        status: column("status").word(&row.status)?,
        hub: column("hub_code").word_or_none(row.hub_code.as_deref())?,
        delivered_to: column("delivered_to").word_or_none(row.delivered_to.as_deref())?,
    })
}
