//! The words of an order's money.

use serde::{Deserialize, Serialize};

pub use self::act::{Act, DisputeThere, ShareOf, ShareState};
pub use self::policy::{ReleaseBy, ReleaseMode, ReleasePolicy};
use super::event::{DeliveredTo, EventSource};
use super::id::{MerchantId, OrderId, ParcelId, ShipmentId};
use super::instant::Instant;
use super::text::words;

mod act;
mod policy;

words! {
    OrderState {
        Held = "held",
        Shipped = "shipped",
        Delivered = "delivered",
        ConfirmRequested = "confirm_requested",
        Confirmed = "confirmed",
        /// A dispute, a return, a contradiction: no money moves by itself.
        Frozen = "frozen",
        RefundRequested = "refund_requested",
        Refunded = "refunded",
        /// The provider refused: a person must act.
        Failed = "failed",
    }
}

words! {
    /// A command to the escrow provider. At most one of each for an order, for ever.
    TriggerAction {
        Shipped = "shipped",
        Delivered = "delivered",
        ConfirmReceipt = "confirm_receipt",
        Refund = "refund",
        /// Nothing may move. With its opposite, as often as there is cause; never money.
        Freeze = "freeze",
        Thaw = "thaw",
        /// The payment is reported to the customs office that the goods are cleared at. Moves nothing.
        DeclareCustoms = "declare_customs",
    }
}

impl TriggerAction {
    /// At most one of each for an order or a parcel, for ever.
    pub fn happens_once(self) -> bool {
        match self {
            TriggerAction::Shipped
            | TriggerAction::Delivered
            | TriggerAction::ConfirmReceipt
            | TriggerAction::Refund
            | TriggerAction::DeclareCustoms => true,
            TriggerAction::Freeze | TriggerAction::Thaw => false,
        }
    }
}

/// One parcel's proof that it got where a trigger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelEvidence {
    pub parcel: ParcelId,
    /// The normalised status of the event relied upon.
    pub status: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_to: Option<DeliveredTo>,
    pub occurred_at: Instant,
    pub source: EventSource,
    /// The hub or the carrier that said so.
    pub reported_by: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tracking_number: Option<String>,
}

/// Why a trigger may be sent, as it was known when it was made. Stored with it, sent with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub policy: ReleasePolicy,
    pub decided_at: Instant,
    pub parcels: Vec<ParcelEvidence>,
    /// In words, where it was not the goods' arrival alone: who decided, and why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
}

/// Under which number somebody carries a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignment {
    /// Within its shipment.
    pub parcel: u16,
    /// As the registry of carriers names it.
    pub carrier: String,
    pub tracking_number: String,
}

/// Who declares a payment at which customs office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomsOffice {
    /// The office: `HANGZHOU`, `ZHENGZHOU`, ….
    pub place: String,
    /// The merchant's code and name there.
    pub merchant_code: String,
    pub merchant_name: String,
}

/// A payment as a customs office has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The provider's number of the declaration, for the customs office.
    pub declaration_number: String,
    /// The payment company's code at the customs office.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pay_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pay_transaction_id: Option<String>,
    /// Whether the payer is the one named in the declaration, where the provider checks it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identity_matches: Option<bool>,
}

/// What the escrow provider is told, apart from its own wire format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerFacts {
    pub action: TriggerAction,
    pub merchant: MerchantId,
    pub order: OrderId,
    pub shipment: ShipmentId,
    /// The merchant's own reference of the order.
    pub reference: String,
    /// The provider's trade number.
    pub payment_reference: String,
    /// The parcel whose share of the money it is about; none: the whole order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parcel: Option<u16>,
    /// What it is about, or what it moves: a decimal string, in `currency`.
    pub amount: String,
    pub currency: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub consignments: Vec<Consignment>,
    /// Of a declaration alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customs: Option<CustomsOffice>,
    /// Of a freeze or a thaw: one that arrives behind a higher one of its payment is overtaken, and changes nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sequence: Option<u16>,
    pub evidence: Evidence,
}

words! {
    /// Why a buyer objects.
    DisputeReason {
        NotReceived = "not_received",
        NotAsDescribed = "not_as_described",
        Damaged = "damaged",
        WrongItem = "wrong_item",
        Counterfeit = "counterfeit",
    }
}

words! {
    /// Why something cannot be done about an order as it stands: those that its buyer can meet.
    Obstacle {
        NothingYet = "nothing was delivered yet",
        ReleaseAsked = "the release was asked for already",
        Paid = "the merchant was paid",
        Back = "the money went back",
        Frozen = "the order is frozen",
        BeingRefunded = "a refund is under way",
        Failed = "the provider refused: a person has to act",
        NotFrozen = "the order is not frozen",
        ExtendedBefore = "the window was extended before, and that can be done once",
        NoWindow = "there is no window that could be extended",
        DisputeOpen = "a dispute is open already",
        Decided = "a dispute for this reason was decided",
        NoDispute = "no dispute is open",
        AllSaid = "no more can be said in this dispute",
    }
}

words! {
    /// Which way money went that a person settled at the provider's console.
    SettledThere {
        Released = "released",
        Refunded = "refunded",
    }
}

words! {
    /// How a dispute stands that is kept by an escrow provider.
    StandsThere {
        Open = "open",
        /// It was decided, and the money is the merchant's.
        ForSeller = "for_seller",
        /// It was decided otherwise, or ended without a decision.
        Otherwise = "otherwise",
    }
}

words! {
    /// How a dispute ended.
    DisputeOutcome {
        /// The goods are as they should be: the money goes on as if nothing had been said.
        Rejected = "rejected",
        /// Some of the money goes back.
        RefundedInPart = "refunded_in_part",
        RefundedInFull = "refunded_in_full",
        /// The buyer took it back.
        Withdrawn = "withdrawn",
    }
}
