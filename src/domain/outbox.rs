//! The words of the way out.

use super::text::words;

words! {
    OutboxState {
        /// To be sent, or being sent.
        Pending = "pending",
        /// Behind another message of its stream.
        Waiting = "waiting",
        /// The receiver has it.
        Acknowledged = "acknowledged",
        /// Every try failed, or the receiver refused: a person has to look.
        Dead = "dead",
        /// A person took it out.
        Parked = "parked",
        /// Taken out while its order is frozen.
        Frozen = "frozen",
    }
}

words! {
    /// Which adapter sends a message.
    Destination { EscrowWebhook = "escrow.webhook" }
}
