//! Settled orders are found by when they were settled, not by when their triggers were made.

use sea_orm_migration::prelude::*;

use crate::table::{drop_index, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        forget_half_done(manager).await?;
        drop_index(manager, "escrow_trigger", "escrow_trigger_created_at_id_idx").await?;
        // An order that is still open changes often, and costs nothing here.
        let settled = "CREATE INDEX escrow_order_settled_idx ON escrow_order (provider, updated_at, shipment_id) \
             WHERE state IN ('confirmed', 'refunded')";
        manager.get_connection().execute_unprepared(settled).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        forget_half_done(manager).await?;
        drop_index(manager, "escrow_order", "escrow_order_settled_idx").await?;
        manager.create_index(index("escrow_trigger", &["created_at", "id"])).await
    }
}

/// A comparison that is not finished says where it goes on in words that the other side of this does not know: the night
/// is begun anew.
async fn forget_half_done(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let half_done = "SELECT id FROM reconciliation WHERE finished_at IS NULL";
    let found = format!("DELETE FROM escrow_difference WHERE reconciliation_id IN ({half_done})");
    db.execute_unprepared(&found).await?;
    db.execute_unprepared("DELETE FROM reconciliation WHERE finished_at IS NULL").await.map(drop)
}
