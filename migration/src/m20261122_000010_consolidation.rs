//! What was packed at a cut-off: consolidations, their bags, units and parcels; who stayed behind; what
//! turned up where nobody expected it; the serials that were given out.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 7] =
    ["consolidation", "bag", "unit", "bag_parcel", "left_behind", "surplus", "serial_counter"];

/// A parcel is in one place: packed in one consolidation at most.
const IN_ONE_PLACE: &str = "CREATE UNIQUE INDEX bag_parcel_in_one_place_idx \
     ON bag_parcel (shipment_id, parcel_number) WHERE state = 'packed'";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let consolidation = [
            uuid("id"),
            text("departure_id"),
            text("from_hub"),
            text("to_hub"),
            text("mode"),
            text("carrier"),
            text("master"),
            text("state"),
            big_integer("depart_at"),
            big_integer("arrive_at"),
            big_integer("cutoff_at"),
            big_integer("closed_at"),
            big_integer_null("opened_at"),
            // Whether every shipment in it was told that it is consolidated.
            boolean("announced"),
        ];
        manager.create_table(table("consolidation", consolidation, &["id"])).await?;
        manager.create_index(unique("consolidation", &["departure_id"])).await?;
        manager.create_index(unique("consolidation", &["master"])).await?;
        manager.create_index(index("consolidation", &["from_hub", "closed_at"])).await?;
        manager.create_index(index("consolidation", &["to_hub", "closed_at"])).await?;
        manager.create_index(index("consolidation", &["state", "opened_at"])).await?;
        manager.create_index(index("consolidation", &["announced", "closed_at"])).await?;

        let bag = [
            string_len("sscc", 18),
            uuid("consolidation_id"),
            integer("number"),
            text_null("unit_number"),
            text("gateway"),
            text("clearance"),
            text_null("last_mile_carrier"),
            big_integer("grams"),
            big_integer("cm3"),
            integer("parcels"),
        ];
        manager.create_table(table("bag", bag, &["sscc"])).await?;
        manager.create_index(unique("bag", &["consolidation_id", "number"])).await?;

        let unit = [
            uuid("consolidation_id"),
            text("number"),
            text("unit_type"),
            big_integer("tare_grams"),
            big_integer("volume_cm3"),
        ];
        manager.create_table(table("unit", unit, &["consolidation_id", "number"])).await?;

        let bag_parcel = [
            uuid("shipment_id"),
            integer("parcel_number"),
            uuid("consolidation_id"),
            string_len("sscc", 18),
            text("state"),
            big_integer_null("unpacked_at"),
        ];
        let key = ["shipment_id", "parcel_number", "consolidation_id"];
        manager.create_table(table("bag_parcel", bag_parcel, &key)).await?;
        manager.create_index(index("bag_parcel", &["sscc"])).await?;
        manager.create_index(index("bag_parcel", &["consolidation_id", "state"])).await?;
        manager.get_connection().execute_unprepared(IN_ONE_PLACE).await?;

        let left_behind =
            [text("departure_id"), uuid("shipment_id"), text("reason"), big_integer("created_at")];
        manager.create_table(table("left_behind", left_behind, &["departure_id", "shipment_id"])).await?;

        let surplus = [
            uuid("consolidation_id"),
            uuid("shipment_id"),
            integer("parcel_number"),
            text("hub_code"),
            big_integer("scanned_at"),
        ];
        let key = ["consolidation_id", "shipment_id", "parcel_number"];
        manager.create_table(table("surplus", surplus, &key)).await?;
        manager.create_index(index("surplus", &["scanned_at"])).await?;

        // Under a name, the serial that is given out next. None is given out twice.
        let serial_counter = [text("name"), big_integer("next")];
        manager.create_table(table("serial_counter", serial_counter, &["name"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &TABLES).await
    }
}
