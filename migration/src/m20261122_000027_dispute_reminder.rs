//! When somebody is to be reminded that a dispute is to be decided; null: no more.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_index, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = big_integer_null("remind_at");
        manager.alter_table(Table::alter().table("dispute").add_column(column).to_owned()).await?;
        let connection = manager.get_connection();
        let open = "UPDATE dispute SET remind_at = decide_by - 86400000000 WHERE closed_at IS NULL";
        connection.execute_unprepared(open).await?;
        manager.create_index(index("dispute", &["remind_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "dispute", "dispute_remind_at_idx").await?;
        manager.alter_table(Table::alter().table("dispute").drop_column("remind_at").to_owned()).await
    }
}
