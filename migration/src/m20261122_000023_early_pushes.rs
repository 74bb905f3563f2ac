//! What carriers sent of numbers that were on no label of ours, by number: a handover can be later than its first push.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let early = [text("tracking_number"), uuid("push_id"), big_integer("received_at")];
        manager.create_table(table("early_push", early, &["tracking_number", "push_id"])).await?;
        manager.create_index(index("early_push", &["received_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["early_push"]).await
    }
}
