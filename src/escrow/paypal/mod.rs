//! PayPal: parcels are reported, captures are refunded; the merchant is paid by PayPal's own clock.
//!
//! A payment reference is a capture's id, or `ORDER/CAPTURE`: then a single parcel is reported through Orders v2,
//! everything else through the batch of trackers, twenty at most. `PayPal-Request-Id` is the trigger's id, which
//! PayPal keeps for 45 days with captures; a tracker is the same tracker however often it is reported. Answers bear no
//! signature: what counts is that they name what was asked about. A refund that is pending is unknown, and asked for
//! again under its id, which tells how it stands.
//!
//! There is no call that releases (delayed disbursement pays by itself after 28 days) and none that freezes. What PayPal
//! says by itself is in [`notice`], where `escrow.paypal.webhook_id` names the webhook that it is sent to.

mod notice;
mod translate;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::json::Fields;
use super::keys::{KeyRing, Rings, lines};
use super::provider::{
    Abilities, Authorise, Command, Delivered, Found, Inquire, NotIts, Pass, Provider, Reading, Refund,
    ReleasesAfter, Shipped, Since, Trade, Unsayable, kept_for_days,
};
use super::signing::BASE64;
use crate::config::{self, ConfigError, KeySource};
use crate::domain::escrow::{Consignment, TriggerAction, TriggerFacts};
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Request, percent_encoded};

pub const NAME: &str = "paypal";

/// How long a pass is used of which nobody said how long it lasts.
const UNSAID: Duration = Duration::from_secs(600);

pub struct Paypal {
    base_url: String,
    client_id: String,
    client_secrets: Arc<KeyRing<SecretString>>,
    /// Empty: no notices are taken.
    webhook_id: String,
    releases_after_days: Option<u32>,
}

/// None where no `client_id` is configured.
pub fn open(settings: &config::Paypal) -> Result<Option<(Provider, Rings)>, ConfigError> {
    if settings.client_id.is_empty() {
        return Ok(None);
    }
    let source = KeySource::new(&settings.client_secret_file, &settings.client_secret);
    let wanted_by = "escrow.paypal.client_id";
    let client_secrets = KeyRing::needed("escrow.paypal.client_secret", &source, lines, wanted_by)?;
    let rings: Rings = vec![client_secrets.clone()];
    let releases_after_days = Some(settings.releases_after_days).filter(|days| *days > 0);
    let paypal = Arc::new(Paypal {
        base_url: settings.base_url.trim_end_matches('/').to_owned(),
        client_id: settings.client_id.clone(),
        client_secrets,
        webhook_id: settings.webhook_id.clone(),
        releases_after_days,
    });
    let abilities = Abilities {
        authorise: Some(paypal.clone()),
        shipped: Some(paypal.clone()),
        delivered: Some(paypal.clone()),
        refund: Some(paypal.clone()),
        inquire: Some(paypal.clone()),
        vouched: (!paypal.webhook_id.is_empty()).then_some(paypal as _),
        ..Abilities::default()
    };
    let keeps_keys = kept_for_days(settings.keeps_keys_days);
    let releases_after = ReleasesAfter::days(settings.releases_after_days, Since::Payment);
    let could_hold = |text: &str, _| reference(text).map(drop).map_err(NotIts::reference);
    let (name, ships_whole) = (NAME, false);
    let step_minor = translate::step_minor;
    let provider =
        Provider { name, abilities, keeps_keys, releases_after, ships_whole, could_hold, step_minor };
    Ok(Some((provider, rings)))
}

/// What a payment reference names.
struct Reference<'r> {
    order: Option<&'r str>,
    capture: &'r str,
}

/// The capture is the payment, with its order before it or without.
pub fn capture_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

fn reference(text: &str) -> Result<Reference<'_>, Unsayable> {
    let is_id =
        |id: &str| (1..=50).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (order, capture) = match text.split_once('/') {
        Some((order, capture)) => (Some(order), capture),
        None => (None, text),
    };
    if is_id(capture) && order.is_none_or(is_id) {
        Ok(Reference { order, capture })
    } else {
        Err(Unsayable("the payment reference is no capture of PayPal".to_owned()))
    }
}

impl Paypal {
    fn post(&self, path: &str, body: &Value, command: &Command) -> Request {
        Request::post(format!("{}{path}", self.base_url), body.to_string().into_bytes())
            .header("content-type", "application/json")
            .header("prefer", "return=representation")
            .header("paypal-request-id", command.id.to_string())
    }

    fn batch(&self, command: &Command, capture: &str, status: &str) -> Result<Request, Unsayable> {
        let consignments = translate::told(command.facts);
        let mut trackers: Vec<Value> =
            consignments.map(|one| translate::tracker(capture, one, status)).collect();
        if trackers.is_empty() {
            // Without a number it is still news.
            trackers.push(json!({"transaction_id": capture, "status": status}));
        }
        Ok(self.post("/v1/shipping/trackers-batch", &json!({"trackers": trackers}), command))
    }

    /// The order and the only parcel of it, where Orders v2 can be told.
    fn single<'f>(facts: &'f TriggerFacts, reference: &Reference<'f>) -> Option<(&'f str, &'f Consignment)> {
        match &facts.consignments[..] {
            [one] => Some((reference.order?, one)),
            _ => None,
        }
    }
}

