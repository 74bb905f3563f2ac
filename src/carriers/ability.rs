//! What an adapter can do for one account, each ability by itself.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::reading::{Failure, Reading};
use crate::domain::carrier::TrackingNumber;
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Request};

/// What is asked about one parcel.
#[derive(Debug, Clone)]
pub struct Question {
    pub number: TrackingNumber,
    /// Some carriers tell only those who know to whom it goes.
    pub phone_tail: Option<PhoneTail>,
}

/// The last four digits of a telephone number. Personal: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneTail([u8; 4]);

impl PhoneTail {
    /// None: there are no four digits in it.
    pub fn of(phone: &str) -> Option<Self> {
        let digits: Vec<u8> = phone.bytes().filter(u8::is_ascii_digit).collect();
        Some(Self(*digits.last_chunk()?))
    }

    pub fn as_str(&self) -> &str {
        // Made of ASCII digits by `of`, the only way in.
        std::str::from_utf8(&self.0).unwrap_or("0000")
    }
}

impl std::fmt::Debug for PhoneTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneTail(…)")
    }
}

/// What a request depends on beside what is asked.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// By the machine's clock: signatures are checked against real time.
    pub now: Instant,
    /// For carriers that want every request to bear a number of its own.
    pub id: Uuid,
    /// Where the account gets one.
    pub token: Option<Token>,
}

/// A carrier's pass: fetched once, and shared until shortly before it ends.
#[derive(Debug, Clone)]
pub struct Token {
    pub secret: SecretString,
    pub lasts: Duration,
}

impl Token {
    /// Whether it is the same pass, as the carrier wrote it.
    pub fn is(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

/// Asking where parcels are. Asking twice changes nothing at the carrier.
pub trait Track: Send + Sync {
    /// One question about as many numbers as the account's limits say, at least one.
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request;
}

/// Getting a pass before anything else is asked.
pub trait Authorise: Send + Sync {
    fn request(&self, occasion: &Occasion) -> Request;
    fn read(&self, answer: &Answer) -> Result<Token, Failure>;
}

/// Telling a carrier which numbers are going to be asked about. Telling it twice changes nothing.
pub trait Introduce: Send + Sync {
    /// Whether this failure of a number means that it has to be introduced.
    fn is_asked_for(&self, failure: &Failure) -> bool;
    /// Whether it wants to be told of each number once, whatever it knows of it already.
    fn wants_all(&self) -> bool;
    /// How many numbers fit into one request.
    fn numbers_max(&self) -> usize;
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request;
    /// The numbers that were not taken. Those that were have no packages yet. A failure without a number is of all
    /// that were in the request.
    fn read(&self, answer: &Answer) -> Result<Reading, super::NotAnAnswer>;
}

/// Taking what a carrier sends by itself. Its body is read like an answer.
pub trait Receive: Send + Sync {
    /// Over the bytes as they came, in constant time.
    fn verify(&self, pushed: &Pushed<'_>, now: Instant) -> Result<(), NotVerified>;
    /// What in the body is to be read; it may be wrapped, or encrypted.
    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified>;
    fn acknowledgement(&self) -> Acknowledgement;
}

/// A request that says that it is a carrier's.
pub struct Pushed<'r> {
    /// The value of a header, by its name in small letters.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
    /// What follows the question mark.
    pub query: &'r str,
    pub body: &'r [u8],
}

/// The sender has to show that it is who it says. The reason repeats nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotVerified(pub &'static str);

/// What a carrier takes for "got it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub content_type: &'static str,
    pub body: &'static str,
}

/// All that one account can do.
#[derive(Clone)]
pub struct Abilities {
    pub track: Arc<dyn Track>,
    pub authorise: Option<Arc<dyn Authorise>>,
    pub introduce: Option<Arc<dyn Introduce>>,
    pub receive: Option<Arc<dyn Receive>>,
}

impl Abilities {
    /// One that can be asked, and nothing else.
    pub fn tracking(track: impl Track + 'static) -> Self {
        Self { track: Arc::new(track), authorise: None, introduce: None, receive: None }
    }
}
