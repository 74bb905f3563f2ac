//! Keys of those who run the network.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::operator_key::{self, Column as C};
use super::{StoreError, Tx};
use crate::domain::instant::{Instant, from_micros};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorKey {
    pub name: String,
    pub created_at: Instant,
    pub revoked_at: Option<Instant>,
}

pub async fn insert_key(tx: &Tx, name: &str, hash: &str, at: Instant) -> Result<(), StoreError> {
    let row = operator_key::ActiveModel {
        hash: Set(hash.to_owned()),
        name: Set(name.to_owned()),
        created_at: Set(at.timestamp_micros()),
        revoked_at: Set(None),
    };
    operator_key::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Says how many keys the operator had that were still good.
pub async fn revoke_keys(tx: &Tx, name: &str, at: Instant) -> Result<u64, StoreError> {
    let done = operator_key::Entity::update_many()
        .col_expr(C::RevokedAt, Expr::value(at.timestamp_micros()))
        .filter(C::Name.eq(name))
        .filter(C::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Whose key it is, if it is good.
pub async fn name_by_key_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<String>, StoreError> {
    let key = operator_key::Entity::find_by_id(hash).one(db).await?;
    Ok(key.filter(|key| key.revoked_at.is_none()).map(|key| key.name))
}

/// All keys, oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<OperatorKey>, StoreError> {
    let rows = operator_key::Entity::find().order_by_asc(C::CreatedAt).order_by_asc(C::Hash).all(db).await?;
    let key = |row: operator_key::Model| OperatorKey {
        name: row.name,
        created_at: from_micros(row.created_at),
        revoked_at: row.revoked_at.map(from_micros),
    };
    Ok(rows.into_iter().map(key).collect())
}
