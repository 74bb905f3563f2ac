//! What carriers say, in our words: a question to ask, and what its answer means.
//!
//! Promise: whatever a carrier answers, reading it gives a [`Reading`], never a panic,
//! and never progress that the carrier did not report. One folder an adapter; nothing
//! here sends, waits or reads a clock: an adapter builds a request and reads an answer,
//! somebody else carries both.
//!
//! Invariants, held by the contract suite that every adapter runs through:
//! - a status or text that no table knows is `unknown`; so is an event that contradicts itself;
//! - one event that cannot be read costs that event alone;
//! - events of another number are not events of ours;
//! - each event keeps the text it came as.
//!
//! A trait an ability, without default bodies: what a carrier cannot do, its adapter
//! does not implement. Deliberately absent: guessing the carrier from a number's form.
//! Two carriers' numbers look the same too often; whoever books the label knows.

#[cfg(test)]
mod contract;
mod dhl_unified;
mod registry;
mod zones;

use std::time::Duration;

use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::event::Happening;
use crate::outbound::{Answer, Request};

pub use registry::Registry;

/// Asking where a parcel is.
pub trait Track: Send + Sync {
    fn code(&self) -> &CarrierCode;

    /// What people call it.
    fn name(&self) -> &'static str;

    /// The question. Asking it twice changes nothing at the carrier.
    fn request(&self, number: &TrackingNumber) -> Request;

    /// What the answer to that question says about `number`.
    fn read(&self, number: &TrackingNumber, answer: &Answer) -> Reading;
}

/// What an answer means for the one who asked. A `reason` can be logged: it repeats nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// All that happened so far, in the carrier's order. Every answer repeats the earlier events.
    Events {
        seen: Vec<Seen>,
        /// Events without a time that can be read, as they came: nowhere to put them in a timeline.
        unreadable: Vec<String>,
    },
    /// The carrier does not know the number, or not yet.
    NotFound,
    RateLimited {
        retry_after: Option<Duration>,
    },
    /// The credentials are refused: a person must act, asking again won't help.
    Refused {
        reason: String,
    },
    CarrierDown {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// Not an answer in the carrier's format. Ask again; if it stays, a person must look.
    Unparsable {
        reason: String,
    },
}

/// One event of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub happening: Happening,
    /// That one event as the carrier wrote it.
    pub raw: String,
}
