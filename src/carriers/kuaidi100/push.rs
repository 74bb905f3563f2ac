//! What Kuaidi100 pushes: a form of two fields, signed with a salt of ours.
//!
//! `sign` is the MD5 of `param` and the salt, in capital digits (Kuaidi100, subscription and push).

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::sign::upper_md5;
use crate::carriers::{Acknowledgement, NotVerified, Pushed, Receive, form};
use crate::domain::instant::Instant;

pub struct Pushes(SecretString);

impl Pushes {
    pub fn salted(salt: SecretString) -> Self {
        Self(salt)
    }
}

const NO_FORM: NotVerified = NotVerified("the body is no form with sign and param");

fn text(body: &[u8], name: &str) -> Option<String> {
    String::from_utf8(form::field(body, name)?).ok()
}

impl Receive for Pushes {
    fn verify(&self, pushed: &Pushed<'_>, _now: Instant) -> Result<(), NotVerified> {
        let (sign, param) = (text(pushed.body, "sign"), text(pushed.body, "param"));
        let (sign, param) = sign.zip(param).ok_or(NO_FORM)?;
        let expected = upper_md5(&[&param, self.0.expose_secret()]);
        let is_same = sign.to_ascii_uppercase().as_bytes().ct_eq(expected.as_bytes());
        if is_same.into() { Ok(()) } else { Err(NotVerified("the signature does not match")) }
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        Ok(text(body, "param").ok_or(NO_FORM)?.into_bytes())
    }

    /// Anything else is pushed again.
    fn acknowledgement(&self) -> Acknowledgement {
        let body = r#"{"result":true,"returnCode":"200","message":"成功"}"#;
        Acknowledgement { content_type: "application/json", body }
    }
}
