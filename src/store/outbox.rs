//! The way out: messages that were decided on in the transaction that gave cause to them.
//!
//! A message is sent until its receiver has it, or until a person parks it. Messages of
//! one stream go out one after the other: behind the first that is pending the others wait,
//! where no claim looks at them, and [`release_next`] lets the next one go. Whoever changes
//! a stream holds its shipment's lock. A claim is a lease: a sender that dies leaves its
//! messages to be taken again when the lease ends, so the receiver may see one more than
//! once, always under the same key. Each claim is counted before anything is sent, and who
//! learns that nothing came of it says so: what is between the two may have had its effect.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, UpdateMany,
};
use uuid::Uuid;

use super::entity::outbox;
use super::row::{Column, columns, for_update, only, rows, skip_locked, statement};
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
    /// Ended so far, whatever came of them.
    pub attempts: u32,
    /// By the machine's clock, both.
    pub next_attempt_at: Instant,
    /// Of the one who claimed it: who says that it failed has to show the same.
    pub leased_until: Instant,
    pub last_problem: Option<String>,
    pub created_at: Instant,
    /// How often somebody began to send it.
    pub claims: u32,
    /// Up to which of these it is known that it had no effect.
    pub answered: u32,
    pub first_sent_at: Option<Instant>,
}

impl Message {
    /// Whether a sending before the last claim may have had its effect.
    pub fn was_in_doubt(&self) -> bool {
        self.claims > self.answered + 1
    }

    /// Nobody has taken it out, and its receiver is not known to have it.
    pub fn is_on_its_way(&self) -> bool {
        matches!(self.state, OutboxState::Pending | OutboxState::Waiting)
    }

    /// It may go, and nobody has begun to send it.
    pub fn is_untouched(&self) -> bool {
        self.state == OutboxState::Pending && self.claims == 0
    }

    /// Whether it may have had its effect, unless it is acknowledged.
    pub fn is_in_doubt(&self) -> bool {
        self.claims > self.answered
    }
}

/// Adds a message to its stream. One that is waiting is let go by [`release_next`](super::at_once::release_next).
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
        claims: Set(0),
        answered: Set(0),
        first_sent_at: Set(None),
    };
    outbox::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str = "SELECT id FROM outbox \
     WHERE state = 'pending' AND next_attempt_at <= $1 AND leased_until <= $1 AND destination = $4 \
     ORDER BY next_attempt_at LIMIT $2";

/// Leases up to `most` messages to one receiver that are due at `wall`. Those to others stay free, whatever becomes
/// of these.
pub async fn claim(
    tx: &Tx,
    destination: &Destination,
    wall: Instant,
    leased_until: Instant,
    most: usize,
) -> Result<Vec<Message>, StoreError> {
    // Materialized: run again for each row, the inner question would lock more than it returns.
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) \
         UPDATE outbox SET leased_until = $3, claims = claims + 1, \
         first_sent_at = COALESCE(first_sent_at, $1) WHERE id IN (SELECT id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(outbox)
    );
    let values = [
        wall.timestamp_micros().into(),
        (most as i64).into(),
        leased_until.timestamp_micros().into(),
        destination.as_str().into(),
    ];
    let rows = outbox::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(from_row).collect()
}

/// Goes on with a claim until `leased_until`. False: the lease ended, or somebody took it out.
pub async fn renew(tx: &Tx, message: &Message, leased_until: Instant) -> Result<bool, StoreError> {
    let update = outbox::Entity::update_many()
        .col_expr(outbox::Column::LeasedUntil, Expr::value(leased_until.timestamp_micros()));
    moved(tx, leased(update, message)).await
}

/// As it was before a claim that nothing came of. False: somebody else has claimed it since.
pub async fn give_back(tx: &Tx, message: &Message) -> Result<bool, StoreError> {
    let claims = i32::try_from(message.claims).unwrap_or(i32::MAX);
    let first_sent_at = message.first_sent_at.filter(|_| claims > 1).map(|at| at.timestamp_micros());
    let update = outbox::Entity::update_many()
        .col_expr(outbox::Column::LeasedUntil, Expr::value(0_i64))
        .col_expr(outbox::Column::Claims, Expr::value(claims - 1))
        // Somebody may have said since that nothing came of any of them.
        .col_expr(outbox::Column::Answered, answered_of(claims - 1))
        .col_expr(outbox::Column::FirstSentAt, Expr::value(first_sent_at))
        .filter(outbox::Column::Id.eq(message.id.uuid()))
        .filter(outbox::Column::Claims.eq(claims))
        .filter(outbox::Column::LeasedUntil.eq(message.leased_until.timestamp_micros()));
    moved(tx, update).await
}

/// No more are answered than there are.
fn answered_of(claims: i32) -> Expr {
    let answered = || Expr::col(outbox::Column::Answered);
    Expr::case(answered().gt(claims), claims).finally(answered()).into()
}

