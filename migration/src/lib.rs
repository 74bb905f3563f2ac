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
mod table;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261101_000001_merchant::Migration),
            Box::new(m20261101_000002_network::Migration),
            Box::new(m20261101_000003_shipment::Migration),
            Box::new(m20261101_000004_tracking::Migration),
            Box::new(m20261101_000005_escrow::Migration),
            Box::new(m20261101_000006_audit::Migration),
        ]
    }
}
