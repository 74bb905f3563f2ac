//! Answers that were given, by the key under which they were asked for.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::idempotency_key;
use super::row::{Column, Only, statement};
use super::{Backend, Store, StoreError, Tx};
use crate::domain::id::MerchantId;
use crate::domain::instant::Instant;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    pub request_hash: String,
    pub status: u16,
    pub body: String,
}

pub async fn find(
    db: &impl ConnectionTrait,
    merchant: MerchantId,
    key: &str,
) -> Result<Option<StoredAnswer>, StoreError> {
    let row = idempotency_key::Entity::find_by_id((merchant.uuid(), key.to_owned())).only(db).await?;
    row.map(|row| {
        let status = Column("idempotency_key", "status").number(row.status)?;
        Ok(StoredAnswer { request_hash: row.request_hash, status, body: row.body })
    })
    .transpose()
}

pub async fn insert(
    tx: &Tx,
    merchant: MerchantId,
    key: &str,
    answer: StoredAnswer,
    at: Instant,
) -> Result<(), StoreError> {
    let row = idempotency_key::ActiveModel {
        merchant_id: Set(merchant.uuid()),
        key: Set(key.to_owned()),
        request_hash: Set(answer.request_hash),
        status: Set(i32::from(answer.status)),
        body: Set(answer.body),
        created_at: Set(at.timestamp_micros()),
    };
    idempotency_key::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Whether this transaction is the only one at work on `key`, among all daemons on one
/// PostgreSQL. On SQLite there is one daemon, and it knows by itself.
pub async fn try_lock(store: &Store, tx: &Tx, merchant: MerchantId, key: &str) -> Result<bool, StoreError> {
    if store.backend() == Backend::Sqlite {
        return Ok(true);
    }
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free";
    let row = tx.query_one_raw(statement(tx, sql, [format!("{merchant} {key}").into()])).await?;
    Ok(row.map(|row| row.try_get("", "free")).transpose()?.unwrap_or(false))
}

/// Forgets what was answered before `before`. Says how many answers that were.
pub async fn purge(tx: &Tx, before: Instant) -> Result<u64, StoreError> {
    let old = idempotency_key::Column::CreatedAt.lt(before.timestamp_micros());
    Ok(idempotency_key::Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
}
