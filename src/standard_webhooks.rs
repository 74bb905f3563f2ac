//! Standard Webhooks 1.0.0: who sent a message, and that nobody changed or kept it.
//!
//! Pure. Both ways: merchants sign what they post here, and what is sent to an escrow
//! provider or a merchant is signed here. What is signed is `id.timestamp.body`, so an id
//! with a full stop in it is refused: it could borrow from the timestamp. Several secrets
//! and several signatures are allowed, so that a secret can be replaced without a gap.
//! Asymmetric signatures (`v1a`) are absent: they are passed over like any unknown version.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::domain::instant::Instant;

pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";

const PREFIX: &str = "whsec_";
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const BYTES_GENERATED: usize = 32;

/// Some leave the padding out. Stray bits at the end are refused, so that a signature has one spelling.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a secret: whsec_ and the base64 of 24 to 64 bytes")]
pub struct BadSecret;

/// A key that both sides know.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// A new one, from the operating system's randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0; BYTES_GENERATED];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.into()))
    }

    /// For showing it, once, to the one who has to know it, and for keeping it.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(self.0.expose_secret()))
    }
}

impl FromStr for Secret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret)?;
        let bytes = BASE64.decode(encoded).map_err(|_| BadSecret)?;
        if BYTES.contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(BadSecret) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The three headers of a signed message, as far as they came.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub id: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
}

/// Why a message is not believed. The sender must act, on all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    #[error("webhook-id has a full stop in it")]
    BadId,
    #[error("webhook-timestamp is not in whole seconds since 1970")]
    BadTimestamp,
    #[error("the message was signed too long ago")]
    TooOld,
    #[error("the message was signed in the future")]
    TooNew,
    #[error("no signature matches")]
    NoSignatureMatches,
}

/// The value of `webhook-signature`. `timestamp_unix` in seconds.
pub fn sign(secret: &Secret, id: &str, timestamp_unix: i64, body: &[u8]) -> String {
    format!("v1,{}", BASE64.encode(digest(secret, id, &timestamp_unix.to_string(), body)))
}

/// `Ok` if one of the signatures was made with one of `secrets`, no longer than
/// `tolerance_seconds` before or after `now`. Within that time a message can be repeated
/// by whoever saw it: keep the ids that were seen.
pub fn verify(
    secrets: &[Secret],
    headers: &Signed<'_>,
    body: &[u8],
    now: Instant,
    tolerance_seconds: u32,
) -> Result<(), Refused> {
    let present = |value: Option<_>, name| value.ok_or(Refused::MissingHeader(name));
    let id: &str = present(headers.id.filter(|id| !id.is_empty()), ID)?;
    let timestamp = present(headers.timestamp, TIMESTAMP)?;
    let signatures = present(headers.signature, SIGNATURE)?;
    if id.contains('.') {
        return Err(Refused::BadId);
    }
    let signed_at: i64 = timestamp.parse().map_err(|_| Refused::BadTimestamp)?;
    let age_seconds = now.timestamp().saturating_sub(signed_at);
    if age_seconds > i64::from(tolerance_seconds) {
        return Err(Refused::TooOld);
    }
    if age_seconds < -i64::from(tolerance_seconds) {
        return Err(Refused::TooNew);
    }
    let offered: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|signature| BASE64.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let matches = secrets.iter().any(|secret| {
        let expected = digest(secret, id, timestamp, body);
        offered.iter().any(|signature| signature.ct_eq(&expected).into())
    });
    if matches { Ok(()) } else { Err(Refused::NoSignatureMatches) }
}

