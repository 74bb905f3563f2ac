//! Shipments whose plan is to be looked at again.
//!
//! One row a shipment, however many reasons there are: the first one stays, since it is what the
//! merchant is told, until there was no way; the shipment is looked at as it is then. A request for what is being
//! looked at ends the claim on it, so that whoever has it finds out and leaves the row.
//!
//! Too many requests cost time and nothing else; whoever takes one up checks first.

use sea_orm::sea_query::{Expr, Value};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::entity::replan::{self, Column as C};
use super::row::{Column, columns, placeholders, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode};

/// Who asks, and what for: it goes before the reasons of the new plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    /// As the audit names it: `operator ana`, `hub USLAX`, `sampan`.
    pub requested_by: String,
}

impl Cause {
    pub fn new(reason: impl Into<String>, requested_by: impl Into<String>) -> Self {
        Self { reason: reason.into(), requested_by: requested_by.into() }
    }

    /// Nobody in particular.
    pub fn of_our_own(reason: impl Into<String>) -> Self {
        Self::new(reason, "sampan")
    }
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub shipment: ShipmentId,
    pub cause: Cause,
    /// It did not go with the closed departure that it was booked on.
    pub left_behind: bool,
    pub requested_at: Instant,
    pub next_attempt_at: Instant,
    /// Of the one who claimed it.
    pub claimed_until: Instant,
    /// How often there was no way for it.
    pub attempts: u32,
    pub last_problem: Option<String>,
}

const AGAIN: &str = "ON CONFLICT (shipment_id) DO UPDATE SET next_attempt_at = excluded.next_attempt_at, \
     claimed_until = 0, left_behind = replan.left_behind OR excluded.left_behind, \
     reason = CASE WHEN replan.reason = '' OR replan.attempts > 0 THEN excluded.reason ELSE replan.reason END, \
     requested_by = CASE WHEN replan.reason = '' OR replan.attempts > 0 THEN excluded.requested_by \
     ELSE replan.requested_by END";
const COLUMNS: &str = "shipment_id, reason, requested_by, left_behind, requested_at, next_attempt_at, \
     claimed_until, attempts";
/// That have nothing before them any more; the others are found out about one by one. What is lost or goes back
/// may be one parcel of several.
const OVER: &str = "('delivered', 'cancelled')";

/// Has shipments planned anew that were left behind when their departure was packed: it is closed, and they
/// are not on it, whatever their plan says.
pub async fn request(
    tx: &Tx,
    shipments: &[ShipmentId],
    reason: &str,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    insert(tx, shipments, &Cause::of_our_own(reason), true, now, wall).await
}

/// Has the plans of shipments looked at again.
pub async fn request_check(
    tx: &Tx,
    shipments: &[ShipmentId],
    cause: &Cause,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    insert(tx, shipments, cause, false, now, wall).await
}

async fn insert(
    tx: &Tx,
    shipments: &[ShipmentId],
    cause: &Cause,
    left_behind: bool,
    now: Instant,
    wall: Instant,
) -> Result<(), StoreError> {
    // In the order of their ids, as everybody takes them.
    let mut shipments = shipments.to_vec();
    shipments.sort_unstable();
    shipments.dedup();
    for some in shipments.chunks(1_000) {
        let mut values: Vec<Value> = Vec::with_capacity(8 * some.len());
        for shipment in some {
            values.extend::<[Value; 8]>([
                shipment.uuid().into(),
                cause.reason.clone().into(),
                cause.requested_by.clone().into(),
                left_behind.into(),
                now.timestamp_micros().into(),
                wall.timestamp_micros().into(),
                0_i64.into(),
                0_i32.into(),
            ]);
        }
        let rows = placeholders(tx, 1, some.len(), 8);
        let sql = format!("INSERT INTO replan ({COLUMNS}) VALUES {rows} {AGAIN}");
        tx.execute_raw(statement(tx, &sql, values)).await?;
    }
    Ok(())
}

/// Queues what `candidates` asks for, whose first five values are ours.
async fn insert_from(
    tx: &Tx,
    candidates: &str,
    again: &str,
    cause: &Cause,
    (now, wall): (Instant, Instant),
    more: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let sql = format!(
        "INSERT INTO replan ({COLUMNS}) SELECT c.shipment_id, $1, $2, $3, $4, $5, 0, 0 \
         FROM ({candidates}) AS c JOIN shipment s ON s.id = c.shipment_id \
         WHERE s.status NOT IN {OVER} ORDER BY c.shipment_id {again}"
    );
    let ours: [Value; 5] = [
        cause.reason.clone().into(),
        cause.requested_by.clone().into(),
        false.into(),
        now.timestamp_micros().into(),
        wall.timestamp_micros().into(),
    ];
    let values = ours.into_iter().chain(more);
    Ok(tx.execute_raw(statement(tx, &sql, values)).await?.rows_affected())
}

