//! Serials that are given out once and never again.

use sea_orm::ConnectionTrait;

use super::row::{Column, statement};
use super::{StoreError, Tx};

/// Draws `count` serials of the counter `name`, all below `end`: the first of them, the others follow it. They
/// count from 0. None, and nothing drawn: there are not so many left. What a transaction drew and gave up
/// was never given out; until it ends, nobody else draws of this counter.
pub async fn draw(tx: &Tx, name: &str, count: u64, end: u64) -> Result<Option<u64>, StoreError> {
    if count > end {
        return Ok(None);
    }
    let sql = "INSERT INTO serial_counter (name, next) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET next = serial_counter.next + excluded.next \
         WHERE serial_counter.next + excluded.next <= $3 RETURNING next";
    let values = [name.into(), (count as i64).into(), i64::try_from(end).unwrap_or(i64::MAX).into()];
    let Some(row) = tx.query_one_raw(statement(tx, sql, values)).await? else { return Ok(None) };
    let drawn: i64 = row.try_get("", "next")?;
    Column("serial_counter", "next").number(drawn - count as i64).map(Some)
}
