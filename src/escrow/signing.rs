//! RSA signatures over SHA-256 (PKCS#1 v1.5), and the keys for them.
//!
//! Pure: text in, keys out. Keys are taken as they are handed out: PEM (PKCS#8, PKCS#1, SPKI), with or without
//! words around it, or the bare base64 of the same. Several public keys may stand in one text, so that both count
//! while one takes over from the other. What is wrong with a key is said without a letter of it. X.509
//! certificates and keys with a password are absent: the key by itself is asked for.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretSlice};

use crate::standard_webhooks::{BadSecret, BadSigningKey};

/// Strict: a signature has one spelling, but for padding that some leave out.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("there is no key in it")]
    Absent,
    #[error("one key is wanted, and there are several")]
    Several,
    #[error("it is neither PEM nor base64")]
    NotBase64,
    #[error("the key has a password: give it without")]
    Locked,
    #[error("it is a certificate: give the public key alone")]
    Certificate,
    #[error("a private key is wanted")]
    NotPrivate,
    #[error("a public key is wanted")]
    NotPublic,
    #[error(transparent)]
    NotSecret(#[from] BadSecret),
    #[error(transparent)]
    NotSigningKey(#[from] BadSigningKey),
    #[error("neither a secret (whsec_…) nor a public key (whpk_…)")]
    NotNoticeKey,
    #[error("it is no RSA key of 2048 bits or more")]
    Unusable,
}

/// One key of a text, still packed.
struct Block {
    /// As PEM names it; none for bare base64.
    label: Option<String>,
    der: SecretSlice<u8>,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Variables often hold a PEM on one line, its line ends written as `\n`.
fn blocks(text: &str) -> Result<Vec<Block>, BadKey> {
    let text = text.replace("\\n", "\n").replace('\r', "");
    if !text.contains(BEGIN) {
        let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
        return keys.map(|key| Ok(Block { label: None, der: bytes(key)? })).collect();
    }
    text.split(BEGIN).skip(1).map(block).collect()
}

fn block(after_begin: &str) -> Result<Block, BadKey> {
    let (label, rest) = after_begin.split_once(DASHES).ok_or(BadKey::NotBase64)?;
    let end = format!("{DASHES}END {label}{DASHES}");
    let (body, _) = rest.split_once(&end).ok_or(BadKey::NotBase64)?;
    if label.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(BadKey::Locked);
    }
    Ok(Block { label: Some(label.to_owned()), der: bytes(body)? })
}

fn bytes(encoded: &str) -> Result<SecretSlice<u8>, BadKey> {
    let letters: String = encoded.chars().filter(|letter| !letter.is_whitespace()).collect();
    let bytes = BASE64.decode(letters).map_err(|_| BadKey::NotBase64)?;
    if bytes.is_empty() { Err(BadKey::Absent) } else { Ok(bytes.into()) }
}

/// What signs.
pub struct RsaPrivate(RsaKeyPair);

impl RsaPrivate {
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let blocks = blocks(text)?;
        let [block] = &blocks[..] else {
            return Err(if blocks.is_empty() { BadKey::Absent } else { BadKey::Several });
        };
        let der = block.der.expose_secret();
        let pair = match block.label.as_deref() {
            Some("PRIVATE KEY") => RsaKeyPair::from_pkcs8(der),
            Some("RSA PRIVATE KEY") => RsaKeyPair::from_der(der),
            Some("CERTIFICATE") => return Err(BadKey::Certificate),
            Some(_) => return Err(BadKey::NotPrivate),
            None => RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)),
        };
        pair.map(Self).map_err(|_| BadKey::Unusable)
    }

    /// For a ring of keys, which holds lists.
    pub fn parse_one(text: &str) -> Result<Vec<Self>, BadKey> {
        Ok(vec![Self::parse(text)?])
    }

    /// In base64. A signature that could not be made is empty, and nobody believes it.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        // PKCS#1 v1.5 throws no dice: the same message has the same signature.
        match self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature) {
            Ok(()) => BASE64.encode(signature),
            Err(_) => String::new(),
        }
    }
}

