//! What hub staff report, each scan by itself.
//!
//! A scan is one event, recorded in a transaction of its own: of 500 scans one that makes
//! no sense costs nobody else anything, and a list that is sent again after a crash adds
//! only what is missing.

use futures_util::StreamExt;
use serde_json::Value;

use super::Deps;
use super::advance::{Advanced, Occasion, advance};
use crate::domain::event::{
    EventLocation, EventSource, EventStatus, Facility, Happening, Occurred, OffsetSource, ScanKind,
    TrackingEvent,
};
use crate::domain::failure::Class;
use crate::domain::id::ParcelId;
use crate::domain::instant::Instant;
use crate::domain::network::{Hub, HubCode, HubKind};
use crate::domain::shipment::ShipmentStatus;
use crate::faults;
use crate::intake::{FieldError, Scan, read_scan};
use crate::store::tracked::{self, Tracked};
use crate::store::{StoreError, Tx, shipments};

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("no parcel has the id {0}")]
    UnknownParcel(ParcelId),
    #[error("{0} is not a hub of the network in force")]
    UnknownHub(HubCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ScanError {
    pub fn class(&self) -> Class {
        match self {
            ScanError::Fields(_) => Class::Caller,
            ScanError::UnknownParcel(_) | ScanError::UnknownHub(_) => Class::NotFound,
            ScanError::Store(error) => error.class(),
        }
    }
}

pub struct Recorded {
    pub parcel: ParcelId,
    pub status: ShipmentStatus,
    pub shipment_status: ShipmentStatus,
    /// The same scan was recorded before; nothing changed.
    pub duplicate: bool,
}

/// Scans under way at the same time: enough to share commits.
const TOGETHER: usize = 64;

/// Records each of `scans`; the results are in their order.
pub async fn record_all(deps: &Deps, hub: &HubCode, scans: &[Value]) -> Vec<Result<Recorded, ScanError>> {
    futures_util::stream::iter(scans).map(|scan| record(deps, hub, scan)).buffered(TOGETHER).collect().await
}

pub async fn record(deps: &Deps, hub: &HubCode, body: &Value) -> Result<Recorded, ScanError> {
    let now = deps.clock.now();
    let network = deps.network.current();
    let hub = network.hub(hub).ok_or_else(|| ScanError::UnknownHub(hub.clone()))?;
    let scan = read_scan(body, now).map_err(ScanError::Fields)?;
    check(deps, hub, &scan).map_err(ScanError::Fields)?;
    let event = event(hub, &scan, body, now);
    let occasion = Occasion { actor: format!("hub {}", hub.code), now, wall: deps.clock.wall() };
    let parcel = scan.parcel;
    let (advanced, status) =
        deps.store.write(move |tx| Box::pin(async move { write(tx, &scan, event, &occasion).await })).await?;
    faults::reached("scan.committed");
    if advanced.to_send {
        deps.outbox_bell.notify_one();
    }
    Ok(Recorded { parcel, status, shipment_status: advanced.shipment.status, duplicate: advanced.added == 0 })
}

async fn write(
    tx: &Tx,
    scan: &Scan,
    event: TrackingEvent,
    occasion: &Occasion,
) -> Result<(Advanced, ShipmentStatus), ScanError> {
    let unknown = || ScanError::UnknownParcel(scan.parcel);
    // A number that no parcel of the shipment has must not get an event, so it is looked for first.
    let parcels = shipments::parcels(tx, scan.parcel.shipment).await?;
    parcels.iter().find(|parcel| parcel.id == scan.parcel).ok_or_else(unknown)?;
    if let Some((carrier, number)) = &scan.handed_to
        && !tracked::own(tx, scan.parcel.shipment, carrier, number, occasion.now).await?
    {
        let detail = format!("{number} is on another shipment's label");
        return Err(ScanError::Fields(vec![FieldError { pointer: "/tracking_number".to_owned(), detail }]));
    }
    let advanced = advance(tx, scan.parcel.shipment, &[event], occasion).await?.ok_or_else(unknown)?;
    let parcel = advanced.parcels.iter().find(|parcel| parcel.number == scan.parcel.number);
    let status = parcel.map_or(advanced.shipment.status, |parcel| parcel.status);
    let current = parcel.and_then(|parcel| parcel.tracking_number.as_ref());
    // A late report of a handover that was corrected since changes nothing about whom to ask.
    if let Some((carrier, number)) = scan.handed_to.as_ref().filter(|(_, number)| current == Some(number)) {
        let tracked = Tracked {
            parcel: scan.parcel,
            carrier: carrier.clone(),
            number: number.clone(),
            failures: 0,
            created_at: occasion.now,
            claimed_until: occasion.wall,
        };
        tracked::register(tx, &tracked, occasion.now).await?;
    }
    Ok((advanced, status))
}

/// What only the network and the carriers can tell.
fn check(deps: &Deps, hub: &Hub, scan: &Scan) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    if let Some((carrier, _)) = &scan.handed_to
        && deps.carriers.get(carrier).is_none()
    {
        let known: Vec<_> = deps.carriers.codes().map(ToString::to_string).collect();
        wrong("/carrier", format!("{carrier} is not configured; there are: {}", known.join(", ")));
    }
    if let Some(departure) = &scan.departure {
        let network = deps.network.current();
        match network.lane(&departure.lane) {
            None => wrong("/departure", format!("there is no lane {}", departure.lane)),
            Some(lane) if lane.from != hub.code && lane.to != hub.code => {
                wrong("/departure", format!("{} runs from {} to {}", lane.id, lane.from, lane.to));
            }
            Some(_) => {}
        }
    }
    if hub.kind == HubKind::OriginHub && of_customs(scan.kind) {
        wrong("/kind", format!("{} is said at a gateway only", scan.kind));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn of_customs(kind: ScanKind) -> bool {
    matches!(kind, ScanKind::CustomsPresented | ScanKind::CustomsHeld | ScanKind::CustomsReleased)
}

fn status(kind: ScanKind) -> EventStatus {
    match kind {
        ScanKind::Received | ScanKind::Arrived => EventStatus::Arrived,
        ScanKind::Departed => EventStatus::Departed,
        ScanKind::CustomsPresented => EventStatus::CustomsPresented,
        ScanKind::CustomsHeld => EventStatus::CustomsHeld,
        ScanKind::CustomsReleased => EventStatus::CustomsReleased,
        ScanKind::HandedOver => EventStatus::InTransit,
    }
}

fn event(hub: &Hub, scan: &Scan, body: &Value, now: Instant) -> TrackingEvent {
    TrackingEvent {
        parcel: Some(scan.parcel.number),
        source: EventSource::Scan,
        source_name: hub.code.to_string(),
        happening: Happening {
            status: status(scan.kind),
            delivered_to: None,
            occurred: Occurred {
                at: scan.occurred_at,
                local_time: scan.local_time.clone(),
                offset_source: OffsetSource::Carrier,
            },
            code: scan.kind.to_string(),
            description: scan.note.clone().unwrap_or_default(),
            location: EventLocation {
                country: Some(hub.country.to_string()),
                place: Some(hub.name_en.clone()),
                postal_code: None,
            },
        },
        tracking_number: scan.handed_to.as_ref().map(|(_, number)| number.clone()),
        scan: Some(scan.kind),
        hub: Some(hub.code.clone()),
        facility: Some(match hub.kind {
            HubKind::OriginHub => Facility::OriginHub,
            HubKind::Gateway => Facility::Gateway,
        }),
        raw: body.to_string(),
        recorded_at: now,
    }
}
