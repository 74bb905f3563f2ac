//! What hub staff report of a bag or a unit: it happens to every parcel in it.
//!
//! Each shipment is moved in a transaction of its own, as if its parcels were scanned: a bag that is scanned again
//! after a crash moves those that were not reached, and changes nothing for the others. Only what
//! was in the bag at that moment moves; what was taken out before does not.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::advance::{Occasion, advance};
use super::record_scans::{self, Recorded, ScanError, event, of_customs};
use super::{Deps, replan};
use crate::domain::consolidation::MemberState;
use crate::domain::event::{ScanKind, TrackingEvent};
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::network::{Hub, HubCode, HubKind};
use crate::intake::{BagScan, FieldError, Load, Scan, is_of_a_bag, read_bag_scan};
use crate::store::StoreError;
use crate::store::bag_parcels::{self, Member};
use crate::store::consolidations::{self, Bag, Consolidation};

/// What came of one scan, of whatever it was.
pub enum Outcome {
    Parcel(Recorded),
    Bag(BagRecorded),
}

pub struct BagRecorded {
    /// As it was asked for.
    pub load: Load,
    /// Parcels in it.
    pub parcels: usize,
    /// Parcels for which it was new.
    pub moved: usize,
    /// Parcels that it could not be recorded for; the same scan again tries them again.
    pub failed: Vec<(ParcelId, StoreError)>,
}

/// Records scans of parcels, bags and units in the order in which they came; the results are in their order.
pub async fn record_all(deps: &Deps, hub: &HubCode, scans: &[Value]) -> Vec<Result<Outcome, ScanError>> {
    let mut results = Vec::with_capacity(scans.len());
    for some in scans.chunk_by(|a, b| !is_of_a_bag(a) && !is_of_a_bag(b)) {
        match some {
            [one] => results.push(record(deps, hub, one).await),
            parcels => {
                let recorded = record_scans::record_all(deps, hub, parcels).await;
                results.extend(recorded.into_iter().map(|result| result.map(Outcome::Parcel)));
            }
        }
    }
    results
}

pub async fn record(deps: &Deps, hub: &HubCode, body: &Value) -> Result<Outcome, ScanError> {
    if is_of_a_bag(body) {
        record_bag(deps, hub, body).await.map(Outcome::Bag)
    } else {
        record_scans::record(deps, hub, body).await.map(Outcome::Parcel)
    }
}

/// Shipments that are moved at the same time: enough to share commits.
const TOGETHER: usize = 64;

async fn record_bag(deps: &Deps, code: &HubCode, body: &Value) -> Result<BagRecorded, ScanError> {
    let now = deps.clock.now();
    let network = deps.network.current();
    let hub = network.hub(code).ok_or_else(|| ScanError::UnknownHub(code.clone()))?;
    let scan = read_bag_scan(body, now).map_err(ScanError::Fields)?;
    let (consolidation, bags) = find(deps, &scan.of).await?;
    check(hub, &scan, &consolidation).map_err(ScanError::Fields)?;
    // As it came, with what follows from it: a parcel's timeline knows nothing of bags.
    let mut raw = body.clone();
    raw["departure"] = json!(consolidation.departure);
    let numbers: Vec<_> = bags.iter().map(|bag| bag.sscc).collect();
    let members = bag_parcels::of_bags(deps.store.reader(), &numbers).await?;
    let mut by_shipment: BTreeMap<ShipmentId, Vec<(ParcelId, TrackingEvent)>> = BTreeMap::new();
    for member in members.iter().filter(|member| was_in(member, &scan)) {
        let event = event(hub, &of_parcel(member.parcel, &scan), &raw, now);
        by_shipment.entry(member.parcel.shipment).or_default().push((member.parcel, event));
    }
    let kind = scan.kind;
    let mut recorded = BagRecorded { load: scan.of, parcels: 0, moved: 0, failed: Vec::new() };
    let moving = by_shipment.into_iter().map(|(shipment, parcels)| {
        let occasion = Occasion { now, ..Occasion::new(deps, format!("hub {code}")) };
        let (parcels, events): (Vec<_>, Vec<_>) = parcels.into_iter().unzip();
        let offloaded_from = (kind == ScanKind::Offloaded).then_some(consolidation.id);
        let of_shipment =
            OfShipment { shipment, parcels: parcels.clone(), events, kind, offloaded_from, occasion };
        async move { (parcels, move_one(deps, of_shipment).await) }
    });
    let most = deps.side_by_side.most(TOGETHER);
    let moved: Vec<_> = futures_util::stream::iter(moving).buffer_unordered(most).collect().await;
    for (parcels, added) in moved {
        recorded.parcels += parcels.len();
        match added {
            Ok(added) => recorded.moved += added,
            Err(error) => {
                recorded.failed.extend(parcels.into_iter().map(|parcel| (parcel, error.clone())));
            }
        }
    }
    recorded.failed.sort_by_key(|(parcel, _)| *parcel);
    if kind == ScanKind::Offloaded {
        settle(deps, consolidation.id).await?;
    }
    Ok(recorded)
}

