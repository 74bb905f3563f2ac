//! Orders, the triggers they gave rise to, and the way out.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let escrow_order = [
            uuid("shipment_id"),
            uuid("id"),
            uuid("merchant_id"),
            text("provider"),
            text("payment_reference"),
            big_integer("amount_minor"),
            string_len("currency", 3),
            text("policy"),
            text("state"),
            text_null("frozen_because"),
            // Another merchant's order named the same trade before.
            boolean("contested"),
            big_integer("updated_at"),
        ];
        manager.create_table(table("escrow_order", escrow_order, &["shipment_id", "id"])).await?;
        manager
            .create_index(unique("escrow_order", &["merchant_id", "provider", "payment_reference"]))
            .await?;

        // Who named a trade first. Money moves for that order alone: what another merchant's
        // shipment proves, it proves for nobody's payment.
        let payment_owner = [text("provider"), text("payment_reference"), uuid("order_id")];
        manager
            .create_table(table("payment_owner", payment_owner, &["provider", "payment_reference"]))
            .await?;

        // At most one trigger per order and action, for ever.
        let trigger = [
            uuid("shipment_id"),
            uuid("order_id"),
            text("action"),
            uuid("id"),
            text("facts"),
            big_integer("created_at"),
            big_integer_null("acknowledged_at"),
        ];
        manager
            .create_table(table("escrow_trigger", trigger, &["shipment_id", "order_id", "action"]))
            .await?;

        let outbox = [
            uuid("id"),
            uuid("shipment_id"),
            // Messages of one stream go out in the order of their positions; behind the first
            // that is not settled they wait, where no claim looks at them.
            uuid("stream"),
            integer("position"),
            text("destination"),
            text("body"),
            text("state"),
            integer("attempts"),
            // By the machine's clock, both: when to try, and until when somebody is trying.
            big_integer("next_attempt_at"),
            big_integer("leased_until"),
            text_null("last_problem"),
            big_integer("created_at"),
            big_integer_null("settled_at"),
        ];
        manager.create_table(table("outbox", outbox, &["id"])).await?;
        manager.create_index(index("outbox", &["state", "next_attempt_at"])).await?;
        manager.create_index(unique("outbox", &["stream", "position"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["escrow_order", "payment_owner", "escrow_trigger", "outbox"]).await
    }
}
