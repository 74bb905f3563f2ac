//! A buyer's objection, and what was said about it.

use super::escrow::{DisputeOutcome, DisputeReason};
use super::id::{DisputeId, ShipmentId};
use super::instant::Instant;
use super::text::words;

words! {
    /// Who says something in a dispute. Nobody's name.
    Party {
        Buyer = "buyer",
        Merchant = "merchant",
        Operator = "operator",
    }
}

/// What somebody says, and where what they show is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub message: String,
    pub attachments: Vec<String>,
}

impl Statement {
    pub const CHARACTERS_MAX: usize = 2_000;
    pub const ATTACHMENTS_MAX: usize = 10;
    pub const ATTACHMENT_CHARACTERS_MAX: usize = 500;

    pub fn is_empty(&self) -> bool {
        self.message.is_empty() && self.attachments.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub id: DisputeId,
    pub shipment: ShipmentId,
    pub reason: DisputeReason,
    pub opened_at: Instant,
    /// By when an operator should decide.
    pub decide_by: Instant,
    pub closed: Option<Closed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub at: Instant,
    pub outcome: DisputeOutcome,
    pub because: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub party: Party,
    pub said: Statement,
    pub at: Instant,
}

impl Dispute {
    /// More is not said in one.
    pub const MESSAGES_MAX: u32 = 200;
}