/// Once, when all are out: they would wait for each other if each of them did. After a crash the same scan does it.
async fn settle(deps: &Deps, id: ConsolidationId) -> Result<(), StoreError> {
    let settled = deps.store.write(move |tx| {
        Box::pin(async move {
            consolidations::hold(tx, [id]).await?;
            consolidations::settle(tx, id).await
        })
    });
    settled.await
}

async fn find(deps: &Deps, load: &Load) -> Result<(Consolidation, Vec<Bag>), ScanError> {
    let db = deps.store.reader();
    let (unknown, id, bags) = match load {
        Load::Bag(sscc) => {
            let unknown = || ScanError::UnknownBag(format!("(00){sscc}"));
            let bag = consolidations::bag(db, *sscc).await?.ok_or_else(unknown)?;
            (unknown(), bag.consolidation, vec![bag])
        }
        Load::Unit(unit) => {
            let mut bags = consolidations::bags(db, unit.consolidation).await?;
            bags.retain(|bag| bag.unit.as_deref() == Some(unit.number.as_str()));
            (ScanError::UnknownBag(unit.to_string()), unit.consolidation, bags)
        }
    };
    match consolidations::find(db, id).await? {
        Some(consolidation) if !bags.is_empty() => Ok((consolidation, bags)),
        Some(_) | None => Err(unknown),
    }
}

/// What only the consolidation and the hub can tell.
fn check(hub: &Hub, scan: &BagScan, consolidation: &Consolidation) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    let Consolidation { departure, from, to, .. } = consolidation;
    if hub.code != *from && hub.code != *to {
        let pointer = match scan.of {
            Load::Bag(_) => "/bag",
            Load::Unit(_) => "/unit",
        };
        wrong(pointer, format!("travels on {departure} from {from} to {to}"));
    }
    if hub.code == *to && matches!(scan.kind, ScanKind::Departed | ScanKind::Offloaded) {
        wrong("/kind", format!("{departure} leaves from {from}"));
    }
    if let Some(named) = scan.departure.as_ref().filter(|named| *named != departure) {
        wrong("/departure", format!("it travels on {departure}, not on {named}"));
    }
    if hub.kind == HubKind::OriginHub && of_customs(scan.kind) {
        wrong("/kind", format!("{} is said at a gateway only", scan.kind));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Whether a parcel was in its bag when the bag was scanned.
fn was_in(member: &Member, scan: &BagScan) -> bool {
    match member.state {
        MemberState::Packed => true,
        MemberState::Unpacked => member.unpacked_at.is_some_and(|at| scan.occurred_at <= at),
        MemberState::Removed => false,
    }
}

/// The scan of the bag as one of a parcel in it.
fn of_parcel(parcel: ParcelId, scan: &BagScan) -> Scan {
    Scan {
        parcel,
        kind: scan.kind,
        occurred_at: scan.occurred_at,
        local_time: scan.local_time.clone(),
        handed_to: None,
        departure: scan.departure.clone(),
        bag: None,
        note: scan.note.clone(),
    }
}

/// What a scan means for one shipment.
struct OfShipment {
    shipment: ShipmentId,
    parcels: Vec<ParcelId>,
    events: Vec<TrackingEvent>,
    kind: ScanKind,
    /// Where they are not any more, as the whole of it did not leave.
    offloaded_from: Option<ConsolidationId>,
    occasion: Occasion,
}

/// How many of its parcels had not heard of it.
async fn move_one(deps: &Deps, of: OfShipment) -> Result<usize, StoreError> {
    let (network, horizon) = (deps.network.current(), deps.settings.routing.horizon_days);
    let moved = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let OfShipment { shipment, occasion, .. } = &of;
                let Some(advanced) = advance(tx, *shipment, &of.events, occasion).await? else {
                    return Ok(None);
                };
                if let Some(consolidation) = of.offloaded_from {
                    for parcel in &of.parcels {
                        bag_parcels::remove(tx, *parcel, consolidation).await?;
                    }
                }
                let why = replan::off_plan(&network, &advanced, horizon, occasion.now);
                let by = (occasion.actor.as_str(), occasion.now, occasion.wall);
                let is_off = replan::queue(tx, &advanced, of.kind, why, by).await?;
                Ok::<_, StoreError>(Some((advanced, is_off)))
            })
        })
        .await?;
    let Some((advanced, is_off)) = moved else { return Ok(0) };
    if is_off {
        deps.replan_bell.notify_one();
    }
    if advanced.to_send {
        deps.outbox_bell.notify_one();
    }
    if advanced.to_tell {
        deps.webhook_bell.notify_one();
    }
    Ok(advanced.added as usize)
}