fn digest(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length (RFC 2104), so this never fails.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.0.expose_secret()).expect("a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::instant::from_micros;

    const VECTOR_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const VECTOR_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const VECTOR_AT: i64 = 1_614_265_330;
    const VECTOR_BODY: &[u8] = br#"{"test": 2432232314}"#;
    const VECTOR_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Secret {
        VECTOR_SECRET.parse().expect("the vector's secret")
    }

    fn at(unix: i64) -> Instant {
        from_micros(unix * 1_000_000)
    }

    fn check(id: &str, timestamp: &str, signature: &str, body: &[u8], now: i64) -> Result<(), Refused> {
        let headers = Signed { id: Some(id), timestamp: Some(timestamp), signature: Some(signature) };
        verify(&[secret()], &headers, body, at(now), 300)
    }

    fn vector_at(now: i64) -> Result<(), Refused> {
        check(VECTOR_ID, &VECTOR_AT.to_string(), VECTOR_SIGNATURE, VECTOR_BODY, now)
    }

    #[test]
    fn the_published_vector_is_signed_and_verified() {
        assert_eq!(sign(&secret(), VECTOR_ID, VECTOR_AT, VECTOR_BODY), VECTOR_SIGNATURE);
        assert_eq!(vector_at(VECTOR_AT), Ok(()));
    }

    #[test]
    fn the_tolerance_holds_both_ways_to_the_second() {
        assert_eq!(vector_at(VECTOR_AT + 300), Ok(()));
        assert_eq!(vector_at(VECTOR_AT + 301), Err(Refused::TooOld));
        assert_eq!(vector_at(VECTOR_AT - 300), Ok(()));
        assert_eq!(vector_at(VECTOR_AT - 301), Err(Refused::TooNew));
    }

    #[test]
    fn several_signatures_and_several_secrets_let_a_secret_be_replaced() {
        let new = Secret::generate().expect("randomness");
        let by_new = sign(&new, VECTOR_ID, VECTOR_AT, VECTOR_BODY);
        let list = format!("v1a,AAAA v1,!!! {by_new} {VECTOR_SIGNATURE}");
        let headers = |signature| Signed {
            id: Some(VECTOR_ID),
            timestamp: Some("1614265330"),
            signature: Some(signature),
        };
        let verify =
            |secrets: &[Secret], list| verify(secrets, &headers(list), VECTOR_BODY, at(VECTOR_AT), 300);
        assert_eq!(verify(&[secret()], &list), Ok(()));
        assert_eq!(verify(std::slice::from_ref(&new), &list), Ok(()));
        assert_eq!(verify(&[secret(), new.clone()], &by_new), Ok(()));
        assert_eq!(verify(&[secret()], &by_new), Err(Refused::NoSignatureMatches));
        assert_eq!(verify(&[], &list), Err(Refused::NoSignatureMatches));
        assert_eq!(verify(&[new], ""), Err(Refused::NoSignatureMatches));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let refused = |id, timestamp, signature| {
            let headers = Signed { id, timestamp, signature };
            verify(&[secret()], &headers, VECTOR_BODY, at(VECTOR_AT), 300).expect_err("refused")
        };
        let (id, timestamp, signature) = (Some(VECTOR_ID), Some("1614265330"), Some(VECTOR_SIGNATURE));
        assert_eq!(refused(None, timestamp, signature), Refused::MissingHeader(ID));
        assert_eq!(refused(Some(""), timestamp, signature), Refused::MissingHeader(ID));
        assert_eq!(refused(id, None, signature), Refused::MissingHeader(TIMESTAMP));
        assert_eq!(refused(id, timestamp, None), Refused::MissingHeader(SIGNATURE));
        assert_eq!(refused(id, Some("now"), signature), Refused::BadTimestamp);
        assert_eq!(refused(id, Some("-9223372036854775808"), signature), Refused::TooOld);
        // The same bytes are signed, cut at other full stops.
        assert_eq!(refused(Some("msg.1"), timestamp, signature), Refused::BadId);
    }

    #[test]
    fn a_secret_is_read_back_and_never_printed() {
        let secret = Secret::generate().expect("randomness");
        let text = secret.to_text();
        assert_eq!(text.parse::<Secret>().map(|read| read.to_text()), Ok(text.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for bytes in [0, 23, 65] {
            assert!(format!("whsec_{}", BASE64.encode(vec![7; bytes])).parse::<Secret>().is_err(), "{bytes}");
        }
        for text in ["", "whsec_", "whsec_???", text.trim_start_matches(PREFIX)] {
            assert!(text.parse::<Secret>().is_err(), "{text}");
        }
    }

    fn flipped(text: &[u8], bit: usize, bits_each: usize) -> Vec<u8> {
        let mut bytes = text.to_vec();
        let bit = bit % (bytes.len() * bits_each);
        bytes[bit / bits_each] ^= 1 << (bit % bits_each);
        bytes
    }

    proptest! {
        #[test]
        fn any_bit_of_any_signed_part_matters(
            id in "[A-Za-z0-9_-]{1,40}",
            body in proptest::collection::vec(any::<u8>(), 1..200),
            bit: usize,
        ) {
            let (secret, timestamp) = (secret(), VECTOR_AT.to_string());
            let signature = sign(&secret, &id, VECTOR_AT, &body);
            prop_assert_eq!(check(&id, &timestamp, &signature, &body, VECTOR_AT), Ok(()));
            let other = flipped(&body, bit, 8);
            prop_assert!(check(&id, &timestamp, &signature, &other, VECTOR_AT).is_err());
            // Seven bits a letter: the headers stay ASCII.
            let other = String::from_utf8(flipped(id.as_bytes(), bit, 7)).expect("ASCII");
            prop_assert!(check(&other, &timestamp, &signature, &body, VECTOR_AT).is_err());
            let other = String::from_utf8(flipped(timestamp.as_bytes(), bit, 7)).expect("ASCII");
            prop_assert!(check(&id, &other, &signature, &body, VECTOR_AT).is_err());
            let other = String::from_utf8(flipped(signature.as_bytes(), bit, 7)).expect("ASCII");
            prop_assert!(check(&id, &timestamp, &other, &body, VECTOR_AT).is_err());
        }
    }
}
