//! What an event was read as, and when: a carrier's later answer can say something else of the same event.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            // When the reading that counts was heard last.
            big_integer("read_at").default(0).to_owned(),
            // When it was first read as a delivery.
            big_integer_null("read_delivered_at"),
        ];
        for column in columns {
            manager.alter_table(Table::alter().table("tracking_event").add_column(column).to_owned()).await?;
        }
        let connection = manager.get_connection();
        connection.execute_unprepared("UPDATE tracking_event SET read_at = recorded_at").await?;
        let delivered =
            "UPDATE tracking_event SET read_delivered_at = recorded_at WHERE status = 'delivered'";
        connection.execute_unprepared(delivered).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["read_delivered_at", "read_at"] {
            manager
                .alter_table(Table::alter().table("tracking_event").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
