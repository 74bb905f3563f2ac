//! What AfterShip pushes: one tracking, signed.
//!
//! The header `aftership-hmac-sha256` is the base64 of the HMAC-SHA256 over the body (AfterShip, "Webhook signature").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::carriers::{Acknowledgement, NotVerified, Pushed, Receive};
use crate::domain::instant::Instant;

pub struct Pushes(SecretString);

impl Pushes {
    pub fn signed_with(secret: SecretString) -> Self {
        Self(secret)
    }
}

const HEADER: &str = "aftership-hmac-sha256";

impl Receive for Pushes {
    fn verify(&self, pushed: &Pushed<'_>, _now: Instant) -> Result<(), NotVerified> {
        let missing = NotVerified("the header aftership-hmac-sha256 is missing");
        let signature = (pushed.header)(HEADER).ok_or(missing)?;
        // HMAC takes a key of any length (RFC 2104), so this never fails.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).expect("any length");
        mac.update(pushed.body);
        let expected = STANDARD.encode(mac.finalize().into_bytes());
        let is_same = signature.trim().as_bytes().ct_eq(expected.as_bytes());
        if is_same.into() { Ok(()) } else { Err(NotVerified("the signature does not match")) }
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        Ok(body.to_vec())
    }

    /// Anything but a 2xx is pushed again, fourteen times within three days.
    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement { content_type: "text/plain", body: "ok" }
    }
}
