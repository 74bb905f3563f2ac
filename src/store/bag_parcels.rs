//! Which parcels are in which bag, and which turned up in one that they did not belong in.
//!
//! A parcel is packed in one consolidation at most: an index holds that, whoever forgets to look.

use sea_orm::sea_query::{Expr, OnConflict, Value};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{bag_parcel, surplus};
use super::row::{Column, placeholders, statement};
use super::{StoreError, Tx};
use crate::domain::consolidation::MemberState;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::sscc::Sscc;

/// A parcel in a bag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub parcel: ParcelId,
    pub consolidation: ConsolidationId,
    pub sscc: Sscc,
    pub state: MemberState,
    pub unpacked_at: Option<Instant>,
}

/// A [`Member`] with the way of its consolidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub member: Member,
    pub departure: DepartureId,
    pub from: HubCode,
    pub to: HubCode,
    pub cutoff_at: Instant,
    pub depart_at: Instant,
    /// The number of its bag.
    pub bag_number: u32,
}

/// A parcel that came out of a consolidation that it was not in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surplus {
    pub consolidation: ConsolidationId,
    pub parcel: ParcelId,
    pub hub: HubCode,
    pub scanned_at: Instant,
}

pub async fn insert(tx: &Tx, members: &[Member]) -> Result<(), StoreError> {
    for some in members.chunks(500) {
        let rows = some.iter().map(|member| bag_parcel::ActiveModel {
            shipment_id: Set(member.parcel.shipment.uuid()),
            parcel_number: Set(i32::from(member.parcel.number)),
            consolidation_id: Set(member.consolidation.uuid()),
            sscc: Set(member.sscc.to_string()),
            state: Set(member.state.to_string()),
            unpacked_at: Set(member.unpacked_at.map(|at| at.timestamp_micros())),
        });
        bag_parcel::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// In the order of shipments and parcels.
pub async fn of_consolidation(
    db: &impl ConnectionTrait,
    id: ConsolidationId,
) -> Result<Vec<Member>, StoreError> {
    use bag_parcel::Column as C;
    let query = bag_parcel::Entity::find().filter(C::ConsolidationId.eq(id.uuid()));
    let query = query.order_by_asc(C::ShipmentId).order_by_asc(C::ParcelNumber);
    query.all(db).await?.into_iter().map(from_row).collect()
}

/// What is or was in these bags, in the order of shipments and parcels.
pub async fn of_bags(db: &impl ConnectionTrait, bags: &[Sscc]) -> Result<Vec<Member>, StoreError> {
    use bag_parcel::Column as C;
    let mut members = Vec::new();
    for some in bags.chunks(500) {
        let query = bag_parcel::Entity::find().filter(C::Sscc.is_in(some.iter().map(ToString::to_string)));
        let rows = query.all(db).await?;
        members.extend(rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?);
    }
    members.sort_by_key(|member| member.parcel);
    Ok(members)
}

/// Every place of a parcel, with a condition behind it.
pub const PLACED: &str = "SELECT m.shipment_id, m.parcel_number, m.consolidation_id, m.sscc, m.state, \
     m.unpacked_at, c.departure_id, c.from_hub, c.to_hub, c.cutoff_at, \
     c.depart_at, b.number FROM bag_parcel m \
     JOIN consolidation c ON c.id = m.consolidation_id JOIN bag b ON b.sscc = m.sscc WHERE ";

/// Every bag that a parcel is or was in.
pub async fn of_parcel(db: &impl ConnectionTrait, parcel: ParcelId) -> Result<Vec<Placed>, StoreError> {
    let sql = format!("{PLACED} m.shipment_id = $1 AND m.parcel_number = $2");
    let values = [parcel.shipment.uuid().into(), i32::from(parcel.number).into()];
    let rows = db.query_all_raw(statement(db, &sql, values)).await?;
    rows.iter().map(placed_from_row).collect()
}

/// The bags that parcels of these shipments are in, in the order of parcels.
pub async fn packed_of(
    db: &impl ConnectionTrait,
    shipments: &[ShipmentId],
) -> Result<Vec<Placed>, StoreError> {
    let mut placed = Vec::new();
    for some in shipments.chunks(500) {
        let marks: Vec<_> = (1..=some.len()).map(|at| format!("${at}")).collect();
        let sql = format!("{PLACED} m.state = 'packed' AND m.shipment_id IN ({})", marks.join(", "));
        let values = some.iter().map(|id| id.uuid().into());
        let rows = db.query_all_raw(statement(db, &sql, values)).await?;
        placed.extend(rows.iter().map(placed_from_row).collect::<Result<Vec<_>, _>>()?);
    }
    placed.sort_by_key(|placed| placed.member.parcel);
    Ok(placed)
}

/// Takes parcels out of their bags, in a statement for every five hundred. Nothing happens to those that are out
/// already. The caller holds their consolidations.
pub async fn unpack(tx: &Tx, out: &[(ParcelId, ConsolidationId)], at: Instant) -> Result<(), StoreError> {
    for some in out.chunks(500) {
        let rows = placeholders(tx, 2, some.len(), 3);
        let sql = format!("{UNPACK}{rows})");
        let values = some.iter().flat_map(|(parcel, consolidation)| -> [Value; 3] {
            [parcel.shipment.uuid().into(), i32::from(parcel.number).into(), consolidation.uuid().into()]
        });
        let at = Value::from(at.timestamp_micros());
        tx.execute_raw(statement(tx, &sql, std::iter::once(at).chain(values))).await?;
    }
    Ok(())
}

/// With the rows of keys behind it, and a bracket.
pub const UNPACK: &str = "UPDATE bag_parcel SET state = 'unpacked', unpacked_at = $1 WHERE state = 'packed' \
     AND (shipment_id, parcel_number, consolidation_id) IN (VALUES ";

/// It did not leave with its bag. Nothing happens where it is out already.
pub async fn remove(tx: &Tx, parcel: ParcelId, consolidation: ConsolidationId) -> Result<(), StoreError> {
    use bag_parcel::Column as C;
    bag_parcel::Entity::update_many()
        .col_expr(C::State, Expr::value(MemberState::Removed.as_str()))
        .filter(C::ShipmentId.eq(parcel.shipment.uuid()))
        .filter(C::ParcelNumber.eq(i32::from(parcel.number)))
        .filter(C::ConsolidationId.eq(consolidation.uuid()))
        .filter(C::State.eq(MemberState::Packed.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Nothing of it left.
pub async fn remove_all(tx: &Tx, consolidation: ConsolidationId) -> Result<(), StoreError> {
    use bag_parcel::Column as C;
    bag_parcel::Entity::update_many()
        .col_expr(C::State, Expr::value(MemberState::Removed.as_str()))
        .filter(C::ConsolidationId.eq(consolidation.uuid()))
        .filter(C::State.eq(MemberState::Packed.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// False: it was known.
pub async fn insert_surplus(tx: &Tx, found: &Surplus) -> Result<bool, StoreError> {
    let row = surplus::ActiveModel {
        consolidation_id: Set(found.consolidation.uuid()),
        shipment_id: Set(found.parcel.shipment.uuid()),
        parcel_number: Set(i32::from(found.parcel.number)),
        hub_code: Set(found.hub.to_string()),
        scanned_at: Set(found.scanned_at.timestamp_micros()),
    };
    let added = surplus::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(added > 0)
}

pub async fn surplus_of(db: &impl ConnectionTrait, id: ConsolidationId) -> Result<Vec<Surplus>, StoreError> {
    use surplus::Column as C;
    let query = surplus::Entity::find().filter(C::ConsolidationId.eq(id.uuid()));
    let rows = query.order_by_asc(C::ShipmentId).order_by_asc(C::ParcelNumber).all(db).await?;
    let column = |name| Column("surplus", name);
    rows.into_iter()
        .map(|row| {
            Ok(Surplus {
                consolidation: ConsolidationId::from_uuid(row.consolidation_id),
                parcel: parcel_id(row.shipment_id, row.parcel_number, column("parcel_number"))?,
                hub: column("hub_code").word(&row.hub_code)?,
                scanned_at: from_micros(row.scanned_at),
            })
        })
        .collect()
}

/// Parcels still in consolidations that were opened before `$1`, or that nobody opened though they were to arrive
/// before `$1`; and surplus found since `$2`.
pub const ASTRAY: &str = "SELECT (SELECT COUNT(*) FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
     WHERE c.state = 'opened' AND c.opened_at <= $1 AND m.state = 'packed') \
     + (SELECT COUNT(*) FROM bag_parcel m JOIN consolidation c ON c.id = m.consolidation_id \
     WHERE c.state = 'packed' AND c.arrive_at <= $1 AND m.state = 'packed') AS missing, \
     (SELECT COUNT(*) FROM surplus WHERE scanned_at > $2) AS surplus";

/// How many parcels are missing, and how many turned up where they do not belong.
pub async fn astray(
    db: &impl ConnectionTrait,
    expected_before: Instant,
    found_since: Instant,
) -> Result<(u64, u64), StoreError> {
    let values = [expected_before.timestamp_micros().into(), found_since.timestamp_micros().into()];
    let row = db.query_one_raw(statement(db, ASTRAY, values)).await?;
    let column = |name| Column("bag_parcel", name);
    let row = row.ok_or_else(|| column("state").corrupt("a count without a row"))?;
    let (missing, surplus): (i64, i64) = (row.try_get("", "missing")?, row.try_get("", "surplus")?);
    Ok((column("missing").number(missing)?, column("surplus").number(surplus)?))
}

fn parcel_id(shipment: uuid::Uuid, number: i32, column: Column) -> Result<ParcelId, StoreError> {
    Ok(ParcelId { shipment: ShipmentId::from_uuid(shipment), number: column.number(number)? })
}

fn from_row(row: bag_parcel::Model) -> Result<Member, StoreError> {
    let column = |name| Column("bag_parcel", name);
    Ok(Member {
        parcel: parcel_id(row.shipment_id, row.parcel_number, column("parcel_number"))?,
        consolidation: ConsolidationId::from_uuid(row.consolidation_id),
        sscc: column("sscc").word(&row.sscc)?,
        state: column("state").word(&row.state)?,
        unpacked_at: row.unpacked_at.map(from_micros),
    })
}

fn placed_from_row(row: &sea_orm::QueryResult) -> Result<Placed, StoreError> {
    let text = |name| row.try_get::<String>("", name);
    let column = |name| Column("bag_parcel", name);
    let of_consolidation = |name| Column("consolidation", name);
    let moment = |name| row.try_get::<i64>("", name).map(from_micros);
    let member = from_row(bag_parcel::Model {
        shipment_id: row.try_get("", "shipment_id")?,
        parcel_number: row.try_get("", "parcel_number")?,
        consolidation_id: row.try_get("", "consolidation_id")?,
        sscc: text("sscc")?,
        state: text("state")?,
        unpacked_at: row.try_get("", "unpacked_at")?,
    })?;
    Ok(Placed {
        member,
        departure: of_consolidation("departure_id").word(&text("departure_id")?)?,
        from: of_consolidation("from_hub").word(&text("from_hub")?)?,
        to: of_consolidation("to_hub").word(&text("to_hub")?)?,
        cutoff_at: moment("cutoff_at")?,
        depart_at: moment("depart_at")?,
        bag_number: column("number").number(row.try_get::<i32>("", "number")?)?,
    })
}
