//! Whom to ask next by carrier, how much was asked of which account, and what carriers sent by themselves.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let details = [
            // Of the last answer and the version that read it: the same again changes nothing.
            text_null("answer_hash"),
            // What was last seen of it, for whoever decides when to look again.
            text_null("seen_status"),
            big_integer_null("seen_at"),
            big_integer_null("delivered_at"),
            big_integer_null("asked_at"),
        ];
        // One statement a column: SQLite takes no more.
        for column in details {
            manager.alter_table(Table::alter().table("tracked_number").add_column(column).to_owned()).await?;
        }
        // Each carrier is asked by itself, so that one that is slow keeps no other waiting.
        manager.create_index(index("tracked_number", &["carrier", "next_poll_at"])).await?;
        manager
            .drop_index(
                Index::drop().name("tracked_number_next_poll_at_idx").table("tracked_number").to_owned(),
            )
            .await?;

        // What somebody who watches every carrier tells of a number, it tells without naming ours.
        manager.create_index(index("number_owner", &["tracking_number"])).await?;

        // By the machine's clock: carriers count in real time.
        let account = [
            text("carrier"),
            text("name"),
            big_integer("next_call_at"),
            big_integer("day_began_at"),
            big_integer("calls"),
        ];
        manager.create_table(table("carrier_account", account, &["carrier", "name"])).await?;

        let push = [
            uuid("id"),
            text("carrier"),
            string_len("body_hash", 64),
            binary("body"),
            big_integer("received_at"),
            // By the machine's clock; None: it is done.
            big_integer_null("next_attempt_at"),
            integer("attempts"),
            text_null("problem"),
        ];
        manager.create_table(table("carrier_push", push, &["id"])).await?;
        manager.create_index(unique("carrier_push", &["carrier", "body_hash"])).await?;
        manager.create_index(index("carrier_push", &["next_attempt_at"])).await?;
        manager.create_index(index("carrier_push", &["received_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["carrier_account", "carrier_push"]).await?;
        manager
            .drop_index(
                Index::drop().name("number_owner_tracking_number_idx").table("number_owner").to_owned(),
            )
            .await?;
        manager.create_index(index("tracked_number", &["next_poll_at"])).await?;
        manager
            .drop_index(
                Index::drop()
                    .name("tracked_number_carrier_next_poll_at_idx")
                    .table("tracked_number")
                    .to_owned(),
            )
            .await?;
        for column in ["asked_at", "delivered_at", "seen_at", "seen_status", "answer_hash"] {
            manager
                .alter_table(Table::alter().table("tracked_number").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
