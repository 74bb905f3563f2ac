//! What Kuaidi100 wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    pub customer: String,
    pub key: SecretString,
    #[serde(default)]
    pub company: String,
    #[serde(default)]
    pub callback_url: String,
}
