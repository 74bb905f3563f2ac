//! What SF Express wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The customer's code, `partnerID`.
    pub partner_id: String,
    pub checkword: SecretString,
}
