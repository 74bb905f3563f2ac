//! Hub staff and operators: they scan what comes and goes, by the daemon's own bags and departures.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Trouble;
use super::diary::{Look, Task};
use super::last_mile::number_of;
use super::steps::{Done, late};
use super::world::{Ending, World};
use crate::domain::consolidation::MemberState;
use crate::domain::failure::Class;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::instant::rfc3339;
use crate::domain::network::{HubCode, HubKind};
use crate::flows::authenticate::Operator;
use crate::flows::change_network;
use crate::flows::record_bag_scans::{self, Outcome};
use crate::store::{bag_parcels, consolidations, shipments};

const LOOKED_INTO_SHARE: f64 = 0.1;

pub async fn receive(world: &mut World, parcel: ParcelId) -> Done {
    if world.ending(parcel) == Ending::CalledOff {
        return Ok(Some(()));
    }
    let db = world.deps.store.reader();
    let Some(shipment) = shipments::find(db, parcel.shipment).await? else { return Ok(Some(())) };
    let plan = shipments::plan(db, shipment.id, shipment.plan).await?;
    let body = json!({"parcel": parcel, "kind": "received", "occurred_at": rfc3339(world.now)});
    world.tally.handled(&plan.origin_hub, world.now);
    scan_or_forget_to(world, &plan.origin_hub, body).await
}

/// Now and then a scanner is offline, and what it scanned comes in hours later.
async fn scan_or_forget_to(world: &mut World, hub: &HubCode, body: Value) -> Done {
    if world.mishap(1.0) {
        let later = world.now + TimeDelta::minutes(world.dice.i64(30..900));
        world.diary.note(later, Task::Scan { hub: hub.clone(), body });
        return Ok(Some(()));
    }
    scan(world, hub, &body).await
}

pub async fn scan(world: &mut World, hub: &HubCode, body: &Value) -> Done {
    let deps = world.deps.clone();
    let Some(recorded) = world.live(record_bag_scans::record(&deps, hub, body)).await else {
        return Ok(None);
    };
    let (kind, what) = (&body["kind"], if body["bag"].is_string() { &body["bag"] } else { &body["parcel"] });
    let came_of_it = match recorded {
        Ok(Outcome::Parcel(recorded)) => format!("{} {}", recorded.status, recorded.shipment_status),
        Ok(Outcome::Bag(recorded)) => {
            if let Some((parcel, error)) = recorded.failed.first() {
                return Err(Trouble::Broken(format!("{parcel} in a bag: {error}")));
            }
            format!("{} of {} moved", recorded.moved, recorded.parcels)
        }
        Err(error) => match error.class() {
            Class::Caller | Class::NotFound | Class::Conflict => format!("refused: {error}"),
            Class::Retry | Class::OutcomeUnknown | Class::Bug => {
                return Err(Trouble::Job { job: "scan", error: error.to_string() });
            }
        },
    };
    world.note(&format!("{hub} {kind} {what}: {came_of_it}"));
    Ok(Some(()))
}

pub async fn depart(world: &mut World, id: ConsolidationId, touched: &mut BTreeSet<ShipmentId>) -> Done {
    let db = world.deps.store.reader();
    let Some(found) = consolidations::find(db, id).await? else { return Ok(Some(())) };
    if found.dissolved_at.is_some() {
        return Ok(Some(()));
    }
    if scan_bags(world, id, &found.from, "departed", touched).await?.is_none() {
        return Ok(None);
    }
    let arrive_at = late(world, found.arrive_at, 60);
    world.diary.note(arrive_at, Task::Arrive { consolidation: id });
    Ok(Some(()))
}

