//! What carriers say, in our words: a question to ask, and what its answer means.
//!
//! Promise: whatever a carrier answers, reading it gives a [`Reading`] or says that this is no answer of
//! that carrier, never a panic, and never progress that the carrier did not report. One folder an adapter,
//! one line in [`registry`]; nothing here sends, waits or reads a clock: an adapter builds a request and
//! reads an answer, somebody else carries both.
//!
//! Invariants; every adapter runs through the contract suite, which tries what can be tried of all alike:
//! - a code that no table knows is `unknown`; so is an event whose code and words contradict each other;
//! - one event that cannot be read costs that event alone, one number that failed no other number;
//! - events of another number are not ours; a number that may mean several packages is delivered when all of
//!   them are ([`Reading::about`]);
//! - each event keeps the text it came as; an answer is read without knowing what was asked.
//!
//! A trait an ability ([`ability`]), without default bodies: what a carrier cannot do, its adapter
//! does not implement. Which carriers a number can belong to is said in [`numbers`]; deliberately
//! absent: asking a carrier because of it. Two carriers' numbers look the same too often; whoever
//! books the label knows.

mod ability;
mod account;
mod aftership;
mod australia_post;
mod beijing;
mod cainiao;
mod canada_post;
mod chinese;
mod codes;
#[cfg(test)]
mod contract;
mod countries;
mod dhl_unified;
mod discretion;
mod ems;
mod excuses;
mod fedex;
mod form;
mod french;
mod json;
mod kuaidi100;
mod la_poste;
mod merge;
mod moment;
mod names;
mod neutral;
pub mod numbers;
mod oauth;
mod place;
mod problem;
mod reading;
mod registry;
mod royal_mail;
mod sender;
mod seventeentrack;
mod sf_express;
#[cfg(test)]
mod shaken;
#[cfg(test)]
mod strangers;
mod tongues;
mod ups;
mod usps;
mod verdict;
mod wording;
mod zones;

pub use ability::{
    Abilities, Acknowledgement, Authorise, Introduce, NotVerified, Occasion, PhoneTail, Pushed, Question,
    Receive, Token, Track,
};
pub use account::{Account, Adapter, Opening, Receiver};
pub use place::{Gazetteer, Place, Spot};
pub use reading::{Failure, FailureKind, NotAnAnswer, Package, Reading, Said, Seen, Status};
pub use registry::{ADAPTERS, Registry};
