//! What China Post wants to know of an account.

use secrecy::SecretString;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The contract customer's number.
    pub sender_no: String,
    pub authorization: SecretString,
    /// Base64 of 16 bytes. Empty: the authorization is the key.
    #[serde(default)]
    pub sign_key: SecretString,
    /// What stands before an encrypted body.
    pub body_mark: String,
    #[serde(default)]
    pub sandbox: bool,
}
