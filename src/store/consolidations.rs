//! Consolidations, their bags and units, and who stayed behind.
//!
//! A consolidation is written whole in the transaction that closes its departure, and what it was
//! packed into never changes after that.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entity::{bag, consolidation, left_behind, unit};
use super::row::{Column, Only, statement};
use super::{StoreError, Tx};
use crate::domain::consolidation::ConsolidationState;
use crate::domain::id::{ConsolidationId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode, TransportMode};
use crate::domain::service::Clearance;
use crate::domain::sscc::Sscc;
use crate::domain::waybill::MasterReference;

#[derive(Debug, Clone, PartialEq)]
pub struct Consolidation {
    pub id: ConsolidationId,
    pub departure: DepartureId,
    pub from: HubCode,
    pub to: HubCode,
    /// As the lane was when it was closed.
    pub mode: TransportMode,
    pub carrier: String,
    pub master: MasterReference,
    pub state: ConsolidationState,
    pub depart_at: Instant,
    pub arrive_at: Instant,
    pub cutoff_at: Instant,
    pub closed_at: Instant,
    /// When somebody began to take parcels out at the other end.
    pub opened_at: Option<Instant>,
    pub dissolved_at: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Bag {
    pub sscc: Sscc,
    pub consolidation: ConsolidationId,
    /// From 1.
    pub number: u32,
    pub unit: Option<String>,
    pub gateway: HubCode,
    pub clearance: Clearance,
    pub last_mile_carrier: Option<String>,
    pub grams: u64,
    pub cm3: u64,
    pub parcels: u32,
    /// No bag at all, but a parcel that none takes.
    pub single_piece: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    pub consolidation: ConsolidationId,
    pub number: String,
    pub unit_type: String,
    pub tare_grams: u64,
    pub volume_cm3: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeftBehind {
    pub shipment: ShipmentId,
    pub reason: String,
}

pub async fn insert(
    tx: &Tx,
    consolidation: &Consolidation,
    bags: &[Bag],
    units: &[Unit],
) -> Result<(), StoreError> {
    consolidation::Entity::insert(to_row(consolidation)).exec_without_returning(tx).await?;
    for some in units.chunks(500) {
        let rows = some.iter().map(|unit| unit::ActiveModel {
            consolidation_id: Set(unit.consolidation.uuid()),
            number: Set(unit.number.clone()),
            unit_type: Set(unit.unit_type.clone()),
            tare_grams: Set(unit.tare_grams as i64),
            volume_cm3: Set(unit.volume_cm3 as i64),
        });
        unit::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    for some in bags.chunks(500) {
        let rows = some.iter().map(|bag| bag::ActiveModel {
            sscc: Set(bag.sscc.to_string()),
            consolidation_id: Set(bag.consolidation.uuid()),
            number: Set(bag.number as i32),
            unit_number: Set(bag.unit.clone()),
            gateway: Set(bag.gateway.to_string()),
            clearance: Set(bag.clearance.to_string()),
            last_mile_carrier: Set(bag.last_mile_carrier.clone()),
            grams: Set(bag.grams as i64),
            cm3: Set(bag.cm3 as i64),
            parcels: Set(bag.parcels as i32),
            single_piece: Set(bag.single_piece),
        });
        bag::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Notes who stayed behind, and why.
pub async fn insert_left_behind(
    tx: &Tx,
    departure: &DepartureId,
    left: &[LeftBehind],
    at: Instant,
) -> Result<(), StoreError> {
    for some in left.chunks(500) {
        let rows = some.iter().map(|left| left_behind::ActiveModel {
            departure_id: Set(departure.to_string()),
            shipment_id: Set(left.shipment.uuid()),
            reason: Set(left.reason.clone()),
            created_at: Set(at.timestamp_micros()),
        });
        left_behind::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

pub async fn find(
    db: &impl ConnectionTrait,
    id: ConsolidationId,
) -> Result<Option<Consolidation>, StoreError> {
    consolidation::Entity::find_by_id(id.uuid()).only(db).await?.map(from_row).transpose()
}

pub async fn find_by_departure(
    db: &impl ConnectionTrait,
    departure: &DepartureId,
) -> Result<Option<Consolidation>, StoreError> {
    let query = consolidation::Entity::find();
    let query = query.filter(consolidation::Column::DepartureId.eq(departure.to_string()));
    query.one(db).await?.map(from_row).transpose()
}

/// Whether a master reference was given out before.
pub async fn is_taken(db: &impl ConnectionTrait, master: &MasterReference) -> Result<bool, StoreError> {
    let query = consolidation::Entity::find();
    let query = query.filter(consolidation::Column::Master.eq(master.to_string()));
    Ok(query.count(db).await? > 0)
}

/// Those that leave `hub` or end there, the last closed first.
pub async fn of_hub(
    db: &impl ConnectionTrait,
    hub: &HubCode,
    limit: u64,
) -> Result<Vec<Consolidation>, StoreError> {
    use consolidation::Column as C;
    let mut all = Vec::new();
    for end in [C::FromHub, C::ToHub] {
        let query = consolidation::Entity::find().filter(end.eq(hub.as_str()));
        let rows = query.order_by_desc(C::ClosedAt).limit(limit).all(db).await?;
        all.extend(rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?);
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.closed_at, one.id)));
    all.truncate(limit as usize);
    Ok(all)
}

/// Those that were made last.
pub async fn newest(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Consolidation>, StoreError> {
    let query = consolidation::Entity::find().order_by_desc(consolidation::Column::Id);
    query.limit(limit).all(db).await?.into_iter().map(from_row).collect()
}

/// Its departure does not leave: nothing is in it any more, and its shipments are to be told so. Nothing happens
/// where nothing was packed.
pub async fn dissolve(tx: &Tx, departure: &DepartureId, now: Instant) -> Result<(), StoreError> {
    use consolidation::Column as C;
    let Some(found) = find_by_departure(tx, departure).await? else { return Ok(()) };
    consolidation::Entity::update_many()
        .col_expr(C::State, Expr::value(ConsolidationState::Dissolved.as_str()))
        .col_expr(C::Announced, Expr::value(false))
        .col_expr(C::DissolvedAt, Expr::value(now.timestamp_micros()))
        .filter(C::Id.eq(found.id.uuid()))
        .exec(tx)
        .await?;
    super::bag_parcels::remove_all(tx, found.id).await
}

/// Those whose shipments do not all know yet that they are consolidated, or not any more, oldest first.
pub async fn unannounced(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Consolidation>, StoreError> {
    use consolidation::Column as C;
    let query = consolidation::Entity::find().filter(C::Announced.eq(false));
    let rows = query.order_by_asc(C::ClosedAt).limit(limit).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// Nothing happens where it was dissolved meanwhile: that is told by itself.
pub async fn set_announced(tx: &Tx, id: ConsolidationId, is_dissolved: bool) -> Result<(), StoreError> {
    use consolidation::Column as C;
    consolidation::Entity::update_many()
        .col_expr(C::Announced, Expr::value(true))
        .filter(C::Id.eq(id.uuid()))
        .filter(match is_dissolved {
            true => C::DissolvedAt.is_not_null(),
            false => C::DissolvedAt.is_null(),
        })
        .exec(tx)
        .await?;
    Ok(())
}

/// Holds consolidations until the transaction ends, in the order of their departures, as whoever calls off
/// several departures takes them, so that nobody waits for each other. Held before parcels are taken out: of two
/// who take out the last two one sees what the other did.
pub async fn hold(tx: &Tx, ids: impl IntoIterator<Item = ConsolidationId>) -> Result<(), StoreError> {
    use consolidation::Column as C;
    let ids: Vec<_> = ids.into_iter().map(|id| id.uuid()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let query = consolidation::Entity::find().select_only().column(C::Id).filter(C::Id.is_in(ids));
    let query = query.order_by_asc(C::DepartureId).lock_exclusive();
    query.into_tuple::<uuid::Uuid>().all(tx).await?;
    Ok(())
}

/// Somebody has begun to take parcels out of it: it is open from the first time on, and settled with the last.
pub async fn open(tx: &Tx, id: ConsolidationId, at: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE consolidation SET state = 'opened', opened_at = COALESCE(opened_at, $2) \
         WHERE id = $1 AND state IN ('packed', 'opened')";
    tx.execute_raw(statement(tx, sql, [id.uuid().into(), at.timestamp_micros().into()])).await?;
    settle(tx, id).await
}

/// Nothing of it is left to be seen, opened or not. Nothing happens where something is. The caller holds it.
pub async fn settle(tx: &Tx, id: ConsolidationId) -> Result<(), StoreError> {
    let sql = "UPDATE consolidation SET state = 'settled' WHERE id = $1 AND state IN ('packed', 'opened') \
         AND NOT EXISTS (SELECT 1 FROM bag_parcel WHERE consolidation_id = $1 AND state = 'packed')";
    tx.execute_raw(statement(tx, sql, [id.uuid().into()])).await?;
    Ok(())
}

/// In the order of their numbers.
pub async fn bags(db: &impl ConnectionTrait, id: ConsolidationId) -> Result<Vec<Bag>, StoreError> {
    let query = bag::Entity::find().filter(bag::Column::ConsolidationId.eq(id.uuid()));
    let rows = query.order_by_asc(bag::Column::Number).all(db).await?;
    rows.into_iter().map(bag_from_row).collect()
}

pub async fn bag(db: &impl ConnectionTrait, sscc: Sscc) -> Result<Option<Bag>, StoreError> {
    bag::Entity::find_by_id(sscc.to_string()).only(db).await?.map(bag_from_row).transpose()
}

pub async fn count_bags(db: &impl ConnectionTrait, id: ConsolidationId) -> Result<u64, StoreError> {
    let query = bag::Entity::find().filter(bag::Column::ConsolidationId.eq(id.uuid()));
    Ok(query.count(db).await?)
}

pub async fn units(db: &impl ConnectionTrait, id: ConsolidationId) -> Result<Vec<Unit>, StoreError> {
    let query = unit::Entity::find().filter(unit::Column::ConsolidationId.eq(id.uuid()));
    let rows = query.order_by_asc(unit::Column::Number).all(db).await?;
    let column = |name| Column("unit", name);
    rows.into_iter()
        .map(|row| {
            Ok(Unit {
                consolidation: ConsolidationId::from_uuid(row.consolidation_id),
                number: row.number,
                unit_type: row.unit_type,
                tare_grams: column("tare_grams").number(row.tare_grams)?,
                volume_cm3: column("volume_cm3").number(row.volume_cm3)?,
            })
        })
        .collect()
}

pub async fn left_behind(
    db: &impl ConnectionTrait,
    departure: &DepartureId,
) -> Result<Vec<LeftBehind>, StoreError> {
    use left_behind::Column as C;
    let query = left_behind::Entity::find().filter(C::DepartureId.eq(departure.to_string()));
    let rows = query.order_by_asc(C::ShipmentId).all(db).await?;
    let one = |row: left_behind::Model| LeftBehind {
        shipment: ShipmentId::from_uuid(row.shipment_id),
        reason: row.reason,
    };
    Ok(rows.into_iter().map(one).collect())
}

fn to_row(one: &Consolidation) -> consolidation::ActiveModel {
    consolidation::ActiveModel {
        id: Set(one.id.uuid()),
        departure_id: Set(one.departure.to_string()),
        from_hub: Set(one.from.to_string()),
        to_hub: Set(one.to.to_string()),
        mode: Set(one.mode.to_string()),
        carrier: Set(one.carrier.clone()),
        master: Set(one.master.to_string()),
        state: Set(one.state.to_string()),
        depart_at: Set(one.depart_at.timestamp_micros()),
        arrive_at: Set(one.arrive_at.timestamp_micros()),
        cutoff_at: Set(one.cutoff_at.timestamp_micros()),
        closed_at: Set(one.closed_at.timestamp_micros()),
        opened_at: Set(one.opened_at.map(|at| at.timestamp_micros())),
        announced: Set(false),
        dissolved_at: Set(one.dissolved_at.map(|at| at.timestamp_micros())),
    }
}

fn from_row(row: consolidation::Model) -> Result<Consolidation, StoreError> {
    let column = |name| Column("consolidation", name);
    Ok(Consolidation {
        id: ConsolidationId::from_uuid(row.id),
        departure: column("departure_id").word(&row.departure_id)?,
        from: column("from_hub").word(&row.from_hub)?,
        to: column("to_hub").word(&row.to_hub)?,
        mode: column("mode").word(&row.mode)?,
        carrier: row.carrier,
        master: column("master").word(&row.master)?,
        state: column("state").word(&row.state)?,
        depart_at: from_micros(row.depart_at),
        arrive_at: from_micros(row.arrive_at),
        cutoff_at: from_micros(row.cutoff_at),
        closed_at: from_micros(row.closed_at),
        opened_at: row.opened_at.map(from_micros),
        dissolved_at: row.dissolved_at.map(from_micros),
    })
}

fn bag_from_row(row: bag::Model) -> Result<Bag, StoreError> {
    let column = |name| Column("bag", name);
    Ok(Bag {
        sscc: column("sscc").word(&row.sscc)?,
        consolidation: ConsolidationId::from_uuid(row.consolidation_id),
        number: column("number").number(row.number)?,
        unit: row.unit_number,
        gateway: column("gateway").word(&row.gateway)?,
        clearance: column("clearance").word(&row.clearance)?,
        last_mile_carrier: row.last_mile_carrier,
        grams: column("grams").number(row.grams)?,
        cm3: column("cm3").number(row.cm3)?,
        parcels: column("parcels").number(row.parcels)?,
        single_piece: row.single_piece,
    })
}
