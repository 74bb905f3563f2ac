//! Who is calling: keys of merchants, hubs and operators.
//!
//! Promise: a key is shown once, when it is made, and kept only as its SHA-256, under
//! which it is looked up. A key has 256 random bits, so no salt and no slow hash is
//! needed, and a look-up by hash has nothing to compare in constant time.
//!
//! Absent on purpose: passwords, sessions, people. Staff and consoles come with their own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::chance::{self, NoRandomness};

/// What a key opens; its first letters say so, so that a leaked one is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Merchant,
    Hub,
    Operator,
}

impl KeyKind {
    fn prefix(self) -> &'static str {
        match self {
            KeyKind::Merchant => "smk_",
            KeyKind::Hub => "shk_",
            KeyKind::Operator => "sok_",
        }
    }
}

/// A new key: its text, to be shown once, and the hash to keep.
pub fn new_key(kind: KeyKind) -> Result<(SecretString, String), NoRandomness> {
    let mut random = [0; 32];
    chance::fill(&mut random)?;
    let key = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(random));
    let hash = hash_of(&key);
    Ok((key.into(), hash))
}

/// Under which a key is kept and looked up.
pub fn hash_of(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A token that nobody can guess: 128 random bits, fit for an address.
pub fn new_tracking_token() -> Result<String, NoRandomness> {
    let mut random = [0; 16];
    chance::fill(&mut random)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn keys_differ_and_are_found_by_their_hash() {
        let (one, hash) = new_key(KeyKind::Merchant).expect("random bytes");
        let (other, _) = new_key(KeyKind::Merchant).expect("random bytes");
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(one.expose_secret().starts_with("smk_"));
        assert_eq!(hash_of(one.expose_secret()), hash);
        assert_eq!(new_tracking_token().expect("random bytes").len(), 22);
    }
}
