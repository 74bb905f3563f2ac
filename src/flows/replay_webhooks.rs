//! A merchant looks at what it was told, and has it told again.
//!
//! What is told again goes out under the id that it always had, with as many tries as a new
//! message: who keeps the ids that it has seen takes nothing in twice. Only what was settled
//! is taken up again. It goes out a part a second, so that what happens meanwhile need not
//! wait behind it, and is written a part a transaction. A crash leaves some of it taken up:
//! asked again, the dead among these are on their way, and of the others some may be sent
//! once more.

use chrono::TimeDelta;
use serde_json::Value;

use super::Deps;
use super::manage_webhooks::{WebhookError, find, find_enabled};
use super::views::{DeliveryPage, DeliveryView, ReplayView};
use crate::domain::id::{MerchantId, MessageId, WebhookId};
use crate::domain::instant::Instant;
use crate::domain::webhook::WebhookKind;
use crate::intake::read_webhooks_past;
use crate::store::webhook_log::{self, Filter, Of, Past, Settled};
use crate::store::{Tx, webhook_endpoints};

/// Messages that are taken up again in one call.
pub const REPLAYED_MAX: usize = 10_000;
/// Of those, how many become due at the same time.
const REPLAYED_A_SECOND: usize = 200;
/// And how many in one transaction, behind which others wait.
const REPLAYED_TOGETHER: usize = 1_000;

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
    let db = deps.store.reader();
    find_enabled(db, merchant, id).await?;
    let mut settled = Vec::new();
    for state in asked.replayed.states() {
        settled.extend(webhook_log::settled(db, of, &past, *state, REPLAYED_MAX + 1).await?);
    }
    let (settled, more) = oldest(settled, REPLAYED_MAX);
    let next_after = settled.last().filter(|_| more).map(|last| last.id.to_string());
    let (mut replayed, mut due_at) = (0, wall);
    for some in settled.chunks(REPLAYED_TOGETHER) {
        let some = some.to_vec();
        let (taken_up, next_at) = deps
            .store
            .write(move |tx| Box::pin(async move { take_up(tx, of, &some, due_at, wall).await }))
            .await?;
        (replayed, due_at) = (replayed + taken_up, next_at);
        deps.webhook_bell.notify_one();
    }
    tracing::info!(endpoint = %id, %merchant, messages = replayed, "messages are sent to an endpoint again");
    Ok(ReplayView { replayed, more, next_after })
}

/// From `due_at` on. Says how many that were, and when the next are due.
async fn take_up(
    tx: &Tx,
    of: Of,
    settled: &[Settled],
    mut due_at: Instant,
    wall: Instant,
) -> Result<(u64, Instant), WebhookError> {
    find_enabled(tx, of.merchant, of.endpoint).await?;
    webhook_endpoints::end_pause(tx, of.merchant, of.endpoint).await?;
    let mut taken_up = 0;
    for part in settled.chunks(REPLAYED_A_SECOND) {
        let ids: Vec<MessageId> = part.iter().map(|message| message.id).collect();
        taken_up += webhook_log::take_up(tx, of, &ids, due_at, wall).await?;
        due_at += TimeDelta::seconds(1);
    }
    Ok((taken_up, due_at))
}

/// The `most` oldest, and whether there are more.
fn oldest(mut settled: Vec<Settled>, most: usize) -> (Vec<Settled>, bool) {
    settled.sort_unstable();
    let more = settled.len() > most;
    settled.truncate(most);
    (settled, more)
}
