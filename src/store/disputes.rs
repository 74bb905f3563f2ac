//! Disputes and what is said in them.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{dispute, dispute_message};
use super::row::{Column, statement, to_json};
use super::{StoreError, Tx};
use crate::domain::dispute::{Closed, Dispute, Message, Statement};
use crate::domain::id::{DisputeId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};

/// `remind_at`: when somebody is reminded that it is to be decided.
pub async fn insert(tx: &Tx, dispute: &Dispute, remind_at: Instant) -> Result<(), StoreError> {
    let row = dispute::ActiveModel {
        shipment_id: Set(dispute.shipment.uuid()),
        id: Set(dispute.id.uuid()),
        reason: Set(dispute.reason.to_string()),
        opened_at: Set(dispute.opened_at.timestamp_micros()),
        decide_by: Set(dispute.decide_by.timestamp_micros()),
        closed_at: Set(None),
        outcome: Set(None),
        because: Set(None),
        remind_at: Set(Some(remind_at.timestamp_micros())),
    };
    dispute::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

pub async fn close(tx: &Tx, dispute: &Dispute, closed: &Closed) -> Result<(), StoreError> {
    use dispute::Column as C;
    dispute::Entity::update_many()
        .col_expr(C::ClosedAt, Expr::value(closed.at.timestamp_micros()))
        .col_expr(C::Outcome, Expr::value(closed.outcome.as_str()))
        .col_expr(C::Because, Expr::value(closed.because.clone()))
        .col_expr(C::RemindAt, Expr::value(None::<i64>))
        .filter(C::ShipmentId.eq(dispute.shipment.uuid()))
        .filter(C::Id.eq(dispute.id.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Disputes that somebody is to be reminded of, on its own so that a test can look at its plan.
pub const TO_REMIND: &str = "SELECT id FROM dispute WHERE remind_at <= $1 ORDER BY remind_at LIMIT $2";

/// Up to `most` of which somebody is to be reminded at `now`, the longest due first.
pub async fn to_remind(
    db: &impl ConnectionTrait,
    now: Instant,
    most: u32,
) -> Result<Vec<DisputeId>, StoreError> {
    let values = [now.timestamp_micros().into(), i64::from(most).into()];
    let rows = db.query_all_raw(statement(db, TO_REMIND, values)).await?;
    rows.iter().map(|row| Ok(DisputeId::from_uuid(row.try_get("", "id")?))).collect()
}

/// Somebody was reminded. False: somebody else has done so, or there is no cause any more.
pub async fn reminded(
    tx: &Tx,
    dispute: &Dispute,
    now: Instant,
    again_at: Option<Instant>,
) -> Result<bool, StoreError> {
    use dispute::Column as C;
    let done = dispute::Entity::update_many()
        .col_expr(C::RemindAt, Expr::value(again_at.map(|at| at.timestamp_micros())))
        .filter(C::ShipmentId.eq(dispute.shipment.uuid()))
        .filter(C::Id.eq(dispute.id.uuid()))
        .filter(C::RemindAt.lte(now.timestamp_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

pub async fn find(db: &impl ConnectionTrait, id: DisputeId) -> Result<Option<Dispute>, StoreError> {
    let found = dispute::Entity::find().filter(dispute::Column::Id.eq(id.uuid())).one(db).await?;
    found.map(from_row).transpose()
}

/// Newest first.
pub async fn of_shipment(
    db: &impl ConnectionTrait,
    shipment: ShipmentId,
) -> Result<Vec<Dispute>, StoreError> {
    let query = dispute::Entity::find().filter(dispute::Column::ShipmentId.eq(shipment.uuid()));
    let rows = query.order_by_desc(dispute::Column::Id).all(db).await?;
    rows.into_iter().map(from_row).collect()
}

/// `number`: 1 for the first of its dispute.
pub async fn insert_message(
    tx: &Tx,
    dispute: &Dispute,
    number: u32,
    message: &Message,
) -> Result<(), StoreError> {
    let row = dispute_message::ActiveModel {
        shipment_id: Set(dispute.shipment.uuid()),
        dispute_id: Set(dispute.id.uuid()),
        number: Set(Column("dispute_message", "number").number(number)?),
        party: Set(message.party.to_string()),
        message: Set(message.said.message.clone()),
        attachments: Set(to_json(&message.said.attachments)),
        at: Set(message.at.timestamp_micros()),
    };
    dispute_message::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// In the order in which they were said.
pub async fn messages(db: &impl ConnectionTrait, dispute: &Dispute) -> Result<Vec<Message>, StoreError> {
    use dispute_message::Column as C;
    let query = dispute_message::Entity::find()
        .filter(C::ShipmentId.eq(dispute.shipment.uuid()))
        .filter(C::DisputeId.eq(dispute.id.uuid()));
    let column = |name| Column("dispute_message", name);
    let read = |row: dispute_message::Model| {
        let attachments = column("attachments").json(&row.attachments)?;
        Ok(Message {
            party: column("party").word(&row.party)?,
            said: Statement { message: row.message, attachments },
            at: from_micros(row.at),
        })
    };
    query.order_by_asc(C::Number).all(db).await?.into_iter().map(read).collect()
}

fn from_row(row: dispute::Model) -> Result<Dispute, StoreError> {
    let column = |name| Column("dispute", name);
    let outcome = column("outcome").word_or_none(row.outcome.as_deref())?;
    let closed = match (row.closed_at, outcome) {
        (Some(at), Some(outcome)) => Some(Closed { at: from_micros(at), outcome, because: row.because }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(column("outcome").corrupt("a dispute is closed with an outcome, or neither"));
        }
    };
    Ok(Dispute {
        id: DisputeId::from_uuid(row.id),
        shipment: ShipmentId::from_uuid(row.shipment_id),
        reason: column("reason").word(&row.reason)?,
        opened_at: from_micros(row.opened_at),
        decide_by: from_micros(row.decide_by),
        closed,
    })
}
