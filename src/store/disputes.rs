//! Disputes and what is said in them.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{dispute, dispute_message};
use super::row::{Column, to_json};
use super::{StoreError, Tx};
use crate::domain::dispute::{Closed, Dispute, Message, Statement};
use crate::domain::id::{DisputeId, ShipmentId};
use crate::domain::instant::from_micros;

pub async fn insert(tx: &Tx, dispute: &Dispute) -> Result<(), StoreError> {
    let row = dispute::ActiveModel {
        shipment_id: Set(dispute.shipment.uuid()),
        id: Set(dispute.id.uuid()),
        reason: Set(dispute.reason.to_string()),
        opened_at: Set(dispute.opened_at.timestamp_micros()),
        decide_by: Set(dispute.decide_by.timestamp_micros()),
        closed_at: Set(None),
        outcome: Set(None),
        because: Set(None),
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
        .filter(C::ShipmentId.eq(dispute.shipment.uuid()))
        .filter(C::Id.eq(dispute.id.uuid()))
        .exec(tx)
        .await?;
    Ok(())
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
