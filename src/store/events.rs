//! Tracking events and carriers' answers: each is stored raw, once, for ever.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter,
    QueryOrder, QuerySelect, Select,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity::{carrier_answer, tracking_event};
use super::row::{Column, rows};
use super::{StoreError, Tx};
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::domain::event::{
    EventLocation, EventSource, Happening, Occurred, ScanKind, TrackingEvent, departure_named,
};
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::place::Point;
use crate::domain::reading::{Meant, Readings};

/// What makes two reports the same event: who says what of which parcel, when and where.
/// Not how it was learnt, nor when: a poll that repeats a push adds nothing.
pub fn fingerprint(event: &TrackingEvent) -> String {
    let happening = &event.happening;
    let parcel = event.parcel.map(|number| number.to_string()).unwrap_or_default();
    let at = happening.occurred.at.timestamp_micros().to_string();
    let parts = [
        parcel.as_str(),
        event.source_name.as_str(),
        event.tracking_number.as_ref().map(|number| number.as_str()).unwrap_or_default(),
        happening.code.as_str(),
        happening.description.as_str(),
        happening.occurred.local_time.as_str(),
        at.as_str(),
        happening.location.place.as_deref().unwrap_or_default(),
        event.hub.as_ref().map(|hub| hub.as_str()).unwrap_or_default(),
    ];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Adds those of `events` that are not there yet. One that is there keeps its raw form; what it
/// means is what all [`Readings`] of it come to. Says how many are new or mean something else now.
/// The caller holds the shipment.
pub async fn insert(tx: &Tx, shipment: ShipmentId, events: &[TrackingEvent]) -> Result<u64, StoreError> {
    let mut added = 0;
    let events = once_each(events);
    // 25 columns a row: well below the number of parameters either database takes.
    for some in events.chunks(500) {
        let mut known = readings(tx, shipment, some).await?;
        let mut rows = Vec::with_capacity(some.len());
        for (fingerprint, event, new) in some {
            let before = known.remove(fingerprint);
            let after = before.clone().map_or_else(|| new.clone(), |known| known.with(new.clone()));
            if before.as_ref() == Some(&after) {
                continue;
            }
            added += u64::from(!before.is_some_and(|before| before.says_the_same(&after)));
            rows.push(to_row(shipment, fingerprint, event, &after));
        }
        if !rows.is_empty() {
            tracking_event::Entity::insert_many(rows)
                .on_conflict(renew_meaning())
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(added)
}

/// One event of each fingerprint: an answer can say the same thing twice, and PostgreSQL takes
/// no row twice in one statement.
fn once_each(events: &[TrackingEvent]) -> Vec<(String, &TrackingEvent, Readings)> {
    let mut by_fingerprint: BTreeMap<String, (&TrackingEvent, Readings)> = BTreeMap::new();
    for event in events {
        let fingerprint = fingerprint(event);
        let reading = Readings::new(&event.happening, event.recorded_at);
        let (first, reading) = match by_fingerprint.remove(&fingerprint) {
            Some((first, known)) => (first, known.with(reading)),
            None => (event, reading),
        };
        by_fingerprint.insert(fingerprint, (first, reading));
    }
    let flat = |(fingerprint, (event, reading))| (fingerprint, event, reading);
    by_fingerprint.into_iter().map(flat).collect()
}

/// Fingerprint, status, to whom, what it takes back, and when it was read.
type Read = (String, String, Option<String>, Option<String>, i64, Option<i64>);

async fn readings(
    tx: &Tx,
    shipment: ShipmentId,
    events: &[(String, &TrackingEvent, Readings)],
) -> Result<HashMap<String, Readings>, StoreError> {
    use tracking_event::Column as C;
    let rows = tracking_event::Entity::find()
        .select_only()
        .columns([C::Fingerprint, C::Status, C::DeliveredTo, C::Cancels, C::ReadAt, C::ReadDeliveredAt])
        .filter(C::ShipmentId.eq(shipment.uuid()))
        .filter(C::Fingerprint.is_in(events.iter().map(|(fingerprint, ..)| fingerprint.as_str())))
        .into_tuple::<Read>()
        .all(tx)
        .await?;
    let read = |(fingerprint, status, delivered_to, cancels, read_at, delivered_at): Read| {
        let reading = reading(&status, delivered_to.as_deref(), cancels, read_at, delivered_at)?;
        Ok((fingerprint, reading))
    };
    rows.into_iter().map(read).collect()
}

fn reading(
    status: &str,
    delivered_to: Option<&str>,
    cancels: Option<String>,
    read_at: i64,
    delivered_at: Option<i64>,
) -> Result<Readings, StoreError> {
    let column = |name| Column("tracking_event", name);
    let meant = Meant {
        status: column("status").word(status)?,
        delivered_to: column("delivered_to").word_or_none(delivered_to)?,
        cancels,
    };
    Ok(Readings { meant, read_at: from_micros(read_at), delivered_at: delivered_at.map(from_micros) })
}

fn renew_meaning() -> OnConflict {
    use tracking_event::Column as C;
    OnConflict::columns([C::ShipmentId, C::Fingerprint])
        .update_columns([C::Status, C::DeliveredTo, C::Cancels, C::ReadAt, C::ReadDeliveredAt])
        .to_owned()
}

/// Every event of a shipment, oldest first. Its raw form only where it names a departure or a carrier.
pub async fn of_shipment(
    db: &impl ConnectionTrait,
    shipment: ShipmentId,
) -> Result<Vec<TrackingEvent>, StoreError> {
    let found: Vec<tracking_event::Model> = rows(db, &OF_SHIPMENT, [shipment.uuid().into()]).await?;
    found.into_iter().map(from_row).collect()
}

/// The same as [`without_raw`] of one shipment, written out.
static OF_SHIPMENT: LazyLock<String> = LazyLock::new(|| {
    use tracking_event::Column as C;
    let columns = C::iter().filter(|column| !matches!(column, C::Raw));
    let columns: Vec<_> = columns.map(|column| column.as_str()).collect();
    let kinds: Vec<_> = kinds_that_tell().iter().map(|kind| format!("'{kind}'")).collect();
    format!(
        "SELECT {}, CASE WHEN scan_kind IN ({}) THEN raw ELSE '' END AS raw FROM tracking_event \
         WHERE shipment_id = $1 ORDER BY occurred_at, fingerprint",
        columns.join(", "),
        kinds.join(", ")
    )
});

/// Those of many shipments, in one question.
pub async fn of_shipments(
    db: &impl ConnectionTrait,
    shipments: &[ShipmentId],
) -> Result<HashMap<ShipmentId, Vec<TrackingEvent>>, StoreError> {
    let ids = shipments.iter().map(|id| id.uuid());
    let rows = without_raw().filter(tracking_event::Column::ShipmentId.is_in(ids)).all(db).await?;
    let mut by_shipment: HashMap<_, Vec<_>> = HashMap::with_capacity(shipments.len());
    for row in rows {
        by_shipment.entry(ShipmentId::from_uuid(row.shipment_id)).or_default().push(from_row(row)?);
    }
    Ok(by_shipment)
}

fn without_raw() -> Select<tracking_event::Entity> {
    use tracking_event::Column as C;
    tracking_event::Entity::find()
        .select_only()
        .columns(C::iter().filter(|column| !matches!(column, C::Raw)))
        .column_as(raw_of(&kinds_that_tell()), C::Raw)
        .order_by_asc(C::OccurredAt)
        .order_by_asc(C::Fingerprint)
}

/// What may name a departure or a carrier.
fn kinds_that_tell() -> Vec<ScanKind> {
    [DEPARTURES, &[ScanKind::HandedOver]].concat()
}

/// What may name a departure.
const DEPARTURES: &[ScanKind] = &[ScanKind::Departed, ScanKind::Offloaded, ScanKind::Packed];

/// The raw form of scans of these kinds; of all else nothing.
fn raw_of(kinds: &[ScanKind]) -> Expr {
    use tracking_event::Column as C;
    let kinds = kinds.iter().map(|kind| kind.as_str());
    let raw = CaseStatement::new().case(Expr::col(C::ScanKind).is_in(kinds), Expr::col(C::Raw));
    Expr::Case(Box::new(raw.finally("")))
}

/// Where a scan had a parcel, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub parcel: ParcelId,
    pub kind: ScanKind,
    pub hub: HubCode,
    pub occurred_at: Instant,
    /// The one it named, where it says that something left or did not.
    pub departure: Option<DepartureId>,
}

/// Shipment, parcel's number, kind, hub, time, raw form.
type Seen = (Uuid, Option<i32>, Option<String>, Option<String>, i64, String);

/// What staff scanned of many shipments, oldest first.
pub async fn sightings(
    db: &impl ConnectionTrait,
    shipments: &[ShipmentId],
) -> Result<Vec<Sighting>, StoreError> {
    use tracking_event::Column as C;
    let mut all = Vec::new();
    for some in shipments.chunks(500) {
        let rows = tracking_event::Entity::find()
            .select_only()
            .columns([C::ShipmentId, C::ParcelNumber, C::ScanKind, C::HubCode, C::OccurredAt])
            .filter(C::ShipmentId.is_in(some.iter().map(|id| id.uuid())))
            .filter(C::Source.eq(EventSource::Scan.as_str()))
            .column_as(raw_of(DEPARTURES), C::Raw)
            .into_tuple::<Seen>()
            .all(db)
            .await?;
        let column = |name| Column("tracking_event", name);
        for (shipment, number, kind, hub, at, raw) in rows {
            let (Some(number), Some(kind), Some(hub)) = (number, kind, hub) else { continue };
            all.push(Sighting {
                parcel: ParcelId {
                    shipment: ShipmentId::from_uuid(shipment),
                    number: column("parcel_number").number(number)?,
                },
                kind: column("scan_kind").word(&kind)?,
                hub: column("hub_code").word(&hub)?,
                occurred_at: from_micros(at),
                departure: departure_named(&raw),
            });
        }
    }
    // Of two at the same moment the one that is further along.
    all.sort_by(|a, b| {
        (a.occurred_at, a.parcel, a.kind, &a.hub).cmp(&(b.occurred_at, b.parcel, b.kind, &b.hub))
    });
    Ok(all)
}

/// One answer of a carrier, byte for byte; the same answer again is not kept twice.
pub struct RawAnswer {
    pub parcel: ParcelId,
    pub carrier: CarrierCode,
    pub number: TrackingNumber,
    pub status: u16,
    pub body: Vec<u8>,
    pub asked_at: Instant,
}

pub async fn insert_answer(tx: &Tx, answer: RawAnswer) -> Result<(), StoreError> {
    let row = carrier_answer::ActiveModel {
        shipment_id: Set(answer.parcel.shipment.uuid()),
        carrier: Set(answer.carrier.to_string()),
        tracking_number: Set(answer.number.to_string()),
        body_hash: Set(hex(&Sha256::digest(&answer.body))),
        parcel_number: Set(i32::from(answer.parcel.number)),
        status: Set(i32::from(answer.status)),
        body: Set(answer.body),
        asked_at: Set(answer.asked_at.timestamp_micros()),
    };
    carrier_answer::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn to_row(
    shipment: ShipmentId,
    fingerprint: &str,
    event: &TrackingEvent,
    reading: &Readings,
) -> tracking_event::ActiveModel {
    let (happening, meant) = (&event.happening, &reading.meant);
    tracking_event::ActiveModel {
        shipment_id: Set(shipment.uuid()),
        fingerprint: Set(fingerprint.to_owned()),
        parcel_number: Set(event.parcel.map(i32::from)),
        source: Set(event.source.to_string()),
        source_name: Set(event.source_name.clone()),
        status: Set(meant.status.to_string()),
        delivered_to: Set(meant.delivered_to.map(|to| to.to_string())),
        occurred_at: Set(happening.occurred.at.timestamp_micros()),
        local_time: Set(happening.occurred.local_time.clone()),
        offset_source: Set(happening.occurred.offset_source.to_string()),
        code: Set(happening.code.clone()),
        description: Set(happening.description.clone()),
        country: Set(happening.location.country.clone()),
        place: Set(happening.location.place.clone()),
        postal_code: Set(happening.location.postal_code.clone()),
        lat: Set(happening.location.point.map(|point| point.lat)),
        lon: Set(happening.location.point.map(|point| point.lon)),
        cancels: Set(meant.cancels.clone()),
        scan_kind: Set(event.scan.map(|kind| kind.to_string())),
        hub_code: Set(event.hub.as_ref().map(ToString::to_string)),
        facility: Set(event.facility.map(|facility| facility.to_string())),
        tracking_number: Set(event.tracking_number.as_ref().map(ToString::to_string)),
        raw: Set(event.raw.clone()),
        recorded_at: Set(event.recorded_at.timestamp_micros()),
        read_at: Set(reading.read_at.timestamp_micros()),
        read_delivered_at: Set(reading.delivered_at.map(|at| at.timestamp_micros())),
    }
}

fn from_row(row: tracking_event::Model) -> Result<TrackingEvent, StoreError> {
    let column = |name| Column("tracking_event", name);
    let to = row.delivered_to.as_deref();
    let readings = reading(&row.status, to, row.cancels, row.read_at, row.read_delivered_at)?;
    let doubted = readings.is_doubted();
    let Meant { status, delivered_to, cancels } = readings.meant;
    Ok(TrackingEvent {
        parcel: row.parcel_number.map(|number| column("parcel_number").number(number)).transpose()?,
        source: column("source").word(&row.source)?,
        source_name: row.source_name,
        happening: Happening {
            status,
            delivered_to,
            occurred: Occurred {
                at: from_micros(row.occurred_at),
                local_time: row.local_time,
                offset_source: column("offset_source").word(&row.offset_source)?,
            },
            code: row.code,
            description: row.description,
            location: EventLocation {
                country: row.country,
                place: row.place,
                postal_code: row.postal_code,
                point: row.lat.zip(row.lon).and_then(|(lat, lon)| Point::new(lat, lon).ok()),
            },
            cancels,
        },
        scan: column("scan_kind").word_or_none(row.scan_kind.as_deref())?,
        hub: column("hub_code").word_or_none(row.hub_code.as_deref())?,
        facility: column("facility").word_or_none(row.facility.as_deref())?,
        tracking_number: column("tracking_number").word_or_none(row.tracking_number.as_deref())?,
        raw: row.raw,
        recorded_at: from_micros(row.recorded_at),
        doubted,
    })
}
