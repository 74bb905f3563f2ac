//! `v1a`: signatures that only one side can make (ed25519, RFC 8032).
//!
//! What is signed is the same as with a shared secret. The signer keeps `whsk_` and the base64 of a seed of 32
//! bytes, or of the seed and the public key together; the other side gets `whpk_` and the base64 of the public key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;

use super::BASE64;

const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";
const SEED_BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a signing key: whsk_ and the base64 of 32 or 64 bytes")]
pub struct BadSigningKey;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: whpk_ and the base64 of 32 bytes")]
pub struct BadPublicKey;

#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

impl SigningKey {
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; SEED_BYTES];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// The value of `webhook-signature`, or one entry of its list. `timestamp_unix` in seconds.
    pub fn sign(&self, id: &str, timestamp_unix: i64, body: &[u8]) -> String {
        let signature = self.0.sign(&content(id, &timestamp_unix.to_string(), body));
        format!("v1a,{}", BASE64.encode(signature))
    }
}

impl FromStr for SigningKey {
    type Err = BadSigningKey;

    fn from_str(text: &str) -> Result<Self, BadSigningKey> {
        let encoded = text.strip_prefix(PRIVATE).ok_or(BadSigningKey)?;
        let bytes = BASE64.decode(encoded).map_err(|_| BadSigningKey)?;
        let pair = match bytes.split_at_checked(SEED_BYTES) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(BadSigningKey),
        };
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| BadSigningKey)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; SEED_BYTES]);

impl PublicKey {
    /// `signature` without its `v1a,`, in raw bytes.
    pub(super) fn verifies(&self, id: &str, timestamp: &str, body: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(&content(id, timestamp, body), signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = BadPublicKey;

    fn from_str(text: &str) -> Result<Self, BadPublicKey> {
        let encoded = text.strip_prefix(PUBLIC).ok_or(BadPublicKey)?;
        let bytes = BASE64.decode(encoded).map_err(|_| BadPublicKey)?;
        Ok(Self(bytes.try_into().map_err(|_| BadPublicKey)?))
    }
}

fn content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}
