//! When a consolidation was dissolved: its shipments are told what does not hold any more, and when that was.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = big_integer_null("dissolved_at");
        manager.alter_table(Table::alter().table("consolidation").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("consolidation").drop_column("dissolved_at").to_owned())
            .await
    }
}
