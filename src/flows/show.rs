//! What merchants and buyers are shown of shipments. Reads only.

use super::Deps;
use super::disputes::Side;
use super::views::{
    EscrowView, EventView, PastPlanView, PlanView, Reader, ShipmentDetailView, ShipmentPage, ShipmentView,
    TrackingView,
};
use crate::domain::id::{MerchantId, ShipmentId};
use crate::domain::plan::Plan;
use crate::domain::shipment::Estimate;
use crate::store::shipments::{self, Filter, Parcel, Shipment};
use crate::store::{StoreError, events, orders, shipments_at_once};
use crate::tracking::{self, Timeline};

/// None: this merchant has no such shipment, whoever else may have it.
pub async fn shipment(
    deps: &Deps,
    merchant: MerchantId,
    id: ShipmentId,
) -> Result<Option<ShipmentDetailView>, StoreError> {
    shipment_to(deps, &Side::Merchant(merchant), id).await
}

/// None: there is no such shipment, or it is not this one's to see.
pub async fn shipment_to(
    deps: &Deps,
    side: &Side,
    id: ShipmentId,
) -> Result<Option<ShipmentDetailView>, StoreError> {
    let db = deps.store.reader();
    let found = shipments::find(db, id).await?.filter(|shipment| side.sees(shipment));
    let Some(mut shipment) = found else { return Ok(None) };
    let reader = match side {
        Side::Merchant(_) => Reader::Merchant,
        Side::Operator(_) => Reader::Operator,
    };
    let parcels = shipments::parcels(db, id).await?;
    let plans = shipments::plans(db, id).await?;
    let plan = match plans.iter().find(|planned| planned.id == shipment.plan) {
        Some(planned) => &planned.plan,
        // Made after the shipment was read: the newest one.
        None => &plans.first().ok_or_else(|| shipments::without_plan(&shipment))?.plan,
    };
    let order = orders::of_shipment(db, id).await?;
    let triggers = orders::triggers(db, id).await?;
    let acts = orders::acts(db, &order).await?;
    let events = events::of_shipment(db, id).await?;
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    let timeline = tracking::fold(&numbers, &events);
    shipment.estimate = still_estimated(deps, &shipment, plan, &timeline);
    Ok(Some(ShipmentDetailView {
        shipment: ShipmentView::new(&shipment, &parcels, &deps.settings.http.public_url),
        plan: PlanView::from(plan),
        plan_history: plans.iter().map(PastPlanView::from).collect(),
        escrow: EscrowView::new(&order, &triggers, &acts, reader),
        events: timeline.entries.iter().rev().map(EventView::from).collect(),
    }))
}

/// One page of a merchant's shipments, two questions however long it is, and two more where some are late.
pub async fn shipments(
    deps: &Deps,
    merchant: MerchantId,
    filter: &Filter,
    limit: usize,
) -> Result<ShipmentPage, StoreError> {
    let db = deps.store.reader();
    // One more than asked for tells whether there is another page.
    let mut found = shipments::list(db, merchant, filter, limit as u64 + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let ids: Vec<_> = found.iter().map(|shipment| shipment.id).collect();
    let parcels = shipments::parcels_of(db, &ids).await?;
    estimate_anew(deps, &mut found, &parcels).await?;
    let view = |shipment: &Shipment| {
        let first = parcels.partition_point(|parcel| parcel.id.shipment < shipment.id);
        let behind = parcels.partition_point(|parcel| parcel.id.shipment <= shipment.id);
        ShipmentView::new(shipment, &parcels[first..behind], &deps.settings.http.public_url)
    };
    Ok(ShipmentPage {
        next_cursor: found.last().filter(|_| more).map(|last| last.id.to_string()),
        shipments: found.iter().map(view).collect(),
    })
}

fn still_estimated(deps: &Deps, shipment: &Shipment, plan: &Plan, timeline: &Timeline) -> Estimate {
    let (learned, now) = (deps.stage_times.current(), deps.clock.now());
    tracking::still_estimated(shipment.estimate, plan, timeline, &learned, now)
}

/// Those whose window has begun without them. `parcels` are those of all, in the order of shipments.
async fn estimate_anew(
    deps: &Deps,
    shipments: &mut [Shipment],
    parcels: &[Parcel],
) -> Result<(), StoreError> {
    let (db, now) = (deps.store.reader(), deps.clock.now());
    let is_late = |shipment: &&Shipment| tracking::is_overtaken(shipment.estimate, shipment.status, now);
    let late: Vec<_> = shipments.iter().filter(is_late).map(|shipment| shipment.id).collect();
    if late.is_empty() {
        return Ok(());
    }
    let plans = shipments_at_once::plans(db, &late).await?;
    let events = events::of_shipments(db, &late).await?;
    for shipment in shipments {
        let (Some((_, plan)), Some(events)) = (plans.get(&shipment.id), events.get(&shipment.id)) else {
            continue;
        };
        let own = parcels.iter().filter(|parcel| parcel.id.shipment == shipment.id);
        let numbers: Vec<u16> = own.map(|parcel| parcel.id.number).collect();
        shipment.estimate = still_estimated(deps, shipment, plan, &tracking::fold(&numbers, events));
    }
    Ok(())
}

/// What the holder of a tracking token may see.
pub async fn tracking(deps: &Deps, token: &str) -> Result<Option<TrackingView>, StoreError> {
    let db = deps.store.reader();
    let Some(shipment) = shipments::find_by_token(db, token).await? else { return Ok(None) };
    let parcels = shipments::parcels(db, shipment.id).await?;
    let plan = shipments::plan(db, shipment.id, shipment.plan).await?;
    let events = events::of_shipment(db, shipment.id).await?;
    let numbers: Vec<u16> = parcels.iter().map(|parcel| parcel.id.number).collect();
    Ok(Some(tracking_of(deps, shipment, &plan, &tracking::fold(&numbers, &events))))
}

/// The same for who has read it all.
pub fn tracking_of(deps: &Deps, mut shipment: Shipment, plan: &Plan, timeline: &Timeline) -> TrackingView {
    shipment.estimate = still_estimated(deps, &shipment, plan, timeline);
    TrackingView::new(&shipment, plan, timeline, &deps.network.current(), &deps.carriers)
}
