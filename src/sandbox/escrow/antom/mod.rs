//! Antom: `POST /ams/api/v1/…` and `/ams/sandbox/api/v1/…`, JSON both ways, signed both ways.
//!
//! What is signed is `POST <path>\n<client-id>.<time>.<body>`, RSA with SHA-256; of an answer the
//! time is its `response-time`. The signature is URL-encoded base64 in the header `signature`. Results
//! come with status 200: S, F, or U for what nobody knows (public SDKs and docs.antom.com, November 2026).
//! Stricter than the real one: a request may be five minutes old, amounts have to be text.
//! Absent: paying, capturing, cancelling; whoever wants a payment makes it through the control API.

pub mod calls;
pub mod facts;

use chrono::TimeDelta;
use serde_json::{Value, json};

use self::calls::Call;
use super::books::Books;
use super::crypto::{RsaPrivate, RsaPublic};
use super::wire::{Asked, Reply, Turned, Wire, escape, unescape};
use crate::domain::instant::Instant;

const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
const ROOTS: [&str; 2] = ["/ams/api/v1/", "/ams/sandbox/api/v1/"];

pub struct Antom {
    pub client_id: String,
    pub merchant: RsaPublic,
    pub provider: RsaPrivate,
}

pub struct Read {
    path: String,
    call: Call,
}

/// The endpoint within either root.
pub fn endpoint(path: &str) -> Option<&str> {
    ROOTS.iter().find_map(|root| path.strip_prefix(root))
}

impl Wire for Antom {
    type Call = Read;

    fn read(&self, asked: &Asked, now: Instant) -> Result<Read, Turned> {
        let failed = |code, message| self.answer(asked.path, result(code, "F", message), now);
        let unreadable = |code, message| Turned::Unreadable(failed(code, message));
        if asked.method != "POST" {
            return Err(unreadable("METHOD_NOT_SUPPORTED", "only POST"));
        }
        let header = |name| (asked.header)(name).unwrap_or_default();
        let (client, time) = (header("client-id"), header("request-time"));
        if client != self.client_id {
            return Err(unreadable("INVALID_CLIENT", "no such client"));
        }
        let sent_at = time.parse().ok().and_then(chrono::DateTime::from_timestamp_millis);
        if sent_at.is_none_or(|sent_at| (now - sent_at).abs() > TOLERANCE) {
            return Err(unreadable("PARAM_ILLEGAL", "request-time is not now, in milliseconds since 1970"));
        }
        let Some(signature) = signature(&header("signature")) else {
            return Err(unreadable("INVALID_SIGNATURE", "no signature by RSA256 and key version 1"));
        };
        if !self.merchant.verifies(&content(asked.path, &client, &time, asked.body), &signature) {
            return Err(Turned::Unbelieved(failed("INVALID_SIGNATURE", "the signature does not match")));
        }
        let is_json = header("content-type").starts_with("application/json");
        let body: Result<Value, _> = serde_json::from_slice(asked.body);
        let Some(body) = body.ok().filter(|body| is_json && body.is_object()) else {
            return Err(unreadable("PARAM_ILLEGAL", "the body is not an object of JSON"));
        };
        match endpoint(asked.path).and_then(|endpoint| Call::read(endpoint, &body)) {
            Some(Ok(call)) => Ok(Read { path: asked.path.to_owned(), call }),
            Some(Err(what)) => Err(unreadable("PARAM_ILLEGAL", &what)),
            None => Err(unreadable("NO_INTERFACE_DEF", "no such interface")),
        }
    }

    fn key(read: &Read) -> Option<&str> {
        read.call.key()
    }

    fn perform(&self, read: Read, books: &mut Books, now: Instant) -> Reply {
        let body = match read.call.perform(books, now) {
            Ok(mut body) => {
                body["result"] = result("SUCCESS", "S", "success")["result"].take();
                body
            }
            Err((code, message)) => result(code, "F", message),
        };
        self.answer(&read.path, body, now)
    }

    fn unknown(&self, read: &Read, now: Instant) -> Reply {
        let body = result("UNKNOWN_EXCEPTION", "U", "nobody knows what became of it");
        self.answer(&read.path, body, now)
    }

    fn refused(&self, read: &Read, now: Instant) -> Reply {
        let body = result("ORDER_STATUS_INVALID", "F", "refused on purpose");
        self.answer(&read.path, body, now)
    }
}

impl Antom {
    fn answer(&self, path: &str, body: Value, now: Instant) -> Reply {
        let (body, time) = (body.to_string(), now.timestamp_millis().to_string());
        let signature = self.sign(path, &time, body.as_bytes());
        let mut reply = Reply::text(200, "application/json; charset=UTF-8", body);
        reply.headers =
            vec![("client-id", self.client_id.clone()), ("response-time", time), ("signature", signature)];
        reply
    }

    /// The header for a message to `path`; notifications are signed as requests are.
    pub fn sign(&self, path: &str, time: &str, body: &[u8]) -> String {
        let signature = self.provider.sign(&content(path, &self.client_id, time, body));
        format!("algorithm=RSA256,keyVersion=1,signature={}", escape(&signature))
    }
}

fn content(path: &str, client: &str, time: &str, body: &[u8]) -> Vec<u8> {
    let mut content = format!("POST {path}\n{client}.{time}.").into_bytes();
    content.extend_from_slice(body);
    content
}

/// The base64 in `algorithm=RSA256, keyVersion=1, signature=…`, in any order.
fn signature(header: &str) -> Option<String> {
    let part = |name: &str| {
        let mut parts = header.split(',').filter_map(|part| part.trim().split_once('='));
        parts.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    // Left out, it is the newest: there is one.
    if part("algorithm") != Some("RSA256") || part("keyVersion").unwrap_or("1") != "1" {
        return None;
    }
    unescape(part("signature")?)
}

fn result(code: &str, status: &str, message: &str) -> Value {
    json!({ "result": { "resultCode": code, "resultStatus": status, "resultMessage": message } })
}
