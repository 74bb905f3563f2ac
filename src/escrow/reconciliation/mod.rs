//! What we hold of orders' money beside what their providers say of it.
//!
//! Promise: [`compare`] is a pure function, it says the same in whatever order it is given both sides, and of sides
//! that agree it says nothing. It changes nothing: a difference that the provider's own answer proves carries that
//! proof, and whoever compares may have it believed in the way in which answers of providers are believed anyway.
//! All others are for a person.
//!
//! What a provider does not say differs from nothing. What is being sent at this moment is not compared: the caller
//! leaves it out.
//!
//! Absent on purpose: fees and payouts. What reaches a merchant's account is between it and its provider.

mod compare;
pub mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use compare::compare;

use serde::{Deserialize, Serialize};

use super::provider::{Found, Trade};
use super::rules::Stands;
use crate::domain::escrow::{OrderState, ShareOf, TriggerAction};
use crate::domain::id::{OrderId, ShipmentId, TriggerId};
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::domain::text::words;

/// Our side of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub shipment: ShipmentId,
    pub order: OrderId,
    pub provider: String,
    pub payment_reference: String,
    pub state: OrderState,
    pub held: Money,
    /// Whether its provider waits for our word before it releases.
    pub waits_for_us: bool,
    /// Delivered, and the buyer can object yet, or it has not lain long enough.
    pub is_waiting: bool,
    /// As far as the provider has acknowledged it, or was seen to have done it; both.
    pub released_minor: i64,
    pub refunded_minor: i64,
    pub freezing: Freezing,
    pub release_deadline_at: Option<Instant>,
    /// How long its provider keeps a command's key; none: for ever.
    pub keeps_keys: Option<Duration>,
    /// Those of the days that are compared.
    pub triggers: Vec<Sent>,
}

/// What the provider was told about freezing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freezing {
    /// It has the last word that it did not refuse: whether nothing may move, and is still to be so.
    Told(bool),
    /// It does not have it yet, or nobody knows.
    OnItsWay,
}

/// A trigger that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub id: TriggerId,
    pub action: TriggerAction,
    pub parcel: ShareOf,
    pub amount_minor: i64,
    pub stands: Stands,
    /// By the machine's clock; none: nobody began to.
    pub first_sent_at: Option<Instant>,
    /// How often somebody began to.
    pub claims: u32,
}

/// The provider's side of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub order: OrderId,
    pub trade: Result<Trade, Silence>,
    /// What it says of triggers, those that it can be asked about.
    pub commands: BTreeMap<TriggerId, Found>,
}

/// It did not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    pub reason: String,
    /// Not of this trade alone: nobody answers there, or it wants to be left alone.
    pub is_down: bool,
}

words! {
    DifferenceKind {
        /// The provider paid the merchant more than we know of, or by itself.
        ReleasedThere = "released_there",
        /// We know of more that was released than the provider does.
        ReleasedHere = "released_here",
        RefundedThere = "refunded_there",
        RefundedHere = "refunded_here",
        /// Nothing is left there, and nobody says where it went.
        ClosedThere = "closed_there",
        /// The provider does not know the trade.
        UnknownThere = "unknown_there",
        AmountDiffers = "amount_differs",
        CurrencyDiffers = "currency_differs",
        FrozenThere = "frozen_there",
        /// It took our word that nothing may move, and says that it is not frozen.
        FrozenHere = "frozen_here",
        /// It releases by itself earlier than we know, or at all.
        DeadlineNearer = "deadline_nearer",
        DeadlineLater = "deadline_later",
        /// It has a trigger that we did not know to be acknowledged.
        TookEffectThere = "took_effect_there",
        /// Nothing came of a trigger of which we did not know.
        NoEffectThere = "no_effect_there",
        /// It has not got a trigger that it acknowledged.
        AcknowledgedHere = "acknowledged_here",
        /// Nobody can say what became of a trigger.
        InDoubt = "in_doubt",
        /// The same, and the provider keeps its key no longer.
        KeyForgotten = "key_forgotten",
        /// The provider did not say how this trade stands.
        NoWord = "no_word",
        /// There is no way to ask this provider.
        CannotBeAsked = "cannot_be_asked",
        /// It did not answer any more: what was still to be asked was not.
        ProviderDown = "provider_down",
    }
}

