//! Rows that change a few times leave room on their pages: PostgreSQL writes the next version beside the last one then,
//! and touches no index of what stays the same. SQLite changes rows where they are.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Tables, and how much of a page is filled with new rows.
const FILLED: [(&str, u8); 4] =
    [("outbox", 70), ("escrow_trigger", 80), ("escrow_order", 80), ("shipment", 80)];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, percent) in FILLED {
            on_postgres(manager, &format!("ALTER TABLE {table} SET (fillfactor = {percent})")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _) in FILLED {
            on_postgres(manager, &format!("ALTER TABLE {table} RESET (fillfactor)")).await?;
        }
        Ok(())
    }
}

async fn on_postgres(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    match manager.get_database_backend() {
        DbBackend::Postgres => manager.get_connection().execute_unprepared(sql).await.map(drop),
        _ => Ok(()),
    }
}
