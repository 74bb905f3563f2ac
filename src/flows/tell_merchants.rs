//! Writes down what merchants are to be told, in the transaction that gave cause to it.
//!
//! A message for each of a merchant's endpoints that wants the kind; nothing where none does. For one that is disabled
//! it is dead from the beginning, with the reason: who enables it again has it sent by a replay. Told again of
//! the same thing, a merchant hears of it twice: whoever tells does so once, under the lock
//! of what changed. The costs are one question and one insert, for however many shipments,
//! and no row is touched that other shipments of the merchant would wait for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::chance;
use crate::domain::id::{MerchantId, MessageId, ShipmentId, WebhookId};
use crate::domain::instant::Instant;
use crate::domain::webhook::{MessageState, WebhookKind};
use crate::notifications;
use crate::store::webhook_endpoints::Listener;
use crate::store::webhook_messages::{self, WebhookMessage};
use crate::store::{StoreError, Tx, webhook_endpoints};

/// So long what an endpoint misses is kept for it. Then nobody comes back to enable it.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Something a merchant should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub merchant: MerchantId,
    pub shipment: ShipmentId,
    pub kind: WebhookKind,
    /// An object, nothing personal in it; `shipment` is added to it.
    pub data: serde_json::Value,
}

/// Says whether there is something to send: then [`super::Deps::webhook_bell`] wants to be rung
/// after the commit. A crash before the commit leaves neither the change nor the message.
pub async fn tell(tx: &Tx, notices: &[Notice], now: Instant, wall: Instant) -> Result<bool, StoreError> {
    if notices.is_empty() {
        return Ok(false);
    }
    let merchants: BTreeSet<MerchantId> = notices.iter().map(|notice| notice.merchant).collect();
    let mut listeners: BTreeMap<MerchantId, Vec<Listener>> = BTreeMap::new();
    for listener in webhook_endpoints::listeners(tx, merchants, wall - KEPT_FOR).await? {
        listeners.entry(listener.merchant).or_default().push(listener);
    }
    let mut messages = Vec::new();
    for Notice { merchant, shipment, kind, data } in notices {
        let all = listeners.get(merchant).into_iter().flatten();
        // What nobody may read later is not kept for later either.
        let can_be = |listener: &&Listener| listener.disabled_because.is_none() || !kind.is_withheld();
        let mut wanting = all.filter(|one| one.events.wants(*kind)).filter(can_be).peekable();
        if wanting.peek().is_none() {
            continue;
        }
        let body = notifications::body(*kind, Some(*shipment), data, now);
        messages.extend(wanting.map(|listener| {
            let new = message((*merchant, listener.id), Some(*shipment), *kind, body.clone(), now, wall);
            match &listener.disabled_because {
                None => new,
                Some(because) => missed(new, because, wall),
            }
        }));
    }
    webhook_messages::insert(tx, &messages).await?;
    Ok(messages.iter().any(|message| message.state == MessageState::Pending))
}

fn missed(message: WebhookMessage, because: &str, wall: Instant) -> WebhookMessage {
    let last_problem = Some(because.to_owned());
    WebhookMessage { state: MessageState::Dead, last_problem, settled_at: Some(wall), ..message }
}

/// Tells a merchant, at each endpoint that is open, of something that is about no shipment. As [`tell`].
pub async fn tell_everywhere(
    tx: &Tx,
    merchant: MerchantId,
    kind: WebhookKind,
    data: &serde_json::Value,
    now: Instant,
    wall: Instant,
) -> Result<bool, StoreError> {
    let body = notifications::body(kind, None, data, now);
    let messages: Vec<_> = webhook_endpoints::listeners(tx, [merchant], wall)
        .await?
        .iter()
        .filter(|listener| listener.disabled_because.is_none() && listener.events.wants(kind))
        .map(|listener| message((merchant, listener.id), None, kind, body.clone(), now, wall))
        .collect();
    webhook_messages::insert(tx, &messages).await?;
    Ok(!messages.is_empty())
}

/// A message with an id of its own, to be sent at once.
pub(super) fn message(
    (merchant, endpoint): (MerchantId, WebhookId),
    shipment: Option<ShipmentId>,
    kind: WebhookKind,
    body: String,
    now: Instant,
    wall: Instant,
) -> WebhookMessage {
    WebhookMessage {
        id: MessageId::from_uuid(chance::id()),
        merchant,
        endpoint,
        shipment,
        kind,
        body,
        state: MessageState::Pending,
        attempts: 0,
        next_attempt_at: wall,
        last_problem: None,
        created_at: now,
        settled_at: None,
        replayed_at: None,
        failed: Vec::new(),
    }
}
