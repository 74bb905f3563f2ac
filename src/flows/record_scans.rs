//! What hub staff report, each scan by itself.
//!
//! A scan is one event, recorded in a transaction of its own: of 500 scans one that makes
//! no sense costs nobody else anything, and a list that is sent again after a crash adds
//! only what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::Value;

use super::advance::{Advanced, Occasion, advance_held};
use super::{Deps, deconsolidate, replan};
use crate::carriers::numbers;
use crate::domain::carrier::TrackingNumber;
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
use crate::store::tracked::{self, Last, Tracked};
use crate::store::{StoreError, Tx, carrier_pushes, events, shipments};

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error("no parcel has the id {0}")]
    UnknownParcel(ParcelId),
    #[error("there is no bag or unit {0}")]
    UnknownBag(String),
    #[error("{0} is not a hub of the network in force")]
    UnknownHub(HubCode),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ScanError {
    pub fn class(&self) -> Class {
        match self {
            ScanError::Fields(_) => Class::Caller,
            ScanError::UnknownParcel(_) | ScanError::UnknownBag(_) | ScanError::UnknownHub(_) => {
                Class::NotFound
            }
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

/// Shipments whose scans are under way at the same time: enough to share commits.
const TOGETHER: usize = 64;

/// Records each of `scans`, those of one shipment one after the other; the results are in their order.
pub async fn record_all(deps: &Deps, hub: &HubCode, scans: &[Value]) -> Vec<Result<Recorded, ScanError>> {
    let mut by_shipment: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, scan) in scans.iter().enumerate() {
        let parcel = scan["parcel"].as_str().unwrap_or_default();
        let shipment = parcel.split_once('-').map_or(parcel, |(shipment, _)| shipment);
        by_shipment.entry(shipment).or_default().push(place);
    }
    let in_order = by_shipment.into_values().map(|places| async move {
        let mut results = Vec::with_capacity(places.len());
        for place in places {
            results.push((place, record(deps, hub, &scans[place]).await));
        }
        results
    });
    let most = deps.side_by_side.most(TOGETHER);
    let results = futures_util::stream::iter(in_order).buffer_unordered(most);
    let mut results: Vec<_> = results.collect::<Vec<_>>().await.into_iter().flatten().collect();
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

pub async fn record(deps: &Deps, hub: &HubCode, body: &Value) -> Result<Recorded, ScanError> {
    let now = deps.clock.now();
    let network = deps.network.current();
    let hub = network.hub(hub).ok_or_else(|| ScanError::UnknownHub(hub.clone()))?;
    let scan = read_scan(body, now).map_err(ScanError::Fields)?;
    check(deps, hub, &scan).map_err(ScanError::Fields)?;
    let event = event(hub, &scan, body, now);
    let occasion = Occasion { now, ..Occasion::new(deps, format!("hub {}", hub.code)) };
    let (parcel, horizon) = (scan.parcel, deps.settings.routing.horizon_days);
    let plans = (Arc::clone(&network), horizon);
    let (advanced, status, is_off) = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let (advanced, status) = write(tx, &scan, event, &occasion).await?;
                let why = replan::off_plan(&plans.0, &advanced, plans.1, now);
                let by = (occasion.actor.as_str(), now, occasion.wall);
                let is_off = replan::queue(tx, &advanced, scan.kind, why, by).await?;
                Ok::<_, ScanError>((advanced, status, is_off))
            })
        })
        .await?;
    faults::reached("scan.committed");
    if is_off {
        deps.replan_bell.notify_one();
    }
    if advanced.to_send {
        deps.outbox_bell.notify_one();
    }
    if advanced.to_tell {
        deps.webhook_bell.notify_one();
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
    // Before anything else: who hands over a shipment's parcels takes turns.
    let shipment = shipments::lock(tx, scan.parcel.shipment).await?.ok_or_else(unknown)?;
    // A number that no parcel of the shipment has must not get an event, so it is looked for first.
    let parcels = shipments::parcels(tx, scan.parcel.shipment).await?;
    parcels.iter().find(|parcel| parcel.id == scan.parcel).ok_or_else(unknown)?;
    if let Some((carrier, number)) = &scan.handed_to {
        refuse_ambiguous(tx, scan, number).await?;
        if !tracked::own(tx, scan.parcel.shipment, carrier, number, occasion.now).await? {
            return Err(wrong("/tracking_number", format!("{number} is on another shipment's label")));
        }
    }
    let hub = event.hub.clone();
    let change = match &hub {
        Some(hub) => deconsolidate::look(tx, scan, hub).await?,
        None => deconsolidate::Change::default(),
    };
    let advanced = advance_held(tx, (shipment, parcels), &[event], occasion).await?;
    let parcel = advanced.parcels.iter().find(|parcel| parcel.number == scan.parcel.number);
    let status = parcel.map_or(advanced.shipment.status, |parcel| parcel.status);
    let current = parcel.and_then(|parcel| parcel.tracking_number.as_ref());
    // A late report of a handover that was corrected since changes nothing about whom to ask.
    if let Some((carrier, number)) = scan.handed_to.as_ref().filter(|(_, number)| current == Some(number)) {
        let tracked = Tracked {
            parcel: scan.parcel,
            carrier: carrier.clone(),
            number: number.clone(),
            from_hub: hub.clone(),
            failures: 0,
            created_at: occasion.now,
            claimed_until: occasion.wall,
            last: Last::default(),
        };
        tracked::register(tx, &tracked, occasion.now).await?;
        carrier_pushes::take_up(tx, number, occasion.wall).await?;
    }
    if scan.handed_to.is_some() {
        let current: Vec<_> =
            advanced.parcels.iter().filter_map(|parcel| parcel.tracking_number.as_ref()).collect();
        tracked::disown_others(tx, scan.parcel.shipment, &current).await?;
    }
    if let Some(hub) = &hub {
        deconsolidate::apply(tx, scan, hub, &change).await?;
    }
    Ok((advanced, status))
}

