//! Which tracking numbers to ask about, and when.
//!
//! Each carrier's numbers are claimed by themselves. A claim moves `claimed_until` ahead, so that no other daemon takes the same number
//! meanwhile; a daemon that dies leaves it to be taken again then. No claim is lost and
//! an answer that comes twice adds nothing.

use std::collections::HashSet;

use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, UpdateMany,
};
use uuid::Uuid;

use super::entity::{number_owner, tracked_number};
use super::row::{Column, columns, only, skip_locked, statement};
use super::{StoreError, Tx};
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::event::EventStatus;
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::HubCode;

#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    pub parcel: ParcelId,
    pub carrier: CarrierCode,
    pub number: TrackingNumber,
    /// Where its carrier got it.
    pub from_hub: Option<HubCode>,
    /// Attempts since the carrier last answered something useful.
    pub failures: u32,
    pub created_at: Instant,
    /// Of the one who claimed it: who settles it has to show the same.
    pub claimed_until: Instant,
    pub last: Last,
}

/// What was last heard of a number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Last {
    /// Of the answer, and the version that read it.
    pub answer_hash: Option<String>,
    pub asked_at: Option<Instant>,
    /// The latest event: when it happened, and what it was.
    pub seen: Option<(Instant, EventStatus)>,
    /// When it was first heard to be delivered.
    pub delivered_at: Option<Instant>,
}

/// What is kept after an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// None: it is not asked about any more.
    pub next_poll_at: Option<Instant>,
    pub failures: u32,
    pub problem: Option<String>,
    pub answered_at: Option<Instant>,
    pub answer_hash: Option<String>,
    pub asked_at: Option<Instant>,
    pub news: News,
}

/// What was heard of a number, whether it was asked about or not. Others may write the same row meanwhile: the
/// later event stays, and when it was first heard to be delivered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct News {
    pub heard_at: Instant,
    pub seen: Option<(Instant, EventStatus)>,
    /// None: nobody looked.
    pub is_delivered: Option<bool>,
}

/// A number that carriers may give out again after so long.
const RECYCLED_AFTER: chrono::Duration = chrono::Duration::days(180);

/// Makes a carrier's number this shipment's own. False: it is another one's.
pub async fn own(
    tx: &Tx,
    shipment: ShipmentId,
    carrier: &CarrierCode,
    number: &TrackingNumber,
    now: Instant,
) -> Result<bool, StoreError> {
    use number_owner::Column as C;
    let row = number_owner::ActiveModel {
        carrier: Set(carrier.to_string()),
        tracking_number: Set(number.to_string()),
        shipment_id: Set(shipment.uuid()),
        claimed_at: Set(now.timestamp_micros()),
    };
    let long_ago = (now - RECYCLED_AFTER).timestamp_micros();
    let take_over = OnConflict::columns([C::Carrier, C::TrackingNumber])
        .update_columns([C::ShipmentId, C::ClaimedAt])
        .action_and_where(Expr::col((number_owner::Entity, C::ClaimedAt)).lt(long_ago))
        .to_owned();
    number_owner::Entity::insert(row).on_conflict(take_over).exec_without_returning(tx).await?;
    Ok(owner(tx, carrier, number).await? == Some(shipment))
}

