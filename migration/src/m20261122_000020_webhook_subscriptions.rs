//! Which events an endpoint wants, what signs its messages, and what was sent again.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const ENDPOINT: &str = "webhook_endpoint";
const MESSAGE: &str = "webhook_message";

/// SQLite changes one column at a time.
async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}

async fn take(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await
}

/// An endpoint's messages of one state, and of one kind, in the order of their making.
fn indexes() -> [IndexCreateStatement; 2] {
    [
        index(MESSAGE, &["endpoint_id", "state", "created_at", "id"]),
        index(MESSAGE, &["endpoint_id", "kind", "created_at", "id"]),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Entries as JSON; null: everything.
        add(manager, ENDPOINT, text_null("events")).await?;
        // As JSON, the current one first; null: the merchant's own, until the first rotation.
        add(manager, ENDPOINT, text_null("secrets")).await?;
        // By the machine's clock: when it was last taken up again after it was settled.
        add(manager, MESSAGE, big_integer_null("replayed_at")).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in indexes() {
            let name = index.get_index_spec().get_name().unwrap_or_default().to_owned();
            manager.drop_index(Index::drop().table(MESSAGE).name(name).to_owned()).await?;
        }
        take(manager, MESSAGE, "replayed_at").await?;
        take(manager, ENDPOINT, "secrets").await?;
        take(manager, ENDPOINT, "events").await?;
        // Who knew no other kinds would stumble over them, and never tell that endpoint anything again.
        let known = ["shipment.replanned", "shipment.unroutable", "shipment.status_changed", "ping"];
        let others =
            Query::delete().from_table(MESSAGE).and_where(Expr::col("kind").is_not_in(known)).to_owned();
        manager.execute(others).await
    }
}
