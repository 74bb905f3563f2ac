//! Hubs and weekly lanes, and which edition of them is in force.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let hub = [
            text("code"),
            text("name_en"),
            text("name_zh"),
            text("kind"),
            string_len("country", 2),
            double("lat"),
            double("lon"),
            text("zone"),
            text("clearances"),
            text("cutoff_local"),
            integer("handling_minutes"),
        ];
        manager.create_table(table("hub", hub, &["code"])).await?;

        let lane = [
            text("id"),
            text("from_hub"),
            text("to_hub"),
            text("mode"),
            text("carrier"),
            text("service"),
            text("weekdays"),
            text("depart_local"),
            text("depart_zone"),
            integer("transit_minutes"),
            big_integer("capacity_grams"),
            big_integer("capacity_cm3"),
            big_integer("fixed_cost_micros"),
            big_integer("cost_per_kg_micros"),
            integer("distance_km"),
        ];
        manager.create_table(table("lane", lane, &["id"])).await?;

        // One row: every import makes a new edition, and every daemon looks for it.
        let edition = [integer("id"), big_integer("edition"), big_integer("imported_at")];
        manager.create_table(table("network_edition", edition, &["id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["hub", "lane", "network_edition"]).await
    }
}