/// The receiver has it, whatever was decided about the message meanwhile. False: that was known.
pub async fn acknowledge(tx: &Tx, id: TriggerId, wall: Instant) -> Result<bool, StoreError> {
    let update = to(OutboxState::Acknowledged, Some(wall))
        .col_expr(outbox::Column::Attempts, Expr::col(outbox::Column::Attempts).add(1))
        .filter(outbox::Column::Id.eq(id.uuid()))
        .filter(outbox::Column::State.ne(OutboxState::Acknowledged.as_str()));
    moved(tx, update).await
}

/// What is known of an attempt that ended without an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// No attempt so far has had an effect.
    WithoutEffect,
    InDoubt,
}

/// To be tried again at `next_attempt_at`. False: the lease ended, or somebody took it out.
pub async fn postpone(
    tx: &Tx,
    message: &Message,
    next_attempt_at: Instant,
    ended: Ended,
    problem: &str,
) -> Result<bool, StoreError> {
    clear(tx, message, ended).await?;
    let update = to(OutboxState::Pending, None)
        .col_expr(outbox::Column::NextAttemptAt, Expr::value(next_attempt_at.timestamp_micros()))
        .col_expr(outbox::Column::Attempts, Expr::col(outbox::Column::Attempts).add(1))
        .col_expr(outbox::Column::LastProblem, Expr::value(problem));
    moved(tx, leased(update, message)).await
}

/// No more tries by itself. False: the lease ended, or somebody took it out.
pub async fn bury(
    tx: &Tx,
    message: &Message,
    wall: Instant,
    ended: Ended,
    problem: &str,
) -> Result<bool, StoreError> {
    clear(tx, message, ended).await?;
    let update = to(OutboxState::Dead, Some(wall))
        .col_expr(outbox::Column::Attempts, Expr::col(outbox::Column::Attempts).add(1))
        .col_expr(outbox::Column::LastProblem, Expr::value(problem));
    moved(tx, leased(update, message)).await
}

/// It is known that nothing came of the claims so far, whatever was decided about it meanwhile.
async fn clear(tx: &Tx, message: &Message, ended: Ended) -> Result<(), StoreError> {
    if ended == Ended::InDoubt {
        return Ok(());
    }
    // Somebody may have claimed it since: that one's outcome is another.
    outbox::Entity::update_many()
        .col_expr(outbox::Column::Answered, Expr::value(i32::try_from(message.claims).unwrap_or(i32::MAX)))
        .filter(outbox::Column::Id.eq(message.id.uuid()))
        .filter(outbox::Column::Claims.eq(i32::try_from(message.claims).unwrap_or(i32::MAX)))
        .exec(tx)
        .await?;
    Ok(())
}

/// A person or the provider says that nothing came of it. False: it was sent again since, or its receiver has it.
pub async fn had_no_effect(tx: &Tx, message: &Message) -> Result<bool, StoreError> {
    let claims = i32::try_from(message.claims).unwrap_or(i32::MAX);
    let update = outbox::Entity::update_many()
        .col_expr(outbox::Column::Answered, Expr::value(claims))
        .filter(outbox::Column::Id.eq(message.id.uuid()))
        .filter(outbox::Column::Claims.eq(claims))
        .filter(outbox::Column::State.ne(OutboxState::Acknowledged.as_str()));
    moved(tx, update).await
}

/// Another body under the same key, as long as nobody began to send it.
pub async fn rewrite(tx: &Tx, id: TriggerId, body: &str) -> Result<bool, StoreError> {
    let update = outbox::Entity::update_many()
        .col_expr(outbox::Column::Body, Expr::value(body))
        .filter(outbox::Column::Id.eq(id.uuid()))
        .filter(outbox::Column::Claims.eq(0));
    moved(tx, update).await
}

/// Messages that go out no more, and of which it is not known what came of them, on its own so that a test can
/// look at its plan.
pub const IN_DOUBT: &str = "SELECT id FROM outbox \
     WHERE state = $4 AND destination = $5 AND next_attempt_at <= $1 AND leased_until <= $1 AND claims > answered \
     ORDER BY next_attempt_at LIMIT $2";

/// Up to `most` of those in `state`, to be asked about and then not before `again_at`. Nothing is sent: no claim
/// is counted, and no lease is taken that would keep a person from saying what came of it.
pub async fn claim_in_doubt(
    tx: &Tx,
    state: OutboxState,
    destination: &Destination,
    wall: Instant,
    again_at: Instant,
    most: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = format!(
        "WITH due AS MATERIALIZED ({IN_DOUBT}{}) \
         UPDATE outbox SET next_attempt_at = $3 WHERE id IN (SELECT id FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(outbox)
    );
    let values = [
        wall.timestamp_micros().into(),
        (most as i64).into(),
        again_at.timestamp_micros().into(),
        state.as_str().into(),
        destination.as_str().into(),
    ];
    let rows = outbox::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    rows.into_iter().map(from_row).collect()
}