impl std::fmt::Debug for RsaPrivate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaPrivate(…)")
    }
}

/// What signatures are checked with.
pub struct RsaPublic(ParsedPublicKey);

impl RsaPublic {
    /// One key or several.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, BadKey> {
        let keys: Result<Vec<Self>, BadKey> = blocks(text)?.iter().map(Self::of).collect();
        keys.and_then(|keys| if keys.is_empty() { Err(BadKey::Absent) } else { Ok(keys) })
    }

    fn of(block: &Block) -> Result<Self, BadKey> {
        match block.label.as_deref() {
            Some("PUBLIC KEY" | "RSA PUBLIC KEY") | None => {}
            Some("CERTIFICATE") => return Err(BadKey::Certificate),
            Some(_) => return Err(BadKey::NotPublic),
        }
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, block.der.expose_secret());
        key.parse().map(Self).map_err(|_| BadKey::Unusable)
    }

    /// `signature` in base64.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature) else { return false };
        self.0.verify_sig(message, &signature).is_ok()
    }
}

impl std::fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaPublic")
    }
}

/// Whether one of `keys` made `signature` over `message`.
pub fn is_signed(keys: &[RsaPublic], message: &[u8], signature: &str) -> bool {
    keys.iter().any(|key| key.verifies(message, signature))
}

#[cfg(test)]
pub mod test_keys {
    //! Pairs that the tests of all adapters sign with.

    use super::{RsaPrivate, RsaPublic};

    pub const MERCHANT: &str = include_str!("../../tests/fixtures/escrow/keys/merchant.pkcs8.pem");
    pub const MERCHANT_PUBLIC: &str = include_str!("../../tests/fixtures/escrow/keys/merchant.spki.pem");
    pub const PROVIDER: &str = include_str!("../../tests/fixtures/escrow/keys/provider.pkcs8.pem");
    pub const PROVIDER_PUBLIC: &str = include_str!("../../tests/fixtures/escrow/keys/provider.spki.pem");
    pub const STRANGER: &str = include_str!("../../tests/fixtures/escrow/keys/stranger.pkcs8.pem");

    pub fn private(text: &str) -> RsaPrivate {
        RsaPrivate::parse(text).expect("a private key of the tests")
    }

