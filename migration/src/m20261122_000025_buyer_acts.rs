//! How buyers prove that they are, and what they object to.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The code in force (hashed) and all tries that still count, as JSON.
        let proof = [uuid("shipment_id"), text("standing")];
        manager.create_table(table("buyer_proof", proof, &["shipment_id"])).await?;
        let dispute = [
            uuid("shipment_id"),
            uuid("id"),
            text("reason"),
            big_integer("opened_at"),
            big_integer("decide_by"),
            big_integer_null("closed_at"),
            text_null("outcome"),
            text_null("because"),
        ];
        manager.create_table(table("dispute", dispute, &["shipment_id", "id"])).await?;
        manager.create_index(index("dispute", &["id"])).await?;
        let message = [
            uuid("shipment_id"),
            uuid("dispute_id"),
            integer("number"),
            text("party"),
            text("message"),
            // A JSON list of addresses.
            text("attachments"),
            big_integer("at"),
        ];
        let key = ["shipment_id", "dispute_id", "number"];
        manager.create_table(table("dispute_message", message, &key)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["buyer_proof", "dispute", "dispute_message"]).await
    }
}
