//! Who may ask for pickups, who may scan, and what was answered to whom.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let merchant = [
            uuid("id"),
            text("name"),
            string_len("country", 2),
            string_len("settlement_currency", 3),
            text("verification"),
            text("webhook_secret"),
            // Still accepted while a merchant changes over to the new one.
            text_null("webhook_secret_previous"),
            big_integer("created_at"),
        ];
        manager.create_table(table("merchant", merchant, &["id"])).await?;

        // Keys are random and long, so a plain SHA-256 of one gives nothing away.
        let merchant_key = [
            string_len("hash", 64),
            uuid("merchant_id"),
            big_integer("created_at"),
            big_integer_null("revoked_at"),
        ];
        manager.create_table(table("merchant_key", merchant_key, &["hash"])).await?;
        manager.create_index(index("merchant_key", &["merchant_id"])).await?;

        let hub_key = [
            string_len("hash", 64),
            text("hub_code"),
            big_integer("created_at"),
            big_integer_null("revoked_at"),
        ];
        manager.create_table(table("hub_key", hub_key, &["hash"])).await?;

        let idempotency_key = [
            uuid("merchant_id"),
            string_len("key", 255),
            string_len("request_hash", 64),
            integer("status"),
            text("body"),
            big_integer("created_at"),
        ];
        manager.create_table(table("idempotency_key", idempotency_key, &["merchant_id", "key"])).await?;
        manager.create_index(index("idempotency_key", &["created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["merchant", "merchant_key", "hub_key", "idempotency_key"]).await
    }
}
