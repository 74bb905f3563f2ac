//! What was asked of each account with a carrier, by all daemons together.
//!
//! The row is held from reading it to the end of the transaction that asks for more: two daemons never take
//! the same call.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseBackend, EntityTrait, FromQueryResult};

use super::entity::carrier_account;
use super::row::{Column, Only, columns, statement};
use super::{StoreError, Tx};
use crate::domain::carrier::{AccountId, Usage};
use crate::domain::instant::{Instant, from_micros};

/// None: it was never asked anything.
async fn lock(tx: &Tx, id: &AccountId) -> Result<Option<Usage>, StoreError> {
    let hold = match tx.get_database_backend() {
        DatabaseBackend::Postgres => " FOR UPDATE",
        _ => "",
    };
    let sql = format!(
        "SELECT {} FROM carrier_account WHERE carrier = $1 AND name = $2{hold}",
        columns!(carrier_account)
    );
    let values = [id.carrier.to_string().into(), id.name.clone().into()];
    let row = carrier_account::Model::find_by_statement(statement(tx, &sql, values)).one(tx).await?;
    row.map(from_row).transpose()
}

/// As [`lock`], and makes the row of one that was never asked.
pub async fn hold(tx: &Tx, id: &AccountId) -> Result<Usage, StoreError> {
    if let Some(usage) = lock(tx, id).await? {
        return Ok(usage);
    }
    begin(tx, id).await?;
    Ok(lock(tx, id).await?.unwrap_or_default())
}

/// The carrier wants to be left alone until then, by all daemons.
pub async fn rest(tx: &Tx, id: &AccountId, until: Instant) -> Result<(), StoreError> {
    let usage = hold(tx, id).await?;
    save(tx, id, &Usage { next_call_at: usage.next_call_at.max(until), ..usage }).await
}

/// Without holding it.
pub async fn find(db: &impl ConnectionTrait, id: &AccountId) -> Result<Option<Usage>, StoreError> {
    let key = (id.carrier.to_string(), id.name.clone());
    carrier_account::Entity::find_by_id(key).only(db).await?.map(from_row).transpose()
}

fn from_row(row: carrier_account::Model) -> Result<Usage, StoreError> {
    Ok(Usage {
        next_call_at: from_micros(row.next_call_at),
        day_began_at: from_micros(row.day_began_at),
        calls: Column("carrier_account", "calls").number(row.calls)?,
    })
}

/// Makes the row of an account that was never asked, so that it can be held.
async fn begin(tx: &Tx, id: &AccountId) -> Result<(), StoreError> {
    carrier_account::Entity::insert(to_row(id, &Usage::default()))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

pub async fn save(tx: &Tx, id: &AccountId, usage: &Usage) -> Result<(), StoreError> {
    carrier_account::Entity::update(to_row(id, usage)).exec(tx).await?;
    Ok(())
}

fn to_row(id: &AccountId, usage: &Usage) -> carrier_account::ActiveModel {
    carrier_account::ActiveModel {
        carrier: Set(id.carrier.to_string()),
        name: Set(id.name.clone()),
        next_call_at: Set(usage.next_call_at.timestamp_micros()),
        day_began_at: Set(usage.day_began_at.timestamp_micros()),
        calls: Set(i64::from(usage.calls)),
    }
}
