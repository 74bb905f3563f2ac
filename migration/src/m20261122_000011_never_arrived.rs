//! Consolidations that should long have arrived and that nobody opened, found without reading the others.

use sea_orm_migration::prelude::*;

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("consolidation", &["state", "arrive_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop().name("consolidation_state_arrive_at_idx").to_owned();
        manager.drop_index(index.table("consolidation").to_owned()).await
    }
}
