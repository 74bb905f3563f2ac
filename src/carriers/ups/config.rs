//! What UPS wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub client_id: String,
    pub client_secret: SecretString,
    /// The shipper number, for applications that belong to several.
    #[serde(default)]
    pub merchant_id: String,
}
