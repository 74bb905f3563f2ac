//! The words of the way out.

use std::fmt;

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

/// Which adapter sends a message: `escrow.` and the provider's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination(String);

impl Destination {
    pub fn escrow(provider: &str) -> Self {
        Self(format!("escrow.{provider}"))
    }

    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// None: it is no escrow provider.
    pub fn provider(&self) -> Option<&str> {
        self.0.strip_prefix("escrow.")
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
