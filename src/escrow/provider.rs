//! What an escrow provider can be told and asked, each ability by itself.
//!
//! Pure: an adapter writes requests and reads answers. It has the abilities that its
//! provider has, and no others: nobody can send a command that a provider has no call
//! for. Each command may be sent many times; under its id it takes effect once.
//!
//! What an answer means for money is said in one word, [`Reading`]. The word that matters
//! is `Unknown`: the command may have taken effect. Whoever gets it asks first
//! ([`Inquire`]), where the provider can be asked, and repeats under the same id.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use crate::domain::escrow::Declared;
use crate::domain::escrow::{DisputeThere, TriggerAction, TriggerFacts};
use crate::domain::id::{ParcelId, TriggerId};
use crate::domain::instant::Instant;
use crate::domain::money::{Currency, Money};
use crate::outbound::{Answer, Request};

/// A trigger, as it is sent.
#[derive(Debug, Clone)]
pub struct Command<'c> {
    /// The key under which it takes effect once.
    pub id: TriggerId,
    pub facts: &'c TriggerFacts,
    /// The same facts as they were written down when the trigger was made: `{"type", "timestamp", "data"}`.
    pub body: &'c str,
}

/// What was to be said cannot be said to this provider, and never can: a person has to act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsayable(pub String);

/// What an answer says of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The provider has it, under this key, for good.
    Acknowledged,
    /// The same of a payment's declaration, with what the customs office has.
    Declared(Declared),
    /// It has had no effect, and may have one when it is sent again. `after`: when the provider
    /// wants to be asked, if it says so.
    Later { reason: String, after: Option<Duration> },
    /// It may have had its effect or not.
    Unknown { reason: String, after: Option<Duration> },
    /// It has had no effect and never will have.
    Refused { reason: String },
    /// Nothing is taken at this address any more: a person has to look.
    Gone { reason: String },
}

/// What a provider says when it is asked about one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    TookEffect,
    /// The provider does not know it: nothing moved.
    NotThere,
    /// It is still being worked on.
    UnderWay,
    /// It was refused for good.
    Refused {
        reason: String,
    },
    /// The provider did not say.
    NoWord {
        reason: String,
        after: Option<Duration>,
    },
}

/// What a provider says of a trade as a whole, as far as it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    pub state: TradeState,
    pub held: Option<Money>,
    pub released_minor: Option<i64>,
    pub refunded_minor: Option<i64>,
    /// When it releases by itself.
    pub release_deadline_at: Option<Instant>,
    /// Whether nothing may move.
    pub frozen: Option<bool>,
}