async fn scan_bags(
    world: &mut World,
    id: ConsolidationId,
    hub: &HubCode,
    kind: &str,
    touched: &mut BTreeSet<ShipmentId>,
) -> Done {
    let db = world.deps.store.reader();
    touched.extend(bag_parcels::of_consolidation(db, id).await?.iter().map(|member| member.parcel.shipment));
    for bag in consolidations::bags(db, id).await? {
        let body = json!({"bag": bag.sscc, "kind": kind, "occurred_at": rfc3339(world.now)});
        if scan(world, hub, &body).await?.is_none() {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

pub async fn arrive(world: &mut World, id: ConsolidationId, touched: &mut BTreeSet<ShipmentId>) -> Done {
    let Some(found) = consolidations::find(world.deps.store.reader(), id).await? else {
        return Ok(Some(()));
    };
    if scan_bags(world, id, &found.to, "arrived", touched).await?.is_none() {
        return Ok(None);
    }
    for member in bag_parcels::of_consolidation(world.deps.store.reader(), id).await? {
        if member.state != MemberState::Packed {
            continue;
        }
        if world.mishap(0.3) {
            world.ends(member.parcel, Ending::LostBetweenHubs);
        } else {
            let at = world.now + TimeDelta::minutes(world.dice.i64(20..120));
            world.diary.note(at, Task::Unpack { hub: found.to.clone(), parcel: member.parcel });
        }
    }
    Ok(Some(()))
}

pub async fn unpack(world: &mut World, hub: &HubCode, parcel: ParcelId) -> Done {
    let body = json!({"parcel": parcel, "kind": "unpacked", "occurred_at": rfc3339(world.now)});
    if scan(world, hub, &body).await?.is_none() {
        return Ok(None);
    }
    world.tally.handled(hub, world.now);
    let kind = world.deps.network.current().hub(hub).map(|hub| hub.kind);
    if kind == Some(HubKind::Gateway) {
        let at = world.now + TimeDelta::minutes(world.dice.i64(60..180));
        world.diary.note(at, Task::Customs { parcel, hub: hub.clone(), look: Look::Presented });
    }
    Ok(Some(()))
}

pub async fn customs(world: &mut World, parcel: ParcelId, hub: &HubCode, look: Look) -> Done {
    let kind = match look {
        Look::Presented => "customs_presented",
        Look::Held => "customs_held",
        Look::Released => "customs_released",
    };
    let body = json!({"parcel": parcel, "kind": kind, "occurred_at": rfc3339(world.now)});
    if scan(world, hub, &body).await?.is_none() {
        return Ok(None);
    }
    let (hub, minutes, next) = match look {
        Look::Presented if world.dice.f64() < LOOKED_INTO_SHARE => (hub, 60..240, Look::Held),
        Look::Presented => (hub, 120..420, Look::Released),
        Look::Held if world.mishap(0.5) => {
            world.ends(parcel, Ending::HeldForEver);
            return Ok(Some(()));
        }
        Look::Held => (hub, 360..2_400, Look::Released),
        Look::Released => {
            let at = world.now + TimeDelta::minutes(world.dice.i64(20..120));
            world.diary.note(at, Task::HandOver { parcel, hub: hub.clone(), number: number_of(parcel)? });
            return Ok(Some(()));
        }
    };
    let at = world.now + TimeDelta::minutes(world.dice.i64(minutes));
    world.diary.note(at, Task::Customs { parcel, hub: hub.clone(), look: next });
    Ok(Some(()))
}

pub async fn cancel_flight(
    world: &mut World,
    id: ConsolidationId,
    touched: &mut BTreeSet<ShipmentId>,
) -> Done {
    let db = world.deps.store.reader();
    let Some(found) = consolidations::find(db, id).await? else { return Ok(Some(())) };
    touched.extend(bag_parcels::of_consolidation(db, id).await?.iter().map(|member| member.parcel.shipment));
    let (deps, operator) = (world.deps.clone(), Operator { name: "ana".to_owned() });
    let reason = json!({"reason": "fog"});
    let flow = change_network::cancel_departure(&deps, &operator, &found.departure, &reason);
    let Some(cancelled) = world.live(flow).await else { return Ok(None) };
    world.note(&format!("{} is cancelled: {}", found.departure, cancelled.is_ok()));
    Ok(Some(()))
}
