//! What carriers and hubs said, and whom to ask next.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The fingerprint is what makes two reports one event: stored once, however often it comes.
        let tracking_event = [
            uuid("shipment_id"),
            string_len("fingerprint", 64),
            integer_null("parcel_number"),
            text("source"),
            text("source_name"),
            text("status"),
            text_null("delivered_to"),
            big_integer("occurred_at"),
            text("local_time"),
            text("offset_source"),
            text("code"),
            text("description"),
            text_null("country"),
            text_null("place"),
            text_null("postal_code"),
            text_null("scan_kind"),
            text_null("hub_code"),
            text_null("facility"),
            // The carrier's number that was asked about, or handed over to.
            text_null("tracking_number"),
            text("raw"),
            big_integer("recorded_at"),
        ];
        manager
            .create_table(table("tracking_event", tracking_event, &["shipment_id", "fingerprint"]))
            .await?;

        let carrier_answer = [
            uuid("shipment_id"),
            text("carrier"),
            text("tracking_number"),
            string_len("body_hash", 64),
            integer("parcel_number"),
            integer("status"),
            binary("body"),
            big_integer("asked_at"),
        ];
        let key = ["shipment_id", "carrier", "tracking_number", "body_hash"];
        manager.create_table(table("carrier_answer", carrier_answer, &key)).await?;

        // Whose number it is. A label of another shipment would deliver this one on paper.
        let number_owner =
            [text("carrier"), text("tracking_number"), uuid("shipment_id"), big_integer("claimed_at")];
        manager.create_table(table("number_owner", number_owner, &["carrier", "tracking_number"])).await?;
        manager.create_index(index("number_owner", &["shipment_id"])).await?;

        let tracked_number = [
            uuid("shipment_id"),
            integer("parcel_number"),
            text("carrier"),
            text("tracking_number"),
            // None: nobody asks any more.
            big_integer_null("next_poll_at"),
            // By the machine's clock: who takes a number gives it free by then, alive or not.
            big_integer("claimed_until"),
            integer("failures"),
            text_null("last_problem"),
            big_integer_null("answered_at"),
            big_integer("created_at"),
        ];
        let key = ["shipment_id", "parcel_number", "carrier", "tracking_number"];
        manager.create_table(table("tracked_number", tracked_number, &key)).await?;
        manager.create_index(index("tracked_number", &["next_poll_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["tracking_event", "carrier_answer", "number_owner", "tracked_number"]).await
    }
}
