//! The words of the way out.

use super::text::words;

words! {
    OutboxState {
        /// To be sent, or being sent.
        Pending = "pending",
        /// The receiver has it.
        Acknowledged = "acknowledged",
        /// Every try failed, or the receiver refused: a person has to look.
        Dead = "dead",
        /// A person, or a freeze, took it out.
        Parked = "parked",
    }
}

words! {
    /// Which adapter sends a message.
    Destination { EscrowWebhook = "escrow.webhook" }
}
