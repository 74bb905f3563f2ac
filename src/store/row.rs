//! Small conversions between columns and domain values.

use std::fmt::Display;
use std::str::FromStr;

use sea_orm::sea_query::Value;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, Select,
    Statement,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A column of one table, to say where a value came from when it makes no sense.
#[derive(Clone, Copy)]
pub struct Column(pub &'static str, pub &'static str);

impl Column {
    pub fn corrupt(self, reason: impl Display) -> StoreError {
        StoreError::Corrupt { table: self.0, column: self.1, reason: reason.to_string() }
    }

    pub fn word<T: FromStr<Err: Display>>(self, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error| self.corrupt(error))
    }

    pub fn word_or_none<T: FromStr<Err: Display>>(self, text: Option<&str>) -> Result<Option<T>, StoreError> {
        text.map(|text| self.word(text)).transpose()
    }

    pub fn json<T: DeserializeOwned>(self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.corrupt(error))
    }

    pub fn number<T: TryFrom<N>, N: Display + Copy>(self, number: N) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(format!("{number} is out of range")))
    }
}

/// The columns of a table, as its entity declares them. Not `*`: that is one more after a newer daemon has migrated the
/// database, and PostgreSQL refuses a statement that was prepared before to all daemons that still run.
macro_rules! columns {
    ($table:ident) => {{
        static NAMES: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| $crate::store::row::names::<$table::Entity>());
        NAMES.as_str()
    }};
}
pub(super) use columns;

pub fn names<E: EntityTrait>() -> String {
    let names: Vec<&str> = E::Column::iter().map(|column| column.as_str()).collect();
    names.join(", ")
}

/// What a statement finds that is written out, for what is asked all the time: sea-orm puts its own statements together
/// anew with each question, which takes as long as SQLite takes to answer them.
pub async fn rows<M: FromQueryResult>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<M>, StoreError> {
    Ok(M::find_by_statement(statement(db, sql, values)).all(db).await?)
}

/// The same of a key that there is at most one row of.
pub async fn only<M: FromQueryResult>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<M>, StoreError> {
    Ok(rows(db, sql, values).await?.into_iter().next())
}

/// The row of a key that there is at most one row of. sea-orm's `one` adds `LIMIT ?`, and SQLite prepares a
/// statement anew each time that its limit is bound: a fifth of all that it did.
pub trait Only: Sized {
    type Row;

    fn only<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> impl Future<Output = Result<Option<Self::Row>, DbErr>> + Send;
}

impl<E: EntityTrait> Only for Select<E> {
    type Row = E::Model;

    async fn only<C: ConnectionTrait>(self, db: &C) -> Result<Option<E::Model>, DbErr> {
        Ok(self.all(db).await?.into_iter().next())
    }
}

/// Our own types, which always have a JSON form; what hasn't is kept as `null` and found on reading.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A statement with `$1`, `$2`, … that both databases read alike.
pub fn statement(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// `($1, $2), ($3, $4)`: so many rows of so many columns each, the first column's number being `first`. Where nothing
/// else has a number they have none for SQLite either, which would look for each of hundreds among all of them.
pub fn placeholders(db: &impl ConnectionTrait, first: usize, rows: usize, columns: usize) -> String {
    let is_numbered = first > 1 || db.get_database_backend() != DatabaseBackend::Sqlite;
    let mut text = String::with_capacity(rows * (2 + columns * 6));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            text.push_str(if column == 0 { "" } else { ", " });
            if is_numbered {
                text.push('$');
                text.push_str(&(first + row * columns + column).to_string());
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text
}

/// What holds rows until the end of the transaction; SQLite has one writer and needs nothing.
pub fn for_update(db: &impl ConnectionTrait) -> &'static str {
    match db.get_database_backend() {
        DatabaseBackend::Postgres => " FOR UPDATE",
        _ => "",
    }
}

/// What keeps two daemons from claiming the same rows; SQLite has one writer and needs nothing.
pub fn skip_locked(db: &impl ConnectionTrait) -> &'static str {
    match db.get_database_backend() {
        DatabaseBackend::Postgres => " FOR UPDATE SKIP LOCKED",
        _ => "",
    }
}
