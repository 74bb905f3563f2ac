//! What USPS wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// USPS calls it the consumer key.
    pub client_id: String,
    pub client_secret: SecretString,
}
