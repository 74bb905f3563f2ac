//! The generic provider: signed Standard Webhooks to one address.
//!
//! `POST` with a JSON body `{"type": "escrow.<action>", "timestamp", "data"}`, the three
//! `webhook-…` headers of Standard Webhooks 1.0.0, and `Idempotency-Key`, which is the
//! trigger's id. Any 2xx acknowledges; 410 means that the address is given up.

use secrecy::ExposeSecret;
use serde::Serialize;

use super::provider::{Command, ConfirmReceipt, Delivered, Freeze, Reading, Refund, Shipped, Unsayable};
use crate::config;
use crate::domain::escrow::TriggerFacts;
use crate::domain::instant::{Instant, rfc3339};
use crate::outbound::{Answer, Request};
use crate::standard_webhooks::{BadSecret, Secret, sign};

/// As `payment.provider` names it.
pub const NAME: &str = "webhook";

pub struct Webhook {
    url: String,
    secret: Secret,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    timestamp: String,
    data: &'a TriggerFacts,
}

impl Webhook {
    /// None where no address is configured: triggers wait until there is one.
    pub fn from_config(settings: &config::Escrow) -> Result<Option<Self>, BadSecret> {
        if settings.webhook_url.is_empty() {
            return Ok(None);
        }
        let secret = settings.webhook_secret.expose_secret().parse()?;
        Ok(Some(Self { url: settings.webhook_url.clone(), secret }))
    }
}

impl Webhook {
    fn request(&self, command: &Command, wall: Instant) -> Request {
        let (id, timestamp) = (command.id.to_string(), wall.timestamp());
        let signature = sign(&self.secret, &id, timestamp, command.body.as_bytes());
        Request::post(self.url.clone(), command.body.as_bytes().to_vec())
            .header("content-type", "application/json")
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .header("idempotency-key", id.clone())
            .header("webhook-id", id)
    }
}

fn read(answer: &Answer) -> Reading {
    let reason = |status| format!("answered {status}");
    let after = answer.retry_after;
    match answer.status {
        200..=299 => Reading::Acknowledged,
        410 => Reading::Gone { reason: "the address is gone (410)".to_owned() },
        // It says itself that it has done nothing.
        status @ (429 | 503) => Reading::Later { reason: reason(status), after },
        status => Reading::Unknown { reason: reason(status), after },
    }
}

macro_rules! abilities {
    ($($ability:ident { $write:ident, $read:ident }),+ $(,)?) => {$(
        impl $ability for Webhook {
            fn $write(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
                Ok(self.request(command, wall))
            }

            fn $read(&self, _: &Command, answer: &Answer) -> Reading {
                read(answer)
            }
        }
    )+};
}

// Whoever takes one kind of message takes them all.
abilities! {
    Shipped { shipped, read_shipped },
    Delivered { delivered, read_delivered },
    ConfirmReceipt { confirm_receipt, read_confirm_receipt },
    Refund { refund, read_refund },
    Freeze { freeze, read_freeze },
}

/// The body of a trigger: kept in the outbox, sent the same way every time.
pub fn body(facts: &TriggerFacts, at: Instant) -> String {
    let body = Body { r#type: format!("escrow.{}", facts.action), timestamp: rfc3339(at), data: facts };
    // Text, numbers and lists of them: there is nothing in it that JSON cannot say.
    serde_json::to_string(&body).unwrap_or_default()
}
