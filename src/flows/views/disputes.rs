//! Disputes as all parties see them. Nothing in them says who anybody is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::dispute::{Dispute, Message};
use crate::domain::instant::rfc3339;
use crate::store::orders::Order;
use crate::store::{Reads, StoreError, disputes};

/// How an order stands, for its buyer.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuyerStandingView {
    pub state: String,
    /// When time alone moves it on.
    pub next_at: Option<String>,
}

impl From<&Order> for BuyerStandingView {
    fn from(order: &Order) -> Self {
        Self { state: order.state.to_string(), next_at: order.wake_at.map(rfc3339) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeView {
    pub id: String,
    pub shipment: String,
    pub reason: String,
    pub opened_at: String,
    /// By when an operator should decide.
    pub decide_by: String,
    pub closed_at: Option<String>,
    pub outcome: Option<String>,
    /// In the words of whoever closed it.
    pub because: Option<String>,
    pub messages: Vec<DisputeMessageView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeMessageView {
    /// `buyer`, `merchant` or `operator`.
    pub by: String,
    pub message: String,
    pub attachments: Vec<String>,
    pub at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DisputesView {
    /// Newest first.
    pub disputes: Vec<DisputeView>,
}

impl DisputeView {
    pub async fn load(db: &impl Reads, dispute: &Dispute) -> Result<Self, StoreError> {
        Ok(Self::new(dispute, disputes::messages(db, dispute).await?))
    }

    fn new(dispute: &Dispute, messages: Vec<Message>) -> Self {
        let message = |message: Message| DisputeMessageView {
            by: message.party.to_string(),
            message: message.said.message,
            attachments: message.said.attachments,
            at: rfc3339(message.at),
        };
        let closed = dispute.closed.as_ref();
        Self {
            id: dispute.id.to_string(),
            shipment: dispute.shipment.to_string(),
            reason: dispute.reason.to_string(),
            opened_at: rfc3339(dispute.opened_at),
            decide_by: rfc3339(dispute.decide_by),
            closed_at: closed.map(|closed| rfc3339(closed.at)),
            outcome: closed.map(|closed| closed.outcome.to_string()),
            because: closed.and_then(|closed| closed.because.clone()),
            messages: messages.into_iter().map(message).collect(),
        }
    }
}
