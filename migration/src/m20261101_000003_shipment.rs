//! Pickup requests, and what becomes of them.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The request as it came, for ever. One reference is one request.
        let pickup_request = [
            uuid("shipment_id"),
            uuid("merchant_id"),
            text("reference"),
            text("body"),
            big_integer("received_at"),
        ];
        manager.create_table(table("pickup_request", pickup_request, &["shipment_id"])).await?;
        manager.create_index(unique("pickup_request", &["merchant_id", "reference"])).await?;

        let shipment = [
            uuid("id"),
            uuid("merchant_id"),
            uuid("order_id"),
            uuid("plan_id"),
            text("reference"),
            text("tracking_token"),
            text("status"),
            text("service"),
            text("clearance"),
            text("pickup"),
            text("consignee"),
            text("pickup_zone"),
            big_integer("estimated_earliest_at"),
            big_integer("estimated_latest_at"),
            big_integer_null("delivered_at"),
            big_integer("created_at"),
            big_integer("updated_at"),
            // The end of its audit chain: a chain that was cut short does not reach it.
            big_integer("audit_seq"),
            string_len("audit_hash", 64),
        ];
        manager.create_table(table("shipment", shipment, &["id"])).await?;
        manager.create_index(unique("shipment", &["tracking_token"])).await?;
        manager.create_index(index("shipment", &["merchant_id", "id"])).await?;
        manager.create_index(index("shipment", &["merchant_id", "status", "id"])).await?;
        manager.create_index(index("shipment", &["merchant_id", "reference"])).await?;

        let parcel = [
            uuid("shipment_id"),
            integer("number"),
            text("reference"),
            big_integer("weight_grams"),
            big_integer("length_mm"),
            big_integer("width_mm"),
            big_integer("height_mm"),
            text("items"),
            text("status"),
            text_null("hub_code"),
            text_null("delivered_to"),
        ];
        manager.create_table(table("parcel", parcel, &["shipment_id", "number"])).await?;

        // Older plans stay, with the reason of each.
        let plan = [uuid("shipment_id"), uuid("id"), text("body"), text("reason"), big_integer("created_at")];
        manager.create_table(table("plan", plan, &["shipment_id", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["pickup_request", "shipment", "parcel", "plan"]).await
    }
}
