//! PayPal: a bearer token by `oauth2/token`, then REST with JSON.
//!
//! A token is made of its end and a digest with the secret, so nothing has to be kept of it. Errors
//! are `{"name", "message", "details": [{"issue"}]}` (developer.paypal.com, November 2026). A repeat
//! under the same `PayPal-Request-Id` is answered with 200 where the first one was 201.
//! Absent: paying and capturing; orders that have several captures; a call that releases: PayPal pays
//! out by its own deadline.

pub mod calls;
pub mod facts;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use self::calls::Call;
use super::books::Books;
use super::crypto::RsaPrivate;
use super::wire::{Asked, Reply, Turned, Wire, pairs};
use crate::domain::instant::Instant;

const TOKEN_SECONDS: i64 = 32_400;

pub struct Paypal {
    pub client_id: String,
    pub client_secret: String,
    /// Signs notifications, under this id of the webhook.
    pub provider: RsaPrivate,
    pub webhook_id: String,
}

pub enum Read {
    Token,
    Call(Box<Call>),
    /// Whether a notification is one of ours.
    Checked(bool),
}

/// Why a call failed: status, name, issue, what it means.
pub type Failed = (u16, &'static str, &'static str, String);

impl Wire for Paypal {
    type Call = Read;

    fn read(&self, asked: &Asked, now: Instant) -> Result<Read, Turned> {
        let header = |name| (asked.header)(name).unwrap_or_default();
        let authorization = header("authorization");
        if asked.path == "/v1/oauth2/token" {
            return self.read_token(&authorization, asked);
        }
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        if !self.is_ours(token, now) {
            let body = json!({
                "error": "invalid_token",
                "error_description": "Token signature verification failed",
            });
            return Err(Turned::Unbelieved(Reply::json(401, &body)));
        }
        let unreadable = |failed| Turned::Unreadable(reply(failed));
        let bad = |issue, what: &str| unreadable((400, "INVALID_REQUEST", issue, what.to_owned()));
        let body = if asked.body.is_empty() {
            json!({})
        } else {
            if !header("content-type").starts_with("application/json") {
                let what = "the body has to be JSON".to_owned();
                return Err(unreadable((415, "UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE", what)));
            }
            let body: Result<Value, _> = serde_json::from_slice(asked.body);
            let body = body.ok().filter(Value::is_object);
            body.ok_or_else(|| bad("MALFORMED_REQUEST_JSON", "the body is not an object of JSON"))?
        };
        if (asked.method, asked.path) == ("POST", "/v1/notifications/verify-webhook-signature") {
            return Ok(Read::Checked(self.is_our_notice(&body)));
        }
        let id = header("paypal-request-id");
        if id.len() > 108 {
            return Err(bad("INVALID_PARAMETER_VALUE", "PayPal-Request-Id is longer than 108"));
        }
        let call = Call::read(asked.method, asked.path, &id, &body).map_err(unreadable)?;
        Ok(Read::Call(Box::new(call)))
    }

    fn key(read: &Read) -> Option<&str> {
        match read {
            Read::Token | Read::Checked(_) => None,
            Read::Call(call) => call.key(),
        }
    }

    fn perform(&self, read: Read, books: &mut Books, now: Instant) -> Reply {
        match read {
            Read::Token => Reply::json(200, &self.token(now)),
            Read::Checked(ours) => {
                let status = if ours { "SUCCESS" } else { "FAILURE" };
                Reply::json(200, &json!({ "verification_status": status }))
            }
            Read::Call(call) => match call.perform(books, now) {
                Ok((status, body)) => Reply::json(status, &body),
                Err(failed) => reply(failed),
            },
        }
    }

    fn unknown(&self, _: &Read, _: Instant) -> Reply {
        let what = "nobody knows what became of it".to_owned();
        reply((500, "INTERNAL_SERVER_ERROR", "INTERNAL_SERVICE_ERROR", what))
    }

    fn refused(&self, _: &Read, _: Instant) -> Reply {
        reply((400, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE", "refused on purpose".to_owned()))
    }
}

impl Paypal {
    fn read_token(&self, authorization: &str, asked: &Asked) -> Result<Read, Turned> {
        let error = |status, error: &str, what: &str| {
            Reply::json(status, &json!({ "error": error, "error_description": what }))
        };
        let given = authorization.strip_prefix("Basic ").and_then(|basic| STANDARD.decode(basic).ok());
        let expected = format!("{}:{}", self.client_id, self.client_secret);
        let matches: bool = given.unwrap_or_default().ct_eq(expected.as_bytes()).into();
        if !matches {
            let reply = error(401, "invalid_client", "Client Authentication failed");
            return Err(Turned::Unbelieved(reply));
        }
        let form = std::str::from_utf8(asked.body).ok().and_then(pairs).unwrap_or_default();
        let wants = ("grant_type".to_owned(), "client_credentials".to_owned());
        if asked.method != "POST" || !form.contains(&wants) {
            let reply = error(400, "unsupported_grant_type", "only client_credentials");
            return Err(Turned::Unreadable(reply));
        }
        Ok(Read::Token)
    }

    fn token(&self, now: Instant) -> Value {
        let until = now.timestamp() + TOKEN_SECONDS;
        json!({
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": format!("A21AA{until}.{}", self.token_digest(until)),
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": TOKEN_SECONDS,
            "nonce": format!("{until}"),
        })
    }

    fn is_ours(&self, token: &str, now: Instant) -> bool {
        let parts = token.strip_prefix("A21AA").and_then(|token| token.split_once('.'));
        let Some((until, digest)) = parts.and_then(|(until, digest)| Some((until.parse().ok()?, digest)))
        else {
            return false;
        };
        let is_same: bool = digest.as_bytes().ct_eq(self.token_digest(until).as_bytes()).into();
        is_same && now.timestamp() < until
    }

    fn token_digest(&self, until: i64) -> String {
        let digest = Sha256::digest(format!("{}\n{}\n{until}", self.client_id, self.client_secret));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_our_notice(&self, body: &Value) -> bool {
        let part = |name: &str| body[name].as_str().unwrap_or_default();
        // PayPal digests the event as it writes it: without spaces, its fields as they came.
        let event = body["webhook_event"].to_string();
        let signed = self.signed(part("transmission_id"), part("transmission_time"), event.as_bytes());
        let expected = self.provider.sign(&signed);
        part("webhook_id") == self.webhook_id
            && part("auth_algo") == "SHA256withRSA"
            && bool::from(part("transmission_sig").as_bytes().ct_eq(expected.as_bytes()))
    }

    /// What is signed of a notification: never the body itself, but its checksum.
    pub fn signed(&self, id: &str, time: &str, body: &[u8]) -> Vec<u8> {
        format!("{id}|{time}|{}|{}", self.webhook_id, super::crypto::crc32(body)).into_bytes()
    }
}

pub fn reply((status, name, issue, what): Failed) -> Reply {
    let body = json!({
        "name": name,
        "message": what,
        "debug_id": "b1d1f06c7246c",
        "details": [{ "issue": issue, "description": what }],
        "links": [],
    });
    Reply::json(status, &body)
}