/// Gives back every number of a shipment but those in `current`: what was on a label by mistake
/// may be another one's.
pub async fn disown_others(
    tx: &Tx,
    shipment: ShipmentId,
    current: &[&TrackingNumber],
) -> Result<(), StoreError> {
    number_owner::Entity::delete_many()
        .filter(number_owner::Column::ShipmentId.eq(shipment.uuid()))
        .filter(number_owner::Column::TrackingNumber.is_not_in(current.iter().map(|number| number.as_str())))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether a number still is its shipment's own: carriers give numbers out again.
pub async fn is_own(tx: &Tx, tracked: &Tracked) -> Result<bool, StoreError> {
    Ok(owner(tx, &tracked.carrier, &tracked.number).await? == Some(tracked.parcel.shipment))
}

async fn owner(
    tx: &Tx,
    carrier: &CarrierCode,
    number: &TrackingNumber,
) -> Result<Option<ShipmentId>, StoreError> {
    let sql = "SELECT shipment_id FROM number_owner WHERE carrier = $1 AND tracking_number = $2";
    let values = [carrier.as_str().into(), number.as_str().into()];
    let row = tx.query_one_raw(statement(tx, sql, values)).await?;
    row.map(|row| Ok(ShipmentId::from_uuid(row.try_get("", "shipment_id")?))).transpose()
}

/// Has `tracked` asked about from `first_poll_at` on, and nothing else for this parcel: a
/// handover to another number is a correction of the one before.
pub async fn register(tx: &Tx, tracked: &Tracked, first_poll_at: Instant) -> Result<(), StoreError> {
    use tracked_number::Column as C;
    let row = tracked_number::ActiveModel {
        shipment_id: Set(tracked.parcel.shipment.uuid()),
        parcel_number: Set(i32::from(tracked.parcel.number)),
        carrier: Set(tracked.carrier.to_string()),
        tracking_number: Set(tracked.number.to_string()),
        next_poll_at: Set(Some(first_poll_at.timestamp_micros())),
        claimed_until: Set(0),
        failures: Set(0),
        last_problem: Set(None),
        answered_at: Set(None),
        created_at: Set(tracked.created_at.timestamp_micros()),
        answer_hash: Set(None),
        seen_status: Set(None),
        seen_at: Set(None),
        delivered_at: Set(None),
        asked_at: Set(None),
        from_hub: Set(tracked.from_hub.as_ref().map(ToString::to_string)),
    };
    let again = OnConflict::columns([C::ShipmentId, C::ParcelNumber, C::Carrier, C::TrackingNumber])
        .update_column(C::NextPollAt)
        .action_and_where(Expr::col((tracked_number::Entity, C::NextPollAt)).is_null())
        .to_owned();
    tracked_number::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    let other = C::Carrier.ne(tracked.carrier.as_str()).or(C::TrackingNumber.ne(tracked.number.as_str()));
    tracked_number::Entity::update_many()
        .col_expr(C::NextPollAt, Expr::value(None::<i64>))
        .filter(C::ShipmentId.eq(tracked.parcel.shipment.uuid()))
        .filter(C::ParcelNumber.eq(i32::from(tracked.parcel.number)))
        .filter(other)
        .exec(tx)
        .await?;
    Ok(())
}

/// The claim's inner question, on its own so that a test can look at its plan.
pub const DUE: &str = "SELECT shipment_id, parcel_number, carrier, tracking_number FROM tracked_number \
     WHERE carrier = $1 AND next_poll_at <= $2 AND claimed_until <= $3 ORDER BY next_poll_at LIMIT $4";

/// Takes up to `most` numbers of a carrier that are due at `now`, for as long as until `claimed_until` (by
/// `wall`). Those that wait longest first.
pub async fn claim(
    tx: &Tx,
    carrier: &CarrierCode,
    now: Instant,
    wall: Instant,
    claimed_until: Instant,
    most: usize,
) -> Result<Vec<Tracked>, StoreError> {
    // Materialized: run again for each row, the inner question would lock more than it returns.
    let sql = format!(
        "WITH due AS MATERIALIZED ({DUE}{}) UPDATE tracked_number SET claimed_until = $5 \
         WHERE (shipment_id, parcel_number, carrier, tracking_number) IN (SELECT * FROM due) RETURNING {}",
        skip_locked(tx),
        columns!(tracked_number)
    );
    let values = [
        carrier.to_string().into(),
        now.timestamp_micros().into(),
        wall.timestamp_micros().into(),
        (most as i64).into(),
        claimed_until.timestamp_micros().into(),
    ];
    let rows = tracked_number::Model::find_by_statement(statement(tx, &sql, values)).all(tx).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match from_row(row.clone()) {
            Ok(tracked) => all.push(tracked),
            Err(error) => {
                tracing::error!(%error, shipment = %row.shipment_id, "a number cannot be read and is put off");
                put_off(tx, row, now + UNREADABLE).await?;
            }
        }
    }
    Ok(all)
}

/// One row that makes no sense keeps no other waiting.
const UNREADABLE: chrono::Duration = chrono::Duration::days(1);

async fn put_off(tx: &Tx, row: tracked_number::Model, until: Instant) -> Result<(), StoreError> {
    use tracked_number::Column as C;
    tracked_number::Entity::update_many()
        .col_expr(C::NextPollAt, Expr::value(until.timestamp_micros()))
        .col_expr(C::ClaimedUntil, Expr::value(0_i64))
        .filter(C::ShipmentId.eq(row.shipment_id))
        .filter(C::ParcelNumber.eq(row.parcel_number))
        .filter(C::Carrier.eq(row.carrier))
        .filter(C::TrackingNumber.eq(row.tracking_number))
        .exec(tx)
        .await?;
    Ok(())
}

