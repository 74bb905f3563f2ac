//! What an endpoint was told, looked at again and sent again.
//!
//! Pages are read by the index that fits what is asked for, from the message before them on:
//! all by id, those of one state or kind by the time of their making. A message that is gone
//! is the end of the list.

use sea_orm::sea_query::{Expr, Value};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryResult, Statement,
};

use super::entity::webhook_message::{self, Column as C};
use super::row::statement;
use super::webhook_messages::{WebhookMessage, from_row};
use super::{StoreError, Tx};
use crate::domain::id::{MerchantId, MessageId, WebhookId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::webhook::{MessageState, WebhookKind};

/// Whose messages.
#[derive(Debug, Clone, Copy)]
pub struct Of {
    pub merchant: MerchantId,
    pub endpoint: WebhookId,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub state: Option<MessageState>,
    pub kind: Option<WebhookKind>,
    /// Older than this one.
    pub before: Option<MessageId>,
}

/// A question with its values, numbered as they come.
struct Question {
    sql: String,
    values: Vec<Value>,
}

impl Question {
    fn of(columns: &str, of: Of) -> Self {
        let sql =
            format!("SELECT {columns} FROM webhook_message WHERE merchant_id = $1 AND endpoint_id = $2 ");
        Self { sql, values: vec![of.merchant.uuid().into(), of.endpoint.uuid().into()] }
    }

    /// `condition` with its one `?` being `value`.
    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let name = format!("${}", self.values.len());
        self.sql += &format!("AND {} ", condition.replace('?', &name));
    }

    fn end(mut self, order: &str, most: usize, db: &impl ConnectionTrait) -> Statement {
        self.values.push((most as i64).into());
        self.sql += &format!("ORDER BY {order} LIMIT ${}", self.values.len());
        statement(db, &self.sql, self.values)
    }
}

/// The place of a message in the order of their making.
const BEFORE: &str = "(created_at, id) < ((SELECT created_at FROM webhook_message \
     WHERE merchant_id = $1 AND endpoint_id = $2 AND id = ?), ?)";
const AFTER: &str = "(created_at, id) > ((SELECT created_at FROM webhook_message \
     WHERE merchant_id = $1 AND endpoint_id = $2 AND id = ?), ?)";

/// The newest first.
pub async fn page(
    db: &impl ConnectionTrait,
    of: Of,
    filter: &Filter,
    most: usize,
) -> Result<Vec<WebhookMessage>, StoreError> {
    let mut question = Question::of("*", of);
    let (before, order) = match filter.state.is_some() || filter.kind.is_some() {
        true => (BEFORE, "created_at DESC, id DESC"),
        false => ("id < ?", "id DESC"),
    };
    if let Some(state) = filter.state {
        question.and("state = ?", state.as_str());
    }
    if let Some(kind) = filter.kind {
        question.and("kind = ?", kind.as_str());
    }
    if let Some(message) = filter.before {
        question.and(before, message.uuid());
    }
    let rows = webhook_message::Model::find_by_statement(question.end(order, most, db)).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// None: the endpoint was never told this, or nobody remembers.
pub async fn find(
    db: &impl ConnectionTrait,
    of: Of,
    id: MessageId,
) -> Result<Option<WebhookMessage>, StoreError> {
    let key = (of.merchant.uuid(), of.endpoint.uuid(), id.uuid());
    webhook_message::Entity::find_by_id(key).one(db).await?.map(from_row).transpose()
}

/// What was settled of what was made from `since_at` on and before `until_at`.
#[derive(Debug, Clone)]
pub struct Past {
    pub since_at: Instant,
    pub until_at: Instant,
    /// Of these kinds only, where there are any.
    pub kinds: Vec<WebhookKind>,
    /// Later than this one.
    pub after: Option<MessageId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settled {
    pub created_at: Instant,
    pub id: MessageId,
}

/// Messages of one state, the oldest first.
pub async fn settled(
    db: &impl ConnectionTrait,
    of: Of,
    past: &Past,
    state: MessageState,
    most: usize,
) -> Result<Vec<Settled>, StoreError> {
    let mut question = Question::of("created_at, id", of);
    question.and("state = ?", state.as_str());
    question.and("created_at >= ?", past.since_at.timestamp_micros());
    question.and("created_at < ?", past.until_at.timestamp_micros());
    if let Some(message) = past.after {
        question.and(AFTER, message.uuid());
    }
    if !past.kinds.is_empty() {
        let kinds: Vec<_> = past.kinds.iter().map(|kind| format!("'{kind}'")).collect();
        question.sql += &format!("AND kind IN ({}) ", kinds.join(", "));
    }
    let rows = db.query_all_raw(question.end("created_at, id", most, db)).await?;
    let read = |row: &QueryResult| {
        let (created_at, id) = (row.try_get("", "created_at")?, row.try_get("", "id")?);
        Ok(Settled { created_at: from_micros(created_at), id: MessageId::from_uuid(id) })
    };
    rows.iter().map(read).collect()
}

/// To be sent again from `next_attempt_at` on, with all tries before it and under the same id, unless it is on its
/// way already or held something that nobody else may see. Says how many messages that are.
pub async fn take_up(
    tx: &Tx,
    of: Of,
    ids: &[MessageId],
    next_attempt_at: Instant,
    wall: Instant,
) -> Result<u64, StoreError> {
    // What was withheld is not kept, and would say nothing.
    let withheld = WebhookKind::ALL.iter().filter(|kind| kind.is_withheld()).map(|kind| kind.as_str());
    let update = webhook_message::Entity::update_many()
        .filter(C::Kind.is_not_in(withheld))
        .col_expr(C::State, Expr::value(MessageState::Pending.as_str()))
        .col_expr(C::Attempts, Expr::value(0))
        .col_expr(C::NextAttemptAt, Expr::value(next_attempt_at.timestamp_micros()))
        .col_expr(C::SettledAt, Expr::value(None::<i64>))
        .col_expr(C::ReplayedAt, Expr::value(wall.timestamp_micros()))
        .filter(C::MerchantId.eq(of.merchant.uuid()))
        .filter(C::EndpointId.eq(of.endpoint.uuid()))
        .filter(C::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(C::State.ne(MessageState::Pending.as_str()));
    Ok(update.exec(tx).await?.rows_affected)
}

/// What is on its way is sent at once, and not when its next try would be.
pub async fn hurry(tx: &Tx, of: Of, id: MessageId, wall: Instant) -> Result<(), StoreError> {
    let update = webhook_message::Entity::update_many()
        .col_expr(C::NextAttemptAt, Expr::value(wall.timestamp_micros()))
        .filter(C::MerchantId.eq(of.merchant.uuid()))
        .filter(C::EndpointId.eq(of.endpoint.uuid()))
        .filter(C::Id.eq(id.uuid()))
        .filter(C::State.eq(MessageState::Pending.as_str()));
    update.exec(tx).await?;
    Ok(())
}
