//! The words of an order's money.

use serde::{Deserialize, Serialize};

use super::event::{DeliveredTo, EventSource};
use super::id::{MerchantId, OrderId, ParcelId, ShipmentId};
use super::instant::Instant;
use super::text::words;

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
    }
}

words! {
    /// When the merchant may be paid.
    ReleasePolicy {
        /// As soon as the last parcel is delivered.
        OnDelivery = "on_delivery",
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
    /// A decimal string, in `currency`.
    pub amount: String,
    pub currency: String,
    pub evidence: Evidence,
}
