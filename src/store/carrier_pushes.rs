//! What carriers sent by themselves: stored before they are answered, read later.
//!
//! The same body is kept once, however often it is sent. Taking one in again adds nothing.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::carrier_push;
use super::events::hex;
use super::row::{Column, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::carrier::CarrierCode;
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
         WHERE id IN (SELECT id FROM due) RETURNING *",
        skip_locked(tx)
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

/// Forgets those that were taken in and received before `before`: what they said is kept with their parcels.
pub async fn purge(tx: &Tx, before: Instant) -> Result<u64, StoreError> {
    use carrier_push::Column as C;
    let old = carrier_push::Entity::delete_many()
        .filter(C::ReceivedAt.lt(before.timestamp_micros()))
        .filter(C::NextAttemptAt.is_null());
    Ok(old.exec(tx).await?.rows_affected)
}
