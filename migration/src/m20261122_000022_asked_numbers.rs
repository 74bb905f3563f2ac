//! Of the numbers only those that are asked about are looked for, and most are asked about no more.

use sea_orm_migration::prelude::*;

use crate::table::{drop_index, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const ASKED: &str = "CREATE INDEX tracked_number_asked_idx ON tracked_number (carrier, next_poll_at) \
     WHERE next_poll_at IS NOT NULL";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(ASKED).await?;
        drop_index(manager, "tracked_number", "tracked_number_carrier_next_poll_at_idx").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("tracked_number", &["carrier", "next_poll_at"])).await?;
        drop_index(manager, "tracked_number", "tracked_number_asked_idx").await
    }
}
