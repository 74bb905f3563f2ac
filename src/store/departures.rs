//! What is booked on departures.
//!
//! A departure is booked in the transaction that saves the plan, by one conditional statement, so that
//! however many plan at the same time nobody gets what would be more than its capacity: the row
//! is the only judge. Whoever books several takes them in the order of their ids, so that two
//! never wait for each other. A row is there from the first booking on.

use sea_orm::sea_query::{OnConflict, Value};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QueryResult, QuerySelect,
};

use super::entity::{booking, departure};
use super::row::{Column, Only, placeholders, statement};
use super::{StoreError, Tx};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, DepartureState, HubCode};

/// A departure as the network has it when it is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    pub id: DepartureId,
    pub from: HubCode,
    pub to: HubCode,
    pub depart_at: Instant,
    pub arrive_at: Instant,
    pub cutoff_at: Instant,
    pub capacity_grams: u64,
    pub capacity_cm3: u64,
}

/// A departure, and what is booked on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub dated: Dated,
    pub grams: u64,
    pub cm3: u64,
    pub state: DepartureState,
}

/// What one shipment takes of a departure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub shipment: ShipmentId,
    pub departure: DepartureId,
    pub grams: u64,
    pub cm3: u64,
}

/// Takes room on a departure. None, and nothing taken: there is not enough left, or it is closed.
/// Otherwise what is booked on it from then on.
pub async fn take(
    tx: &Tx,
    dated: &Dated,
    (grams, cm3): (u64, u64),
    wall: Instant,
) -> Result<Option<(u64, u64)>, StoreError> {
    if grams > dated.capacity_grams || cm3 > dated.capacity_cm3 {
        return Ok(None);
    }
    let sql = "INSERT INTO departure (id, from_hub, to_hub, depart_at, arrive_at, cutoff_at, capacity_grams, \
         capacity_cm3, booked_grams, booked_cm3, state, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', $11) \
         ON CONFLICT (id) DO UPDATE SET booked_grams = departure.booked_grams + excluded.booked_grams, \
         booked_cm3 = departure.booked_cm3 + excluded.booked_cm3, depart_at = excluded.depart_at, \
         arrive_at = excluded.arrive_at, cutoff_at = excluded.cutoff_at, \
         capacity_grams = excluded.capacity_grams, capacity_cm3 = excluded.capacity_cm3, \
         changed_at = excluded.changed_at \
         WHERE departure.state = 'open' \
         AND departure.booked_grams + excluded.booked_grams <= excluded.capacity_grams \
         AND departure.booked_cm3 + excluded.booked_cm3 <= excluded.capacity_cm3 \
         RETURNING booked_grams, booked_cm3";
    let values = [
        dated.id.to_string().into(),
        dated.from.to_string().into(),
        dated.to.to_string().into(),
        dated.depart_at.timestamp_micros().into(),
        dated.arrive_at.timestamp_micros().into(),
        dated.cutoff_at.timestamp_micros().into(),
        (dated.capacity_grams as i64).into(),
        (dated.capacity_cm3 as i64).into(),
        (grams as i64).into(),
        (cm3 as i64).into(),
        wall.timestamp_micros().into(),
    ];
    let Some(row) = tx.query_one_raw(statement(tx, sql, values)).await? else { return Ok(None) };
    Ok(Some(sums(&row)?))
}

