//! What merchants are told: how a message is written, signed and answered.
//!
//! Promise: one message is one id and one body, however often it is sent; it is signed as
//! Standard Webhooks 1.0.0 each time, with every secret that is in force for its endpoint
//! ([`secrets`]). Any 2xx acknowledges, 410 gives the address up, and
//! everything else, a redirect too, is tried again. Nothing in a message says who somebody is:
//! it names shipments, states and times.
//!
//! Absent on purpose: order. Messages go out side by side and again, and one that a receiver cannot take holds up
//! no other; the `sequence` of a shipment's messages says which was written down later.

mod escrow;
pub mod secrets;

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use self::escrow::EscrowNews;
use crate::domain::id::{MessageId, ShipmentId, WebhookId};
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::webhook::WebhookKind;
use crate::outbound::{Answer, Request};
use crate::standard_webhooks::{ID, SIGNATURE, Secret, TIMESTAMP, sign};

#[derive(Serialize)]
struct Body {
    r#type: WebhookKind,
    timestamp: String,
    data: Map<String, Value>,
}

/// The body of a message: kept with it, sent the same way every time.
pub fn body(kind: WebhookKind, shipment: Option<ShipmentId>, data: &Value, at: Instant) -> String {
    let mut fields = match data {
        Value::Object(fields) => fields.clone(),
        Value::Null => Map::new(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    };
    if let Some(shipment) = shipment {
        fields.insert("shipment".to_owned(), shipment.to_string().into());
    }
    let body = Body { r#type: kind, timestamp: rfc3339(at), data: fields };
    // Text, numbers and lists of them: there is nothing in it that JSON cannot say.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Why an endpoint is told nothing any more, for the merchant's others.
pub fn disabled(webhook: WebhookId, url: &str, because: &str, at: Instant) -> Value {
    json!({"webhook": webhook, "url": url, "disabled_at": rfc3339(at), "because": because})
}

/// `wall` is the machine's time: signatures are made when they are sent.
pub fn request(url: &str, secrets: &[Secret], id: MessageId, body: &str, wall: Instant) -> Request {
    let (id, timestamp) = (id.to_string(), wall.timestamp());
    let signatures: Vec<_> =
        secrets.iter().map(|secret| sign(secret, &id, timestamp, body.as_bytes())).collect();
    Request::post(url.to_owned(), body.as_bytes().to_vec())
        .header("content-type", "application/json")
        .header(TIMESTAMP, timestamp.to_string())
        .header(SIGNATURE, signatures.join(" "))
        .header(ID, id)
        .status_only()
        .strangers()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Acknowledged,
    /// Not now. `after`: when the receiver wants to be asked again, if it says so.
    Later {
        problem: String,
        after: Option<Duration>,
    },
    /// Never again at this address.
    Gone,
}

pub fn read(answer: &Answer) -> Reading {
    match answer.status {
        200..=299 => Reading::Acknowledged,
        410 => Reading::Gone,
        status => Reading::Later { problem: format!("answered {status}"), after: answer.retry_after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standard_webhooks::{Signed, verify};

    fn at() -> Instant {
        "2026-03-05T00:00:00Z".parse().expect("an instant")
    }

    #[test]
    fn a_body_names_its_shipment_whatever_else_it_says() {
        let shipment = ShipmentId::from_uuid(uuid::Uuid::nil());
        let data = json!({"to": "delivered", "shipment": "another"});
        let body = body(WebhookKind::ShipmentStatusChanged, Some(shipment), &data, at());
        let expected = json!({
            "type": "shipment.status_changed",
            "timestamp": "2026-03-05T00:00:00Z",
            "data": {"to": "delivered", "shipment": shipment},
        });
        assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), expected);
        assert!(super::body(WebhookKind::Ping, None, &Value::Null, at()).ends_with("\"data\":{}}"));
    }

    #[test]
    fn while_a_secret_is_replaced_either_of_the_two_verifies() {
        let secrets = [Secret::generate().expect("randomness"), Secret::generate().expect("randomness")];
        let request =
            request("https://a.example", &secrets, MessageId::from_uuid(uuid::Uuid::nil()), "{}", at());
        let header =
            |name| request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let signed = Signed { id: header(ID), timestamp: header(TIMESTAMP), signature: header(SIGNATURE) };
        for secret in secrets {
            assert_eq!(verify(&[secret], &signed, b"{}", at(), 0), Ok(()));
        }
        let stranger = Secret::generate().expect("randomness");
        assert!(verify(&[stranger], &signed, b"{}", at(), 0).is_err());
    }

    #[test]
    fn a_redirect_is_no_acknowledgement() {
        let read = |status| read(&Answer { status, ..Answer::default() });
        assert_eq!(
            (read(200), read(204), read(410)),
            (Reading::Acknowledged, Reading::Acknowledged, Reading::Gone)
        );
        for status in [301, 302, 307, 400, 404, 429, 500, 503] {
            assert!(matches!(read(status), Reading::Later { .. }), "{status}");
        }
    }
}
