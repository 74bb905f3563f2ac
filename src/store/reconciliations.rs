//! What is to be compared with escrow providers' word, page by page, and the nightly comparison itself.
//!
//! A night has one comparison, whoever makes it: who claims it has a lease, renewed with each page, and a page is
//! saved whole, with where to go on from, or not at all. Of a lease that somebody else has taken nothing is saved.
//! Of comparisons that are finished the last one is kept.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::entity::{escrow_difference, reconciliation};
use super::row::{Column, statement, to_json};
use super::{StoreError, Tx};
use crate::chance;
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, from_micros};

/// One comparison: where it is, and what it came to so far.
#[derive(Debug, Clone)]
pub struct Night<P, T> {
    pub id: Uuid,
    pub night: i64,
    /// What was settled since then is compared, and triggers since then.
    pub since: Instant,
    pub began_at: Instant,
    /// Whose it is: who saves has to show the same.
    pub leased_until: Instant,
    pub finished_at: Option<Instant>,
    pub place: P,
    pub totals: T,
}

/// The next provider behind this one by whose name something was paid.
pub const NEXT_PROVIDER: &str =
    "SELECT provider FROM payment_owner WHERE provider > $1 ORDER BY provider LIMIT 1";

pub async fn next_provider(db: &impl ConnectionTrait, after: &str) -> Result<Option<String>, StoreError> {
    let row = db.query_one_raw(statement(db, NEXT_PROVIDER, [after.into()])).await?;
    row.map(|row| Ok(row.try_get("", "provider")?)).transpose()
}

/// Orders whose money has not moved yet. One that names another's payment is nobody's to ask about.
pub const OPEN: &str = "SELECT shipment_id FROM escrow_order \
     WHERE provider = $1 AND state NOT IN ('confirmed', 'refunded') AND contested = FALSE AND shipment_id > $2 \
     ORDER BY shipment_id LIMIT $3";

pub async fn open(
    db: &impl ConnectionTrait,
    provider: &str,
    after: ShipmentId,
    most: usize,
) -> Result<Vec<ShipmentId>, StoreError> {
    let values = [provider.into(), after.uuid().into(), (most as i64).into()];
    let rows = db.query_all_raw(statement(db, OPEN, values)).await?;
    rows.iter().map(|row| Ok(ShipmentId::from_uuid(row.try_get("", "shipment_id")?))).collect()
}

/// Settled orders by when they changed last, which is hardly ever later than when they were settled. What was settled
/// after `$4` was open when that began.
pub const SETTLED: &str = "SELECT shipment_id, updated_at FROM escrow_order \
     WHERE provider = $1 AND state IN ('confirmed', 'refunded') AND contested = FALSE \
     AND (updated_at, shipment_id) > ($2, $3) AND updated_at <= $4 ORDER BY updated_at, shipment_id LIMIT $5";

/// Of which times settled orders are compared.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    pub since: Instant,
    pub began_at: Instant,
}

/// With the time by which each was found: the next page is behind the last one's.
pub async fn settled(
    db: &impl ConnectionTrait,
    provider: &str,
    (after_at, after): (Instant, ShipmentId),
    began_at: Instant,
    most: usize,
) -> Result<Vec<(Instant, ShipmentId)>, StoreError> {
    let values = [
        provider.into(),
        after_at.timestamp_micros().into(),
        after.uuid().into(),
        began_at.timestamp_micros().into(),
        (most as i64).into(),
    ];
    let rows = db.query_all_raw(statement(db, SETTLED, values)).await?;
    let read = |row: &sea_orm::QueryResult| {
        let at = from_micros(row.try_get("", "updated_at")?);
        Ok((at, ShipmentId::from_uuid(row.try_get("", "shipment_id")?)))
    };
    rows.iter().map(read).collect()
}

/// Whether a night's comparison is still to be made, or to be gone on with, and nobody is at it.
pub async fn is_due(db: &impl ConnectionTrait, night: i64, wall: Instant) -> Result<bool, StoreError> {
    use reconciliation::Column as C;
    let found = reconciliation::Entity::find().filter(C::Night.eq(night)).one(db).await?;
    Ok(found.is_none_or(|found| found.finished_at.is_none() && found.leased_until <= wall.timestamp_micros()))
}

/// What a new comparison begins with.
#[derive(Debug, Clone)]
pub struct Beginning<P, T> {
    pub night: i64,
    pub days: Days,
    pub place: P,
    pub totals: T,
}

