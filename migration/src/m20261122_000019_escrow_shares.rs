//! Money by share, what people did about it, and what is known of each sending.

use sea_orm_migration::{prelude::*, schema::*};

use crate::table::{drop_all, index, table};

#[derive(DeriveMigrationName)]
pub struct Migration;

const OUTBOX: [&str; 3] = ["claims", "answered", "first_sent_at"];
const ORDER: [&str; 7] =
    ["shares", "acts", "wake_at", "provider_frozen", "freezes", "release_deadline_at", "deadline_told_at"];
const MERCHANT: [&str; 2] = ["release_policy", "buyer_proof"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let order = [
            // A JSON list. Empty: one share, which stands as the order does.
            text("shares").default("[]").take(),
            // How many rows of escrow_act there are.
            integer("acts").default(0).take(),
            // When time alone changes it.
            big_integer_null("wake_at"),
            // Whether the last word to the provider was that nothing may move, and how often it was.
            boolean("provider_frozen").default(false).take(),
            integer("freezes").default(0).take(),
            // When the provider releases by itself, and when people were warned of it.
            big_integer_null("release_deadline_at"),
            big_integer_null("deadline_told_at"),
        ];
        add(manager, "escrow_order", order).await?;
        manager.create_index(index("escrow_order", &["wake_at"])).await?;
        // At most one trigger for a share and an action that happens once (round 0), for ever.
        let key = ["shipment_id", "order_id", "share", "action", "round"];
        manager.rename_table(rename("escrow_trigger", "escrow_trigger_before")).await?;
        manager.create_table(table("escrow_trigger", trigger(true), &key)).await?;
        copy(manager, "0, action, 0").await?;
        // Whoever is read before anything is sent: `freeze` and `thaw` overtake.
        let db = manager.get_connection();
        db.execute_unprepared("UPDATE outbox SET position = position + 1000").await?;
        let outbox = [
            // How often somebody began to send it, and up to which of these it is known that it had no effect.
            integer("claims").default(0).take(),
            integer("answered").default(0).take(),
            // By the machine's clock.
            big_integer_null("first_sent_at"),
        ];
        add(manager, "outbox", outbox).await?;
        // What was tried before this version, or may have been when it was stopped or taken out, counts as seen.
        let seen = "UPDATE outbox SET claims = attempts + 1, first_sent_at = created_at \
             WHERE attempts > 0 OR leased_until > 0 OR state = 'frozen'";
        db.execute_unprepared(seen).await?;
        let act = [
            uuid("shipment_id"),
            uuid("order_id"),
            integer("number"),
            text("actor"),
            text("act"),
            big_integer("at"),
        ];
        manager.create_table(table("escrow_act", act, &["shipment_id", "order_id", "number"])).await?;
        add(manager, "merchant", [text_null("release_policy"), text("buyer_proof").default("code").take()])
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["escrow_act"]).await?;
        drop_columns(manager, "merchant", &MERCHANT).await?;
        drop_columns(manager, "outbox", &OUTBOX).await?;
        let db = manager.get_connection();
        db.execute_unprepared("DELETE FROM outbox WHERE position < 1000").await?;
        db.execute_unprepared("UPDATE outbox SET position = position - 1000").await?;
        let key = ["shipment_id", "order_id", "action"];
        manager.rename_table(rename("escrow_trigger", "escrow_trigger_before")).await?;
        manager.create_table(table("escrow_trigger", trigger(false), &key)).await?;
        let kept = "INSERT INTO escrow_trigger \
             SELECT shipment_id, order_id, action, id, facts, created_at, acknowledged_at \
             FROM escrow_trigger_before WHERE share = 0 AND round = 0";
        db.execute_unprepared(kept).await?;
        manager.drop_table(Table::drop().table("escrow_trigger_before").to_owned()).await?;
        manager
            .drop_index(Index::drop().table("escrow_order").name("escrow_order_wake_at_idx").to_owned())
            .await?;
        drop_columns(manager, "escrow_order", &ORDER).await
    }
}

fn trigger(by_share: bool) -> Vec<ColumnDef> {
    let mut columns = vec![uuid("shipment_id"), uuid("order_id")];
    if by_share {
        // The parcel whose share it is; 0: the whole order.
        columns.push(integer("share"));
    }
    columns.push(text("action"));
    if by_share {
        columns.push(integer("round"));
    }
    columns.extend([
        uuid("id"),
        text("facts"),
        big_integer("created_at"),
        big_integer_null("acknowledged_at"),
    ]);
    columns
}

async fn copy(manager: &SchemaManager<'_>, middle: &str) -> Result<(), DbErr> {
    let sql = format!(
        "INSERT INTO escrow_trigger SELECT shipment_id, order_id, {middle}, id, facts, created_at, \
         acknowledged_at FROM escrow_trigger_before"
    );
    manager.get_connection().execute_unprepared(&sql).await?;
    manager.drop_table(Table::drop().table("escrow_trigger_before").to_owned()).await
}

fn rename(from: &'static str, to: &'static str) -> TableRenameStatement {
    Table::rename().table(from, to).to_owned()
}

/// One statement a column: SQLite adds and drops no more at once.
async fn add(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: impl IntoIterator<Item = ColumnDef>,
) -> Result<(), DbErr> {
    for column in columns {
        manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
    }
    Ok(())
}

async fn drop_columns(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    for column in columns {
        manager.alter_table(Table::alter().table(table).drop_column(*column).to_owned()).await?;
    }
    Ok(())
}
