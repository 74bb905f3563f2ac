//! Keys of those who run the network.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Kept as its hash, under which it is looked up.
        let operator_key =
            [string_len("hash", 64), text("name"), big_integer("created_at"), big_integer_null("revoked_at")];
        manager.create_table(table("operator_key", operator_key, &["hash"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["operator_key"]).await
    }
}
