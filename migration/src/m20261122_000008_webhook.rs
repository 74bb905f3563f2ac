//! Whom merchants want told, and what they are told. Apart from the outbox, so that nothing
//! that happens here can hold up a message about money.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let endpoint = [
            uuid("merchant_id"),
            uuid("id"),
            text("url"),
            big_integer("created_at"),
            // Nothing more is sent: the receiver said so, or was away for too long.
            big_integer_null("disabled_at"),
            text_null("disabled_because"),
            // The merchant took it back. The row stays as long as its messages do.
            big_integer_null("deleted_at"),
            // Rounds of calls in a row of which none got through, and since when.
            integer("failures"),
            big_integer_null("failing_since"),
            // By the machine's clock, both: until when it is left alone, and until when (or,
            // afterwards, when last) somebody is sending to it.
            big_integer("paused_until"),
            big_integer("leased_until"),
        ];
        manager.create_table(table("webhook_endpoint", endpoint, &["merchant_id", "id"])).await?;
        manager.create_index(unique("webhook_endpoint", &["id"])).await?;
        manager.create_index(index("webhook_endpoint", &["deleted_at"])).await?;

        let message = [
            uuid("merchant_id"),
            uuid("endpoint_id"),
            uuid("id"),
            uuid_null("shipment_id"),
            text("kind"),
            text("body"),
            text("state"),
            integer("attempts"),
            // By the machine's clock.
            big_integer("next_attempt_at"),
            text_null("last_problem"),
            big_integer("created_at"),
            big_integer_null("settled_at"),
        ];
        let key = ["merchant_id", "endpoint_id", "id"];
        manager.create_table(table("webhook_message", message, &key)).await?;
        // From one endpoint that has something to send to the next, however much each has.
        manager.create_index(index("webhook_message", &["state", "endpoint_id", "next_attempt_at"])).await?;
        // What was settled long ago is forgotten.
        manager.create_index(index("webhook_message", &["settled_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["webhook_endpoint", "webhook_message"]).await
    }
}