/// Those with a booking on one departure.
pub const BOOKED_ON: &str = "SELECT shipment_id FROM booking WHERE departure_id = $6";

pub async fn request_booked_on(
    tx: &Tx,
    departure: &DepartureId,
    cause: &Cause,
    times: (Instant, Instant),
) -> Result<u64, StoreError> {
    insert_from(tx, BOOKED_ON, AGAIN, cause, times, [departure.to_string().into()]).await
}

/// Those with a booking on what leaves a hub from $7 to $8, or arrives there from $9 to $10.
pub const AROUND: &str = "SELECT b.shipment_id FROM departure d JOIN booking b ON b.departure_id = d.id \
     WHERE d.from_hub = $6 AND d.depart_at BETWEEN $7 AND $8 \
     UNION SELECT b.shipment_id FROM departure d JOIN booking b ON b.departure_id = d.id \
     WHERE d.to_hub = $6 AND d.arrive_at BETWEEN $9 AND $10";

/// Departures and arrivals that a change at a hub may make a difference to.
pub struct Around {
    pub leaving: (Instant, Instant),
    pub arriving: (Instant, Instant),
}

pub async fn request_around(
    tx: &Tx,
    hub: &HubCode,
    around: &Around,
    cause: &Cause,
    times: (Instant, Instant),
) -> Result<u64, StoreError> {
    let ends = [around.leaving.0, around.leaving.1, around.arriving.0, around.arriving.1];
    let more = std::iter::once(hub.to_string().into());
    insert_from(tx, AROUND, AGAIN, cause, times, more.chain(ends.map(|at| at.timestamp_micros().into())))
        .await
}

/// Those with a booking on a departure that is open, and was to be so at $6.
pub const ALL_OPEN: &str = "SELECT DISTINCT b.shipment_id FROM departure d JOIN booking b ON b.departure_id = d.id \
     WHERE d.state = 'open' AND d.cutoff_at >= $6";

/// After a network was replaced: whatever is planned on departures whose cut-off was at `from_at` or later.
/// At once, by whatever clock.
pub async fn request_all_open(
    tx: &Tx,
    from_at: Instant,
    cause: &Cause,
    now: Instant,
) -> Result<u64, StoreError> {
    let times = (now, from_micros(0));
    insert_from(tx, ALL_OPEN, AGAIN, cause, times, [from_at.timestamp_micros().into()]).await
}

/// Those booked on departures whose cut-off passed in ($6, $7] and of which not every parcel was seen at
/// the hub they leave from.
pub const MISSED: &str = "SELECT DISTINCT b.shipment_id FROM departure d JOIN booking b ON b.departure_id = d.id \
     WHERE d.state = 'open' AND d.cutoff_at > $6 AND d.cutoff_at <= $7 AND EXISTS (SELECT 1 FROM parcel p \
     WHERE p.shipment_id = b.shipment_id AND NOT EXISTS (SELECT 1 FROM tracking_event e \
     WHERE e.shipment_id = p.shipment_id AND e.parcel_number = p.number AND e.hub_code = d.from_hub))";

/// What waits already is left as it is.
pub async fn request_missed(
    tx: &Tx,
    (after, until): (Instant, Instant),
    cause: &Cause,
    times: (Instant, Instant),
) -> Result<u64, StoreError> {
    let more = [after, until].map(|at| at.timestamp_micros().into());
    insert_from(tx, MISSED, "ON CONFLICT (shipment_id) DO NOTHING", cause, times, more).await
}