/// Moves a message from one of the states `from`. Back among the waiting it has a fresh set
/// of tries. False: it is in none of them.
pub async fn shift(
    tx: &Tx,
    id: TriggerId,
    from: &[OutboxState],
    state: OutboxState,
    wall: Instant,
    because: &str,
) -> Result<bool, StoreError> {
    let settled_at = (state != OutboxState::Waiting).then_some(wall);
    let mut update = to(state, settled_at).col_expr(outbox::Column::LastProblem, Expr::value(because));
    if state == OutboxState::Waiting {
        update = update.col_expr(outbox::Column::Attempts, Expr::value(0));
    }
    let from = outbox::Column::State.is_in(from.iter().map(|state| state.as_str()));
    moved(tx, update.filter(outbox::Column::Id.eq(id.uuid())).filter(from)).await
}

fn to(state: OutboxState, settled_at: Option<Instant>) -> UpdateMany<outbox::Entity> {
    let update = outbox::Entity::update_many();
    // Whoever sends what is taken out is still sending it: until the lease ends nobody asks what came of it.
    let update = match state {
        OutboxState::Frozen | OutboxState::Waiting | OutboxState::Parked => update,
        OutboxState::Pending | OutboxState::Acknowledged | OutboxState::Dead => {
            update.col_expr(outbox::Column::LeasedUntil, Expr::value(0_i64))
        }
    };
    update
        .col_expr(outbox::Column::State, Expr::value(state.as_str()))
        .col_expr(outbox::Column::SettledAt, Expr::value(settled_at.map(|at| at.timestamp_micros())))
}

fn leased(update: UpdateMany<outbox::Entity>, message: &Message) -> UpdateMany<outbox::Entity> {
    update
        .filter(outbox::Column::Id.eq(message.id.uuid()))
        .filter(outbox::Column::State.eq(OutboxState::Pending.as_str()))
        .filter(outbox::Column::LeasedUntil.eq(message.leased_until.timestamp_micros()))
}

async fn moved(tx: &Tx, update: UpdateMany<outbox::Entity>) -> Result<bool, StoreError> {
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// Every message of a stream, in order. Until the transaction ends nobody claims any of them.
pub async fn hold_stream(tx: &Tx, stream: OrderId) -> Result<Vec<Message>, StoreError> {
    read_stream(tx, stream, for_update(tx)).await
}

/// The same, for somebody who only looks.
pub async fn of_stream(db: &impl ConnectionTrait, stream: OrderId) -> Result<Vec<Message>, StoreError> {
    read_stream(db, stream, "").await
}

async fn read_stream(
    db: &impl ConnectionTrait,
    stream: OrderId,
    held: &str,
) -> Result<Vec<Message>, StoreError> {
    let sql = format!("SELECT {} FROM outbox WHERE stream = $1 ORDER BY position{held}", columns!(outbox));
    let found = rows(db, &sql, [stream.uuid().into()]).await?;
    found.into_iter().map(from_row).collect()
}

pub async fn find(db: &impl ConnectionTrait, id: TriggerId) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {} FROM outbox WHERE id = $1", columns!(outbox));
    only(db, &sql, [id.uuid().into()]).await?.map(from_row).transpose()
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

pub async fn count(db: &impl ConnectionTrait, state: OutboxState) -> Result<u64, StoreError> {
    let query = outbox::Entity::find().filter(outbox::Column::State.eq(state.as_str()));
    Ok(query.count(db).await?)
}

/// How many messages there are in each state but acknowledged, which are most and grow for ever.
pub async fn open_counts(db: &impl ConnectionTrait) -> Result<[(OutboxState, u64); 5], StoreError> {
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
const OPEN: [OutboxState; 5] =
    [OutboxState::Pending, OutboxState::Waiting, OutboxState::Frozen, OutboxState::Dead, OutboxState::Parked];

pub(super) fn from_row(row: outbox::Model) -> Result<Message, StoreError> {
    let column = |name| Column("outbox", name);
    let order = |id: Uuid| OrderId::from_uuid(id);
    Ok(Message {
        id: TriggerId::from_uuid(row.id),
        shipment: ShipmentId::from_uuid(row.shipment_id),
        stream: order(row.stream),
        position: column("position").number(row.position)?,
        destination: Destination::from_text(row.destination),
        body: row.body,
        state: column("state").word(&row.state)?,
        attempts: column("attempts").number(row.attempts)?,
        next_attempt_at: from_micros(row.next_attempt_at),
        leased_until: from_micros(row.leased_until),
        last_problem: row.last_problem,
        created_at: from_micros(row.created_at),
        claims: column("claims").number(row.claims)?,
        answered: column("answered").number(row.answered)?,
        first_sent_at: row.first_sent_at.map(from_micros),
    })
}
