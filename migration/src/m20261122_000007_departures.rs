//! Closures, holidays, changed departures; what is booked on each departure; what has to be planned anew.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        change_lane(manager).await?;

        let hub_closure = [
            uuid("id"),
            text("hub_code"),
            big_integer("from_at"),
            big_integer("until_at"),
            text("reason"),
            // An import takes back what an import brought, and nothing else.
            boolean("imported"),
            big_integer("created_at"),
        ];
        manager.create_table(table("hub_closure", hub_closure, &["id"])).await?;
        manager.create_index(index("hub_closure", &["hub_code", "id"])).await?;

        let hub_holiday = [text("hub_code"), string_len("date", 10), text("name")];
        manager.create_table(table("hub_holiday", hub_holiday, &["hub_code", "date"])).await?;

        let departure_change = [
            text("lane_id"),
            string_len("date", 10),
            text("kind"),
            text_null("depart_local"),
            text("reason"),
            boolean("imported"),
            big_integer("created_at"),
        ];
        manager.create_table(table("departure_change", departure_change, &["lane_id", "date"])).await?;

        // Those that something is or was booked on.
        let departure = [
            text("id"),
            text("from_hub"),
            text("to_hub"),
            big_integer("depart_at"),
            big_integer("arrive_at"),
            // The last moment at which its hub can receive what is to go with it.
            big_integer("cutoff_at"),
            big_integer("capacity_grams"),
            big_integer("capacity_cm3"),
            big_integer("booked_grams"),
            big_integer("booked_cm3"),
            text("state"),
            // By the machine's clock: what other daemons booked is read from here on.
            big_integer("changed_at"),
        ];
        // Nobody gives back more than was taken.
        let counted = Expr::col("booked_grams").gte(0).and(Expr::col("booked_cm3").gte(0));
        let departure = table("departure", departure, &["id"]).check(counted).to_owned();
        manager.create_table(departure).await?;
        manager.create_index(index("departure", &["state", "cutoff_at"])).await?;
        manager.create_index(index("departure", &["changed_at"])).await?;
        manager.create_index(index("departure", &["from_hub", "depart_at"])).await?;
        manager.create_index(index("departure", &["to_hub", "arrive_at"])).await?;

        let booking = [
            uuid("shipment_id"),
            text("departure_id"),
            big_integer("grams"),
            big_integer("cm3"),
            big_integer("created_at"),
        ];
        manager.create_table(table("booking", booking, &["shipment_id", "departure_id"])).await?;
        manager.create_index(index("booking", &["departure_id", "shipment_id"])).await?;

        // One row a shipment, however many reasons there are: it is looked at as it is then.
        let replan = [
            uuid("shipment_id"),
            text("reason"),
            // As the audit names who gave cause to it.
            text("requested_by"),
            // It did not go with the departure that it was packed for.
            boolean("left_behind"),
            big_integer("requested_at"),
            // By the machine's clock, both.
            big_integer("next_attempt_at"),
            big_integer("claimed_until"),
            integer("attempts"),
            text_null("last_problem"),
        ];
        manager.create_table(table("replan", replan, &["shipment_id"])).await?;
        manager.create_index(index("replan", &["next_attempt_at"])).await?;
        manager.create_index(index("replan", &["attempts"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["hub_closure", "hub_holiday", "departure_change", "departure", "booking", "replan"];
        drop_all(manager, &tables).await?;
        let lane = || Table::alter().table("lane").to_owned();
        manager
            .alter_table(
                lane().add_column(ColumnDef::new("distance_km").integer().not_null().default(0)).to_owned(),
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared("UPDATE lane SET distance_km = distance_metres / 1000")
            .await?;
        for column in ["distance_metres", "piece_grams_max", "dangerous_goods"] {
            manager.alter_table(lane().drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

/// Distances to the metre, and what a lane takes.
async fn change_lane(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let lane = || Table::alter().table("lane").to_owned();
    for mut column in [
        ColumnDef::new("distance_metres").big_integer().not_null().default(0).to_owned(),
        ColumnDef::new("piece_grams_max").big_integer().null().to_owned(),
        ColumnDef::new("dangerous_goods").text().not_null().default("").to_owned(),
    ] {
        manager.alter_table(lane().add_column(&mut column).to_owned()).await?;
    }
    manager
        .get_connection()
        .execute_unprepared("UPDATE lane SET distance_metres = distance_km * 1000")
        .await?;
    manager.alter_table(lane().drop_column("distance_km").to_owned()).await
}
