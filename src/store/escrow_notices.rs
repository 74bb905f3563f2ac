//! What escrow providers sent by themselves: stored before it is answered, taken in later.
//!
//! A notice is kept once under its provider's id, however often it is sent, and for as long as a provider could send it
//! again.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::escrow_notice;
use super::events::hex;
use super::row::{Column, columns, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::instant::{Instant, from_micros};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNotice {
    pub id: Uuid,
    pub provider: String,
    /// The provider's.
    pub notice_id: String,
    /// As it came, for a person.
    pub body: Vec<u8>,
    /// What it said when its signature was checked, as JSON.
    pub said: String,
    pub received_at: Instant,
    /// How often it was taken up, this time too.
    pub attempts: u32,
}

const ID_LENGTH_MAX: usize = 200;

/// A name that an index takes, whatever a provider calls its notices.
fn name_of(notice_id: &str) -> String {
    match notice_id.len() > ID_LENGTH_MAX || notice_id.contains('\0') {
        true => hex(&Sha256::digest(notice_id)),
        false => notice_id.to_owned(),
    }
}

/// False: it was there already.
pub async fn insert(tx: &Tx, notice: &KeptNotice, wall: Instant) -> Result<bool, StoreError> {
    let row = escrow_notice::ActiveModel {
        id: Set(notice.id),
        provider: Set(notice.provider.clone()),
        notice_id: Set(name_of(&notice.notice_id)),
        body: Set(notice.body.clone()),
        said: Set(notice.said.clone()),
        received_at: Set(notice.received_at.timestamp_micros()),
        next_attempt_at: Set(Some(wall.timestamp_micros())),
        settled_at: Set(None),
        attempts: Set(0),
        problem: Set(None),
    };
    let added = escrow_notice::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(added > 0)
}

/// Whether it is there already.
pub async fn is_kept(db: &impl ConnectionTrait, provider: &str, notice_id: &str) -> Result<bool, StoreError> {
    use escrow_notice::Column as C;
    let same = escrow_notice::Entity::find().filter(C::Provider.eq(provider));
    Ok(same.filter(C::NoticeId.eq(name_of(notice_id))).one(db).await?.is_some())
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str =
    "SELECT id FROM escrow_notice WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $2";

/// Takes those that wait longest until `claimed_until`, by the machine's clock.
pub async fn claim(
    tx: &Tx,
    wall: Instant,
    claimed_until: Instant,
    most: u64,
) -> Result<Vec<KeptNotice>, StoreError> {
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) UPDATE escrow_notice SET next_attempt_at = $3, attempts = attempts + 1 \
         WHERE id IN (SELECT id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(escrow_notice)
    );
    let values =
        [wall.timestamp_micros().into(), (most as i64).into(), claimed_until.timestamp_micros().into()];
    let rows = escrow_notice::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(from_row).collect()
}

fn from_row(row: escrow_notice::Model) -> Result<KeptNotice, StoreError> {
    Ok(KeptNotice {
        id: row.id,
        provider: row.provider,
        notice_id: row.notice_id,
        body: row.body,
        said: row.said,
        received_at: from_micros(row.received_at),
        attempts: Column("escrow_notice", "attempts").number(row.attempts)?,
    })
}

/// It could not be taken in: tried again then.
pub async fn put_off(tx: &Tx, id: Uuid, until: Instant, problem: &str) -> Result<(), StoreError> {
    use escrow_notice::Column as C;
    escrow_notice::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(until.timestamp_micros()))
        .col_expr(C::Problem, Expr::value(problem))
        .filter(C::Id.eq(id))
        .filter(C::SettledAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// It is taken in, or cannot be: then `problem` says why.
pub async fn settle(tx: &Tx, id: Uuid, problem: Option<&str>, wall: Instant) -> Result<(), StoreError> {
    use escrow_notice::Column as C;
    escrow_notice::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(None::<i64>))
        .col_expr(C::SettledAt, Expr::value(wall.timestamp_micros()))
        .col_expr(C::Problem, Expr::value(problem.map(str::to_owned)))
        .filter(C::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets those that were settled before `before`.
pub async fn purge(tx: &Tx, before: Instant) -> Result<u64, StoreError> {
    let old = escrow_notice::Column::SettledAt.lt(before.timestamp_micros());
    Ok(escrow_notice::Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
}
