//! Hubs and lanes. An import replaces all of them at once and makes a new edition, and so does each change of
//! the calendar (see [`super::calendar`]).

use chrono::NaiveTime;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};

use super::entity::{hub, lane, network_edition};
use super::row::{Column, Only};
use super::{StoreError, Tx, calendar};
use crate::domain::calendar::Calendar;
use crate::domain::instant::Instant;
use crate::domain::network::{Hub, Lane};
use crate::domain::place::Point;

/// The one row that says which edition is in force.
const EDITION: i32 = 1;
const TIME: &str = "%H:%M";

/// 0 where nothing was imported yet.
pub async fn edition(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    Ok(network_edition::Entity::find_by_id(EDITION).only(db).await?.map_or(0, |row| row.edition))
}

/// The same, and it stays in force until the end of the transaction: who makes a new one waits. What is
/// planned on an edition and saved under this was planned on what is in force, or is not saved.
pub async fn edition_held(tx: &Tx) -> Result<i64, StoreError> {
    let row = network_edition::Entity::find_by_id(EDITION).lock_shared().only(tx).await?;
    Ok(row.map_or(0, |row| row.edition))
}

/// Puts `hubs`, `lanes` and what an import says of the calendar in the place of those there are. Says which
/// edition they make.
pub async fn replace(
    tx: &Tx,
    hubs: &[Hub],
    lanes: &[Lane],
    imported: &Calendar,
    at: Instant,
) -> Result<i64, StoreError> {
    // First of all: who makes a new edition waits for those who save plans made on this one.
    let edition = new_edition(tx, at).await?;
    hub::Entity::delete_many().exec(tx).await?;
    lane::Entity::delete_many().exec(tx).await?;
    for some in hubs.chunks(500) {
        hub::Entity::insert_many(some.iter().map(hub_row)).exec_without_returning(tx).await?;
    }
    for some in lanes.chunks(500) {
        lane::Entity::insert_many(some.iter().map(lane_row)).exec_without_returning(tx).await?;
    }
    calendar::replace_imported(tx, imported, at).await?;
    Ok(edition)
}

/// Tells every daemon to read the network again.
pub async fn new_edition(tx: &Tx, at: Instant) -> Result<i64, StoreError> {
    use network_edition::Column as C;
    let row = network_edition::ActiveModel {
        id: Set(EDITION),
        edition: Set(1),
        imported_at: Set(at.timestamp_micros()),
    };
    let one_more = Expr::col((network_edition::Entity, C::Edition)).add(1_i64);
    let again = OnConflict::column(C::Id).update_column(C::ImportedAt).value(C::Edition, one_more).to_owned();
    network_edition::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    edition(tx).await
}

pub async fn load(db: &impl ConnectionTrait) -> Result<(Vec<Hub>, Vec<Lane>, Calendar), StoreError> {
    let hubs = hub::Entity::find().order_by_asc(hub::Column::Code).all(db).await?;
    let lanes = lane::Entity::find().order_by_asc(lane::Column::Id).all(db).await?;
    Ok((
        hubs.into_iter().map(hub_from_row).collect::<Result<_, _>>()?,
        lanes.into_iter().map(lane_from_row).collect::<Result<_, _>>()?,
        calendar::load(db).await?,
    ))
}

fn hub_row(hub: &Hub) -> hub::ActiveModel {
    let clearances: Vec<_> = hub.clearances.iter().map(|clearance| clearance.as_str()).collect();
    hub::ActiveModel {
        code: Set(hub.code.to_string()),
        name_en: Set(hub.name_en.clone()),
        name_zh: Set(hub.name_zh.clone()),
        kind: Set(hub.kind.to_string()),
        country: Set(hub.country.to_string()),
        lat: Set(hub.point.lat),
        lon: Set(hub.point.lon),
        zone: Set(hub.zone.name().to_owned()),
        clearances: Set(clearances.join(";")),
        cutoff_local: Set(hub.cutoff_local.format(TIME).to_string()),
        handling_minutes: Set(hub.handling_minutes as i32),
    }
}

fn lane_row(lane: &Lane) -> lane::ActiveModel {
    lane::ActiveModel {
        id: Set(lane.id.to_string()),
        from_hub: Set(lane.from.to_string()),
        to_hub: Set(lane.to.to_string()),
        mode: Set(lane.mode.to_string()),
        carrier: Set(lane.carrier.clone()),
        service: Set(lane.service.clone()),
        weekdays: Set(lane.weekdays.to_string()),
        depart_local: Set(lane.depart_local.format(TIME).to_string()),
        depart_zone: Set(lane.depart_zone.name().to_owned()),
        transit_minutes: Set(lane.transit_minutes as i32),
        capacity_grams: Set(lane.capacity_grams as i64),
        capacity_cm3: Set(lane.capacity_cm3 as i64),
        fixed_cost_micros: Set(lane.fixed_cost_micros),
        cost_per_kg_micros: Set(lane.cost_per_kg_micros),
        distance_metres: Set(lane.distance_metres as i64),
        piece_grams_max: Set(lane.piece_grams_max.map(i64::from)),
        dangerous_goods: Set(lane.dangerous_goods.to_string()),
    }
}

fn time(column: Column, text: &str) -> Result<NaiveTime, StoreError> {
    NaiveTime::parse_from_str(text, TIME).map_err(|error| column.corrupt(error))
}

fn hub_from_row(row: hub::Model) -> Result<Hub, StoreError> {
    let column = |name| Column("hub", name);
    let clearances = row.clearances.split(';').filter(|text| !text.is_empty());
    Ok(Hub {
        code: column("code").word(&row.code)?,
        name_en: row.name_en,
        name_zh: row.name_zh,
        kind: column("kind").word(&row.kind)?,
        country: column("country").word(&row.country)?,
        point: Point::new(row.lat, row.lon).map_err(|error| column("lat").corrupt(error))?,
        zone: column("zone").word(&row.zone)?,
        clearances: clearances.map(|text| column("clearances").word(text)).collect::<Result<_, _>>()?,
        cutoff_local: time(column("cutoff_local"), &row.cutoff_local)?,
        handling_minutes: column("handling_minutes").number(row.handling_minutes)?,
    })
}

fn lane_from_row(row: lane::Model) -> Result<Lane, StoreError> {
    let column = |name| Column("lane", name);
    Ok(Lane {
        id: column("id").word(&row.id)?,
        from: column("from_hub").word(&row.from_hub)?,
        to: column("to_hub").word(&row.to_hub)?,
        mode: column("mode").word(&row.mode)?,
        carrier: row.carrier,
        service: row.service,
        weekdays: column("weekdays").word(&row.weekdays)?,
        depart_local: time(column("depart_local"), &row.depart_local)?,
        depart_zone: column("depart_zone").word(&row.depart_zone)?,
        transit_minutes: column("transit_minutes").number(row.transit_minutes)?,
        capacity_grams: column("capacity_grams").number(row.capacity_grams)?,
        capacity_cm3: column("capacity_cm3").number(row.capacity_cm3)?,
        fixed_cost_micros: row.fixed_cost_micros,
        cost_per_kg_micros: row.cost_per_kg_micros,
        distance_metres: column("distance_metres").number(row.distance_metres)?,
        piece_grams_max: row
            .piece_grams_max
            .map(|most| column("piece_grams_max").number(most))
            .transpose()?,
        dangerous_goods: column("dangerous_goods").word(&row.dangerous_goods)?,
    })
}
