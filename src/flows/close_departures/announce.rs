//! Each shipment of a consolidation is told that it is in it, or that it is not any more.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use serde_json::json;

use super::super::Deps;
use super::super::advance::{Occasion, advance};
use crate::domain::event::{
    EventLocation, EventSource, EventStatus, Facility, Happening, Occurred, OffsetSource, ScanKind,
    TrackingEvent,
};
use crate::domain::id::ShipmentId;
use crate::domain::instant::rfc3339;
use crate::domain::network::HubKind;
use crate::faults;
use crate::store::StoreError;
use crate::store::bag_parcels::{self, Member};
use crate::store::consolidations::{self, Consolidation};

/// Shipments that are told at the same time: enough to share commits.
const TOGETHER: usize = 64;

/// Again: nothing changes. A shipment that cannot be told keeps it from no other; all are told again later.
pub async fn announce(deps: &Deps, consolidation: &Consolidation) -> Result<(), StoreError> {
    let Some(consolidation) = consolidations::find(deps.store.reader(), consolidation.id).await? else {
        return Ok(());
    };
    let mut by_shipment: BTreeMap<ShipmentId, Vec<TrackingEvent>> = BTreeMap::new();
    for member in bag_parcels::of_consolidation(deps.store.reader(), consolidation.id).await? {
        by_shipment.entry(member.parcel.shipment).or_default().push(event(deps, &consolidation, &member));
    }
    let told = by_shipment.into_iter().map(|(shipment, events)| tell(deps, shipment, events));
    let most = deps.side_by_side.most(TOGETHER);
    let told: Vec<_> = futures_util::stream::iter(told).buffer_unordered(most).collect().await;
    told.into_iter().collect::<Result<(), _>>()?;
    let (id, is_dissolved) = (consolidation.id, consolidation.dissolved_at.is_some());
    let done = deps
        .store
        .write(move |tx| Box::pin(async move { consolidations::set_announced(tx, id, is_dissolved).await }));
    done.await
}

async fn tell(deps: &Deps, shipment: ShipmentId, events: Vec<TrackingEvent>) -> Result<(), StoreError> {
    let occasion = Occasion::new(deps, "sampan".to_owned());
    let advanced = deps
        .store
        .write(move |tx| Box::pin(async move { advance(tx, shipment, &events, &occasion).await }))
        .await?;
    faults::reached("close.announced_one");
    if let Some(advanced) = advanced {
        if advanced.to_send {
            deps.outbox_bell.notify_one();
        }
        if advanced.to_tell {
            deps.webhook_bell.notify_one();
        }
    }
    Ok(())
}

/// What becomes of a parcel at the cut-off, or when its departure was cancelled, at that moment, however late
/// somebody gets to say so.
fn event(deps: &Deps, consolidation: &Consolidation, member: &Member) -> TrackingEvent {
    let network = deps.network.current();
    let kind = network.hub(&consolidation.from).map(|hub| hub.kind);
    let (at, code, said, scan) = match consolidation.dissolved_at {
        None => (consolidation.cutoff_at, "consolidated", "packed for departure", ScanKind::Packed),
        Some(at) => (at, "dissolved", "taken out again: it does not leave, departure", ScanKind::Offloaded),
    };
    let raw = json!({
        "consolidation": consolidation.id, "departure": consolidation.departure, "bag": member.sscc,
        "master": consolidation.master,
    });
    TrackingEvent {
        parcel: Some(member.parcel.number),
        source: EventSource::System,
        source_name: "sampan".to_owned(),
        happening: Happening {
            status: EventStatus::InTransit,
            delivered_to: None,
            // In nothing that an import could change, so that it is the same event when it is told again.
            occurred: Occurred { at, local_time: rfc3339(at), offset_source: OffsetSource::Carrier },
            code: code.to_owned(),
            description: format!("{said} {}", consolidation.departure),
            location: EventLocation::default(),
            cancels: None,
        },
        tracking_number: None,
        scan: Some(scan),
        hub: Some(consolidation.from.clone()),
        facility: Some(match kind {
            Some(HubKind::Gateway) => Facility::Gateway,
            Some(HubKind::OriginHub) | None => Facility::OriginHub,
        }),
        raw: raw.to_string(),
        recorded_at: deps.clock.now(),
        doubted: false,
    }
}