/// Tries again at once what there was no way for, and what was set aside.
pub async fn wake(tx: &Tx) -> Result<u64, StoreError> {
    // In the order of their ids, as everybody takes them.
    let lock = match tx.get_database_backend() {
        DatabaseBackend::Postgres => " FOR UPDATE",
        _ => "",
    };
    let sql = format!(
        "WITH asleep AS MATERIALIZED (SELECT shipment_id FROM replan WHERE attempts > 0 \
         OR last_problem IS NOT NULL ORDER BY shipment_id{lock}) UPDATE replan SET next_attempt_at = 0, \
         claimed_until = 0 WHERE shipment_id IN (SELECT shipment_id FROM asleep)"
    );
    Ok(tx.execute_raw(statement(tx, &sql, [])).await?.rows_affected())
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str = "SELECT shipment_id FROM replan WHERE next_attempt_at <= $1 AND claimed_until <= $1 \
     ORDER BY next_attempt_at LIMIT $2";

pub async fn is_due(db: &impl ConnectionTrait, wall: Instant) -> Result<bool, StoreError> {
    let values = [wall.timestamp_micros().into(), 1_i64.into()];
    Ok(db.query_one_raw(statement(db, DUE, values)).await?.is_some())
}

/// Takes up to `most` that are due at `wall`, for as long as until `claimed_until`, in the order of their ids.
pub async fn claim(
    tx: &Tx,
    wall: Instant,
    claimed_until: Instant,
    most: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) UPDATE replan SET claimed_until = $3 \
         WHERE shipment_id IN (SELECT shipment_id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(replan)
    );
    let values =
        [wall.timestamp_micros().into(), (most as i64).into(), claimed_until.timestamp_micros().into()];
    let rows = replan::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let mut rows = rows.into_iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|row| row.shipment);
    Ok(rows)
}

/// Of `shipments` those whose claim still is this one, held until the end of the transaction.
pub async fn still_claimed(
    tx: &Tx,
    shipments: &[ShipmentId],
    claimed_until: Instant,
) -> Result<Vec<ShipmentId>, StoreError> {
    let rows = replan::Entity::find()
        .filter(C::ShipmentId.is_in(shipments.iter().map(|id| id.uuid())))
        .filter(C::ClaimedUntil.eq(claimed_until.timestamp_micros()))
        .order_by_asc(C::ShipmentId)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| ShipmentId::from_uuid(row.shipment_id)).collect())
}

pub async fn settle(tx: &Tx, shipments: &[ShipmentId]) -> Result<(), StoreError> {
    if !shipments.is_empty() {
        let ids = shipments.iter().map(|id| id.uuid());
        replan::Entity::delete_many().filter(C::ShipmentId.is_in(ids)).exec(tx).await?;
    }
    Ok(())
}

/// Ends the claim of `claimed_until` on those of `shipments` that still have it: they are due at once. In the
/// order of their ids where somebody else may hold some of them.
pub async fn free(tx: &Tx, shipments: &[ShipmentId], claimed_until: Instant) -> Result<(), StoreError> {
    let ours = still_claimed(tx, shipments, claimed_until).await?;
    if !ours.is_empty() {
        replan::Entity::update_many()
            .col_expr(C::ClaimedUntil, Expr::value(0_i64))
            .filter(C::ShipmentId.is_in(ours.iter().map(|id| id.uuid())))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// To be looked at again later, and why; freed of its claim. Nothing happens where that is not the one of
/// `claimed_until` any more: somebody asked again, or has taken it up.
pub async fn postpone(
    tx: &Tx,
    (shipment, claimed_until): (ShipmentId, Instant),
    next_attempt_at: Instant,
    attempts: u32,
    problem: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE replan SET next_attempt_at = $2, claimed_until = 0, attempts = $3, last_problem = $4 \
         WHERE shipment_id = $1 AND claimed_until = $5";
    let values = [
        shipment.uuid().into(),
        next_attempt_at.timestamp_micros().into(),
        i32::try_from(attempts).unwrap_or(i32::MAX).into(),
        problem.to_owned().into(),
        claimed_until.timestamp_micros().into(),
    ];
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// How many there was no way for at the last try.
pub async fn unroutable(db: &impl ConnectionTrait) -> Result<u64, StoreError> {
    Ok(replan::Entity::find().filter(C::Attempts.gt(0)).count(db).await?)
}

/// What waits, the longest due first.
pub async fn list(db: &impl ConnectionTrait, most: u64) -> Result<Vec<Waiting>, StoreError> {
    let rows = replan::Entity::find().order_by_asc(C::NextAttemptAt).limit(most).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

fn from_row(row: replan::Model) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        shipment: ShipmentId::from_uuid(row.shipment_id),
        cause: Cause { reason: row.reason, requested_by: row.requested_by },
        left_behind: row.left_behind,
        requested_at: from_micros(row.requested_at),
        next_attempt_at: from_micros(row.next_attempt_at),
        claimed_until: from_micros(row.claimed_until),
        attempts: Column("replan", "attempts").number(row.attempts)?,
        last_problem: row.last_problem,
    })
}
