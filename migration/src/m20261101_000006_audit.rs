//! What was changed, when and for whom: a chain of hashes per shipment.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let audit_entry = [
            uuid("shipment_id"),
            big_integer("seq"),
            big_integer("at"),
            text("actor"),
            text("action"),
            text("detail"),
            string_len("previous_hash", 64),
            string_len("hash", 64),
        ];
        manager.create_table(table("audit_entry", audit_entry, &["shipment_id", "seq"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["audit_entry"]).await
    }
}
