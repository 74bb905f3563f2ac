//! What Cainiao wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub logistic_provider_id: String,
    pub secret: SecretString,
    /// The interface that answers about a number, as it was granted.
    pub msg_type: String,
    /// Whom the gateway passes questions to; empty: it knows.
    #[serde(default)]
    pub to_code: String,
}
