//! What carriers sent by themselves: stored before they are answered, read later.
//!
//! The same body is kept once, however often it is sent. Taking one in again adds nothing. One about a number that is
//! not known is taken in when the number is, for as long as it is kept.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::{carrier_push, early_push};
use super::events::hex;
use super::row::{Column, columns, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::instant::{Instant, from_micros};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub id: Uuid,
    pub carrier: CarrierCode,
    /// As it is read: unwrapped, where the carrier wraps it.
    pub body: Vec<u8>,
    pub received_at: Instant,
    /// How often it was taken up, this time too.
    pub attempts: u32,
}

/// False: it was there already.
pub async fn insert(tx: &Tx, push: &Push, wall: Instant) -> Result<bool, StoreError> {
    let row = carrier_push::ActiveModel {
        id: Set(push.id),
        carrier: Set(push.carrier.to_string()),
        body_hash: Set(hex(&Sha256::digest(&push.body))),
        body: Set(push.body.clone()),
        received_at: Set(push.received_at.timestamp_micros()),
        next_attempt_at: Set(Some(wall.timestamp_micros())),
        attempts: Set(0),
        problem: Set(None),
    };
    let added = carrier_push::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(added > 0)
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str =
    "SELECT id FROM carrier_push WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $2";

/// Takes those that wait longest until `claimed_until`, by the machine's clock.
pub async fn claim(
    tx: &Tx,
    wall: Instant,
    claimed_until: Instant,
    most: u64,
) -> Result<Vec<Push>, StoreError> {
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) UPDATE carrier_push SET next_attempt_at = $3, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(carrier_push)
    );
    let values =
        [wall.timestamp_micros().into(), (most as i64).into(), claimed_until.timestamp_micros().into()];
    let rows = carrier_push::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id;
        match from_row(row) {
            Ok(push) => all.push(push),
            Err(error) => {
                tracing::error!(%error, push = %id, "a push cannot be read and is left where it is");
                settle(tx, id, Some(&error.to_string())).await?;
            }
        }
    }
    Ok(all)
}

fn from_row(row: carrier_push::Model) -> Result<Push, StoreError> {
    let column = |name| Column("carrier_push", name);
    Ok(Push {
        id: row.id,
        carrier: column("carrier").word(&row.carrier)?,
        body: row.body,
        received_at: from_micros(row.received_at),
        attempts: column("attempts").number(row.attempts)?,
    })
}

/// It could not be taken in: tried again then.
pub async fn put_off(tx: &Tx, id: Uuid, until: Instant, problem: &str) -> Result<(), StoreError> {
    use carrier_push::Column as C;
    carrier_push::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(until.timestamp_micros()))
        .col_expr(C::Problem, Expr::value(problem))
        .filter(C::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// It is taken in, or cannot be: then `problem` says why.
pub async fn settle(tx: &Tx, id: Uuid, problem: Option<&str>) -> Result<(), StoreError> {
    use carrier_push::Column as C;
    carrier_push::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(None::<i64>))
        .col_expr(C::Problem, Expr::value(problem.map(str::to_owned)))
        .filter(C::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// It speaks of numbers that nobody here has, or not yet.
pub async fn keep_for(tx: &Tx, push: &Push, numbers: &[TrackingNumber]) -> Result<(), StoreError> {
    if numbers.is_empty() {
        return Ok(());
    }
    let row = |number: &TrackingNumber| early_push::ActiveModel {
        tracking_number: Set(number.to_string()),
        push_id: Set(push.id),
        received_at: Set(push.received_at.timestamp_micros()),
    };
    early_push::Entity::insert_many(numbers.iter().map(row))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// A number is known from now on: what was sent of it before is taken up again.
pub async fn take_up(tx: &Tx, number: &TrackingNumber, wall: Instant) -> Result<(), StoreError> {
    use carrier_push::Column as C;
    use early_push::Column as E;
    let rows = early_push::Entity::find().filter(E::TrackingNumber.eq(number.as_str())).all(tx).await?;
    if rows.is_empty() {
        return Ok(());
    }
    carrier_push::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(wall.timestamp_micros()))
        .col_expr(C::Attempts, Expr::value(0))
        .filter(C::Id.is_in(rows.iter().map(|row| row.push_id)))
        .exec(tx)
        .await?;
    early_push::Entity::delete_many().filter(E::TrackingNumber.eq(number.as_str())).exec(tx).await?;
    Ok(())
}

/// Forgets those that were taken in and received before `before`: what they said is kept with their parcels.
pub async fn purge(tx: &Tx, before: Instant) -> Result<u64, StoreError> {
    use carrier_push::Column as C;
    let old = carrier_push::Entity::delete_many()
        .filter(C::ReceivedAt.lt(before.timestamp_micros()))
        .filter(C::NextAttemptAt.is_null());
    Ok(old.exec(tx).await?.rows_affected)
}

/// Nor are numbers waited for any longer that were pushed of before `before`.
pub async fn purge_early(tx: &Tx, before: Instant) -> Result<(), StoreError> {
    let old = early_push::Column::ReceivedAt.lt(before.timestamp_micros());
    early_push::Entity::delete_many().filter(old).exec(tx).await?;
    Ok(())
}
