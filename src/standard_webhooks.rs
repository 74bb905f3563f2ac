//! Standard Webhooks 1.0.0: who sent a message, and that nobody changed or kept it.
//!
//! Pure. Both ways: merchants sign what they post here, and what is sent to an escrow
//! provider or a merchant is signed here. What is signed is `id.timestamp.body`, so an id
//! with a full stop in it is refused: it could borrow from the timestamp. Several secrets
//! and several signatures are allowed, so that a secret can be replaced without a gap.
//! A signature of a version that nobody here has a key for is passed over.

mod asymmetric;

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use self::asymmetric::{BadPublicKey, BadSigningKey, PublicKey, SigningKey};
use crate::chance::{self, NoRandomness};
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
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = vec![0; BYTES_GENERATED];
        chance::fill(&mut bytes)?;
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
    let (id, timestamp, offered) = offered(headers, "v1,", now, tolerance_seconds)?;
    let matches = secrets.iter().any(|secret| {
        let expected = digest(secret, id, timestamp, body);
        offered.iter().any(|signature| signature.ct_eq(&expected).into())
    });
    if matches { Ok(()) } else { Err(Refused::NoSignatureMatches) }
}

/// The same for one of `keys`, of which the signer alone has the other half.
pub fn verify_public(
    keys: &[PublicKey],
    headers: &Signed<'_>,
    body: &[u8],
    now: Instant,
    tolerance_seconds: u32,
) -> Result<(), Refused> {
    let (id, timestamp, offered) = offered(headers, "v1a,", now, tolerance_seconds)?;
    let matches = |key: &PublicKey| offered.iter().any(|one| key.verifies(id, timestamp, body, one));
    if keys.iter().any(matches) { Ok(()) } else { Err(Refused::NoSignatureMatches) }
}

/// The id, the time and the signatures of one version, if the time is near `now`.
fn offered<'h>(
    headers: &Signed<'h>,
    version: &str,
    now: Instant,
    tolerance_seconds: u32,
) -> Result<(&'h str, &'h str, Vec<Vec<u8>>), Refused> {
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
    let decoded = signatures
        .split(' ')
        .filter_map(|signature| BASE64.decode(signature.strip_prefix(version)?).ok())
        .collect();
    Ok((id, timestamp, decoded))
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

    /// RFC 8032, section 7.1, test 3: seed, public key, message, signature.
    const RFC_8032: [&str; 4] = [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ];

    fn hexadecimal(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).expect("ASCII"));
        digits.map(|two| u8::from_str_radix(two, 16).expect("two digits")).collect()
    }

    fn signing_key() -> SigningKey {
        format!("whsk_{}", BASE64.encode(hexadecimal(RFC_8032[0]))).parse().expect("the vector's seed")
    }

    #[test]
    fn an_asymmetric_key_is_the_one_of_rfc_8032_and_its_signatures_are_believed() {
        let [seed, public, message, signature] = RFC_8032.map(hexadecimal);
        let key = signing_key();
        assert_eq!(key.public().to_string(), format!("whpk_{}", BASE64.encode(&public)));
        let raw = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, &public);
        assert!(raw.verify(&message, &signature).is_ok());
        let both: SigningKey =
            format!("whsk_{}", BASE64.encode([&seed[..], &public].concat())).parse().expect("seed and key");
        let signed = key.sign(VECTOR_ID, VECTOR_AT, VECTOR_BODY);
        assert_eq!(both.sign(VECTOR_ID, VECTOR_AT, VECTOR_BODY), signed);
        // Made once with `openssl pkeyutl -sign -rawin` and the same seed.
        assert_eq!(
            signed,
            "v1a,CbWWbcW7B69jFUBICrevjm7uB16AqaX4X9zprrpWvW4012zWjiDpguw4L1VnBIktLL4pyfhNhZgLFTYi5s10AA=="
        );
        let headers = |signature| Signed {
            id: Some(VECTOR_ID),
            timestamp: Some("1614265330"),
            signature: Some(signature),
        };
        let verify =
            |list, body: &[u8], now| verify_public(&[key.public()], &headers(list), body, at(now), 300);
        let list = format!("{VECTOR_SIGNATURE} {signed}");
        assert_eq!(verify(&list, VECTOR_BODY, VECTOR_AT), Ok(()));
        assert_eq!(verify(&list, b"{}", VECTOR_AT), Err(Refused::NoSignatureMatches));
        assert_eq!(verify(VECTOR_SIGNATURE, VECTOR_BODY, VECTOR_AT), Err(Refused::NoSignatureMatches));
        assert_eq!(verify(&list, VECTOR_BODY, VECTOR_AT + 301), Err(Refused::TooOld));
    }

    #[test]
    fn asymmetric_keys_are_read_strictly_and_never_printed() {
        assert_eq!(format!("{:?}", signing_key()), "SigningKey(…)");
        let public = signing_key().public();
        assert_eq!(public.to_string().parse(), Ok(public));
        for bytes in [0, 31, 33, 63, 64, 65] {
            // 64 bytes whose second half is not the public key of the first are refused as well.
            let encoded = BASE64.encode(vec![7; bytes]);
            assert!(format!("whsk_{encoded}").parse::<SigningKey>().is_err(), "{bytes}");
            assert!(format!("whpk_{encoded}").parse::<PublicKey>().is_err(), "{bytes}");
        }
        assert!("whsec_AAAA".parse::<SigningKey>().is_err() && "".parse::<PublicKey>().is_err());
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
