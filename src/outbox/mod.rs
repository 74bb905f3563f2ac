//! When to try again.
//!
//! Promise: a message that could not be delivered is tried again on a schedule that
//! grows (Standard Webhooks 1.0.0 by default), never earlier than its receiver asked
//! for, made longer by a little chance so that a crowd does not come back at once. After
//! the last try it is a dead letter: kept, counted, shown, and a person's to revive.
//!
//! Absent on purpose: giving up because a message is old, and ordering between streams.

pub mod rules;
