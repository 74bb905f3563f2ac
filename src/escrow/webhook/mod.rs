//! The generic provider: signed Standard Webhooks to one address.
//!
//! `POST` with a JSON body `{"type": "escrow.<action>", "timestamp", "data"}`, the three `webhook-…` headers of
//! Standard Webhooks 1.0.0, and `Idempotency-Key`, which is the trigger's id. Whoever takes them keeps the keys for
//! ever, so that a repeat is harmless. All actions are messages, `escrow.freeze` and `escrow.thaw` among them.
//!
//! | answer | means |
//! |---|---|
//! | 2xx | it has it, for good |
//! | 400, 422 | it never will: the message does not suit it |
//! | 410 | the address is given up |
//! | 423 | not now: the money is held there, and the key is decided when it comes again |
//! | 429 | later |
//! | 408, 409, 425, other 5xx | unknown: it may have, or is at it |
//! | anything else: 401, 403, 404, 3xx | later: a secret, an address or a door that gets mended |
//!
//! What it can be asked and what it may say by itself: [`inquiry`] and [`notice`].

mod inquiry;
mod notice;

use std::sync::Arc;

use serde::Serialize;

use self::notice::NoticeKey;
use super::keys::{KeyRing, Rings, words};
use super::provider::{
    Abilities, Command, ConfirmReceipt, Delivered, Freeze, Provider, Reading, Refund, ReleasesAfter, Shipped,
    Since, Unsayable, kept_for_days,
};
use crate::config::{self, ConfigError, KeySource};
use crate::domain::escrow::TriggerFacts;
use crate::domain::instant::{Instant, rfc3339};
use crate::outbound::{Answer, Request};
use crate::standard_webhooks::{Secret, SigningKey, sign};

/// As `payment.provider` names it.
pub const NAME: &str = "webhook";

pub struct Webhook {
    url: String,
    /// Where it can be asked; none: it cannot.
    inquire_url: Option<String>,
    secrets: Arc<KeyRing<Secret>>,
    signing_keys: Option<Arc<KeyRing<SigningKey>>>,
    /// None: the other side signs with our secrets.
    notice_keys: Option<Arc<KeyRing<NoticeKey>>>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    timestamp: String,
    data: &'a TriggerFacts,
}

/// None where no address is configured: triggers wait until there is one.
pub fn open(settings: &config::Escrow) -> Result<Option<(Provider, Rings)>, ConfigError> {
    if settings.webhook_url.is_empty() {
        return Ok(None);
    }
    let key = |name: &str| format!("escrow.{name}");
    let source = KeySource::new(&settings.webhook_secret_file, &settings.webhook_secret);
    let secrets = KeyRing::needed(&key("webhook_secret"), &source, words, &key("webhook_url"))?;
    let source = KeySource::new(&settings.webhook_signing_key_file, &settings.webhook_signing_key);
    let signing_keys = KeyRing::open(&key("webhook_signing_key"), &source, words)?;
    let source = KeySource::new(&settings.webhook_notice_key_file, &settings.webhook_notice_key);
    let notice_keys = KeyRing::open(&key("webhook_notice_key"), &source, words)?;
    let mut rings: Rings = vec![secrets.clone()];
    rings.extend(signing_keys.clone().map(|ring| ring as _));
    rings.extend(notice_keys.clone().map(|ring| ring as _));
    let inquire_url = settings.webhook_inquire_url.trim_end_matches('/').to_owned();
    let webhook = Arc::new(Webhook {
        url: settings.webhook_url.clone(),
        inquire_url: Some(inquire_url).filter(|url| !url.is_empty()),
        secrets,
        signing_keys,
        notice_keys,
    });
    let abilities = Abilities {
        shipped: Some(webhook.clone()),
        delivered: Some(webhook.clone()),
        confirm_receipt: Some(webhook.clone()),
        refund: Some(webhook.clone()),
        freeze: Some(webhook.clone()),
        inquire: webhook.inquire_url.is_some().then(|| webhook.clone() as _),
        notified: Some(webhook),
        ..Abilities::default()
    };
    let releases_after = ReleasesAfter::days(settings.webhook_releases_after_days, Since::Shipping);
    let keeps_keys = kept_for_days(settings.webhook_keeps_keys_days);
    // Whoever speaks this format decides what its references look like.
    let could_hold = |_: &str, _| Ok(());
    let (name, ships_whole) = (NAME, false);
    let step_minor = |_| 1;
    let provider =
        Provider { name, abilities, keeps_keys, releases_after, ships_whole, could_hold, step_minor };
    Ok(Some((provider, rings)))
}

impl Webhook {
    fn message(&self, command: &Command, wall: Instant) -> Request {
        let request = Request::post(self.url.clone(), command.body.as_bytes().to_vec())
            .header("content-type", "application/json")
            .header("idempotency-key", command.id.to_string());
        self.signed(request, &command.id.to_string(), command.body.as_bytes(), wall)
    }

    /// One signature of each key: the receiver checks the one that it knows.
    fn signed(&self, request: Request, id: &str, body: &[u8], wall: Instant) -> Request {
        let timestamp = wall.timestamp();
        let shared = self.secrets.keys();
        let own = self.signing_keys.as_ref().map(|ring| ring.keys());
        let own = own.iter().flat_map(|keys| keys.iter());
        let signatures: Vec<String> = shared
            .iter()
            .map(|secret| sign(secret, id, timestamp, body))
            .chain(own.map(|key| key.sign(id, timestamp, body)))
            .collect();
        request
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signatures.join(" "))
            .header("webhook-id", id)
    }
}

fn read(answer: &Answer) -> Reading {
    let (reason, after) = (format!("answered {}", answer.status), answer.retry_after);
    match answer.status {
        200..=299 => Reading::Acknowledged,
        400 | 422 => Reading::Refused { reason },
        410 => Reading::Gone { reason: "the address is gone (410)".to_owned() },
        // A proxy in between says 503 of what it has passed on, too.
        408 | 409 | 425 | 500.. => Reading::Unknown { reason, after },
        _ => Reading::Later { reason, after },
    }
}

impl Shipped for Webhook {
    fn shipped(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        Ok(self.message(command, wall))
    }

    fn read_shipped(&self, _command: &Command, answer: &Answer) -> Reading {
        read(answer)
    }
}

impl Delivered for Webhook {
    fn delivered(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        Ok(self.message(command, wall))
    }

    fn read_delivered(&self, _command: &Command, answer: &Answer) -> Reading {
        read(answer)
    }
}

impl ConfirmReceipt for Webhook {
    fn confirm_receipt(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        Ok(self.message(command, wall))
    }

    fn read_confirm_receipt(&self, _command: &Command, answer: &Answer) -> Reading {
        read(answer)
    }
}

impl Refund for Webhook {
    fn refund(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        Ok(self.message(command, wall))
    }

    fn read_refund(&self, _command: &Command, answer: &Answer) -> Reading {
        read(answer)
    }
}

impl Freeze for Webhook {
    fn freeze(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        Ok(self.message(command, wall))
    }

    fn read_freeze(&self, _command: &Command, answer: &Answer) -> Reading {
        read(answer)
    }
}

/// The body of a trigger: kept in the outbox, sent the same way every time.
pub fn body(facts: &TriggerFacts, at: Instant) -> String {
    let body = Body { r#type: format!("escrow.{}", facts.action), timestamp: rfc3339(at), data: facts };
    // Text, numbers and lists of them: there is nothing in it that JSON cannot say.
    serde_json::to_string(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests;
