//! What Kuaidi100 pushes: a form of two fields, signed with a salt of ours.
//!
//! `sign` is the MD5 of `param` and the salt, in capital digits (Kuaidi100, subscription and push).

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::sign::upper_md5;
use crate::carriers::{Acknowledgement, NotVerified, Pushed, Receive};
use crate::domain::instant::Instant;

pub struct Pushes(SecretString);

impl Pushes {
    pub fn salted(salt: SecretString) -> Self {
        Self(salt)
    }
}

const NO_FORM: NotVerified = NotVerified("the body is no form with sign and param");

impl Receive for Pushes {
    fn verify(&self, pushed: &Pushed<'_>, _now: Instant) -> Result<(), NotVerified> {
        let (sign, param) = (field(pushed.body, "sign"), field(pushed.body, "param"));
        let (sign, param) = sign.zip(param).ok_or(NO_FORM)?;
        let expected = upper_md5(&[&param, self.0.expose_secret()]);
        let is_same = sign.to_ascii_uppercase().as_bytes().ct_eq(expected.as_bytes());
        if is_same.into() { Ok(()) } else { Err(NotVerified("the signature does not match")) }
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        Ok(field(body, "param").ok_or(NO_FORM)?.into_bytes())
    }

    /// Anything else is pushed again.
    fn acknowledgement(&self) -> Acknowledgement {
        let body = r#"{"result":true,"returnCode":"200","message":"成功"}"#;
        Acknowledgement { content_type: "application/json", body }
    }
}

/// A field of a form, the first of its name.
fn field(form: &[u8], name: &str) -> Option<String> {
    let value = form.split(|byte| *byte == b'&').find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (&pair[..at] == name.as_bytes()).then_some(&pair[at + 1..])
    })?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'+', _) => (b' ', after),
            (b'%', [high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'%', _) => return None,
            (other, _) => (*other, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}
