//! Tables, looked at and changed behind the daemon's back.

use sea_orm::{ConnectOptions, ConnectionTrait, DbErr, Statement};
use secrecy::ExposeSecret;

use super::database::{Database, number};
use sampan::store::Store;

/// What a pickup could leave something in.
const TABLES: [&str; 9] = [
    "pickup_request",
    "shipment",
    "parcel",
    "plan",
    "tracking_event",
    "escrow_order",
    "idempotency_key",
    "audit_entry",
    "outbox",
];

pub async fn count(store: &Store, table: &str) -> i64 {
    number(store, &format!("SELECT COUNT(*) AS n FROM {table}")).await
}

/// The rows of all tables that belong to shipments.
pub async fn count_all(store: &Store) -> i64 {
    let mut rows = 0;
    for table in TABLES {
        rows += count(store, table).await;
    }
    rows
}

/// The text that a query answers under the name `n`.
pub async fn text(store: &Store, sql: &str) -> Option<String> {
    let db = store.reader();
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    row?.try_get("", "n").unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Runs a statement that somebody with the database's password could run; says how many rows it changed.
pub async fn change(db: &Database, sql: &str) -> u64 {
    try_change(db, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// As [`change`]; an error says, too, that on SQLite others wrote all the time.
pub async fn try_change(db: &Database, sql: &str) -> Result<u64, DbErr> {
    let mut options = ConnectOptions::new(db.url.expose_secret());
    options.max_connections(1).sqlx_logging(false);
    let connection = sea_orm::Database::connect(options).await?;
    let done = connection.execute_unprepared(sql).await;
    connection.close().await?;
    Ok(done?.rows_affected())
}

/// Makes every number due at once.
pub async fn make_due(db: &Database) {
    change(db, "UPDATE tracked_number SET next_poll_at = 0").await;
}
