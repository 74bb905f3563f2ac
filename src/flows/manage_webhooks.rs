//! A merchant says where it wants to be told, looks at what it was told, and takes it back.
//!
//! Each step is one transaction. To register the same address again finds the endpoint that
//! is there, so a lost answer costs nobody a second one; who takes an endpoint back takes
//! back what waits for it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Deps;
use super::send_webhooks::TAKEN_BACK;
use super::tell_merchants::message;
use super::views::{DeliveryList, DeliveryView, WebhookList, WebhookView};
use crate::domain::failure::Class;
use crate::domain::id::{MerchantId, WebhookId};
use crate::domain::instant::Instant;
use crate::domain::webhook::WebhookKind;
use crate::intake::{FieldError, read_webhook};
use crate::notifications;
use crate::outbound::check_address;
use crate::store::webhook_endpoints::{self, Endpoint, Standing};
use crate::store::{StoreError, Tx, merchants, webhook_messages};

/// Endpoints that one merchant can have.
pub const ENDPOINTS_MAX: usize = 10;
/// Messages of one endpoint that can be looked at.
const DELIVERIES_MAX: u64 = 100;

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("there is no such endpoint")]
    NotFound,
    #[error("a merchant has {ENDPOINTS_MAX} endpoints at most; take one back first")]
    TooMany,
    #[error("{0}; register the address again, and take this one back")]
    Disabled(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WebhookError {
    pub fn class(&self) -> Class {
        match self {
            WebhookError::Fields(_) => Class::Caller,
            WebhookError::NotFound => Class::NotFound,
            WebhookError::TooMany | WebhookError::Disabled(_) => Class::Conflict,
            WebhookError::Store(error) => error.class(),
        }
    }
}

pub struct Registered {
    pub webhook: WebhookView,
    /// It was there before; nothing changed.
    pub repeated: bool,
}

pub async fn register(deps: &Deps, merchant: MerchantId, body: &Value) -> Result<Registered, WebhookError> {
    let allow_private = deps.settings.outbound.allow_private_addresses;
    let url = read_webhook(body, &|url| check_address(url, allow_private)).map_err(WebhookError::Fields)?;
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let endpoint = Endpoint {
        id: WebhookId::from_uuid(Uuid::now_v7()),
        merchant,
        url,
        created_at: now,
        disabled_at: None,
        disabled_because: None,
        deleted_at: None,
        standing: Standing { failures: 0, failing_since: None, paused_until: wall },
        leased_until: wall,
    };
    deps.store.write(move |tx| Box::pin(async move { add(tx, endpoint).await })).await
}

async fn add(tx: &Tx, endpoint: Endpoint) -> Result<Registered, WebhookError> {
    // Two who register at the same time take turns, or there could be one too many.
    merchants::lock(tx, endpoint.merchant).await?;
    let known = webhook_endpoints::of_merchant(tx, endpoint.merchant).await?;
    if let Some(same) = known.iter().find(|known| known.url == endpoint.url && known.is_open()) {
        return Ok(Registered { webhook: WebhookView::from(same), repeated: true });
    }
    if known.len() >= ENDPOINTS_MAX {
        return Err(WebhookError::TooMany);
    }
    webhook_endpoints::insert(tx, &endpoint).await?;
    Ok(Registered { webhook: WebhookView::from(&endpoint), repeated: false })
}

pub async fn list(deps: &Deps, merchant: MerchantId) -> Result<WebhookList, WebhookError> {
    let endpoints = webhook_endpoints::of_merchant(deps.store.reader(), merchant).await?;
    Ok(WebhookList { webhooks: endpoints.iter().map(WebhookView::from).collect() })
}

pub async fn remove(deps: &Deps, merchant: MerchantId, id: WebhookId) -> Result<(), WebhookError> {
    let wall = deps.clock.wall();
    deps.store
        .write(move |tx| {
            Box::pin(async move {
                if !webhook_endpoints::remove(tx, merchant, id, wall).await? {
                    return Err(WebhookError::NotFound);
                }
                webhook_messages::bury_all(tx, id, wall, TAKEN_BACK).await?;
                Ok(())
            })
        })
        .await
}

/// Sends a message that says nothing, at once even to an endpoint that is left alone for a while.
pub async fn ping(deps: &Deps, merchant: MerchantId, id: WebhookId) -> Result<(), WebhookError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    deps.store
        .write(move |tx| Box::pin(async move { write_ping(tx, merchant, id, now, wall).await }))
        .await?;
    deps.webhook_bell.notify_one();
    Ok(())
}

async fn write_ping(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    now: Instant,
    wall: Instant,
) -> Result<(), WebhookError> {
    let endpoint = webhook_endpoints::find(tx, merchant, id).await?.ok_or(WebhookError::NotFound)?;
    if endpoint.disabled_at.is_some() {
        return Err(WebhookError::Disabled(endpoint.disabled_because.unwrap_or_default()));
    }
    let kind = WebhookKind::Ping;
    let body = notifications::body(kind, None, &json!({"webhook": id}), now);
    webhook_endpoints::end_pause(tx, merchant, id).await?;
    let ping = message((merchant, id), None, kind, body, now, wall);
    Ok(webhook_messages::insert(tx, &[ping]).await?)
}

pub async fn deliveries(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
) -> Result<DeliveryList, WebhookError> {
    let db = deps.store.reader();
    webhook_endpoints::find(db, merchant, id).await?.ok_or(WebhookError::NotFound)?;
    let messages = webhook_messages::newest(db, merchant, id, DELIVERIES_MAX).await?;
    Ok(DeliveryList { deliveries: messages.iter().map(DeliveryView::from).collect() })
}