fn wrong(pointer: &str, detail: String) -> ScanError {
    ScanError::Fields(vec![FieldError { pointer: pointer.to_owned(), detail }])
}

/// Of two handovers at the same time nobody could say which one corrects the other.
async fn refuse_ambiguous(tx: &Tx, scan: &Scan, number: &TrackingNumber) -> Result<(), ScanError> {
    let events = events::of_shipment(tx, scan.parcel.shipment).await?;
    let same_time = events.iter().find(|event| {
        event.scan == Some(ScanKind::HandedOver)
            && event.parcel == Some(scan.parcel.number)
            && event.happening.occurred.at == scan.occurred_at
            && event.tracking_number.as_ref() != Some(number)
    });
    match same_time {
        Some(_) => {
            let detail = "it was handed over under another number at this very time; a correction is later";
            Err(wrong("/occurred_at", detail.to_owned()))
        }
        None => Ok(()),
    }
}

/// What only the network and the carriers can tell.
fn check(deps: &Deps, hub: &Hub, scan: &Scan) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    if let Some((carrier, number)) = &scan.handed_to {
        if !deps.carriers.is_configured(carrier) {
            let known: Vec<_> = deps.carriers.codes().map(ToString::to_string).collect();
            wrong("/carrier", format!("{carrier} is not configured; there are: {}", known.join(", ")));
        }
        if let Err(mistyped) = numbers::check(carrier, number) {
            wrong("/tracking_number", mistyped.to_string());
        }
    }
    if let Some(departure) = &scan.departure {
        let network = deps.network.current();
        match network.lane(&departure.lane) {
            None => wrong("/departure", format!("there is no lane {}", departure.lane)),
            Some(lane) if lane.from != hub.code && lane.to != hub.code => {
                wrong("/departure", format!("{} runs from {} to {}", lane.id, lane.from, lane.to));
            }
            Some(lane)
                if matches!(scan.kind, ScanKind::Departed | ScanKind::Offloaded) && lane.from != hub.code =>
            {
                wrong("/departure", format!("{} leaves from {}", lane.id, lane.from));
            }
            Some(_) => {}
        }
    }
    if hub.kind == HubKind::OriginHub && of_customs(scan.kind) {
        wrong("/kind", format!("{} is said at a gateway only", scan.kind));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

pub(super) fn of_customs(kind: ScanKind) -> bool {
    matches!(kind, ScanKind::CustomsPresented | ScanKind::CustomsHeld | ScanKind::CustomsReleased)
}

fn status(kind: ScanKind) -> EventStatus {
    match kind {
        ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked => EventStatus::Arrived,
        ScanKind::Departed => EventStatus::Departed,
        ScanKind::Offloaded => EventStatus::Delayed,
        ScanKind::CustomsPresented => EventStatus::CustomsPresented,
        ScanKind::CustomsHeld => EventStatus::CustomsHeld,
        ScanKind::CustomsReleased => EventStatus::CustomsReleased,
        ScanKind::HandedOver | ScanKind::Packed => EventStatus::InTransit,
    }
}

pub(super) fn event(hub: &Hub, scan: &Scan, body: &Value, now: Instant) -> TrackingEvent {
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
                point: Some(hub.point),
            },
            cancels: None,
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
        doubted: false,
    }
}
