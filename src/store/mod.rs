//! The only SQL: one code path for SQLite and PostgreSQL.
//!
//! Reads go to [`Store::reader`]. Every change goes through [`Store::write`], which runs
//! a piece of work in a transaction: it is there whole or not at all, and when `write`
//! answers `Ok` it survives a power cut (SQLite runs with `synchronous = FULL`). On
//! PostgreSQL each write has a transaction of its own. SQLite has one writer, so there
//! all writes pass through one task that commits many of them together (see [`writer`]).
//!
//! No work may wait for anything but the database: it holds up everybody behind it.
//! Rows become domain values here and are checked on the way: a row that makes no sense
//! is [`StoreError::Corrupt`], with its table and column.

mod connect;
pub(crate) mod entity;
mod error;
mod held;
mod in_thread;
mod reader;
mod row;
mod writer;

pub mod at_once;
pub mod audit;
pub mod bag_parcels;
pub mod buyer_proofs;
pub mod calendar;
pub mod carrier_accounts;
pub mod carrier_pushes;
pub mod consolidations;
pub mod departures;
pub mod disputes;
pub mod escrow_notices;
pub mod events;
pub mod idempotency;
pub mod merchants;
pub mod network;
pub mod operators;
pub mod orders;
pub mod outbox;
pub mod poll_histories;
pub mod reconciliations;
pub mod replans;
pub mod schema;
pub mod serials;
pub mod shipments;
pub mod shipments_at_once;
pub mod soundness;
pub mod stage_times;
pub mod tracked;
pub mod waiting_orders;
pub mod waits;
pub mod wakes;
pub mod webhook_endpoints;
pub mod webhook_log;
pub mod webhook_messages;

pub use connect::{Backend, Store, missing_file};
pub use error::StoreError;
pub use reader::{Reader, Snapshot};
pub use sea_orm::ConnectionTrait as Reads;
/// What a write is done with, and what a question can be put to.
pub use sea_orm::DatabaseTransaction as Tx;
pub use writer::Work;
