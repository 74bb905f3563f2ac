//! Which bags are no bags: a parcel that none takes travels as a piece of its own.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMN: &str = "single_piece";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Of what was packed before nobody knows which limits were in force.
        let mut bag = Table::alter().table("bag").to_owned();
        let column = boolean(COLUMN).default(false).to_owned();
        manager.alter_table(bag.add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut bag = Table::alter().table("bag").to_owned();
        manager.alter_table(bag.drop_column(COLUMN).to_owned()).await
    }
}