    pub fn public(text: &str) -> Vec<RsaPublic> {
        RsaPublic::parse_all(text).expect("a public key of the tests")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::test_keys::*;
    use super::*;

    const MERCHANT_PKCS1: &str = include_str!("../../tests/fixtures/escrow/keys/merchant.pkcs1.pem");
    const PROVIDER_PKCS1: &str = include_str!("../../tests/fixtures/escrow/keys/provider.pkcs1-public.pem");
    /// `printf 'a=1&b=two' | openssl dgst -sha256 -sign merchant.pkcs1.pem | base64 -w0`
    const BY_OPENSSL: &str = "J9rJCL9EGu4OS+cn3uRysB5wMDxVbs5QY06QHgkrcc0JdtpxasUNbKOTLYwZgI83m5tql3rRjse6oiAwz0ksYZqYSJvkqX7+\
        nUsz9EFrRNzbNwBkwmcghXIr0/c5ZbqUfXKzpdojHJj87z7wpD7dSRnHyIdTtn2xaCuhPp3LMxrpfNvGwlvccosXDJU2x3re\
        EYLgPw1lppR/KzZm0ouvoSySpzMxYQJo+3b4dw1o+9ATEuT11/Iwp0DXvgfAsmILpGWVw8h/zwFrCw5gNtfDaaM0adHkG/9B\
        HuNxREjmcbMcVMaMTXubUIzsY6AYPSDaWd5OzfuPHMHlNBGywzxO4A==";

    fn bare(pem: &str) -> String {
        let body = pem.split(DASHES).nth(2).expect("what is between the lines of dashes");
        body.split_whitespace().collect()
    }

    #[test]
    fn what_is_signed_is_what_openssl_signs_however_the_key_is_written() {
        let one_line = MERCHANT.replace('\n', "\\n");
        for text in [MERCHANT, MERCHANT_PKCS1, &bare(MERCHANT), &bare(MERCHANT_PKCS1), &one_line] {
            assert_eq!(private(text).sign(b"a=1&b=two"), BY_OPENSSL);
        }
        assert!(is_signed(&public(MERCHANT_PUBLIC), b"a=1&b=two", BY_OPENSSL));
        assert!(is_signed(&public(&bare(MERCHANT_PUBLIC)), b"a=1&b=two", BY_OPENSSL));
    }

    #[test]
    fn several_public_keys_count_at_once() {
        let both = format!("{MERCHANT_PUBLIC}\n{PROVIDER_PKCS1}");
        let bare = format!("{}, {}", bare(MERCHANT_PUBLIC), bare(PROVIDER_PKCS1));
        for text in [both, bare] {
            let keys = public(&text);
            assert_eq!(keys.len(), 2);
            for signer in [MERCHANT, PROVIDER] {
                assert!(is_signed(&keys, b"x", &private(signer).sign(b"x")));
            }
            assert!(!is_signed(&keys, b"x", &private(STRANGER).sign(b"x")));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_a_letter_of_it() {
        let private = |text: &str| RsaPrivate::parse(text).expect_err("no private key");
        let public = |text: &str| RsaPublic::parse_all(text).expect_err("no public key");
        assert_eq!((private(""), public(" , ")), (BadKey::Absent, BadKey::Absent));
        assert_eq!(private(&format!("{MERCHANT}{PROVIDER}")), BadKey::Several);
        assert_eq!((private(MERCHANT_PUBLIC), public(MERCHANT)), (BadKey::NotPrivate, BadKey::NotPublic));
        assert_eq!(
            (private("!!!"), public("-----BEGIN PUBLIC KEY-----")),
            (BadKey::NotBase64, BadKey::NotBase64)
        );
        assert_eq!((private("c2VjcmV0"), public("c2VjcmV0")), (BadKey::Unusable, BadKey::Unusable));
        let locked = MERCHANT.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(private(&locked), BadKey::Locked);
        let certificate = MERCHANT_PUBLIC.replace("PUBLIC KEY", "CERTIFICATE");
        assert_eq!((private(&certificate), public(&certificate)), (BadKey::Certificate, BadKey::Certificate));
        assert_eq!(format!("{:?}", test_keys::private(MERCHANT)), "RsaPrivate(…)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_signature_verifies_and_any_other_byte_does_not(
            message in proptest::collection::vec(any::<u8>(), 1..200),
            bit: usize,
        ) {
            let (key, keys) = (private(MERCHANT), public(MERCHANT_PUBLIC));
            let signature = key.sign(&message);
            prop_assert!(is_signed(&keys, &message, &signature));
            let flipped = |bytes: &[u8]| {
                let (mut bytes, bit) = (bytes.to_vec(), bit % (bytes.len() * 8));
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            };
            prop_assert!(!is_signed(&keys, &flipped(&message), &signature));
            let raw = BASE64.decode(&signature).expect("base64");
            prop_assert!(!is_signed(&keys, &message, &BASE64.encode(flipped(&raw))));
            prop_assert!(!is_signed(&public(PROVIDER_PUBLIC), &message, &signature));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}", label in "(PUBLIC|PRIVATE|RSA PUBLIC) KEY") {
            let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----");
            for text in [text, pem] {
                let _ = RsaPrivate::parse(&text);
                let _ = RsaPublic::parse_all(&text);
            }
        }
    }
}