/// The other parcels of those shipments that are under one of these numbers, and are asked about and not claimed.
pub async fn sharing(
    tx: &Tx,
    carrier: &CarrierCode,
    numbers: &[Tracked],
    wall: Instant,
) -> Result<Vec<Tracked>, StoreError> {
    use tracked_number::Column as C;
    let mut shipments: Vec<Uuid> = numbers.iter().map(|tracked| tracked.parcel.shipment.uuid()).collect();
    shipments.dedup();
    let rows = tracked_number::Entity::find()
        .filter(C::ShipmentId.is_in(shipments))
        .filter(C::Carrier.eq(carrier.as_str()))
        .filter(C::NextPollAt.is_not_null())
        .filter(C::ClaimedUntil.lte(wall.timestamp_micros()))
        .all(tx)
        .await?;
    // What cannot be read is put off when it is due itself.
    let mut all: Vec<Tracked> = rows.into_iter().filter_map(|row| from_row(row).ok()).collect();
    let asked: HashSet<_> = numbers.iter().map(|one| (one.parcel.shipment, &one.number)).collect();
    let shares = |other: &Tracked| asked.contains(&(other.parcel.shipment, &other.number));
    all.retain(shares);
    Ok(all)
}

/// Whether there is anything to claim, without holding anybody up.
pub async fn is_any_due(
    db: &impl ConnectionTrait,
    carrier: &CarrierCode,
    now: Instant,
    wall: Instant,
) -> Result<bool, StoreError> {
    let values = [
        carrier.to_string().into(),
        now.timestamp_micros().into(),
        wall.timestamp_micros().into(),
        1_i64.into(),
    ];
    Ok(db.query_one_raw(statement(db, DUE, values)).await?.is_some())
}

/// How many numbers of a carrier are due, counted up to `most`.
pub async fn waiting(
    db: &impl ConnectionTrait,
    carrier: &CarrierCode,
    now: Instant,
    most: u32,
) -> Result<u32, StoreError> {
    let values = [carrier.to_string().into(), now.timestamp_micros().into(), i64::from(most).into()];
    let row = db.query_one_raw(statement(db, WAITING, values)).await?;
    let waiting: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or(0);
    Column("tracked_number", "next_poll_at").number(waiting)
}

/// As [`waiting`] asks it, on its own so that a test can look at its plan.
pub const WAITING: &str = "SELECT COUNT(*) AS n FROM \
     (SELECT 1 FROM tracked_number WHERE carrier = $1 AND next_poll_at <= $2 LIMIT $3) AS due";

/// The carrier after `after` that numbers are asked about, in alphabetical order. Steps over all the numbers
/// of one, however many there are.
pub const NEXT_CARRIER: &str = "SELECT carrier FROM tracked_number WHERE carrier > $1 AND next_poll_at IS NOT NULL ORDER BY carrier LIMIT 1";

/// Every carrier that numbers are asked about, configured or not.
pub async fn carriers(db: &impl ConnectionTrait) -> Result<Vec<CarrierCode>, StoreError> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let Some(row) = db.query_one_raw(statement(db, NEXT_CARRIER, [after.into()])).await? else {
            return Ok(all);
        };
        after = row.try_get("", "carrier")?;
        match Column("tracked_number", "carrier").word(&after) {
            Ok(code) => all.push(code),
            Err(error) => tracing::error!(%error, "numbers of a carrier that has no name"),
        }
    }
}

/// The parcels behind a number that a carrier told something about by itself. `any`: whoever carries it.
pub async fn by_number(
    db: &impl ConnectionTrait,
    carrier: &CarrierCode,
    number: &TrackingNumber,
    any: bool,
) -> Result<Vec<Tracked>, StoreError> {
    use number_owner::Column as O;
    use tracked_number::Column as C;
    let mut owners = number_owner::Entity::find().filter(O::TrackingNumber.eq(number.as_str()));
    if !any {
        owners = owners.filter(O::Carrier.eq(carrier.as_str()));
    }
    let owners = owners.order_by_asc(O::Carrier).all(db).await?;
    // The carrier's own first; of several others nobody knows which is meant.
    let own = owners.iter().find(|owner| owner.carrier == carrier.as_str());
    let owner = match (own, owners.as_slice()) {
        (Some(own), _) | (None, [own]) => own,
        (None, _) => return Ok(Vec::new()),
    };
    let rows = tracked_number::Entity::find()
        .filter(C::ShipmentId.eq(owner.shipment_id))
        .filter(C::Carrier.eq(owner.carrier.as_str()))
        .filter(C::TrackingNumber.eq(number.as_str()))
        .order_by_asc(C::ParcelNumber)
        .all(db)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// A number as it is now.
pub async fn find(db: &impl ConnectionTrait, tracked: &Tracked) -> Result<Option<Tracked>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tracked_number \
         WHERE shipment_id = $1 AND parcel_number = $2 AND carrier = $3 AND tracking_number = $4",
        columns!(tracked_number)
    );
    let values = [
        tracked.parcel.shipment.uuid().into(),
        i32::from(tracked.parcel.number).into(),
        tracked.carrier.as_str().into(),
        tracked.number.as_str().into(),
    ];
    only(db, &sql, values).await?.map(from_row).transpose()
}

