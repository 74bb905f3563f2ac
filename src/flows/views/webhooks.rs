//! What a merchant sees of its webhooks.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::instant::rfc3339;
use crate::domain::webhook::MessageState;
use crate::store::webhook_endpoints::Endpoint;
use crate::store::webhook_messages::WebhookMessage;

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(example = "whk_01kb2m3z8te2gt8d1v6q8h4x5n")]
    pub id: String,
    pub url: String,
    pub created_at: String,
    /// Nothing more is sent to it: it answered 410, or nothing got through for days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
}

impl From<&Endpoint> for WebhookView {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            created_at: rfc3339(endpoint.created_at),
            disabled_at: endpoint.disabled_at.map(rfc3339),
            disabled_because: endpoint.disabled_because.clone(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    /// Oldest first.
    pub webhooks: Vec<WebhookView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The `webhook-id` under which it is sent.
    #[schema(example = "msg_01kb2m3z8te2gt8d1v6q8h4x5n")]
    pub id: String,
    /// shipment.status_changed, shipment.replanned, shipment.unroutable or ping
    #[serde(rename = "type")]
    pub kind: String,
    pub shipment: Option<String>,
    /// pending, acknowledged, or dead: it is not tried any more
    pub state: String,
    pub attempts: u32,
    /// Of the last attempt that failed.
    pub last_problem: Option<String>,
    pub created_at: String,
    /// While it is pending.
    pub next_attempt_at: Option<String>,
    pub settled_at: Option<String>,
}

impl From<&WebhookMessage> for DeliveryView {
    fn from(message: &WebhookMessage) -> Self {
        let pending = message.state == MessageState::Pending;
        Self {
            id: message.id.to_string(),
            kind: message.kind.to_string(),
            shipment: message.shipment.map(|shipment| shipment.to_string()),
            state: message.state.to_string(),
            attempts: message.attempts,
            last_problem: message.last_problem.clone(),
            created_at: rfc3339(message.created_at),
            next_attempt_at: pending.then(|| rfc3339(message.next_attempt_at)),
            settled_at: message.settled_at.map(rfc3339),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first, 100 at most.
    pub deliveries: Vec<DeliveryView>,
}
