//! What is due to one receiver is found without a look at what waits for the others.

use sea_orm_migration::prelude::*;

use crate::table::{drop_index, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("outbox", &["state", "destination", "next_attempt_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "outbox", "outbox_state_destination_next_attempt_at_idx").await
    }
}
