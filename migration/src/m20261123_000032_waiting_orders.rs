//! Orders that wait for a person are found without going through all the others.

use sea_orm_migration::prelude::*;

use crate::table::drop_index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One for each: an order in any other state costs nothing here.
        for state in ["frozen", "failed"] {
            let waiting = format!(
                "CREATE INDEX escrow_order_{state}_idx ON escrow_order (updated_at, shipment_id) \
                 WHERE state = '{state}'"
            );
            manager.get_connection().execute_unprepared(&waiting).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "escrow_order", "escrow_order_frozen_idx").await?;
        drop_index(manager, "escrow_order", "escrow_order_failed_idx").await
    }
}