/// Notes which shipment took what was taken.
pub async fn insert_bookings(tx: &Tx, bookings: &[Booking], at: Instant) -> Result<(), StoreError> {
    for some in bookings.chunks(500) {
        let rows = some.iter().map(|booking| booking::ActiveModel {
            shipment_id: Set(booking.shipment.uuid()),
            departure_id: Set(booking.departure.to_string()),
            grams: Set(booking.grams as i64),
            cm3: Set(booking.cm3 as i64),
            created_at: Set(at.timestamp_micros()),
        });
        booking::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Gives back room on a departure that is open, or closed where `closed_too`. Says what is booked on it from
/// then on; none, and nothing given back: it is not open any more.
pub async fn give(
    tx: &Tx,
    id: &DepartureId,
    (grams, cm3): (u64, u64),
    closed_too: bool,
    wall: Instant,
) -> Result<Option<(u64, u64)>, StoreError> {
    let sql = "UPDATE departure SET booked_grams = booked_grams - $2, booked_cm3 = booked_cm3 - $3, \
         changed_at = $4 WHERE id = $1 AND state IN ('open', $5) RETURNING booked_grams, booked_cm3";
    let state = if closed_too { DepartureState::Closed } else { DepartureState::Open };
    let values = [
        id.to_string().into(),
        (grams as i64).into(),
        (cm3 as i64).into(),
        wall.timestamp_micros().into(),
        state.as_str().into(),
    ];
    let row = tx.query_one_raw(statement(tx, sql, values)).await?;
    row.as_ref().map(sums).transpose()
}

fn sums(row: &QueryResult) -> Result<(u64, u64), StoreError> {
    let column = |name| Column("departure", name);
    let booked: (i64, i64) = (row.try_get("", "booked_grams")?, row.try_get("", "booked_cm3")?);
    Ok((column("booked_grams").number(booked.0)?, column("booked_cm3").number(booked.1)?))
}

/// Takes back the notes of what was given back.
pub async fn delete_bookings(tx: &Tx, bookings: &[(ShipmentId, DepartureId)]) -> Result<(), StoreError> {
    for some in bookings.chunks(1_000) {
        let rows = placeholders(tx, 1, some.len(), 2);
        let sql = format!("DELETE FROM booking WHERE (shipment_id, departure_id) IN (VALUES {rows})");
        let values = some.iter().flat_map(|(shipment, departure)| -> [Value; 2] {
            [shipment.uuid().into(), departure.to_string().into()]
        });
        tx.execute_raw(statement(tx, &sql, values)).await?;
    }
    Ok(())
}

/// It does not leave, and nothing more is booked on it. What was booked stays noted.
pub async fn cancel(tx: &Tx, dated: &Dated, wall: Instant) -> Result<(), StoreError> {
    let row = departure::ActiveModel {
        id: Set(dated.id.to_string()),
        from_hub: Set(dated.from.to_string()),
        to_hub: Set(dated.to.to_string()),
        depart_at: Set(dated.depart_at.timestamp_micros()),
        arrive_at: Set(dated.arrive_at.timestamp_micros()),
        cutoff_at: Set(dated.cutoff_at.timestamp_micros()),
        capacity_grams: Set(dated.capacity_grams as i64),
        capacity_cm3: Set(dated.capacity_cm3 as i64),
        booked_grams: Set(0),
        booked_cm3: Set(0),
        state: Set(DepartureState::Cancelled.to_string()),
        changed_at: Set(wall.timestamp_micros()),
    };
    use departure::Column as C;
    let again = OnConflict::column(C::Id).update_columns([C::State, C::ChangedAt]).to_owned();
    departure::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

/// What is open or packed and was to leave `hub` from `from_at` until before `until_at`, by its id.
pub async fn leaving(
    tx: &Tx,
    hub: &HubCode,
    from_at: Instant,
    until_at: Instant,
) -> Result<Vec<Booked>, StoreError> {
    use departure::Column as C;
    let states = [DepartureState::Open, DepartureState::Closed];
    let query = departure::Entity::find()
        .filter(C::FromHub.eq(hub.as_str()))
        .filter(C::DepartAt.gte(from_at.timestamp_micros()))
        .filter(C::DepartAt.lt(until_at.timestamp_micros()))
        .filter(C::State.is_in(states.map(DepartureState::as_str)));
    query.order_by_asc(C::Id).all(tx).await?.into_iter().map(from_row).collect()
}

/// What is open or packed, had its cut-off at `since` or later and leaves after `now`, by its id.
pub async fn yet_to_leave(tx: &Tx, since: Instant, now: Instant) -> Result<Vec<Booked>, StoreError> {
    use departure::Column as C;
    let states = [DepartureState::Open, DepartureState::Closed];
    let query = departure::Entity::find()
        .filter(C::State.is_in(states.map(DepartureState::as_str)))
        .filter(C::CutoffAt.gte(since.timestamp_micros()))
        .filter(C::DepartAt.gt(now.timestamp_micros()));
    query.order_by_asc(C::Id).all(tx).await?.into_iter().map(from_row).collect()
}

/// It leaves at other times, or carries more or less. Nothing happens where it is not open any more.
pub async fn redate(tx: &Tx, dated: &Dated, wall: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE departure SET depart_at = $2, arrive_at = $3, cutoff_at = $4, capacity_grams = $5, \
         capacity_cm3 = $6, changed_at = $7 WHERE id = $1 AND state = 'open'";
    let values = [
        dated.id.to_string().into(),
        dated.depart_at.timestamp_micros().into(),
        dated.arrive_at.timestamp_micros().into(),
        dated.cutoff_at.timestamp_micros().into(),
        (dated.capacity_grams as i64).into(),
        (dated.capacity_cm3 as i64).into(),
        wall.timestamp_micros().into(),
    ];
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// How many shipments have a booking on it.
pub async fn bookings_on(db: &impl ConnectionTrait, id: &DepartureId) -> Result<u64, StoreError> {
    let query = booking::Entity::find().filter(booking::Column::DepartureId.eq(id.to_string()));
    Ok(query.count(db).await?)
}

/// A booking, and what became of its departure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub booking: Booking,
    pub state: DepartureState,
    pub depart_at: Instant,
}

/// What many shipments hold, with the state of each departure, in one question.
pub async fn held_by(db: &impl ConnectionTrait, shipments: &[ShipmentId]) -> Result<Vec<Held>, StoreError> {
    let ids = placeholders(db, 1, 1, shipments.len());
    let sql = format!(
        "SELECT b.shipment_id, b.departure_id, b.grams, b.cm3, b.created_at, d.state, d.depart_at \
         FROM booking b JOIN departure d ON d.id = b.departure_id \
         WHERE b.shipment_id IN {ids} ORDER BY b.shipment_id, d.depart_at"
    );
    let values = shipments.iter().map(|id| id.uuid().into());
    let rows = db.query_all_raw(statement(db, &sql, values)).await?;
    rows.iter().map(held_from_row).collect()
}

fn held_from_row(row: &QueryResult) -> Result<Held, StoreError> {
    let (state, depart_at): (String, i64) = (row.try_get("", "state")?, row.try_get("", "depart_at")?);
    Ok(Held {
        booking: booking_from_row(booking::Model::from_query_result(row, "")?)?,
        state: Column("departure", "state").word(&state)?,
        depart_at: from_micros(depart_at),
    })
}

/// Several departures in one question, in no order.
pub async fn find_many(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &DepartureId>,
) -> Result<Vec<Booked>, StoreError> {
    let ids = ids.into_iter().map(ToString::to_string);
    let rows = departure::Entity::find().filter(departure::Column::Id.is_in(ids)).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

pub async fn find(db: &impl ConnectionTrait, id: &DepartureId) -> Result<Option<Booked>, StoreError> {
    departure::Entity::find_by_id(id.to_string()).only(db).await?.map(from_row).transpose()
}

/// Departures that can be booked and have their cut-off at `from_at` or later, and those that closed since.
pub async fn to_come(db: &impl ConnectionTrait, from_at: Instant) -> Result<Vec<Booked>, StoreError> {
    use departure::Column as C;
    let states = [DepartureState::Open, DepartureState::Closed, DepartureState::Cancelled];
    let query = departure::Entity::find()
        .filter(C::State.is_in(states.map(DepartureState::as_str)))
        .filter(C::CutoffAt.gte(from_at.timestamp_micros()));
    query.all(db).await?.into_iter().map(from_row).collect()
}

/// What was booked or given back since `wall`.
pub async fn changed_since(db: &impl ConnectionTrait, wall: Instant) -> Result<Vec<Booked>, StoreError> {
    let query = departure::Entity::find().filter(departure::Column::ChangedAt.gte(wall.timestamp_micros()));
    let rows = query.order_by_asc(departure::Column::ChangedAt).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// Departures whose cut-off is over and that are still open, the oldest first.
pub const DUE: &str =
    "SELECT id FROM departure WHERE state = 'open' AND cutoff_at <= $1 ORDER BY cutoff_at LIMIT $2";

pub async fn due(
    db: &impl ConnectionTrait,
    now: Instant,
    limit: u64,
) -> Result<Vec<DepartureId>, StoreError> {
    let values = [now.timestamp_micros().into(), (limit as i64).into()];
    let rows = db.query_all_raw(statement(db, DUE, values)).await?;
    rows.iter().map(|row| Column("departure", "id").word(&row.try_get::<String>("", "id")?)).collect()
}

/// What is booked on a departure, in the order of shipments.
pub async fn bookings(db: &impl ConnectionTrait, id: &DepartureId) -> Result<Vec<Booking>, StoreError> {
    let query = booking::Entity::find().filter(booking::Column::DepartureId.eq(id.to_string()));
    let rows = query.order_by_asc(booking::Column::ShipmentId).all(db).await?;
    rows.into_iter().map(booking_from_row).collect()
}

/// Ends the booking of a departure. False: somebody else did. Whoever takes or gives back room waits
/// until the transaction ends, and so does whoever else closes it.
pub async fn close(tx: &Tx, id: &DepartureId, wall: Instant) -> Result<bool, StoreError> {
    let sql = "UPDATE departure SET state = 'closed', changed_at = $2 WHERE id = $1 AND state = 'open'";
    let values = [id.to_string().into(), wall.timestamp_micros().into()];
    Ok(tx.execute_raw(statement(tx, sql, values)).await?.rows_affected() == 1)
}

/// Keeps a departure as it is until the transaction ends: whoever closes it waits, or was waited for.
pub async fn hold(tx: &Tx, id: &DepartureId) -> Result<(), StoreError> {
    departure::Entity::find_by_id(id.to_string()).lock_shared().only(tx).await?;
    Ok(())
}

fn booking_from_row(row: booking::Model) -> Result<Booking, StoreError> {
    let column = |name| Column("booking", name);
    Ok(Booking {
        shipment: ShipmentId::from_uuid(row.shipment_id),
        departure: column("departure_id").word(&row.departure_id)?,
        grams: column("grams").number(row.grams)?,
        cm3: column("cm3").number(row.cm3)?,
    })
}

fn from_row(row: departure::Model) -> Result<Booked, StoreError> {
    let column = |name| Column("departure", name);
    Ok(Booked {
        dated: Dated {
            id: column("id").word(&row.id)?,
            from: column("from_hub").word(&row.from_hub)?,
            to: column("to_hub").word(&row.to_hub)?,
            depart_at: from_micros(row.depart_at),
            arrive_at: from_micros(row.arrive_at),
            cutoff_at: from_micros(row.cutoff_at),
            capacity_grams: column("capacity_grams").number(row.capacity_grams)?,
            capacity_cm3: column("capacity_cm3").number(row.capacity_cm3)?,
        },
        grams: column("booked_grams").number(row.booked_grams)?,
        cm3: column("booked_cm3").number(row.booked_cm3)?,
        state: column("state").word(&row.state)?,
    })
}
