//! Where an event happened on the map, and which one it takes back.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One statement a column: SQLite takes no more.
        for column in [double_null("lat"), double_null("lon"), text_null("cancels")] {
            manager.alter_table(Table::alter().table("tracking_event").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["cancels", "lon", "lat"] {
            manager
                .alter_table(Table::alter().table("tracking_event").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
