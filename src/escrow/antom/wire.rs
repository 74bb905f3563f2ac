//! Antom's signatures: of requests, of answers and of what it posts, all of one form.
//!
//! Source: docs.antom.com and the published SDK, November 2026. `Signature: algorithm=RSA256, keyVersion=1,
//! signature=<percent-encoded base64>`, over `POST <path>\n<client id>.<time>.<body>`: a signed answer belongs to
//! its path, and its time is the header `response-time`.

use super::super::json::Fields;
use super::super::signing::{RsaPublic, is_signed};

pub const SIGNATURE: &str = "signature";
pub const RESPONSE_TIME: &str = "response-time";
pub const REQUEST_TIME: &str = "request-time";
pub const CLIENT_ID: &str = "client-id";

pub fn content(path: &str, client_id: &str, time: &str, body: &[u8]) -> Vec<u8> {
    [format!("POST {path}\n{client_id}.{time}.").as_bytes(), body].concat()
}

/// What follows the host in an address.
pub fn path(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind.find('/').map_or("", |at| &behind[at..])
}

/// Whether the value of a `Signature` header is one of `keys`' over `content`.
pub fn is_believed(header: &str, keys: &[RsaPublic], content: &[u8]) -> bool {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let algorithm = parts().find(|(name, _)| name.eq_ignore_ascii_case("algorithm")).map(|(_, value)| value);
    let signature = parts().find(|(name, _)| name.eq_ignore_ascii_case("signature")).map(|(_, value)| value);
    let Some(signature) = signature.and_then(unescaped) else { return false };
    algorithm.is_none_or(|algorithm| algorithm == "RSA256") && is_signed(keys, content, &signature)
}

/// Percent-escapes alone: the plus of base64 may come as it is.
fn unescaped(text: &str) -> Option<String> {
    let mut letters = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '%' {
            letters.push(letter);
            continue;
        }
        let digit = |letter: Option<char>| letter?.to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        letters.push(char::from(u8::try_from(high * 16 + low).ok()?));
    }
    Some(letters)
}

/// `result` of an answer or a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    Failed,
    Unknown,
}

pub struct Outcome {
    pub status: Status,
    pub code: String,
}

pub fn outcome(fields: &Fields) -> Option<Outcome> {
    let result = fields.object("result");
    let status = match result.text("resultStatus")?.as_str() {
        "S" => Status::Success,
        "F" => Status::Failed,
        "U" => Status::Unknown,
        _ => return None,
    };
    Some(Outcome { status, code: super::super::json::shown(&result.text("resultCode").unwrap_or_default()) })
}
