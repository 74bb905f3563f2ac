//! What AfterShip wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub api_key: SecretString,
    pub version: String,
    #[serde(default)]
    pub slug: String,
}
