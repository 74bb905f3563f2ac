//! Traces that China Post sends by itself (interface 040002).
//!
//! A JSON object or a form with the encrypted body in `logitcsInterface`. What does not open with the key,
//! or opens to anything but JSON, is nobody's.

use super::cipher::Key;
use crate::carriers::form;
use crate::carriers::json::Object;
use crate::carriers::{Acknowledgement, NotVerified, Pushed, Receive};
use crate::domain::instant::Instant;

pub struct Pushes {
    pub key: Key,
    /// What stands before an encrypted body.
    pub body_mark: String,
}

const BODY: &str = "logitcsInterface";

impl Receive for Pushes {
    fn verify(&self, pushed: &Pushed<'_>, _now: Instant) -> Result<(), NotVerified> {
        self.open(pushed.body).map(|_| ())
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        let sealed = sealed(body).ok_or(NotVerified("there is no encrypted body"))?;
        let sealed = sealed.strip_prefix(self.body_mark.as_bytes()).unwrap_or(&sealed);
        let opened = self.key.opened(sealed).ok_or(NotVerified("the body does not open with the key"))?;
        is_json(&opened).then_some(opened).ok_or(NotVerified("the body does not open with the key"))
    }

    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement {
            content_type: "application/json;charset=UTF-8",
            body: r#"{"code":"00000","codeMessage":"成功"}"#,
        }
    }
}

/// A block that was changed opens to noise, which a string of JSON would hold if it had not to be UTF-8.
fn is_json(opened: &[u8]) -> bool {
    let text = std::str::from_utf8(opened);
    text.is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

fn sealed(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let sealed = match Object::body(text) {
        Some(fields) => fields.text(BODY).into_bytes(),
        None => form::field(body, BODY)?,
    };
    Some(sealed).filter(|sealed| !sealed.is_empty())
}
