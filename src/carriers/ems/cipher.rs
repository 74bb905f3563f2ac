//! SM4 in ECB mode with PKCS #7 padding, as China Post encrypts the bodies of its messages.
//!
//! The key's text is appended to the text, and what does not end with it is not read: that is the only proof of
//! who wrote it. It is no signature: blocks of messages that somebody saw could be put together anew. Padding is
//! checked without branches.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

const BLOCK: usize = 16;

#[derive(Clone)]
pub struct Key {
    /// As it was given: it is part of what is encrypted.
    text: String,
    cipher: Sm4,
}

impl Key {
    /// `None`: it is not 16 bytes, neither in base64 nor in hexadecimal nor as they are.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == BLOCK);
        let bytes = bytes.or_else(|| from_hexadecimal(text)).or_else(|| Some(text.as_bytes().to_vec()))?;
        let bytes: [u8; BLOCK] = bytes.try_into().ok()?;
        Some(Self { text: text.to_owned(), cipher: Sm4::new(&Array(bytes)) })
    }

    /// Of `text` and the key's own, in base64.
    pub fn sealed(&self, text: &str) -> String {
        let mut bytes = [text.as_bytes(), self.text.as_bytes()].concat();
        let padding = BLOCK - bytes.len() % BLOCK;
        bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or_default(), padding));
        let (blocks, _) = bytes.as_chunks_mut::<BLOCK>();
        for block in blocks {
            let mut array = Array(*block);
            self.cipher.encrypt_block(&mut array);
            *block = array.0;
        }
        STANDARD.encode(bytes)
    }

    /// The text without the key's own at its end. `None`: it was not sealed with this key, or by nobody who has it.
    pub fn opened(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed.trim_ascii()).ok()?;
        let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
        if !rest.is_empty() {
            return None;
        }
        for block in blocks {
            let mut array = Array(*block);
            self.cipher.decrypt_block(&mut array);
            *block = array.0;
        }
        bytes.truncate(without_padding(&bytes)?);
        let end = bytes.len().checked_sub(self.text.len());
        let is_marked = end.is_some_and(|end| bool::from(bytes[end..].ct_eq(self.text.as_bytes())));
        bytes.truncate(end.filter(|_| is_marked)?);
        Some(bytes)
    }
}

/// How long the text is.
fn without_padding(bytes: &[u8]) -> Option<usize> {
    let last: &[u8; BLOCK] = bytes.last_chunk()?;
    let padding = last[BLOCK - 1];
    let mut is_good = Choice::from(u8::from((1..=16).contains(&padding)));
    for (from_end, byte) in (1_u8..).zip(last.iter().rev()) {
        let is_padding = Choice::from(u8::from(from_end <= padding));
        let expected = u8::conditional_select(byte, &padding, is_padding);
        is_good &= byte.ct_eq(&expected);
    }
    bool::from(is_good).then(|| bytes.len() - usize::from(padding))
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    (pairs.len() == BLOCK && rest.is_empty()).then(|| pairs.iter().map(|[a, b]| a * 16 + b).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of GB/T 32907-2016, appendix A.
    const KEY: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

    fn key() -> Key {
        Key::of(KEY).expect("a key")
    }

    #[test]
    fn bodies_are_as_another_implementation_makes_them() {
        // openssl enc -sm4-ecb -K 0123456789abcdeffedcba9876543210 -base64, of the text and the key's.
        assert_eq!(
            key().sealed("{\"waybillNo\":\"1234567890123\"}"),
            "FtRjpO6o38zxje11QKFtBmD2AjJxYYUjaLcVMMXag+irtNpy9zw999RtHlPmLJIW9jYy6xUauSejFv80iKC/Fw=="
        );
    }

    #[test]
    fn keys_come_in_three_spellings_and_have_sixteen_bytes() {
        let hexadecimal = Key::of("0123456789abcdeffedcba9876543210").expect("a key");
        let block = |key: &Key| {
            let mut block = Array([0; BLOCK]);
            key.cipher.encrypt_block(&mut block);
            block.0
        };
        assert_eq!(block(&key()), block(&hexadecimal));
        assert!(Key::of("sixteen letters.").is_some());
        for text in ["", "short", "0123456789abcdeffedcba98765432", "seventeen letters"] {
            assert!(Key::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_another_key_sealed_stays_shut() {
        let other = Key::of("0000000000000000").expect("a key");
        assert_eq!(other.opened(key().sealed("{}").as_bytes()), None);
        for sealed in ["", "e30=", "no base64!", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert_eq!(key().opened(sealed.as_bytes()), None, "{sealed}");
        }
    }

    fn encrypted(text: &[u8]) -> String {
        let mut bytes = text.to_vec();
        for block in bytes.as_chunks_mut::<BLOCK>().0 {
            let mut array = Array(*block);
            key().cipher.encrypt_block(&mut array);
            *block = array.0;
        }
        STANDARD.encode(bytes)
    }

    #[test]
    fn padding_has_to_be_whole() {
        let opened = |end: [u8; 4]| {
            // The key's text ends where the padding of two begins.
            let text = [&[b'1'; 6], KEY.as_bytes(), &end[2..]].concat();
            assert_eq!(text.len() % BLOCK, 0);
            key().opened(encrypted(&text).as_bytes()).map(|text| text.len())
        };
        assert_eq!(opened([9, 9, 2, 2]), Some(6));
        assert_eq!([opened([9, 9, 3, 2]), opened([9, 9, 9, 0]), opened([17; 4])], [None; 3]);
        assert_eq!([without_padding(&[1; 16]), without_padding(&[2; 16])], [Some(15), Some(14)]);
    }

    #[test]
    fn what_does_not_end_with_the_keys_text_was_sealed_by_nobody() {
        let text = b"{\"opCode\":\"704\"}".as_slice();
        let padded = [text, &[16 - (text.len() % 16) as u8; 16][..16 - text.len() % 16]].concat();
        assert_eq!(key().opened(encrypted(&padded).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(text in ".*") {
            prop_assert_eq!(key().opened(key().sealed(&text).as_bytes()), Some(text.into_bytes()));
        }
    }
}