impl Authorise for Paypal {
    fn request(&self) -> Request {
        let secrets = self.client_secrets.keys();
        // A ring has a key.
        let secret = secrets.first().map(|secret| secret.expose_secret()).unwrap_or_default();
        let who = format!("{}:{secret}", self.client_id);
        Request::post(format!("{}/v1/oauth2/token", self.base_url), b"grant_type=client_credentials".to_vec())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Basic {}", BASE64.encode(who)))
    }

    fn read(&self, answer: &Answer) -> Result<Pass, String> {
        let text = String::from_utf8_lossy(&answer.body);
        let fields = Fields::of(&text).unwrap_or_default();
        let token = fields.text("access_token").filter(|token| !token.is_empty());
        match token {
            Some(token) if answer.is_success() => {
                let seconds = fields.text("expires_in").and_then(|text| text.parse().ok());
                let lasts = seconds.map_or(UNSAID, Duration::from_secs);
                Ok(Pass { secret: token.into(), lasts })
            }
            _ => {
                let error = super::json::shown(&fields.text("error").unwrap_or_default());
                Err(format!("no pass: answered {} {error}", answer.status))
            }
        }
    }

    fn admit(&self, request: Request, pass: &Pass) -> Request {
        request.header("authorization", format!("Bearer {}", pass.secret.expose_secret()))
    }
}

impl Shipped for Paypal {
    fn shipped(&self, command: &Command, _wall: Instant) -> Result<Request, Unsayable> {
        let reference = reference(&command.facts.payment_reference)?;
        match Self::single(command.facts, &reference) {
            Some((order, one)) => {
                let mut body = translate::tracker(reference.capture, one, "SHIPPED");
                body["capture_id"] = body["transaction_id"].take();
                if let Some(fields) = body.as_object_mut() {
                    fields.retain(|name, _| !["transaction_id", "status"].contains(&name.as_str()));
                }
                Ok(self.post(&format!("/v2/checkout/orders/{order}/track"), &body, command))
            }
            None => self.batch(command, reference.capture, "SHIPPED"),
        }
    }

    fn read_shipped(&self, command: &Command, answer: &Answer) -> Reading {
        let Ok(reference) = reference(&command.facts.payment_reference) else {
            return Reading::Refused { reason: "the payment reference is no capture of PayPal".to_owned() };
        };
        match Self::single(command.facts, &reference) {
            Some((order, _)) => translate::tracked(answer, order),
            None => translate::batched(answer, reference.capture, command.facts),
        }
    }
}

impl Delivered for Paypal {
    fn delivered(&self, command: &Command, _wall: Instant) -> Result<Request, Unsayable> {
        self.batch(command, reference(&command.facts.payment_reference)?.capture, "DELIVERED")
    }

    fn read_delivered(&self, command: &Command, answer: &Answer) -> Reading {
        match reference(&command.facts.payment_reference) {
            Ok(reference) => translate::batched(answer, reference.capture, command.facts),
            Err(Unsayable(reason)) => Reading::Refused { reason },
        }
    }
}

impl Refund for Paypal {
    fn refund(&self, command: &Command, _wall: Instant) -> Result<Request, Unsayable> {
        let capture = reference(&command.facts.payment_reference)?.capture;
        let body = json!({"amount": translate::amount(command.facts)?});
        Ok(self.post(&format!("/v2/payments/captures/{capture}/refund"), &body, command))
    }

    fn read_refund(&self, command: &Command, answer: &Answer) -> Reading {
        translate::refunded(answer, command.facts)
    }
}

impl Inquire for Paypal {
    /// One parcel's tracker can be looked up. A refund cannot, by the id it was asked for under.
    fn about_command(&self, command: &Command, _wall: Instant) -> Option<Request> {
        let reference = reference(&command.facts.payment_reference).ok()?;
        match (command.facts.action, &command.facts.consignments[..]) {
            (TriggerAction::Shipped | TriggerAction::Delivered, [one]) => {
                let id = format!("{}-{}", reference.capture, one.tracking_number);
                Some(Request::get(format!("{}/v1/shipping/trackers/{}", self.base_url, percent_encoded(&id))))
            }
            (TriggerAction::Shipped | TriggerAction::Delivered, _) => None,
            (
                TriggerAction::ConfirmReceipt
                | TriggerAction::Refund
                | TriggerAction::Freeze
                | TriggerAction::Thaw
                | TriggerAction::DeclareCustoms,
                _,
            ) => None,
        }
    }

    fn read_about_command(&self, command: &Command, answer: &Answer) -> Found {
        match reference(&command.facts.payment_reference) {
            Ok(reference) => translate::found_tracker(answer, reference.capture, command.facts.action),
            Err(Unsayable(reason)) => Found::NoWord { reason, after: None },
        }
    }

    fn about_trade(&self, payment_reference: &str, _wall: Instant) -> Request {
        let capture = capture_of(payment_reference);
        Request::get(format!("{}/v2/payments/captures/{}", self.base_url, percent_encoded(capture)))
    }

    fn read_about_trade(&self, payment_reference: &str, answer: &Answer) -> Result<Trade, String> {
        let reference = reference(payment_reference).map_err(|Unsayable(reason)| reason)?;
        translate::trade(answer, reference.capture, self.releases_after_days)
    }
}

#[cfg(test)]
mod tests;
