//! When money may move.
//!
//! Promise: the confirm-receipt trigger of a share of an order's money exists only if the
//! evidence for it does (the delivered event of every parcel it depends on, no trouble, no
//! dispute, the policy in force), exists at most once, and carries that evidence. Trouble
//! freezes the order at once: nothing new is decided, and what the provider has not
//! acknowledged of a delivery or a release is taken out of the outbox. What clears by itself
//! (a customs case), or was decided for the seller by the provider that keeps the dispute, thaws by itself; everything
//! else waits for a person.
//!
//! [`rules::decide`] is a pure function of what is known, so deciding again decides the
//! same. Triggers are written in the transaction of the event or act that gave cause to them;
//! sending is the outbox's business, and a crash can only fall between the two. What may have
//! reached the provider is asked about before anything that contradicts it is sent.
//!
//! A provider's adapter (one folder each) has the abilities of [`provider`] that its provider
//! has, and only says how a trigger is written and how its answer is read.
//!
//! Absent on purpose: money itself. Sampan holds none and moves none; it says what may move, and why.

pub mod alipay;
pub mod antom;
#[cfg(test)]
mod contract;
mod json;
pub mod keys;
pub mod paypal;
pub mod proof;
pub mod provider;
pub mod reconciliation;
pub mod registry;
pub mod rules;
pub mod signing;
pub mod split;
pub mod webhook;
