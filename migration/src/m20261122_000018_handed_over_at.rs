//! From which hub a parcel went on with its carrier: how long that takes is learnt by it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = text_null("from_hub");
        manager.alter_table(Table::alter().table("tracked_number").add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("tracked_number").drop_column("from_hub").to_owned()).await
    }
}
