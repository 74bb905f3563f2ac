//! A merchant says where it wants to be told of what, changes it, and takes it back.
//!
//! Each step is one transaction, and those that change an endpoint take turns under their
//! merchant's lock. To register the same address again finds the endpoint that is there, so
//! a lost answer costs nobody a second one; the secret, which was in that answer, can be
//! replaced. Who disables an endpoint, or takes it back, takes back what waits for it.

use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Deps;
use super::send_webhooks::{TAKEN_BACK, signing_secrets};
use super::tell_merchants::message;
use super::views::{DeliveryView, RotatedView, WebhookList, WebhookView};
use crate::chance::{self, NoRandomness};
use crate::domain::failure::Class;
use crate::domain::id::{MerchantId, WebhookId};
use crate::domain::instant::Instant;
use crate::domain::webhook::{SigningSecret, Subscription, WebhookKind};
use crate::intake::{FieldError, WebhookChange, read_secret_rotation, read_webhook, read_webhook_change};
use crate::notifications::{self, secrets};
use crate::outbound::{Home, check_address};
use crate::standard_webhooks::Secret;
use crate::store::webhook_endpoints::{self, Endpoint, Standing};
use crate::store::webhook_messages::{self, WebhookMessage};
use crate::store::{Reads, StoreError, Tx, merchants};

/// Endpoints that one merchant can have.
pub const ENDPOINTS_MAX: usize = 10;

const SWITCHED_OFF: &str = "its merchant switched it off";

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("there is no such endpoint")]
    NotFound,
    #[error("a merchant has {ENDPOINTS_MAX} endpoints at most; take one back first")]
    TooMany,
    #[error("{0}; enable it again with PATCH")]
    Disabled(String),
    #[error("{0} has this address and other events; change them with PATCH")]
    OtherEvents(WebhookId),
    #[error("{0} has the same address; take one of them back")]
    SameAddress(WebhookId),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no random numbers: {0}")]
    Random(#[from] NoRandomness),
}

impl WebhookError {
    pub fn class(&self) -> Class {
        match self {
            WebhookError::Fields(_) => Class::Caller,
            WebhookError::NotFound => Class::NotFound,
            WebhookError::TooMany
            | WebhookError::Disabled(_)
            | WebhookError::OtherEvents(_)
            | WebhookError::SameAddress(_) => Class::Conflict,
            WebhookError::Store(error) => error.class(),
            WebhookError::Random(_) => Class::Bug,
        }
    }
}

pub struct Registered {
    pub webhook: WebhookView,
    /// It was there before; nothing changed.
    pub repeated: bool,
}

pub async fn register(deps: &Deps, merchant: MerchantId, body: &Value) -> Result<Registered, WebhookError> {
    let home = Home::new(&deps.settings.outbound);
    let wanted = read_webhook(body, &|url| check_address(url, &home)).map_err(WebhookError::Fields)?;
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let secret = Secret::generate()?.to_text();
    let endpoint = Endpoint {
        id: WebhookId::from_uuid(chance::id()),
        merchant,
        url: wanted.url,
        events: wanted.events.clone().unwrap_or_else(Subscription::everything),
        secrets: vec![SigningSecret { secret: secret.clone().into(), until: None }],
        created_at: now,
        disabled_at: None,
        disabled_because: None,
        deleted_at: None,
        standing: Standing { failures: 0, failing_since: None, paused_until: wall },
        leased_until: wall,
    };
    let mut registered =
        deps.store.write(move |tx| Box::pin(async move { add(tx, endpoint, wanted.events).await })).await?;
    registered.webhook.secret = (!registered.repeated).then_some(secret);
    Ok(registered)
}

