//! Closures, holidays and changed departures.

use chrono::{NaiveDate, NaiveTime};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::{departure_change, hub_closure, hub_holiday};
use super::row::{Column, Only};
use super::{StoreError, Tx};
use crate::chance;
use crate::domain::calendar::{Calendar, ChangeKind, Closure, DepartureChange, Holiday};
use crate::domain::id::ClosureId;
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode};

const TIME: &str = "%H:%M:%S";

/// Puts what an import says in the place of what the one before said. What people did since stays, and
/// where they changed the same departure, their word stands.
pub async fn replace_imported(tx: &Tx, imported: &Calendar, at: Instant) -> Result<(), StoreError> {
    hub_closure::Entity::delete_many().filter(hub_closure::Column::Imported.eq(true)).exec(tx).await?;
    hub_holiday::Entity::delete_many().exec(tx).await?;
    let changes = departure_change::Column::Imported.eq(true);
    departure_change::Entity::delete_many().filter(changes).exec(tx).await?;
    for some in imported.closures.chunks(500) {
        let rows = some.iter().map(|closure| closure_row(chance::id(), closure, true, at));
        hub_closure::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    for some in imported.holidays.chunks(500) {
        hub_holiday::Entity::insert_many(some.iter().map(holiday_row)).exec_without_returning(tx).await?;
    }
    for some in imported.changes.chunks(500) {
        departure_change::Entity::insert_many(some.iter().map(|change| change_row(change, true, at)))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

pub async fn insert_closure(
    tx: &Tx,
    id: ClosureId,
    closure: &Closure,
    at: Instant,
) -> Result<(), StoreError> {
    let row = closure_row(id.uuid(), closure, false, at);
    hub_closure::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// A hub's closures, oldest first, and whether an import brought them.
pub async fn closures_of(
    db: &impl ConnectionTrait,
    hub: &HubCode,
) -> Result<Vec<(ClosureId, Closure, bool)>, StoreError> {
    use hub_closure::Column as C;
    let query = hub_closure::Entity::find().filter(C::HubCode.eq(hub.as_str())).order_by_asc(C::Id);
    let rows = query.all(db).await?;
    rows.into_iter()
        .map(|row| Ok((ClosureId::from_uuid(row.id), row.imported, closure_from_row(row)?)))
        .map(|row| row.map(|(id, imported, closure)| (id, closure, imported)))
        .collect()
}

/// False: the hub has no such closure, or it came with an import.
pub async fn delete_closure(tx: &Tx, hub: &HubCode, id: ClosureId) -> Result<bool, StoreError> {
    use hub_closure::Column as C;
    let delete = hub_closure::Entity::delete_many()
        .filter(C::Id.eq(id.uuid()))
        .filter(C::HubCode.eq(hub.as_str()))
        .filter(C::Imported.eq(false));
    Ok(delete.exec(tx).await?.rows_affected == 1)
}

/// False: it was so already.
pub async fn change_departure(tx: &Tx, change: &DepartureChange, at: Instant) -> Result<bool, StoreError> {
    use departure_change::Column as C;
    let key = (change.departure.lane.to_string(), change.departure.date.to_string());
    let before = departure_change::Entity::find_by_id(key).only(tx).await?;
    if before.map(change_from_row).transpose()?.is_some_and(|before| before.kind == change.kind) {
        return Ok(false);
    }
    let again = OnConflict::columns([C::LaneId, C::Date])
        .update_columns([C::Kind, C::DepartLocal, C::Reason, C::Imported, C::CreatedAt])
        .to_owned();
    departure_change::Entity::insert(change_row(change, false, at))
        .on_conflict(again)
        .exec_without_returning(tx)
        .await?;
    Ok(true)
}

pub async fn load(db: &impl ConnectionTrait) -> Result<Calendar, StoreError> {
    let closures = hub_closure::Entity::find().order_by_asc(hub_closure::Column::Id).all(db).await?;
    let holidays = hub_holiday::Entity::find().order_by_asc(hub_holiday::Column::Date).all(db).await?;
    let changes =
        departure_change::Entity::find().order_by_asc(departure_change::Column::Date).all(db).await?;
    Ok(Calendar {
        closures: closures.into_iter().map(closure_from_row).collect::<Result<_, _>>()?,
        holidays: holidays.into_iter().map(holiday_from_row).collect::<Result<_, _>>()?,
        changes: changes.into_iter().map(change_from_row).collect::<Result<_, _>>()?,
    })
}

fn closure_row(id: Uuid, closure: &Closure, imported: bool, at: Instant) -> hub_closure::ActiveModel {
    hub_closure::ActiveModel {
        id: Set(id),
        hub_code: Set(closure.hub.to_string()),
        from_at: Set(closure.from_at.timestamp_micros()),
        until_at: Set(closure.until_at.timestamp_micros()),
        reason: Set(closure.reason.clone()),
        imported: Set(imported),
        created_at: Set(at.timestamp_micros()),
    }
}

fn holiday_row(holiday: &Holiday) -> hub_holiday::ActiveModel {
    hub_holiday::ActiveModel {
        hub_code: Set(holiday.hub.to_string()),
        date: Set(holiday.date.to_string()),
        name: Set(holiday.name.clone()),
    }
}

fn change_row(change: &DepartureChange, imported: bool, at: Instant) -> departure_change::ActiveModel {
    let (kind, depart_local) = match change.kind {
        ChangeKind::Cancelled => ("cancelled", None),
        ChangeKind::Extra { depart_local } => ("extra", Some(depart_local.format(TIME).to_string())),
    };
    departure_change::ActiveModel {
        lane_id: Set(change.departure.lane.to_string()),
        date: Set(change.departure.date.to_string()),
        kind: Set(kind.to_owned()),
        depart_local: Set(depart_local),
        reason: Set(change.reason.clone()),
        imported: Set(imported),
        created_at: Set(at.timestamp_micros()),
    }
}

fn closure_from_row(row: hub_closure::Model) -> Result<Closure, StoreError> {
    Ok(Closure {
        hub: Column("hub_closure", "hub_code").word(&row.hub_code)?,
        from_at: from_micros(row.from_at),
        until_at: from_micros(row.until_at),
        reason: row.reason,
    })
}

fn holiday_from_row(row: hub_holiday::Model) -> Result<Holiday, StoreError> {
    let column = |name| Column("hub_holiday", name);
    Ok(Holiday {
        hub: column("hub_code").word(&row.hub_code)?,
        date: column("date").word(&row.date)?,
        name: row.name,
    })
}

fn change_from_row(row: departure_change::Model) -> Result<DepartureChange, StoreError> {
    let column = |name| Column("departure_change", name);
    let date: NaiveDate = column("date").word(&row.date)?;
    let kind = match (row.kind.as_str(), row.depart_local) {
        ("cancelled", None) => ChangeKind::Cancelled,
        ("extra", Some(text)) => {
            let time = NaiveTime::parse_from_str(&text, TIME);
            ChangeKind::Extra { depart_local: time.map_err(|error| column("depart_local").corrupt(error))? }
        }
        (kind, _) => return Err(column("kind").corrupt(format!("{kind:?} is no change of a departure"))),
    };
    Ok(DepartureChange {
        departure: DepartureId { lane: column("lane_id").word(&row.lane_id)?, date },
        kind,
        reason: row.reason,
    })
}
