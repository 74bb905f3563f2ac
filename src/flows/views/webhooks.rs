//! What a merchant is shown about what it is told.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::instant::{Instant, rfc3339};
use crate::domain::webhook::{FailedAttempt, MessageState};
use crate::store::webhook_endpoints::Endpoint;
use crate::store::webhook_messages::WebhookMessage;

/// Without `Debug`: a secret can be in it.
#[derive(Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(example = "whk_01kb2m3z8te2gt8d1v6q8h4x5n")]
    pub id: String,
    pub url: String,
    /// Kinds, families or `*`. `ping` and `webhook.disabled` come whatever is in it.
    #[schema(example = json!(["shipment.*", "escrow.state_changed"]))]
    pub events: Vec<String>,
    pub created_at: String,
    /// Nothing more is sent to it: it answered 410, nothing got through for days, or its merchant said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// What its messages are signed with, shown this once: when it is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: Option<String>,
}

impl From<&Endpoint> for WebhookView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            events: endpoint.events.patterns().map(|pattern| pattern.to_string()).collect(),
            created_at: rfc3339(endpoint.created_at),
            disabled_at: endpoint.disabled_at.map(rfc3339),
            disabled_because: endpoint.disabled_because.clone(),
            secret: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct WebhookList {
    /// Oldest first.
    pub webhooks: Vec<WebhookView>,
}

/// Without `Debug`, as above.
#[derive(Serialize, ToSchema)]
pub struct RotatedView {
    /// The new one, shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
    /// Until then messages are signed with those before it, too.
    pub previous_until: String,
}

impl RotatedView {
    pub fn new(secret: String, previous_until: Instant) -> Self {
        Self { secret, previous_until: rfc3339(previous_until) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FailedAttemptView {
    pub at: String,
    #[schema(example = "answered 503")]
    pub problem: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The `webhook-id` under which it is sent.
    #[schema(example = "msg_01kb2m3z8te2gt8d1v6q8h4x5n")]
    pub id: String,
    /// As shipment.status_changed
    #[serde(rename = "type")]
    pub kind: String,
    pub shipment: Option<String>,
    /// pending, acknowledged, or dead: it is not tried any more
    pub state: String,
    /// Since it was made, or taken up again.
    pub attempts: u32,
    /// Of the last attempt that failed.
    pub last_problem: Option<String>,
    /// The last attempts that failed, the newest last.
    pub failed: Vec<FailedAttemptView>,
    pub created_at: String,
    /// While it is pending.
    pub next_attempt_at: Option<String>,
    pub settled_at: Option<String>,
    /// When it was last taken up again after it was settled.
    pub replayed_at: Option<String>,
    /// What is sent. Null where it is withheld: the body of escrow.code.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

impl From<&FailedAttempt> for FailedAttemptView {
    fn from(attempt: &FailedAttempt) -> Self {
        Self { at: rfc3339(attempt.at), problem: attempt.problem.clone() }
    }
}

impl From<&WebhookMessage> for DeliveryView {
    fn from(message: &WebhookMessage) -> Self {
        let pending = message.state == MessageState::Pending;
        let shown = !message.kind.is_withheld();
        Self {
            id: message.id.to_string(),
            kind: message.kind.to_string(),
            shipment: message.shipment.map(|shipment| shipment.to_string()),
            state: message.state.to_string(),
            attempts: message.attempts,
            last_problem: message.last_problem.clone(),
            failed: message.failed.iter().map(FailedAttemptView::from).collect(),
            created_at: rfc3339(message.created_at),
            next_attempt_at: pending.then(|| rfc3339(message.next_attempt_at)),
            settled_at: message.settled_at.map(rfc3339),
            replayed_at: message.replayed_at.map(rfc3339),
            body: shown.then(|| serde_json::from_str(&message.body).ok()).flatten(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPage {
    /// Newest first.
    pub deliveries: Vec<DeliveryView>,
    /// `before` of the next page, where there is more.
    pub next_before: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayView {
    /// Messages that are sent again, each under its own id; up to 10,000 a call.
    pub replayed: u64,
    /// Whether there was more. Then the same call with `next_after` as its `after` goes on.
    pub more: bool,
    pub next_after: Option<String>,
}