/// Keeps what was heard of a number without having asked. `wake_at`: when to ask about it again, if nobody does.
pub async fn note(
    tx: &Tx,
    tracked: &Tracked,
    news: &News,
    wake_at: Option<Instant>,
) -> Result<(), StoreError> {
    use tracked_number::Column as C;
    let mut update = with_news(tracked_number::Entity::update_many(), news);
    if let Some(at) = wake_at {
        let at = Expr::col(C::NextPollAt).if_null(at.timestamp_micros());
        update = update.col_expr(C::NextPollAt, at);
    }
    update.filter(is(tracked)).exec(tx).await?;
    Ok(())
}

fn is(tracked: &Tracked) -> Condition {
    use tracked_number::Column as C;
    Condition::all()
        .add(C::ShipmentId.eq(tracked.parcel.shipment.uuid()))
        .add(C::ParcelNumber.eq(i32::from(tracked.parcel.number)))
        .add(C::Carrier.eq(tracked.carrier.as_str()))
        .add(C::TrackingNumber.eq(tracked.number.as_str()))
}

fn with_news(
    mut update: UpdateMany<tracked_number::Entity>,
    news: &News,
) -> UpdateMany<tracked_number::Entity> {
    use tracked_number::Column as C;
    if let Some((at, status)) = news.seen {
        let at = at.timestamp_micros();
        let is_later = || Expr::col(C::SeenAt).gt(at);
        let the_later = |known: C, new: Expr| {
            Expr::Case(Box::new(CaseStatement::new().case(is_later(), Expr::col(known)).finally(new)))
        };
        update = update
            .col_expr(C::SeenStatus, the_later(C::SeenStatus, Expr::value(status.to_string())))
            .col_expr(C::SeenAt, the_later(C::SeenAt, Expr::value(at)));
    }
    match news.is_delivered {
        None => update,
        Some(false) => update.col_expr(C::DeliveredAt, Expr::value(None::<i64>)),
        Some(true) => {
            let first = Expr::col(C::DeliveredAt).if_null(news.heard_at.timestamp_micros());
            update.col_expr(C::DeliveredAt, first)
        }
    }
}

/// Gives a claimed number back with what came of it. If the claim ended meanwhile, or the number
/// is not asked about any more, nothing changes.
pub async fn settle(tx: &Tx, tracked: &Tracked, outcome: &Outcome) -> Result<(), StoreError> {
    use tracked_number::Column as C;
    let mut update = tracked_number::Entity::update_many()
        .col_expr(C::NextPollAt, Expr::value(outcome.next_poll_at.map(|at| at.timestamp_micros())))
        .col_expr(C::ClaimedUntil, Expr::value(0_i64))
        .col_expr(C::Failures, Expr::value(i32::try_from(outcome.failures).unwrap_or(i32::MAX)))
        .col_expr(C::LastProblem, Expr::value(outcome.problem.clone()));
    let asked_at = outcome.asked_at.map(|at| at.timestamp_micros());
    update = with_news(update, &outcome.news)
        .col_expr(C::AnswerHash, Expr::value(outcome.answer_hash.clone()))
        .col_expr(C::AskedAt, Expr::value(asked_at));
    if let Some(at) = outcome.answered_at {
        update = update.col_expr(C::AnsweredAt, Expr::value(at.timestamp_micros()));
    }
    update
        .filter(is(tracked))
        .filter(C::ClaimedUntil.eq(tracked.claimed_until.timestamp_micros()))
        .filter(C::NextPollAt.is_not_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn from_row(row: tracked_number::Model) -> Result<Tracked, StoreError> {
    let column = |name| Column("tracked_number", name);
    Ok(Tracked {
        parcel: ParcelId {
            shipment: ShipmentId::from_uuid(row.shipment_id),
            number: column("parcel_number").number(row.parcel_number)?,
        },
        carrier: column("carrier").word(&row.carrier)?,
        number: column("tracking_number").word(&row.tracking_number)?,
        from_hub: column("from_hub").word_or_none(row.from_hub.as_deref())?,
        failures: column("failures").number(row.failures)?,
        created_at: from_micros(row.created_at),
        claimed_until: from_micros(row.claimed_until),
        last: Last {
            answer_hash: row.answer_hash,
            asked_at: row.asked_at.map(from_micros),
            seen: row
                .seen_at
                .map(from_micros)
                .zip(column("seen_status").word_or_none(row.seen_status.as_deref())?),
            delivered_at: row.delivered_at.map(from_micros),
        },
    })
}
