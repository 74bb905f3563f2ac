//! What all formats share: a request in parts, an answer in parts, and the order of work.
//!
//! A format reads and believes first, and acts afterwards, so that what goes wrong on purpose can
//! go wrong between the two. Pure.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::books::Books;
use crate::domain::instant::Instant;
use crate::domain::money::{Currency, Money};

/// A request as it came. `header` looks up by lower-case name.
pub struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub header: &'a dyn Fn(&str) -> Option<String>,
    pub body: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub fn text(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }
}

/// Why a request goes no further.
#[derive(Debug)]
pub enum Turned {
    /// Who it is from was not shown.
    Unbelieved(Reply),
    Unreadable(Reply),
}

impl Turned {
    pub fn reply(self) -> Reply {
        match self {
            Turned::Unbelieved(reply) | Turned::Unreadable(reply) => reply,
        }
    }
}

pub trait Wire {
    type Call;

    /// Signature first, over the bytes as they came. Nothing has happened after it.
    fn read(&self, asked: &Asked, now: Instant) -> Result<Self::Call, Turned>;

    /// Under which a call takes effect once; none for those that only ask.
    fn key(call: &Self::Call) -> Option<&str>;

    fn perform(&self, call: Self::Call, books: &mut Books, now: Instant) -> Reply;

    /// The format's way of saying that nobody knows what became of a call.
    fn unknown(&self, call: &Self::Call, now: Instant) -> Reply;

    /// Its way of saying that a call will never have an effect.
    fn refused(&self, call: &Self::Call, now: Instant) -> Reply;
}

/// What may not change under a key: of JSON the meaning, in any order of its fields.
pub fn digest(about: &str, body: &Value) -> [u8; 32] {
    Sha256::digest(format!("{about}\n{body}")).into()
}

/// `a=b&c=d` in the order of its coming; none for what is not UTF-8 in the end.
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((unescape(name)?, unescape(value)?))
        })
        .collect()
}

pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

pub fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// `k=v` in the order of their names, joined with `&`; what is empty is left out.
pub fn sorted(pairs: &[(String, String)], without: &[&str]) -> String {
    let mut kept: Vec<&(String, String)> =
        pairs.iter().filter(|(name, value)| !value.is_empty() && !without.contains(&name.as_str())).collect();
    kept.sort();
    kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A text that is there and not empty.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A decimal amount above nought, as text or as a number.
pub fn decimal(value: Option<&Value>, currency: Currency) -> Option<Money> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Money::parse(&text, currency).ok().filter(|money| money.minor > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_written_by_the_byte() {
        let read = pairs("a=%E4%BD%A0+b&c&&d=1%3D2").expect("a form");
        let expected = [("a", "你 b"), ("c", ""), ("d", "1=2")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(unescape(&escape("你 b/+=~")).as_deref(), Some("你 b/+=~"));
        assert_eq!(sorted(&read, &["d"]), "a=你 b");
        for text in ["a=%", "a=%4", "a=%zz", "%ff=1"] {
            assert_eq!(pairs(text), None, "{text}");
        }
    }
}
