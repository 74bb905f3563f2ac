//! What escrow providers said by themselves, and whose payment it is about.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let notice = [
            uuid("id"),
            text("provider"),
            // The provider's; the same each time the notice is sent.
            text("notice_id"),
            binary("body"),
            // What it said when its signature was checked, as JSON: that cannot be checked again later.
            text("said"),
            big_integer("received_at"),
            // By the machine's clock, both. No next attempt: it is settled.
            big_integer_null("next_attempt_at"),
            big_integer_null("settled_at"),
            integer("attempts"),
            text_null("problem"),
        ];
        manager.create_table(table("escrow_notice", notice, &["id"])).await?;
        manager.create_index(unique("escrow_notice", &["provider", "notice_id"])).await?;
        manager.create_index(index("escrow_notice", &["next_attempt_at"])).await?;
        manager.create_index(index("escrow_notice", &["settled_at"])).await?;
        manager.create_index(index("escrow_order", &["id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["escrow_notice"]).await?;
        manager.drop_index(Index::drop().name("escrow_order_id_idx").table("escrow_order").to_owned()).await
    }
}
