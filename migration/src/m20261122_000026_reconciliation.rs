//! What is compared with escrow providers' word, what came of the last comparison, and what customs was told.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, drop_index, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reconciliation = [
            uuid("id"),
            // The night, counted from 1970: each has one.
            big_integer("night"),
            // Triggers since then are compared.
            big_integer("since_at"),
            big_integer("began_at"),
            // By the machine's clock, both. Not finished, and the lease over: somebody else goes on.
            big_integer("leased_until"),
            big_integer_null("finished_at"),
            // Where it is, as JSON.
            text("place"),
            text("totals"),
        ];
        manager.create_table(table("reconciliation", reconciliation, &["id"])).await?;
        manager.create_index(unique("reconciliation", &["night"])).await?;
        let difference = [uuid("reconciliation_id"), big_integer("number"), text("body")];
        manager
            .create_table(table("escrow_difference", difference, &["reconciliation_id", "number"]))
            .await?;
        manager.create_index(index("escrow_trigger", &["created_at", "id"])).await?;
        // What the provider answered to a declaration, as JSON.
        let outcome = Table::alter().table("escrow_trigger").add_column(text_null("outcome")).to_owned();
        manager.alter_table(outcome).await?;
        // Most orders are settled, and asked about no more.
        let open = "CREATE INDEX escrow_order_open_idx ON escrow_order (provider, shipment_id) \
             WHERE state NOT IN ('confirmed', 'refunded')";
        manager.get_connection().execute_unprepared(open).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "escrow_order", "escrow_order_open_idx").await?;
        let outcome = Table::alter().table("escrow_trigger").drop_column("outcome").to_owned();
        manager.alter_table(outcome).await?;
        drop_index(manager, "escrow_trigger", "escrow_trigger_created_at_id_idx").await?;
        drop_all(manager, &["reconciliation", "escrow_difference"]).await
    }
}
