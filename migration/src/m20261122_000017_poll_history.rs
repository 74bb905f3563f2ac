//! What delivered parcels did on their way, for whoever decides when to look at others.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The id has the time in it: what came since is what is larger.
        let history = [uuid("id"), text("carrier"), text("body")];
        manager.create_table(table("poll_history", history, &["id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["poll_history"]).await
    }
}
