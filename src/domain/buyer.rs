//! What is kept of a buyer's attempts to show that it is the buyer.

use serde::{Deserialize, Serialize};

use super::instant::Instant;

/// Of one shipment. What does not count any more is forgotten when it is next looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofStanding {
    /// When codes were sent, in the last hour.
    pub sent_at: Vec<Instant>,
    pub code: Option<KeptCode>,
    /// When a wrong telephone number was said, in the last day.
    pub wrong_phone_at: Vec<Instant>,
    pub phone_locked_until: Option<Instant>,
}

/// The code in force, without the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCode {
    /// Random, of this code alone.
    pub salt: String,
    pub hash: String,
    pub expires_at: Instant,
    pub tries_left: u32,
    /// A digest of the act that used it up: asked for again, the same is answered again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub used_for: Option<String>,
}
