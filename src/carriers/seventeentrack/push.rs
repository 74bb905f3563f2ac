//! What 17TRACK pushes: an answer about one number, signed.
//!
//! The signature is the SHA-256 of body, stroke and key, in small hexadecimal letters, in the header `sign`
//! (17TRACK Tracking API v2.2, "Webhook").

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::carriers::{Acknowledgement, NotVerified, Pushed, Receive};
use crate::domain::instant::Instant;

pub struct Pushes(SecretString);

impl Pushes {
    pub fn signed_with(key: SecretString) -> Self {
        Self(key)
    }
}

impl Receive for Pushes {
    fn verify(&self, pushed: &Pushed<'_>, _now: Instant) -> Result<(), NotVerified> {
        let signature = (pushed.header)("sign").ok_or(NotVerified("the header sign is missing"))?;
        let expected = signature_of(pushed.body, self.0.expose_secret());
        let is_same = signature.as_bytes().ct_eq(expected.as_bytes());
        if is_same.into() { Ok(()) } else { Err(NotVerified("the signature does not match")) }
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        Ok(body.to_vec())
    }

    /// Anything but a 200 is pushed again, after ten, thirty and sixty minutes.
    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement { content_type: "text/plain", body: "ok" }
    }
}

pub fn signature_of(body: &[u8], key: &str) -> String {
    let mut digest = Sha256::new();
    for part in [body, b"/", key.as_bytes()] {
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
