//! A merchant looks at what it was told, and has it told again.
//!
//! What is told again goes out under the id that it always had, with as many tries as a new
//! message: who keeps the ids that it has seen takes nothing in twice. Only what was settled
//! is taken up again. It goes out a part a second, so that what happens meanwhile need not
//! wait behind it. A crash before the commit leaves all as it was; asked again after it, the
//! dead are on their way already, and of the others some may be sent once more.

use chrono::TimeDelta;
use serde_json::Value;

use super::Deps;
use super::manage_webhooks::{WebhookError, find, find_enabled};
use super::views::{DeliveryPage, DeliveryView, ReplayView};
use crate::domain::id::{MerchantId, MessageId, WebhookId};
use crate::domain::instant::Instant;
use crate::domain::webhook::{Replayed, WebhookKind};
use crate::intake::read_webhooks_past;
use crate::store::webhook_log::{self, Filter, Of, Past, Settled};
use crate::store::{Tx, webhook_endpoints};

/// Messages that are taken up again in one call.
pub const REPLAYED_MAX: usize = 10_000;
/// Of those, how many become due at the same time.
const REPLAYED_A_SECOND: usize = 200;

pub async fn deliveries(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
    filter: &Filter,
    limit: usize,
) -> Result<DeliveryPage, WebhookError> {
    let db = deps.store.reader();
    find(db, merchant, id).await?;
    let of = Of { merchant, endpoint: id };
    let mut messages = webhook_log::page(db, of, filter, limit + 1).await?;
    let more = messages.len() > limit;
    messages.truncate(limit);
    let last = messages.last().filter(|_| more).map(|message| message.id.to_string());
    Ok(DeliveryPage { deliveries: messages.iter().map(DeliveryView::from).collect(), next_before: last })
}

/// Of one message: what is on its way already goes out at once.
pub async fn replay_one(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
    message: MessageId,
) -> Result<DeliveryView, WebhookError> {
    let (of, wall) = (Of { merchant, endpoint: id }, deps.clock.wall());
    let taken_up = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                find_enabled(tx, merchant, id).await?;
                webhook_endpoints::end_pause(tx, merchant, id).await?;
                webhook_log::find(tx, of, message).await?.ok_or(WebhookError::NotFound)?;
                webhook_log::hurry(tx, of, message, wall).await?;
                webhook_log::take_up(tx, of, &[message], wall, wall).await?;
                webhook_log::find(tx, of, message).await?.ok_or(WebhookError::NotFound)
            })
        })
        .await?;
    deps.webhook_bell.notify_one();
    Ok(DeliveryView::from(&taken_up))
}

pub async fn replay(
    deps: &Deps,
    merchant: MerchantId,
    id: WebhookId,
    body: &Value,
) -> Result<ReplayView, WebhookError> {
    let asked = read_webhooks_past(body).map_err(WebhookError::Fields)?;
    let is_asked = |kind: &WebhookKind| asked.kinds.as_ref().is_some_and(|kinds| kinds.covers(*kind));
    let past = Past {
        since_at: asked.since_at,
        // What is made in this moment is on its way by itself.
        until_at: asked.until_at.unwrap_or_else(|| deps.clock.now()),
        kinds: WebhookKind::ALL.iter().filter(|kind| is_asked(kind)).copied().collect(),
        after: asked.after,
    };
    let (of, wall) = (Of { merchant, endpoint: id }, deps.clock.wall());
    let replayed = deps
        .store
        .write(move |tx| Box::pin(async move { write_replay(tx, of, &past, asked.replayed, wall).await }))
        .await?;
    deps.webhook_bell.notify_one();
    tracing::info!(endpoint = %id, %merchant, messages = replayed.replayed, "messages are sent to an endpoint again");
    Ok(replayed)
}

async fn write_replay(
    tx: &Tx,
    of: Of,
    past: &Past,
    replayed: Replayed,
    wall: Instant,
) -> Result<ReplayView, WebhookError> {
    find_enabled(tx, of.merchant, of.endpoint).await?;
    webhook_endpoints::end_pause(tx, of.merchant, of.endpoint).await?;
    let mut settled = Vec::new();
    for state in replayed.states() {
        settled.extend(webhook_log::settled(tx, of, past, *state, REPLAYED_MAX + 1).await?);
    }
    let (settled, more) = oldest(settled, REPLAYED_MAX);
    let next_after = settled.last().filter(|_| more).map(|last| last.id.to_string());
    let mut taken_up = 0;
    for (second, part) in (0..).zip(settled.chunks(REPLAYED_A_SECOND)) {
        let ids: Vec<MessageId> = part.iter().map(|message| message.id).collect();
        let at = wall + TimeDelta::seconds(second);
        taken_up += webhook_log::take_up(tx, of, &ids, at, wall).await?;
    }
    Ok(ReplayView { replayed: taken_up, more, next_after })
}

/// The `most` oldest, and whether there are more.
fn oldest(mut settled: Vec<Settled>, most: usize) -> (Vec<Settled>, bool) {
    settled.sort_unstable();
    let more = settled.len() > most;
    settled.truncate(most);
    (settled, more)
}
