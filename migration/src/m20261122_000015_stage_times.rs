//! How late deliveries were, as seen from each milestone before them: one by one, and added up.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Of deliveries that nobody has added up yet.
        let sample = [
            uuid("shipment_id"),
            text("milestone"),
            text("group_name"),
            big_integer("residual_seconds"),
            big_integer("delivered_at"),
            big_integer("created_at"),
        ];
        manager.create_table(table("stage_sample", sample, &["shipment_id", "milestone"])).await?;
        manager.create_index(index("stage_sample", &["created_at"])).await?;

        let stage = [
            text("milestone"),
            text("group_name"),
            // Since 1970: the day on which the weights are these.
            big_integer("weighed_on_day"),
            // Pairs of a bin and its weight.
            text("weights"),
        ];
        manager.create_table(table("stage_time", stage, &["milestone", "group_name"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["stage_sample", "stage_time"]).await
    }
}
