//! What Canada Post wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub user: SecretString,
    pub password: SecretString,
}
