//! What Royal Mail wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub client_id: SecretString,
    pub client_secret: SecretString,
}
