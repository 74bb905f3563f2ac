//! Merchants: they post, they post again what they got no answer to, and now and then they call off.

use std::collections::BTreeSet;

use serde_json::Value;

use super::diary::Task;
use super::report::Refusal;
use super::steps::{AGAIN, Done, late};
use super::world::{Ending, World};
use super::{Trouble, by_hand, money, provider};
use crate::domain::failure::Class;
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::flows::accept_pickup::{self, AcceptError, Customer};
use crate::flows::cancel_shipment;
use crate::store::merchants;

pub async fn post(world: &mut World, at: usize, touched: &mut BTreeSet<ShipmentId>) -> Done {
    let pickup = &world.pickups[at];
    let (body, key) = (pickup.body.to_string(), format!("key-{}", pickup.reference));
    let Some(merchant) = world.merchants.get(&pickup.country).map(|merchant| merchant.id) else {
        return Ok(Some(()));
    };
    let reference = pickup.reference.clone();
    let deps = world.deps.clone();
    // As the door hands it on.
    let customer = merchants::find(deps.store.reader(), merchant).await?;
    let customer = customer.as_ref().map_or_else(|| merchant.into(), Customer::from);
    let flow = accept_pickup::accept(&deps, customer, Some(key), body.as_bytes());
    let Some(answer) = world.live(flow).await else { return Ok(None) };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.class() == Class::Retry => {
            world.diary.note(world.now + AGAIN, Task::Post { pickup: at });
            return Ok(Some(()));
        }
        Err(error) if world.accepted_as.contains_key(&at) => {
            return Err(Trouble::Broken(format!("{reference} was accepted, and is refused now: {error}")));
        }
        Err(error) => {
            world.note(&format!("{reference} is refused: {error}"));
            let (line, reason) = (world.pickups[at].line, error.to_string());
            let fields = if let AcceptError::Fields(fields) = error { fields } else { Vec::new() };
            world.tally.refused(Refusal { line, reference, reason, fields });
            return Ok(Some(()));
        }
    };
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let broken = |what: &str| Trouble::Broken(format!("{reference}: {what}"));
    let id: Option<ShipmentId> = said["id"].as_str().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| broken("the answer names no shipment"))?;
    touched.insert(id);
    world.note(&format!("{reference} is {id}, replayed: {}", answer.replayed));
    match world.accepted_as.get(&at) {
        Some(before) if *before != id => return Err(broken(&format!("it was {before}, and now is {id}"))),
        Some(_) if !answer.replayed => return Err(broken("it was accepted twice")),
        Some(_) => return Ok(Some(())),
        None => {}
    }
    let parcels = said["parcels"].as_array().into_iter().flatten().filter_map(|parcel| parcel["id"].as_str());
    let parcels: Vec<ParcelId> = parcels.filter_map(|id| id.parse().ok()).collect();
    let arrive_at = said.pointer("/plan/legs/0/arrive_at").and_then(Value::as_str);
    let arrive_at = arrive_at.and_then(|at| at.parse::<Instant>().ok());
    let arrive_at = arrive_at.ok_or_else(|| broken("the plan has no first mile"))?;
    world.accepted(id, at, &parcels);
    money::await_doubt(world, id);
    by_hand::await_mistake(world, id);
    let (payment, _) = world.pickups[at].payment.clone();
    provider::await_deadline(world, id, &payment);
    if world.mishap(5.0) {
        // The answer got lost on the way.
        world.diary.note(world.now + AGAIN, Task::Post { pickup: at });
    }
    await_collection(world, id, &parcels, arrive_at);
    Ok(Some(()))
}

fn await_collection(world: &mut World, id: ShipmentId, parcels: &[ParcelId], arrive_at: Instant) {
    if world.mishap(1.0) {
        let at = world.now + (arrive_at - world.now) * world.dice.i32(1..110) / 100;
        world.diary.note(at, Task::CallOff { shipment: id });
    }
    for parcel in parcels {
        if world.mishap(0.3) {
            world.ends(*parcel, Ending::NeverCollected);
        } else {
            let at = late(world, arrive_at, 20);
            world.diary.note(at, Task::Receive { parcel: *parcel });
        }
    }
}

pub async fn call_off(world: &mut World, id: ShipmentId) -> Done {
    let Some(merchant) = world.shipments.get(&id).map(|accepted| accepted.merchant) else {
        return Ok(Some(()));
    };
    let deps = world.deps.clone();
    let Some(answer) = world.live(cancel_shipment::cancel(&deps, merchant, id)).await else {
        return Ok(None);
    };
    world.note(&format!("{id} is called off: {}", answer.is_ok()));
    if answer.is_ok() {
        let parcels = world.shipments.get(&id).map(|one| one.fates.keys().copied().collect());
        let parcels: Vec<ParcelId> = parcels.unwrap_or_default();
        parcels.into_iter().for_each(|parcel| world.ends(parcel, Ending::CalledOff));
    }
    Ok(Some(()))
}
