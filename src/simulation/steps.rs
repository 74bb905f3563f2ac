//! What merchants, hub staff and operators do, one step after the other.
//!
//! Each of them does again what it got no answer to: a request under the same key, a scan of the same moment. Staff
//! go by what the daemon says: its plan's first hub, its bags, its departures.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::Value;

use super::diary::Task;
use super::world::World;
use super::{Trouble, by_hand, invariants, jobs, last_mile, money, provider, shippers, staff};
use crate::domain::id::{ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::store::shipments_at_once;

/// Late by hours instead of minutes.
const VERY_LATE_SHARE: f64 = 0.03;
/// How long one waits who got no answer.
pub const AGAIN: TimeDelta = TimeDelta::minutes(2);
/// Nobody is asked less often than once a day: so long after the last news everything is at rest.
const REST: TimeDelta = TimeDelta::hours(60);
/// Longer than anybody can object.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(30);
/// Longer than anybody comes back to anything.
const LONGEST_BUSY: TimeDelta = TimeDelta::days(365);

pub fn begin(world: &mut World) {
    world.diary.note(world.started_at + jobs::EVERY, Task::Jobs);
    world.diary.note(world.started_at + TimeDelta::days(1), Task::Midnight);
}

/// To the end, which comes when nobody has anything more to do.
pub async fn go_on(world: &mut World, days: u32) -> Result<(), Trouble> {
    let calm_at = world.started_at + TimeDelta::days(i64::from(days));
    let (mut is_calm, mut busy_at) = (false, world.started_at);
    while let Some((at, task)) = world.diary.next() {
        if at >= calm_at && !is_calm {
            world.calm_down();
            is_calm = true;
        }
        let is_midnight = task == Task::Midnight;
        if !is_midnight && task != Task::Jobs {
            busy_at = at;
        }
        let over_at = calm_at.max(busy_at + REST);
        step(world, at, task).await?;
        if let Some(task) = world.diary.of_anybody() {
            if at > calm_at + LONGEST_BUSY {
                return Err(Trouble::Broken(format!("somebody comes back for ever: {task:?}")));
            }
        } else if is_midnight && is_calm && at >= over_at {
            if !invariants::is_time_awaited(world).await? {
                break;
            }
            if at > over_at + LONGEST_WINDOW {
                return Err(Trouble::Broken("orders wait for a time that has come long ago".to_owned()));
            }
        }
    }
    invariants::at_rest(world).await
}

pub async fn step(world: &mut World, at: Instant, task: Task) -> Result<(), Trouble> {
    world.begin_step(at);
    let mut touched = BTreeSet::new();
    if let Some(shipment) = task.is_about_money_of() {
        world.outside.books().spoken_about.insert(shipment);
    }
    match task {
        Task::Jobs => {
            if jobs::look(world).await? {
                touched.extend(shipments_at_once::changed_since(world.deps.store.reader(), world.now).await?);
            }
            world.diary.note(world.now + jobs::EVERY, Task::Jobs);
        }
        Task::Midnight => {
            jobs::forget(world).await?;
            world.diary.note(at + TimeDelta::days(1), Task::Midnight);
        }
        ref of_somebody => {
            if do_task(world, of_somebody, &mut touched).await?.is_none() {
                world.restart().await?;
                world.diary.note(world.now + AGAIN, task.clone());
            }
        }
    }
    if let Some(shipment) = task.is_about_money_of() {
        touched.insert(shipment);
        money::look(world, shipment).await?;
    }
    jobs::answer_bells(world).await?;
    world.end_step();
    let (lines, more, heard) = {
        let mut books = world.outside.books();
        let (lines, touched) = (std::mem::take(&mut books.lines), std::mem::take(&mut books.touched));
        (lines, touched, std::mem::take(&mut books.to_say))
    };
    lines.iter().for_each(|line| world.note(line));
    for (shipment, reference) in heard {
        provider::note_notice(world, shipment, reference);
    }
    touched.extend(more);
    invariants::touched(world, &touched).await?;
    if task == Task::Midnight {
        invariants::all(world).await?;
    }
    Ok(())
}

/// What came of it; none: the daemon ended before it said so.
pub type Done = Result<Option<()>, Trouble>;

async fn do_task(world: &mut World, task: &Task, touched: &mut BTreeSet<ShipmentId>) -> Done {
    match task {
        Task::Post { pickup } => shippers::post(world, *pickup, touched).await,
        Task::CallOff { shipment } => {
            touched.insert(*shipment);
            shippers::call_off(world, *shipment).await
        }
        Task::Receive { parcel } => {
            touched.insert(parcel.shipment);
            staff::receive(world, *parcel).await
        }
        Task::Depart { consolidation } => staff::depart(world, *consolidation, touched).await,
        Task::Arrive { consolidation } => staff::arrive(world, *consolidation, touched).await,
        Task::Unpack { hub, parcel } => {
            touched.insert(parcel.shipment);
            staff::unpack(world, hub, *parcel).await
        }
        Task::Customs { parcel, hub, look } => {
            touched.insert(parcel.shipment);
            staff::customs(world, *parcel, hub, *look).await
        }
        Task::HandOver { parcel, hub, number } => {
            touched.insert(parcel.shipment);
            last_mile::hand_over(world, *parcel, hub, number).await
        }
        Task::Scan { hub, body } => {
            touched.extend(parcel_of(body).map(|parcel| parcel.shipment));
            staff::scan(world, hub, body).await
        }
        Task::Push { shipment, body } => {
            touched.insert(*shipment);
            last_mile::push(world, body).await
        }
        Task::CancelFlight { consolidation } => staff::cancel_flight(world, *consolidation, touched).await,
        Task::Buyer { shipment, says, codes } => money::buyer(world, *shipment, *says, *codes).await,
        Task::Decide { shipment } => money::decide(world, *shipment).await,
        Task::GiveBack { shipment } => money::give_back(world, *shipment).await,
        Task::Freeze { shipment } => money::freeze(world, *shipment).await,
        Task::Thaw { shipment, tries } => money::thaw(world, *shipment, *tries).await,
        Task::Approve { shipment } => money::approve(world, *shipment).await,
        Task::Settle { shipment, tries } => {
            touched.insert(*shipment);
            money::settle(world, *shipment, *tries).await
        }
        Task::Notice { shipment, reference, number } => {
            touched.insert(*shipment);
            provider::notify(world, reference, *number).await
        }
        Task::Park { shipment } => {
            touched.insert(*shipment);
            by_hand::park(world, *shipment).await
        }
        Task::Revive { shipment, trigger, tries } => {
            touched.insert(*shipment);
            by_hand::revive(world, *shipment, *trigger, *tries).await
        }
        Task::Deadline { shipment, reference } => {
            touched.insert(*shipment);
            provider::come_to_deadline(world, *shipment, reference);
            Ok(Some(()))
        }
        // Two of them are the daemon's own.
        Task::NoMoreNews | Task::Jobs | Task::Midnight => Ok(Some(())),
    }
}

fn parcel_of(body: &Value) -> Option<ParcelId> {
    body["parcel"].as_str()?.parse().ok()
}

/// Some time after `at`, within so many minutes as a rule.
pub fn late(world: &mut World, at: Instant, minutes: i64) -> Instant {
    let is_very_late = world.dice.f64() < VERY_LATE_SHARE;
    let minutes = if is_very_late { world.dice.i64(120..1_800) } else { world.dice.i64(1..=minutes) };
    (at + TimeDelta::minutes(minutes)).max(world.now)
}
