//! What people do about an order's money, what a provider does by itself, and how a share of it stands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::id::DisputeId;
use super::super::instant::Instant;
use super::{DisputeOutcome, DisputeReason, OrderState, StandsThere};

/// The share of an order's money: a parcel's, or none: all of it.
pub type ShareOf = Option<u16>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    BuyerConfirmed,
    BuyerExtended {
        days: u32,
    },
    DisputeOpened {
        dispute: DisputeId,
        reason: DisputeReason,
    },
    DisputeWithdrawn {
        dispute: DisputeId,
    },
    DisputeClosed {
        dispute: DisputeId,
        outcome: DisputeOutcome,
    },
    Frozen {
        reason: String,
    },
    /// `set_aside`: the troubles that were known, and do not count any more.
    Thawed {
        reason: String,
        set_aside: BTreeSet<String>,
    },
    RefundOrdered {
        share: ShareOf,
        amount_minor: i64,
        reason: String,
        needs_second: bool,
    },
    RefundApproved {
        share: ShareOf,
    },
    RefundWithdrawn {
        share: ShareOf,
        reason: String,
    },
    /// A dead or parked trigger goes out again.
    Revived,
    /// By its own deadline, or at somebody's command there.
    ProviderReleased {
        word: String,
    },
    ProviderRefunded {
        word: String,
    },
    /// The provider said how a dispute stands that the buyer opened there.
    DisputedThere(DisputeThere),
}

/// A dispute that is kept by an escrow provider, as it stood at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeThere {
    /// As the provider names it.
    pub dispute: String,
    pub stands: StandsThere,
    /// The provider's, of why or how.
    pub word: String,
    /// By the provider's clock: what it said of an earlier time counts for nothing.
    pub at: Instant,
}

/// A part of an order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareState {
    pub of: ShareOf,
    pub held_minor: i64,
    pub state: OrderState,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    /// When its delivery was first known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_at: Option<Instant>,
    /// That delivery was taken back since.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub taken_back: bool,
    /// The buyer said of that delivery that all is well.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub buyer_confirmed: bool,
}
