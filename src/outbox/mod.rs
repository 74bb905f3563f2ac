//! When to try again, and how much to send at once.
//!
//! Promise: a message that could not be delivered is tried again on a schedule that
//! grows (Standard Webhooks 1.0.0 by default), never earlier than its receiver asked
//! for, made longer by a little chance so that a crowd does not come back at once. After
//! the last try it is a dead letter: kept, counted, shown, and a person's to revive.
//!
//! Nobody waits for somebody else's receiver: each has so many messages under way and no
//! more, and one that fails again and again is left alone, with all that waits for it, until a
//! single message has found out that it is back ([`gate`]). That counts as nobody's try.
//!
//! Absent on purpose: giving up because a message is old, and ordering between streams.

pub mod gate;
pub mod rules;