/// Claims a night until `leased_until`: begins it, or goes on where somebody left it. None: it is done, or somebody
/// is at it.
pub async fn claim<P: Serialize + DeserializeOwned, T: Serialize + DeserializeOwned>(
    tx: &Tx,
    new: &Beginning<P, T>,
    wall: Instant,
    leased_until: Instant,
) -> Result<Option<Night<P, T>>, StoreError> {
    use reconciliation::Column as C;
    let row = reconciliation::ActiveModel {
        id: Set(chance::id()),
        night: Set(new.night),
        since_at: Set(new.days.since.timestamp_micros()),
        began_at: Set(new.days.began_at.timestamp_micros()),
        leased_until: Set(0),
        finished_at: Set(None),
        place: Set(to_json(&new.place)),
        totals: Set(to_json(&new.totals)),
    };
    reconciliation::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    let claimed = reconciliation::Entity::update_many()
        .col_expr(C::LeasedUntil, Expr::value(leased_until.timestamp_micros()))
        .filter(C::Night.eq(new.night))
        .filter(C::FinishedAt.is_null())
        .filter(C::LeasedUntil.lte(wall.timestamp_micros()))
        .exec(tx)
        .await?;
    if claimed.rows_affected == 0 {
        return Ok(None);
    }
    let found = reconciliation::Entity::find().filter(C::Night.eq(new.night)).one(tx).await?;
    found.map(from_row).transpose()
}

fn from_row<P: DeserializeOwned, T: DeserializeOwned>(
    row: reconciliation::Model,
) -> Result<Night<P, T>, StoreError> {
    let column = |name| Column("reconciliation", name);
    Ok(Night {
        id: row.id,
        night: row.night,
        since: from_micros(row.since_at),
        began_at: from_micros(row.began_at),
        leased_until: from_micros(row.leased_until),
        finished_at: row.finished_at.map(from_micros),
        place: column("place").json(&row.place)?,
        totals: column("totals").json(&row.totals)?,
    })
}

/// Saves a page: what it came to, `found` behind all that was found before, and until when the rest is claimed.
/// False: the night is somebody else's now, and nothing was saved.
pub async fn save<P: Serialize, T: Serialize>(
    tx: &Tx,
    night: &Night<P, T>,
    found: &[impl Serialize],
    leased_until: Instant,
) -> Result<bool, StoreError> {
    use reconciliation::Column as C;
    let saved = reconciliation::Entity::update_many()
        .col_expr(C::LeasedUntil, Expr::value(leased_until.timestamp_micros()))
        .col_expr(C::FinishedAt, Expr::value(night.finished_at.map(|at| at.timestamp_micros())))
        .col_expr(C::Place, Expr::value(to_json(&night.place)))
        .col_expr(C::Totals, Expr::value(to_json(&night.totals)))
        .filter(C::Id.eq(night.id))
        .filter(C::FinishedAt.is_null())
        .filter(C::LeasedUntil.eq(night.leased_until.timestamp_micros()))
        .exec(tx)
        .await?;
    if saved.rows_affected == 0 {
        return Ok(false);
    }
    if !found.is_empty() {
        use escrow_difference::Column as D;
        let last = escrow_difference::Entity::find().filter(D::ReconciliationId.eq(night.id));
        let last = last.order_by_desc(D::Number).limit(1).one(tx).await?.map_or(0, |last| last.number);
        let rows = found.iter().zip(last + 1..).map(|(one, number)| escrow_difference::ActiveModel {
            reconciliation_id: Set(night.id),
            number: Set(number),
            body: Set(to_json(one)),
        });
        escrow_difference::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(true)
}

/// Forgets every comparison of a night before this one's.
pub async fn forget_before(tx: &Tx, night: i64) -> Result<(), StoreError> {
    use reconciliation::Column as C;
    let old = reconciliation::Entity::find().select_only().column(C::Id).filter(C::Night.lt(night));
    let old: Vec<Uuid> = old.into_tuple().all(tx).await?;
    if old.is_empty() {
        return Ok(());
    }
    let theirs = escrow_difference::Column::ReconciliationId.is_in(old.clone());
    escrow_difference::Entity::delete_many().filter(theirs).exec(tx).await?;
    reconciliation::Entity::delete_many().filter(C::Id.is_in(old)).exec(tx).await?;
    Ok(())
}

/// The last one that is finished.
pub async fn last<P: DeserializeOwned, T: DeserializeOwned>(
    db: &impl ConnectionTrait,
) -> Result<Option<Night<P, T>>, StoreError> {
    use reconciliation::Column as C;
    let finished = reconciliation::Entity::find().filter(C::FinishedAt.is_not_null());
    finished.order_by_desc(C::Night).limit(1).one(db).await?.map(from_row).transpose()
}

/// Up to `most` of what it found behind number `after`, each with its number.
pub async fn differences<D: DeserializeOwned>(
    db: &impl ConnectionTrait,
    night: Uuid,
    after: i64,
    most: u64,
) -> Result<Vec<(i64, D)>, StoreError> {
    use escrow_difference::Column as C;
    let query = escrow_difference::Entity::find().filter(C::ReconciliationId.eq(night));
    let rows = query.filter(C::Number.gt(after)).order_by_asc(C::Number).limit(most).all(db).await?;
    let read = |row: escrow_difference::Model| {
        Ok((row.number, Column("escrow_difference", "body").json(&row.body)?))
    };
    rows.into_iter().map(read).collect()
}
