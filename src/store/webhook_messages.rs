//! What merchants are told: written in the transaction that gave cause to it, sent until
//! its receiver has it or every try has failed, each under one id.
//!
//! Who sends holds the lease of the endpoint ([`super::webhook_endpoints`]). One whose lease
//! ended meanwhile may say that a message arrived, and nothing else: a message that somebody
//! else has tried since has another count of attempts.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
};

use super::entity::webhook_message::{self, Column as C};
use super::row::{Column, statement, to_json};
use super::{StoreError, Tx};
use crate::domain::id::{MerchantId, MessageId, ShipmentId, WebhookId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::webhook::{FailedAttempt, MessageState, WebhookKind};

#[derive(Debug, Clone, PartialEq)]
pub struct WebhookMessage {
    pub id: MessageId,
    pub merchant: MerchantId,
    pub endpoint: WebhookId,
    pub shipment: Option<ShipmentId>,
    pub kind: WebhookKind,
    pub body: String,
    pub state: MessageState,
    /// Ended so far, whatever came of them.
    pub attempts: u32,
    /// By the machine's clock.
    pub next_attempt_at: Instant,
    pub last_problem: Option<String>,
    pub created_at: Instant,
    pub settled_at: Option<Instant>,
    /// When it was last taken up again: `attempts` counts from then on.
    pub replayed_at: Option<Instant>,
    /// The attempts that failed, as many as are kept, the newest last.
    pub failed: Vec<FailedAttempt>,
}

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 2_000;

pub async fn insert(tx: &Tx, messages: &[WebhookMessage]) -> Result<(), StoreError> {
    for some in messages.chunks(ROWS) {
        let rows = some.iter().map(to_row);
        webhook_message::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Up to `most` messages of an endpoint that are due at `wall`, the longest due first, and none that is told again
/// before all news.
pub async fn due(
    db: &impl ConnectionTrait,
    endpoint: WebhookId,
    wall: Instant,
    most: usize,
) -> Result<Vec<WebhookMessage>, StoreError> {
    let due = webhook_message::Entity::find()
        .filter(C::State.eq(MessageState::Pending.as_str()))
        .filter(C::EndpointId.eq(endpoint.uuid()))
        .filter(C::NextAttemptAt.lte(wall.timestamp_micros()))
        .order_by_asc(C::NextAttemptAt);
    let news = due.clone().filter(C::ReplayedAt.is_null());
    let mut rows = news.limit(most as u64).all(db).await?;
    if rows.len() < most {
        let again = due.filter(C::ReplayedAt.is_not_null());
        rows.extend(again.limit((most - rows.len()) as u64).all(db).await?);
    }
    rows.into_iter().map(from_row).collect()
}

/// The receiver has it, whatever was decided about it meanwhile.
pub async fn acknowledge(tx: &Tx, message: &WebhookMessage, wall: Instant) -> Result<(), StoreError> {
    let update = tried(message)
        .col_expr(C::State, Expr::value(MessageState::Acknowledged.as_str()))
        .col_expr(C::SettledAt, Expr::value(wall.timestamp_micros()))
        .filter(C::State.ne(MessageState::Acknowledged.as_str()));
    unread(update, message).exec(tx).await?;
    Ok(())
}

/// The same of many to one endpoint that hold nothing to be withheld, in one statement.
pub async fn acknowledge_all(tx: &Tx, messages: &[&WebhookMessage], wall: Instant) -> Result<(), StoreError> {
    for some in messages.chunks(ROWS) {
        let [first, ..] = some else { break };
        webhook_message::Entity::update_many()
            .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
            .col_expr(C::State, Expr::value(MessageState::Acknowledged.as_str()))
            .col_expr(C::SettledAt, Expr::value(wall.timestamp_micros()))
            .filter(C::MerchantId.eq(first.merchant.uuid()))
            .filter(C::EndpointId.eq(first.endpoint.uuid()))
            .filter(C::Id.is_in(some.iter().map(|message| message.id.uuid())))
            .filter(C::State.ne(MessageState::Acknowledged.as_str()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// To be tried again at `next_attempt_at`, unless somebody else has tried or settled it since.
pub async fn postpone(
    tx: &Tx,
    message: &WebhookMessage,
    wall: Instant,
    next_attempt_at: Instant,
    problem: &str,
) -> Result<(), StoreError> {
    let update = failed(message, wall, problem)
        .col_expr(C::NextAttemptAt, Expr::value(next_attempt_at.timestamp_micros()));
    unchanged(update, message).exec(tx).await?;
    Ok(())
}

/// No more tries, unless somebody else has tried or settled it since.
pub async fn bury(tx: &Tx, message: &WebhookMessage, wall: Instant, problem: &str) -> Result<(), StoreError> {
    let update = failed(message, wall, problem)
        .col_expr(C::State, Expr::value(MessageState::Dead.as_str()))
        .col_expr(C::SettledAt, Expr::value(wall.timestamp_micros()));
    unchanged(unread(update, message), message).exec(tx).await?;
    Ok(())
}

/// What nobody but the receiver may see is kept no longer than it is sent.
fn unread(
    update: UpdateMany<webhook_message::Entity>,
    message: &WebhookMessage,
) -> UpdateMany<webhook_message::Entity> {
    if !message.kind.is_withheld() {
        return update;
    }
    update.col_expr(C::Body, emptied(message.kind))
}

fn emptied(kind: WebhookKind) -> Expr {
    Expr::value(format!(r#"{{"type":"{kind}"}}"#))
}

/// Whatever still waits for an endpoint is not sent. Says how many messages that were.
pub async fn bury_all(tx: &Tx, endpoint: WebhookId, wall: Instant, because: &str) -> Result<u64, StoreError> {
    for kind in WebhookKind::ALL.iter().filter(|kind| kind.is_withheld()) {
        webhook_message::Entity::update_many()
            .col_expr(C::Body, emptied(*kind))
            .filter(C::State.eq(MessageState::Pending.as_str()))
            .filter(C::EndpointId.eq(endpoint.uuid()))
            .filter(C::Kind.eq(kind.as_str()))
            .exec(tx)
            .await?;
    }
    let done = webhook_message::Entity::update_many()
        .col_expr(C::State, Expr::value(MessageState::Dead.as_str()))
        .col_expr(C::SettledAt, Expr::value(wall.timestamp_micros()))
        .col_expr(C::LastProblem, Expr::value(because))
        .filter(C::State.eq(MessageState::Pending.as_str()))
        .filter(C::EndpointId.eq(endpoint.uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// What is to be forgotten, on its own so that a test can look at its plan.
pub const OLD: &str =
    "SELECT merchant_id, endpoint_id, id FROM webhook_message WHERE settled_at < $1 LIMIT $2";

/// Forgets up to `most` messages that were settled before `before`. Says how many those were.
pub async fn forget(tx: &Tx, before: Instant, most: usize) -> Result<u64, StoreError> {
    let sql = format!("DELETE FROM webhook_message WHERE (merchant_id, endpoint_id, id) IN ({OLD})");
    let values = [before.timestamp_micros().into(), (most as i64).into()];
    Ok(tx.execute_raw(statement(tx, &sql, values)).await?.rows_affected())
}

/// One attempt more.
fn tried(message: &WebhookMessage) -> UpdateMany<webhook_message::Entity> {
    webhook_message::Entity::update_many()
        .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
        .filter(C::MerchantId.eq(message.merchant.uuid()))
        .filter(C::EndpointId.eq(message.endpoint.uuid()))
        .filter(C::Id.eq(message.id.uuid()))
}

/// How many failures of a message are kept: a whole life of tries.
const FAILED_MAX: usize = 16;

/// One attempt more, in vain.
fn failed(message: &WebhookMessage, wall: Instant, problem: &str) -> UpdateMany<webhook_message::Entity> {
    let mut all = message.failed.clone();
    all.push(FailedAttempt { at: wall, problem: problem.to_owned() });
    let kept = &all[all.len().saturating_sub(FAILED_MAX)..];
    tried(message)
        .col_expr(C::LastProblem, Expr::value(problem))
        .col_expr(C::Failed, Expr::value(to_json(&kept)))
}

fn unchanged(
    update: UpdateMany<webhook_message::Entity>,
    message: &WebhookMessage,
) -> UpdateMany<webhook_message::Entity> {
    update
        .filter(C::State.eq(MessageState::Pending.as_str()))
        .filter(C::Attempts.eq(i32::try_from(message.attempts).unwrap_or(i32::MAX)))
}

fn to_row(message: &WebhookMessage) -> webhook_message::ActiveModel {
    webhook_message::ActiveModel {
        merchant_id: Set(message.merchant.uuid()),
        endpoint_id: Set(message.endpoint.uuid()),
        id: Set(message.id.uuid()),
        shipment_id: Set(message.shipment.map(ShipmentId::uuid)),
        kind: Set(message.kind.to_string()),
        body: Set(message.body.clone()),
        state: Set(message.state.to_string()),
        attempts: Set(0),
        next_attempt_at: Set(message.next_attempt_at.timestamp_micros()),
        last_problem: Set(message.last_problem.clone()),
        created_at: Set(message.created_at.timestamp_micros()),
        settled_at: Set(message.settled_at.map(|at| at.timestamp_micros())),
        replayed_at: Set(None),
        failed: Set(None),
    }
}

pub(super) fn from_row(row: webhook_message::Model) -> Result<WebhookMessage, StoreError> {
    let column = |name| Column("webhook_message", name);
    Ok(WebhookMessage {
        id: MessageId::from_uuid(row.id),
        merchant: MerchantId::from_uuid(row.merchant_id),
        endpoint: WebhookId::from_uuid(row.endpoint_id),
        shipment: row.shipment_id.map(ShipmentId::from_uuid),
        kind: column("kind").word(&row.kind)?,
        body: row.body,
        state: column("state").word(&row.state)?,
        attempts: column("attempts").number(row.attempts)?,
        next_attempt_at: from_micros(row.next_attempt_at),
        last_problem: row.last_problem,
        created_at: from_micros(row.created_at),
        settled_at: row.settled_at.map(from_micros),
        replayed_at: row.replayed_at.map(from_micros),
        failed: row.failed.map_or(Ok(Vec::new()), |failed| column("failed").json(&failed))?,
    })
}
