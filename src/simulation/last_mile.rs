//! The end of the way: a label is booked, the parcel handed over, and what becomes of it pushed.

use chrono::TimeDelta;
use serde_json::json;

use super::Trouble;
use super::carrier::Fate;
use super::diary::Task;
use super::money;
use super::staff::scan;
use super::steps::Done;
use super::world::{Ending, World};
use crate::carriers::Pushed;
use crate::domain::carrier::TrackingNumber;
use crate::domain::id::ParcelId;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::network::HubCode;
use crate::flows::take_pushes;
use crate::standard_webhooks::{self, sign};

/// Of labels: somebody pushes what becomes of them.
const PUSHED_SHARE: f64 = 0.3;
/// Who has the last mile.
const CARRIER: &str = "dhl_unified";

/// A carrier's number for a parcel's label, made from the end of its id, where ids differ.
pub fn number_of(parcel: ParcelId) -> Result<TrackingNumber, Trouble> {
    let id = parcel.to_string();
    let tail: String = id.chars().filter(|letter| *letter != '-').skip(12).collect();
    let number = format!("SBX{}", tail.to_uppercase());
    number.parse().map_err(|_| Trouble::Workload(format!("{number} is no number")))
}

pub async fn hand_over(world: &mut World, parcel: ParcelId, hub: &HubCode, number: &TrackingNumber) -> Done {
    let handed = |number: &str, at: Instant| {
        json!({"parcel": parcel, "kind": "handed_over", "occurred_at": rfc3339(at), "carrier": CARRIER,
               "tracking_number": number})
    };
    if world.ending(parcel) == Ending::Open {
        let fate = match () {
            () if world.mishap(0.5) => Fate::Returned,
            () if world.mishap(0.5) => Fate::TakenBack,
            () if world.mishap(0.3) => Fate::Lost,
            () => Fate::Delivered,
        };
        world.ends(parcel, Ending::WithCarrier(fate));
        book(world, number, parcel, fate);
        if world.mishap(1.0) {
            // The wrong label is scanned, and the right one an hour later.
            let right = handed(number.as_str(), world.now + TimeDelta::hours(1));
            world.diary.note(world.now + TimeDelta::hours(1), Task::Scan { hub: hub.clone(), body: right });
            let wrong = handed(&format!("{number}9"), world.now);
            return scan(world, hub, &wrong).await;
        }
    }
    let body = handed(number.as_str(), world.now);
    scan(world, hub, &body).await
}

/// Some carriers push what they tell, now and then twice, to whoever asks them as well.
fn book(world: &mut World, number: &TrackingNumber, parcel: ParcelId, fate: Fate) {
    let (pushes, last_told_at) = {
        let mut books = world.outside.books();
        books.carrier.book(&mut world.dice, number, parcel, fate, world.now);
        (books.carrier.pushes(number), books.carrier.last_told_at(number))
    };
    let told_at = last_told_at.unwrap_or(world.now);
    world.diary.note(told_at, Task::NoMoreNews);
    if parcel.number == 1 {
        money::await_buyer(world, parcel.shipment, told_at);
    }
    if fate != Fate::Delivered && world.dice.bool() {
        let at = told_at + TimeDelta::minutes(world.dice.i64(60..4 * 24 * 60));
        world.diary.note(at, Task::GiveBack { shipment: parcel.shipment });
    }
    if world.dice.f64() >= PUSHED_SHARE {
        return;
    }
    for (told_at, body) in pushes {
        let body = body.to_string();
        let at = told_at + TimeDelta::minutes(world.dice.i64(0..10));
        if world.mishap(3.0) {
            let again_at = at + TimeDelta::minutes(world.dice.i64(1..600));
            world.diary.note(again_at, Task::Push { shipment: parcel.shipment, body: body.clone() });
        }
        world.diary.note(at, Task::Push { shipment: parcel.shipment, body });
    }
}

pub async fn push(world: &mut World, body: &str) -> Done {
    let (id, timestamp) = (format!("push-{}", world.trace.steps()), world.now.timestamp().to_string());
    let signature = sign(&world.push_secret, &id, world.now.timestamp(), body.as_bytes());
    let header = |name: &str| match name {
        standard_webhooks::ID => Some(id.as_str()),
        standard_webhooks::TIMESTAMP => Some(timestamp.as_str()),
        standard_webhooks::SIGNATURE => Some(signature.as_str()),
        _ => None,
    };
    let job = |error: String| Trouble::Job { job: "push", error };
    let carrier = CARRIER.parse().map_err(|_| job("no carrier's code".to_owned()))?;
    let deps = world.deps.clone();
    let pushed = Pushed { header: &header, query: "", body: body.as_bytes() };
    let Some(answer) = world.live(take_pushes::receive(&deps, &carrier, &pushed)).await else {
        return Ok(None);
    };
    answer.map_err(|error| job(error.to_string()))?;
    world.note(&format!("pushed: {} bytes", body.len()));
    Ok(Some(()))
}
