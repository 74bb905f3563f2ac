//! The schema, one change a file, oldest first. A published file is never edited:
//! what it should have said goes into a new one.
//!
//! Conventions: instants are `…_at`, microseconds since 1970 in a BIGINT, so that both
//! databases keep exactly the same; ids are UUIDs; closed sets of words are text; what
//! is only ever read whole is JSON in a text column. Tables that belong to a shipment
//! begin their key with `shipment_id`, so that a distributed PostgreSQL can shard by it.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261101_000001_merchant;
mod m20261101_000002_network;
mod m20261101_000003_shipment;
mod m20261101_000004_tracking;
mod m20261101_000005_escrow;
mod m20261101_000006_audit;
mod m20261122_000007_departures;
mod m20261122_000008_webhook;
mod m20261122_000009_operator_key;
mod m20261122_000010_consolidation;
mod m20261122_000011_never_arrived;
mod m20261122_000012_event_details;
mod m20261122_000013_carrier_accounts;
mod m20261122_000014_single_piece;
mod m20261122_000015_stage_times;
mod m20261122_000016_dissolved;
mod m20261122_000017_poll_history;
mod m20261122_000018_handed_over_at;
mod m20261122_000019_escrow_shares;
mod m20261122_000020_webhook_subscriptions;
mod m20261122_000021_readings;
mod m20261122_000022_asked_numbers;
mod m20261122_000023_early_pushes;
mod m20261122_000024_escrow_notice;
mod m20261122_000025_buyer_acts;
mod m20261122_000026_reconciliation;
mod m20261122_000027_dispute_reminder;
mod m20261122_000028_outbox_by_destination;
mod m20261122_000029_failed_attempts;
mod m20261122_000030_settled_orders;
mod m20261123_000031_room_for_updates;
mod m20261123_000032_waiting_orders;
mod table;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let all: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(m20261101_000001_merchant::Migration),
            Box::new(m20261101_000002_network::Migration),
            Box::new(m20261101_000003_shipment::Migration),
            Box::new(m20261101_000004_tracking::Migration),
            Box::new(m20261101_000005_escrow::Migration),
            Box::new(m20261101_000006_audit::Migration),
            Box::new(m20261122_000007_departures::Migration),
            Box::new(m20261122_000008_webhook::Migration),
            Box::new(m20261122_000009_operator_key::Migration),
            Box::new(m20261122_000010_consolidation::Migration),
            Box::new(m20261122_000011_never_arrived::Migration),
            Box::new(m20261122_000012_event_details::Migration),
            Box::new(m20261122_000013_carrier_accounts::Migration),
            Box::new(m20261122_000014_single_piece::Migration),
            Box::new(m20261122_000015_stage_times::Migration),
            Box::new(m20261122_000016_dissolved::Migration),
            Box::new(m20261122_000017_poll_history::Migration),
            Box::new(m20261122_000018_handed_over_at::Migration),
            Box::new(m20261122_000019_escrow_shares::Migration),
            Box::new(m20261122_000020_webhook_subscriptions::Migration),
            Box::new(m20261122_000021_readings::Migration),
            Box::new(m20261122_000022_asked_numbers::Migration),
            Box::new(m20261122_000023_early_pushes::Migration),
            Box::new(m20261122_000024_escrow_notice::Migration),
            Box::new(m20261122_000025_buyer_acts::Migration),
            Box::new(m20261122_000026_reconciliation::Migration),
            Box::new(m20261122_000027_dispute_reminder::Migration),
            Box::new(m20261122_000028_outbox_by_destination::Migration),
            Box::new(m20261122_000029_failed_attempts::Migration),
            Box::new(m20261122_000030_settled_orders::Migration),
            Box::new(m20261123_000031_room_for_updates::Migration),
            Box::new(m20261123_000032_waiting_orders::Migration),
        ];
        all.into_iter().map(|migration| Box::new(Whole(migration)) as Box<dyn MigrationTrait>).collect()
    }
}

/// A migration that is there whole or not at all, on SQLite too. By itself sea-orm would
/// use a transaction on PostgreSQL only, and a daemon that dies half-way through its first
/// start could never start again.
struct Whole(Box<dyn MigrationTrait>);

impl MigrationName for Whole {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.down(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