words! {
    Severity {
        /// Money is not where we think it is.
        Critical = "critical",
        /// Somebody should look.
        Warning = "warning",
        /// For the record.
        Notice = "notice",
    }
}

impl DifferenceKind {
    pub fn severity(self) -> Severity {
        match self {
            DifferenceKind::ReleasedThere
            | DifferenceKind::ReleasedHere
            | DifferenceKind::RefundedThere
            | DifferenceKind::RefundedHere
            | DifferenceKind::ClosedThere
            | DifferenceKind::UnknownThere
            | DifferenceKind::AmountDiffers
            | DifferenceKind::CurrencyDiffers
            | DifferenceKind::FrozenHere
            | DifferenceKind::AcknowledgedHere => Severity::Critical,
            DifferenceKind::FrozenThere
            | DifferenceKind::DeadlineNearer
            | DifferenceKind::InDoubt
            | DifferenceKind::KeyForgotten
            | DifferenceKind::NoWord
            | DifferenceKind::CannotBeAsked
            | DifferenceKind::ProviderDown => Severity::Warning,
            DifferenceKind::DeadlineLater
            | DifferenceKind::TookEffectThere
            | DifferenceKind::NoEffectThere => Severity::Notice,
        }
    }

    /// Whether it says that something could not be compared.
    pub fn is_unasked(self) -> bool {
        matches!(self, DifferenceKind::NoWord | DifferenceKind::CannotBeAsked | DifferenceKind::ProviderDown)
    }
}

words! {
    /// What was done about a difference.
    Done {
        Reported = "reported",
        /// The trigger counts as acknowledged.
        Acknowledged = "acknowledged",
        /// It is known now that nothing came of the trigger.
        DoubtEnded = "doubt_ended",
        /// What the provider did by itself stands in the order.
        WrittenDown = "written_down",
        DeadlineLearned = "deadline_learned",
        /// It is proven, and could not be written down: `because` says why.
        NotWritten = "not_written",
    }
}

/// What the provider's answer proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    TookEffect(TriggerId),
    /// Of none of so many sendings.
    NoEffect {
        trigger: TriggerId,
        claims: u32,
    },
    /// All of the trade went one way.
    Moved,
    Deadline,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub kind: DifferenceKind,
    pub severity: Severity,
    pub provider: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shipment: Option<ShipmentId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payment_reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trigger: Option<TriggerId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<TriggerAction>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parcel: ShareOf,
    pub ours: String,
    pub theirs: String,
    pub done: Done,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    #[serde(skip)]
    pub proof: Option<Proof>,
}

impl Difference {
    pub fn of_provider(kind: DifferenceKind, provider: &str, ours: String, theirs: String) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            provider: provider.to_owned(),
            shipment: None,
            order: None,
            payment_reference: None,
            trigger: None,
            action: None,
            parcel: None,
            ours,
            theirs,
            done: Done::Reported,
            because: None,
            proof: None,
        }
    }

    fn of_hold(kind: DifferenceKind, hold: &Hold, ours: String, theirs: String) -> Self {
        Self {
            shipment: Some(hold.shipment),
            order: Some(hold.order),
            payment_reference: Some(hold.payment_reference.clone()),
            ..Self::of_provider(kind, &hold.provider, ours, theirs)
        }
    }

    fn of_trigger(kind: DifferenceKind, hold: &Hold, sent: &Sent, theirs: String) -> Self {
        Self {
            trigger: Some(sent.id),
            action: Some(sent.action),
            parcel: sent.parcel,
            ..Self::of_hold(kind, hold, stands(sent.stands).to_owned(), theirs)
        }
    }
}

fn stands(stands: Stands) -> &'static str {
    match stands {
        Stands::Unseen => "not sent",
        Stands::MaybeSeen => "on its way, and it may have taken effect",
        Stands::Acknowledged => "acknowledged",
        Stands::Refused => "given up without effect",
        Stands::GivenUp => "given up, and it may have taken effect",
    }
}