impl Trade {
    /// How it stands at `now` with a provider that waits for nobody's word: it goes on saying that the money is delayed
    /// when the day has passed on which it pays.
    fn paid_by_itself(mut self, now: Instant) -> Self {
        let a_day_ago = now - TimeDelta::days(1);
        if self.state == TradeState::Open && self.release_deadline_at.is_some_and(|at| at <= a_day_ago) {
            self.state = TradeState::Released;
        }
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeState {
    /// The provider still has money of it.
    Open,
    /// All that was not refunded went to the merchant.
    Released,
    /// All of it went back to the buyer.
    Refunded,
    /// There is nothing more to move, and it does not say whereto it moved.
    Closed,
    /// The provider does not know this trade.
    Absent,
}

pub trait Shipped: Send + Sync {
    /// `wall` is the machine's time: signatures are made when they are sent.
    fn shipped(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable>;
    fn read_shipped(&self, command: &Command, answer: &Answer) -> Reading;
}

pub trait Delivered: Send + Sync {
    fn delivered(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable>;
    fn read_delivered(&self, command: &Command, answer: &Answer) -> Reading;
}

pub trait ConfirmReceipt: Send + Sync {
    fn confirm_receipt(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable>;
    fn read_confirm_receipt(&self, command: &Command, answer: &Answer) -> Reading;
}

pub trait Refund: Send + Sync {
    fn refund(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable>;
    fn read_refund(&self, command: &Command, answer: &Answer) -> Reading;
}

/// Telling the provider that nothing may move, and that it may again.
pub trait Freeze: Send + Sync {
    /// The command says which of the two.
    fn freeze(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable>;
    fn read_freeze(&self, command: &Command, answer: &Answer) -> Reading;
}

/// Asking changes nothing at the provider.
pub trait Inquire: Send + Sync {
    /// None: this provider can be asked about trades, and not about such commands.
    fn about_command(&self, command: &Command, wall: Instant) -> Option<Request>;
    fn read_about_command(&self, command: &Command, answer: &Answer) -> Found;

    fn about_trade(&self, payment_reference: &str, wall: Instant) -> Request;
    /// An error: it did not say, and why.
    fn read_about_trade(&self, payment_reference: &str, answer: &Answer) -> Result<Trade, String>;
}

/// Linking a payment to its customs declaration.
pub trait DeclareCustoms: Send + Sync {
    fn declare(&self, declaration: &Declaration, wall: Instant) -> Result<Request, Unsayable>;
    fn read_declaration(&self, declaration: &Declaration, answer: &Answer) -> Result<Declared, Reading>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The key under which it is made once.
    pub id: TriggerId,
    pub payment_reference: String,
    /// The merchant's code and name at this customs office.
    pub merchant_customs_code: String,
    pub merchant_customs_name: String,
    /// The office: `HANGZHOU`, `ZHENGZHOU`, ….
    pub customs_place: String,
    pub amount: Money,
    /// A part of the payment: the parcel's or shipment's own number.
    pub split: Option<String>,
}

/// Getting a pass before anything is sent, and showing it with each request.
pub trait Authorise: Send + Sync {
    fn request(&self) -> Request;
    /// An error: there is none, and why.
    fn read(&self, answer: &Answer) -> Result<Pass, String>;
    /// Any request of the same provider, with the pass in it.
    fn admit(&self, request: Request, pass: &Pass) -> Request;
}

/// Fetched once, and shared until shortly before it ends.
#[derive(Debug, Clone)]
pub struct Pass {
    pub secret: SecretString,
    pub lasts: Duration,
}

/// What came from a provider by itself.
pub trait Notified: Send + Sync {
    /// Signature first, over the bytes as they came. `header` looks up a header by its lower-case name. What is signed
    /// is never refused: it can be [`Said::Unreadable`].
    fn read(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        wall: Instant,
    ) -> Result<Notice, NotBelieved>;

    /// What the provider wants to hear when a notice is stored: content type and body, with 200.
    fn acknowledgement(&self) -> (&'static str, &'static str);
}

/// The same, from a provider that says itself, when it is asked, whether it sent it.
pub trait Vouched: Send + Sync {
    /// What it says, if it is the provider's. None: nothing about an order's money. An error: it cannot be the
    /// provider's.
    fn read(&self, body: &[u8]) -> Result<Option<Notice>, NotBelieved>;

    /// The question whether the provider sent it. An error: it cannot have.
    fn ask(&self, header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Result<Request, NotBelieved>;
    /// An error: it did not say, and why.
    fn read_word(&self, answer: &Answer) -> Result<bool, String>;

    /// What the provider wants to hear when a notice is stored: content type and body, with 200.
    fn acknowledgement(&self) -> (&'static str, &'static str);
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same each time the notice is sent.
    pub id: String,
    /// Empty where it names a command alone.
    pub payment_reference: String,
    /// All that was paid for the trade, where it says so: whoever knows the order compares.
    pub total: Option<Money>,
    pub says: Said,
}

impl Notice {
    /// The provider's, and nobody here knows what it says. Without an id of the provider's its bytes are its name: sent
    /// again, they are the same.
    pub fn unreadable(id: Option<String>, body: &[u8], reason: &str) -> Self {
        let by_bytes = || format!("sha256/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(body)));
        Self {
            id: id.filter(|id| !id.is_empty()).unwrap_or_else(by_bytes),
            payment_reference: String::new(),
            total: None,
            says: Said::Unreadable(reason.to_owned()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// A command took effect: its id.
    TookEffect(TriggerId),
    /// A command was refused for good.
    Refused(TriggerId, String),
    /// Something about the trade: it is to be asked about.
    Changed(String),
    /// It releases by itself then.
    ReleasesAt(Instant),
    /// How a dispute stands that the buyer opened there.
    Disputed(DisputeThere),
    /// News that no order waits for: it is kept, and that is all.
    OfNoOrder(String),
    /// Something that nobody here can read, and why: it is for a person.
    Unreadable(String),
}

/// Why a notice is not believed: no signature of the provider's fits it, or none can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotBelieved(pub String);

#[derive(Clone, Default)]
pub struct Abilities {
    /// None: requests are sent as they are.
    pub authorise: Option<Arc<dyn Authorise>>,
    pub shipped: Option<Arc<dyn Shipped>>,
    pub delivered: Option<Arc<dyn Delivered>>,
    pub confirm_receipt: Option<Arc<dyn ConfirmReceipt>>,
    pub refund: Option<Arc<dyn Refund>>,
    pub freeze: Option<Arc<dyn Freeze>>,
    pub inquire: Option<Arc<dyn Inquire>>,
    pub declare_customs: Option<Arc<dyn DeclareCustoms>>,
    /// Of the two at most one.
    pub notified: Option<Arc<dyn Notified>>,
    pub vouched: Option<Arc<dyn Vouched>>,
}

impl Abilities {
    /// Whether it says anything by itself.
    pub fn sends_notices(&self) -> bool {
        self.notified.is_some() || self.vouched.is_some()
    }
}

/// One configured provider.
#[derive(Clone)]
pub struct Provider {
    /// As `payment.provider` of a pickup request names it.
    pub name: &'static str,
    pub abilities: Abilities,
    /// How long it keeps a command's key; none: for ever. What is older is not repeated by itself.
    pub keeps_keys: Option<Duration>,
    /// When it releases by itself; none: never.
    pub releases_after: Option<ReleasesAfter>,
    /// It is told once that goods were sent, about all of a payment.
    pub ships_whole: bool,
    /// Whether a payment can be one that it holds, by what it is known by and its amount.
    pub could_hold: fn(&str, Money) -> Result<(), NotIts>,
    /// Of which amounts in a currency it moves multiples, in minor units of ISO 4217.
    pub step_minor: fn(Currency) -> i64,
}

/// Which field of a payment a provider's own cannot have, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotIts {
    pub field: &'static str,
    pub detail: String,
}

impl NotIts {
    pub fn reference(Unsayable(detail): Unsayable) -> Self {
        Self { field: "reference", detail }
    }

    pub fn currency(Unsayable(detail): Unsayable) -> Self {
        Self { field: "currency", detail }
    }

    pub fn amount(Unsayable(detail): Unsayable) -> Self {
        Self { field: "amount", detail }
    }
}

/// From when a provider counts the days until it releases by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// It was told that the goods are on their way.
    Shipping,
    /// It was paid, which is before an order comes to us: that is the latest that it can have been.
    Payment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasesAfter {
    days: u32,
    since: Since,
}

impl ReleasesAfter {
    /// More is never.
    const DAYS_MAX: u32 = 3_650;

    pub fn days(days: u32, since: Since) -> Option<Self> {
        (1..=Self::DAYS_MAX).contains(&days).then_some(Self { days, since })
    }

    /// None: from something else its days are counted.
    pub fn deadline(self, since: Since, at: Instant) -> Option<Instant> {
        (self.since == since).then(|| at + TimeDelta::days(i64::from(self.days)))
    }
}

/// For how long a provider keeps a key of ours, from its settings. 0: for ever.
pub fn kept_for_days(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 3_600))
}

impl Provider {
    /// Whether it has a call for this.
    pub fn can(&self, action: TriggerAction) -> bool {
        let can = &self.abilities;
        match action {
            TriggerAction::Shipped => can.shipped.is_some(),
            TriggerAction::Delivered => can.delivered.is_some(),
            TriggerAction::ConfirmReceipt => can.confirm_receipt.is_some(),
            TriggerAction::Refund => can.refund.is_some(),
            TriggerAction::Freeze | TriggerAction::Thaw => can.freeze.is_some(),
            TriggerAction::DeclareCustoms => can.declare_customs.is_some(),
        }
    }

    /// What an answer says of a trade at `now`. An error: it did not say, and why.
    pub fn read_about_trade(&self, reference: &str, answer: &Answer, now: Instant) -> Result<Trade, String> {
        let inquire = self.abilities.inquire.as_ref();
        let inquire = inquire.ok_or_else(|| format!("{} cannot be asked", self.name))?;
        let trade = inquire.read_about_trade(reference, answer)?;
        Ok(if self.can(TriggerAction::ConfirmReceipt) { trade } else { trade.paid_by_itself(now) })
    }

    pub fn request(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        let can = &self.abilities;
        let none = || Err(Unsayable(format!("{} has no call for {}", self.name, command.facts.action)));
        match command.facts.action {
            TriggerAction::Shipped => can.shipped.as_ref().map_or_else(none, |to| to.shipped(command, wall)),
            TriggerAction::Delivered => {
                can.delivered.as_ref().map_or_else(none, |to| to.delivered(command, wall))
            }
            TriggerAction::ConfirmReceipt => {
                can.confirm_receipt.as_ref().map_or_else(none, |to| to.confirm_receipt(command, wall))
            }
            TriggerAction::Refund => can.refund.as_ref().map_or_else(none, |to| to.refund(command, wall)),
            TriggerAction::Freeze | TriggerAction::Thaw => {
                can.freeze.as_ref().map_or_else(none, |to| to.freeze(command, wall))
            }
            TriggerAction::DeclareCustoms => {
                can.declare_customs.as_ref().map_or_else(none, |to| to.declare(&declaration(command)?, wall))
            }
        }
    }

    pub fn read(&self, command: &Command, answer: &Answer) -> Reading {
        let can = &self.abilities;
        let read = match command.facts.action {
            TriggerAction::Shipped => can.shipped.as_ref().map(|to| to.read_shipped(command, answer)),
            TriggerAction::Delivered => can.delivered.as_ref().map(|to| to.read_delivered(command, answer)),
            TriggerAction::ConfirmReceipt => {
                can.confirm_receipt.as_ref().map(|to| to.read_confirm_receipt(command, answer))
            }
            TriggerAction::Refund => can.refund.as_ref().map(|to| to.read_refund(command, answer)),
            TriggerAction::Freeze | TriggerAction::Thaw => {
                can.freeze.as_ref().map(|to| to.read_freeze(command, answer))
            }
            TriggerAction::DeclareCustoms => {
                can.declare_customs.as_ref().map(|to| read_declaration(to.as_ref(), command, answer))
            }
        };
        let reason = || format!("{} has no call for {}", self.name, command.facts.action);
        read.unwrap_or_else(|| Reading::Refused { reason: reason() })
    }
}

fn read_declaration(to: &dyn DeclareCustoms, command: &Command, answer: &Answer) -> Reading {
    match declaration(command) {
        Ok(asked) => to.read_declaration(&asked, answer).map_or_else(|reading| reading, Reading::Declared),
        // What was sent could be said.
        Err(Unsayable(reason)) => Reading::Unknown { reason, after: None },
    }
}

/// Of the whole payment, or of a parcel's share of it under that parcel's own number.
fn declaration(command: &Command) -> Result<Declaration, Unsayable> {
    let facts = command.facts;
    let office = facts.customs.as_ref();
    let office =
        office.ok_or_else(|| Unsayable("no customs office was named when it was made".to_owned()))?;
    let currency: Currency =
        facts.currency.parse().map_err(|_| Unsayable("the order is in no currency".to_owned()))?;
    let amount = Money::parse(&facts.amount, currency).map_err(|error| Unsayable(error.to_string()))?;
    let part = |number| ParcelId { shipment: facts.shipment, number }.to_string();
    Ok(Declaration {
        id: command.id,
        payment_reference: facts.payment_reference.clone(),
        merchant_customs_code: office.merchant_code.clone(),
        merchant_customs_name: office.merchant_name.clone(),
        customs_place: office.place.clone(),
        amount,
        split: facts.parcel.map(part),
    })
}
