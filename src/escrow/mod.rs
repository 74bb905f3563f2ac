//! When money may move.
//!
//! Promise: the confirm-receipt trigger of an order exists only if the evidence for it
//! does (every parcel's delivered event, no trouble with any of them, the policy in
//! force), exists at most once, and carries that evidence. Trouble (a return, a loss,
//! damage, a carrier that contradicts itself, an open customs case) freezes the order at
//! once: nothing new is decided, and what the provider has not acknowledged of a delivery
//! or a confirmation is taken out of the outbox. A customs case that closes thaws it;
//! everything else waits for a person, at the provider's own console for the time being.
//!
//! [`rules::decide`] is a pure function of what is known, so deciding again decides the
//! same. Triggers are written in the transaction of the event that gave cause to them;
//! sending is the outbox's business, and a crash can only fall between the two.
//!
//! Absent on purpose: after-window release, disputes and refunds. A provider's adapter
//! (one folder each) only says how a trigger is written and how its answer is read.

pub mod provider;
pub mod rules;
pub mod webhook;
