//! What an escrow provider's adapter has to say. Pure: it writes requests and reads answers.

use std::time::Duration;

use crate::domain::id::TriggerId;
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Request};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The provider has it, under this key, for good.
    Acknowledged,
    /// Not now. `after`: when it wants to be asked again, if it says so.
    Later { reason: String, after: Option<Duration> },
    /// Never again at this address: a person has to look.
    Gone { reason: String },
}

/// Sends commands to one provider. Each may be sent many times; under its id it takes effect once.
pub trait Commands: Send + Sync {
    /// `wall` is the machine's time: signatures are made when they are sent.
    fn request(&self, id: TriggerId, body: &str, wall: Instant) -> Request;

    fn read(&self, answer: &Answer) -> Reading;
}
