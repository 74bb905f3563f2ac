//! The words everybody shares: ids, money, weights, places, instants, states.
//!
//! Pure: no clock, no dice, no database, no network. Everything else may import
//! this folder; it imports nothing of ours. A value that exists is valid: the
//! only way to make a [`Currency`](money::Currency) or a [`Grams`](quantity::Grams)
//! is to pass its check, so that nobody downstream checks again.

pub(crate) mod text;

pub mod breaker;
pub mod buyer;
pub mod calendar;
pub mod carrier;
pub mod consolidation;
pub mod contact;
pub mod correction;
pub mod dangerous;
pub mod dispute;
pub mod escrow;
pub mod event;
pub mod failure;
pub mod goods;
pub mod id;
pub mod instant;
pub mod merchant;
pub mod money;
pub mod network;
pub mod outbox;
pub mod place;
pub mod plan;
pub mod quantity;
pub mod reading;
pub mod service;
pub mod shipment;
pub mod sscc;
pub mod waybill;
pub mod webhook;
