//! What merchants are told, and what became of it.

use super::text::words;

words! {
    /// What happened, as the `type` of a message says it.
    WebhookKind {
        /// The way of a shipment was planned anew.
        ShipmentReplanned = "shipment.replanned",
        /// There is no way for a shipment any more: a person has to look.
        ShipmentUnroutable = "shipment.unroutable",
        ShipmentStatusChanged = "shipment.status_changed",
        /// The merchant asked for it.
        Ping = "ping",
    }
}

words! {
    MessageState {
        /// To be sent, or being sent.
        Pending = "pending",
        /// The receiver has it.
        Acknowledged = "acknowledged",
        /// Every try failed, or nobody wants it any more.
        Dead = "dead",
    }
}