async fn add(tx: &Tx, endpoint: Endpoint, wanted: Option<Subscription>) -> Result<Registered, WebhookError> {
    // Two who register at the same time take turns, or there could be one too many.
    merchants::lock(tx, endpoint.merchant).await?;
    let known = webhook_endpoints::of_merchant(tx, endpoint.merchant).await?;
    if let Some(same) = known.iter().find(|known| known.url == endpoint.url && known.is_open()) {
        return match wanted {
            Some(events) if events != same.events => Err(WebhookError::OtherEvents(same.id)),
            _ => Ok(Registered { webhook: WebhookView::from(same), repeated: true }),
        };
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

pub async fn show(deps: &Deps, merchant: MerchantId, id: WebhookId) -> Result<WebhookView, WebhookError> {
    Ok(WebhookView::from(&find(deps.store.reader(), merchant, id).await?))
}

pub(super) async fn find(
    db: &impl Reads,
    merchant: MerchantId,
    id: WebhookId,
) -> Result<Endpoint, WebhookError> {
    webhook_endpoints::find(db, merchant, id).await?.ok_or(WebhookError::NotFound)
}

/// The same, if something can be sent to it.
pub(super) async fn find_enabled(
    db: &impl Reads,
    merchant: MerchantId,
    id: WebhookId,
) -> Result<Endpoint, WebhookError> {
    let endpoint = find(db, merchant, id).await?;
    match endpoint.disabled_at {
        None => Ok(endpoint),
        Some(_) => Err(WebhookError::Disabled(endpoint.disabled_because.unwrap_or_default())),
    }
}

/// What is told from now on; what waits already is sent nevertheless.
pub async fn change(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
    body: &Value,
) -> Result<WebhookView, WebhookError> {
    let change = read_webhook_change(body).map_err(WebhookError::Fields)?;
    let wall = deps.clock.wall();
    let changed = deps
        .store
        .write(move |tx| Box::pin(async move { write_change(tx, merchant, id, &change, wall).await }))
        .await?;
    Ok(WebhookView::from(&changed))
}

async fn write_change(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    change: &WebhookChange,
    wall: Instant,
) -> Result<Endpoint, WebhookError> {
    merchants::lock(tx, merchant).await?;
    let endpoint = find(tx, merchant, id).await?;
    if let Some(events) = &change.events {
        webhook_endpoints::subscribe(tx, merchant, id, events).await?;
    }
    match (change.enabled, endpoint.disabled_at) {
        (Some(true), Some(_)) => {
            let others = webhook_endpoints::of_merchant(tx, merchant).await?;
            if let Some(same) = others.iter().find(|other| other.url == endpoint.url && other.is_open()) {
                return Err(WebhookError::SameAddress(same.id));
            }
            webhook_endpoints::enable(tx, merchant, id, wall).await?;
        }
        (Some(false), None) => {
            webhook_endpoints::disable(tx, merchant, id, wall, SWITCHED_OFF).await?;
            webhook_messages::bury_all(tx, id, wall, SWITCHED_OFF).await?;
        }
        (None, _) | (Some(true), None) | (Some(false), Some(_)) => {}
    }
    find(tx, merchant, id).await
}

/// A new secret, shown this once; those before it sign, too, until the overlap is over.
pub async fn rotate_secret(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
    body: &Value,
) -> Result<RotatedView, WebhookError> {
    let overlap = read_secret_rotation(body).map_err(WebhookError::Fields)?;
    let secret = Secret::generate()?.to_text();
    let (new, wall) = (SecretString::from(secret.clone()), deps.clock.wall());
    deps.store
        .write(move |tx| {
            Box::pin(async move { write_rotation(tx, (merchant, id), new, overlap, wall).await })
        })
        .await?;
    tracing::info!(endpoint = %id, %merchant, hours = overlap.num_hours(), "the secret of an endpoint is replaced");
    Ok(RotatedView::new(secret, wall + overlap))
}

async fn write_rotation(
    tx: &Tx,
    (merchant, id): (MerchantId, WebhookId),
    new: SecretString,
    overlap: TimeDelta,
    wall: Instant,
) -> Result<(), WebhookError> {
    merchants::lock(tx, merchant).await?;
    let endpoint = find(tx, merchant, id).await?;
    let kept = signing_secrets(tx, &endpoint).await?;
    let kept = secrets::rotate(&kept, new, overlap, wall);
    Ok(webhook_endpoints::keep_secrets(tx, merchant, id, &kept).await?)
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
pub async fn ping(deps: &Deps, merchant: MerchantId, id: WebhookId) -> Result<DeliveryView, WebhookError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let sent = deps
        .store
        .write(move |tx| Box::pin(async move { write_ping(tx, merchant, id, now, wall).await }))
        .await?;
    deps.webhook_bell.notify_one();
    Ok(DeliveryView::from(&sent))
}

async fn write_ping(
    tx: &Tx,
    merchant: MerchantId,
    id: WebhookId,
    now: Instant,
    wall: Instant,
) -> Result<WebhookMessage, WebhookError> {
    find_enabled(tx, merchant, id).await?;
    let kind = WebhookKind::Ping;
    let body = notifications::body(kind, None, &json!({"webhook": id}), now);
    webhook_endpoints::end_pause(tx, merchant, id).await?;
    let ping = message((merchant, id), None, kind, body, now, wall);
    webhook_messages::insert(tx, std::slice::from_ref(&ping)).await?;
    Ok(ping)
}
