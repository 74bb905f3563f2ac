//! The way out: messages that were decided on in the transaction that gave cause to them.
//!
//! A message is sent until its receiver has it, or until a person parks it. Messages of
//! one stream go out one after the other. A claim is a lease: a sender that dies leaves
//! its messages to be taken again when the lease ends, so the receiver may see one more
//! than once, always under the same key.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::outbox;
use super::row::{Column, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::id::{OrderId, ShipmentId, TriggerId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::outbox::{Destination, OutboxState};

#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: TriggerId,
    pub shipment: ShipmentId,
    pub stream: OrderId,
    /// Within its stream.
    pub position: u16,
    pub destination: Destination,
    pub body: String,
    pub state: OutboxState,
    /// Begun so far, this one counted.
    pub attempts: u32,
    /// By the machine's clock.
    pub next_attempt_at: Instant,
    pub last_problem: Option<String>,
    pub created_at: Instant,
}

pub async fn append(tx: &Tx, message: &Message) -> Result<(), StoreError> {
    let row = outbox::ActiveModel {
        id: Set(message.id.uuid()),
        shipment_id: Set(message.shipment.uuid()),
        stream: Set(message.stream.uuid()),
        position: Set(i32::from(message.position)),
        destination: Set(message.destination.to_string()),
        body: Set(message.body.clone()),
        state: Set(message.state.to_string()),
        attempts: Set(0),
        next_attempt_at: Set(message.next_attempt_at.timestamp_micros()),
        leased_until: Set(0),
        last_problem: Set(None),
        created_at: Set(message.created_at.timestamp_micros()),
        settled_at: Set(None),
    };
    outbox::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str = "SELECT m.id FROM outbox m \
     WHERE m.state = 'pending' AND m.next_attempt_at <= $1 AND m.leased_until <= $1 AND NOT EXISTS \
     (SELECT 1 FROM outbox earlier WHERE earlier.stream = m.stream AND earlier.position < m.position \
      AND earlier.state = 'pending') \
     ORDER BY m.next_attempt_at LIMIT $2";

/// Leases up to `batch` messages that are due at `wall`.
pub async fn claim(
    tx: &Tx,
    wall: Instant,
    leased_until: Instant,
    batch: u32,
) -> Result<Vec<Message>, StoreError> {
    let sql = format!(
        "UPDATE outbox SET leased_until = $3, attempts = attempts + 1 WHERE id IN ({DUE}{}) RETURNING *",
        skip_locked(tx)
    );
    let values =
        [wall.timestamp_micros().into(), i64::from(batch).into(), leased_until.timestamp_micros().into()];
    let rows = outbox::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(from_row).collect()
}

/// The receiver has it. Also for a message that was parked while it was on its way.
pub async fn acknowledge(tx: &Tx, id: TriggerId, at: Instant) -> Result<bool, StoreError> {
    let settled = settle(OutboxState::Acknowledged, at, None);
    let done = settled.filter(outbox::Column::Id.eq(id.uuid())).filter(not_acknowledged()).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

/// To be tried again at `next_attempt_at`.
pub async fn postpone(
    tx: &Tx,
    id: TriggerId,
    next_attempt_at: Instant,
    problem: &str,
) -> Result<(), StoreError> {
    outbox::Entity::update_many()
        .col_expr(outbox::Column::NextAttemptAt, Expr::value(next_attempt_at.timestamp_micros()))
        .col_expr(outbox::Column::LeasedUntil, Expr::value(0_i64))
        .col_expr(outbox::Column::LastProblem, Expr::value(problem))
        .filter(outbox::Column::Id.eq(id.uuid()))
        .filter(outbox::Column::State.eq(OutboxState::Pending.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// No more tries by itself.
pub async fn bury(tx: &Tx, id: TriggerId, at: Instant, problem: &str) -> Result<(), StoreError> {
    let settled = settle(OutboxState::Dead, at, Some(problem));
    settled.filter(outbox::Column::Id.eq(id.uuid())).filter(not_acknowledged()).exec(tx).await?;
    Ok(())
}

/// Takes out what is not acknowledged yet. Says whether there was something to take out.
pub async fn park(tx: &Tx, id: TriggerId, at: Instant, reason: &str) -> Result<bool, StoreError> {
    let settled = settle(OutboxState::Parked, at, Some(reason));
    let done = settled.filter(outbox::Column::Id.eq(id.uuid())).filter(not_acknowledged()).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

/// Back into the queue with a fresh set of tries. Says whether it was dead or parked.
pub async fn revive(tx: &Tx, id: TriggerId, at: Instant) -> Result<bool, StoreError> {
    let done = outbox::Entity::update_many()
        .col_expr(outbox::Column::State, Expr::value(OutboxState::Pending.as_str()))
        .col_expr(outbox::Column::Attempts, Expr::value(0))
        .col_expr(outbox::Column::NextAttemptAt, Expr::value(at.timestamp_micros()))
        .col_expr(outbox::Column::LeasedUntil, Expr::value(0_i64))
        .col_expr(outbox::Column::SettledAt, Expr::value(None::<i64>))
        .filter(outbox::Column::Id.eq(id.uuid()))
        .filter(outbox::Column::State.is_in([OutboxState::Dead.as_str(), OutboxState::Parked.as_str()]))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

pub async fn find(db: &impl ConnectionTrait, id: TriggerId) -> Result<Option<Message>, StoreError> {
    outbox::Entity::find_by_id(id.uuid()).one(db).await?.map(from_row).transpose()
}

/// Messages in `state`, oldest first.
pub async fn list(
    db: &impl ConnectionTrait,
    state: Option<OutboxState>,
    limit: u64,
) -> Result<Vec<Message>, StoreError> {
    let mut query = outbox::Entity::find();
    if let Some(state) = state {
        query = query.filter(outbox::Column::State.eq(state.as_str()));
    }
    let rows = query.order_by_asc(outbox::Column::NextAttemptAt).limit(limit).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// How many messages there are in each state but acknowledged, which are most and grow for ever.
pub async fn open_counts(db: &impl ConnectionTrait) -> Result<[(OutboxState, u64); 3], StoreError> {
    let rows: Vec<(String, i64)> = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::State)
        .column_as(outbox::Column::Id.count(), "messages")
        .filter(outbox::Column::State.is_in(OPEN.map(OutboxState::as_str)))
        .group_by(outbox::Column::State)
        .into_tuple()
        .all(db)
        .await?;
    let count =
        |open: OutboxState| rows.iter().find(|(state, _)| state == open.as_str()).map_or(0, |row| row.1);
    Ok(OPEN.map(|open| (open, u64::try_from(count(open)).unwrap_or(0))))
}

/// The states a message can still leave.
const OPEN: [OutboxState; 3] = [OutboxState::Pending, OutboxState::Dead, OutboxState::Parked];

fn settle(state: OutboxState, at: Instant, problem: Option<&str>) -> sea_orm::UpdateMany<outbox::Entity> {
    let update = outbox::Entity::update_many()
        .col_expr(outbox::Column::State, Expr::value(state.as_str()))
        .col_expr(outbox::Column::LeasedUntil, Expr::value(0_i64))
        .col_expr(outbox::Column::SettledAt, Expr::value(at.timestamp_micros()));
    match problem {
        Some(problem) => update.col_expr(outbox::Column::LastProblem, Expr::value(problem)),
        None => update,
    }
}

fn not_acknowledged() -> sea_orm::sea_query::SimpleExpr {
    outbox::Column::State.ne(OutboxState::Acknowledged.as_str())
}

fn from_row(row: outbox::Model) -> Result<Message, StoreError> {
    let column = |name| Column("outbox", name);
    let order = |id: Uuid| OrderId::from_uuid(id);
    Ok(Message {
        id: TriggerId::from_uuid(row.id),
        shipment: ShipmentId::from_uuid(row.shipment_id),
        stream: order(row.stream),
        position: column("position").number(row.position)?,
        destination: column("destination").word(&row.destination)?,
        body: row.body,
        state: column("state").word(&row.state)?,
        attempts: column("attempts").number(row.attempts)?,
        next_attempt_at: from_micros(row.next_attempt_at),
        last_problem: row.last_problem,
        created_at: from_micros(row.created_at),
    })
}
