//! Keys and signatures, as the formats want them: RSA with SHA-256 (PKCS#1 v1.5), ed25519, MD5.
//!
//! The mathematics is aws-lc's; keys are PEM, or the bare base64 that Alipay's tools write.
//! A signature is compared by its mathematics or in constant time, never as text.

use aws_lc_rs::encoding::{AsBigEndian, AsDer};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("not a key: PEM or base64 of PKCS#8 (private) or SPKI (public)")]
    NotAKey,
    #[error("no key could be made")]
    NotMade,
}

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

pub struct RsaPrivate(RsaKeyPair);

#[derive(Clone)]
pub struct RsaPublic(Vec<u8>);

impl RsaPrivate {
    /// A new one of 2048 bits, with its PEM.
    pub fn generate() -> Result<(Self, String), BadKey> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| BadKey::NotMade)?;
        let der = pair.as_der().map_err(|_| BadKey::NotMade)?;
        let text = pem(PRIVATE, der.as_ref());
        Ok((Self(pair), text))
    }

    pub fn read(text: &str) -> Result<Self, BadKey> {
        RsaKeyPair::from_pkcs8(&der(text)?).map(Self).map_err(|_| BadKey::NotAKey)
    }

    pub fn public_pem(&self) -> Result<String, BadKey> {
        let der = self.0.public_key().as_der().map_err(|_| BadKey::NotAKey)?;
        Ok(pem(PUBLIC, der.as_ref()))
    }

    /// In base64. Empty where the machine has no randomness for the blinding.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| STANDARD.encode(signature)).unwrap_or_default()
    }
}

impl RsaPublic {
    pub fn read(text: &str) -> Result<Self, BadKey> {
        Ok(Self(der(text)?))
    }

    pub fn verifies(&self, message: &[u8], signature_base64: &str) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0);
        STANDARD.decode(signature_base64).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
}

/// `whsk_` and `whpk_`, as Standard Webhooks 1.0.0 writes asymmetric keys.
pub struct EdPrivate(Ed25519KeyPair);

#[derive(Clone)]
pub struct EdPublic(Vec<u8>);

impl EdPrivate {
    pub fn generate() -> Result<(Self, String), BadKey> {
        let pair = Ed25519KeyPair::generate().map_err(|_| BadKey::NotMade)?;
        let seed = pair.seed().map_err(|_| BadKey::NotMade)?;
        let bytes = seed.as_be_bytes().map_err(|_| BadKey::NotMade)?;
        let text = format!("whsk_{}", STANDARD.encode(bytes.as_ref()));
        Ok((Self(pair), text))
    }

    pub fn read(text: &str) -> Result<Self, BadKey> {
        let encoded = text.trim().strip_prefix("whsk_").ok_or(BadKey::NotAKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadKey::NotAKey)?;
        // Some write the public half behind the seed.
        let seed = bytes.get(..32).ok_or(BadKey::NotAKey)?;
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| BadKey::NotAKey)
    }

    pub fn public_text(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.0.public_key().as_ref()))
    }

    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message).as_ref())
    }
}

impl EdPublic {
    pub fn read(text: &str) -> Result<Self, BadKey> {
        let encoded = text.trim().strip_prefix("whpk_").ok_or(BadKey::NotAKey)?;
        STANDARD.decode(encoded).map(Self).map_err(|_| BadKey::NotAKey)
    }

    pub fn verifies(&self, message: &[u8], signature_base64: &str) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        STANDARD.decode(signature_base64).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
}

pub fn md5_hex(message: &[u8]) -> String {
    Md5::digest(message).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// CRC-32 (IEEE 802.3), which PayPal signs in place of a body.
pub fn crc32(message: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    };
    !message.iter().fold(u32::MAX, step)
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn der(text: &str) -> Result<Vec<u8>, BadKey> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let encoded: String = lines.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
    STANDARD.decode(encoded).ok().filter(|der| !der.is_empty()).ok_or(BadKey::NotAKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_signatures_belong_to_their_bytes() {
        let (private, text) = RsaPrivate::generate().expect("a key");
        let public = RsaPublic::read(&private.public_pem().expect("its public half")).expect("a key");
        let read = RsaPrivate::read(&text).expect("the same key");
        let bare: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        for signer in [&private, &read, &RsaPrivate::read(&bare).expect("the same key")] {
            let signature = signer.sign(b"message");
            assert!(public.verifies(b"message", &signature));
            assert!(!public.verifies(b"massage", &signature));
        }
        let (private, text) = EdPrivate::generate().expect("a key");
        let public = EdPublic::read(&private.public_text()).expect("a key");
        let signature = EdPrivate::read(&text).expect("the same key").sign(b"message");
        assert!(public.verifies(b"message", &signature) && !public.verifies(b"massage", &signature));
        assert!(
            RsaPrivate::read("").is_err()
                && RsaPrivate::read("AAAA").is_err()
                && EdPrivate::read("whsk_").is_err()
        );
    }

    #[test]
    fn digests_are_those_of_the_published_checks() {
        // RFC 1321, and the check value of CRC-32/ISO-HDLC.
        assert_eq!(md5_hex(b"abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
