//! What the daemon does by itself: its jobs and its workers, one after the other.

use chrono::{Datelike, TimeDelta, Weekday};
use futures_util::FutureExt;

use super::Trouble;
use super::diary::Task;
use super::world::World;
use crate::flows::poll_carriers::foresee;
use crate::flows::reconcile::nightly;
use crate::flows::{
    act_on_order, book_departures, close_departures, disputes, forget_answers, import_network,
    learn_stage_times, poll_carriers, replan, send_triggers, send_webhooks, shorten_waits, take_notices,
    take_pushes,
};
use crate::store::consolidations;

/// How often jobs look for what is due. A daemon looks every second or so, and nothing but waiting is lost by that.
pub const EVERY: TimeDelta = TimeDelta::hours(1);
/// What deliveries teach changes little in so long.
const LEARN_EVERY: TimeDelta = TimeDelta::hours(24);

fn is_time_for(world: &World, every: TimeDelta) -> bool {
    world.now.timestamp() % every.num_seconds() < EVERY.num_seconds()
}

/// Runs a flow as a step's part. A daemon that ends in it is built anew, and the next look goes on.
macro_rules! job {
    ($world:ident, $name:literal, $flow:path) => {{
        let deps = $world.deps.clone();
        match $world.live($flow(&deps)).await {
            Some(Ok(done)) => Some(done),
            Some(Err(error)) => return Err(Trouble::Job { job: $name, error: error.to_string() }),
            None => {
                $world.restart().await?;
                None
            }
        }
    }};
}

/// Says whether shipments may have changed that no call to anybody tells of.
pub async fn look(world: &mut World) -> Result<bool, Trouble> {
    let restarts = world.tally.restarts;
    job!(world, "import_network", import_network::run_due);
    job!(world, "book_departures", book_departures::run_due);
    let missed = job!(world, "find_missed", replan::find_missed).unwrap_or_default();
    if missed > 0 {
        world.tally.missed += missed;
        world.note(&format!("missed: {missed}"));
    }
    job!(world, "close_departures", close_departures::run_due);
    let packed = note_consolidations(world).await?;
    let replanned = job!(world, "replan", replan::run_due).unwrap_or_default();
    if replanned > 0 {
        world.tally.replanned += replanned;
        world.note(&format!("planned anew: {replanned}"));
    }
    job!(world, "poll_carriers", poll_carriers::run_due);
    let noticed = job!(world, "take_notices", take_notices::run_due);
    let woken = job!(world, "wake_orders", act_on_order::wake);
    send(world).await?;
    job!(world, "ask_again", send_triggers::ask_again);
    job!(world, "remind", disputes::remind);
    if is_time_for(world, LEARN_EVERY) {
        job!(world, "learn_stage_times", learn_stage_times::run_due);
        job!(world, "shorten_waits", shorten_waits::run_due);
    }
    // A daemon that ended in one of them did not say what it had done.
    let has_ended = world.tally.restarts > restarts;
    Ok(has_ended
        || packed
        || [missed, replanned].iter().any(|done| *done > 0)
        || noticed != Some(0)
        || woken != Some(0))
}

/// What a step gave cause to is done at once, and not at the next look.
pub async fn answer_bells(world: &mut World) -> Result<(), Trouble> {
    if world.deps.push_bell.notified().now_or_never().is_some() {
        job!(world, "take_pushes", take_pushes::run_due);
    }
    if world.deps.notice_bell.notified().now_or_never().is_some() {
        job!(world, "take_notices", take_notices::run_due);
    }
    if world.deps.outbox_bell.notified().now_or_never().is_some() {
        job!(world, "send_triggers", send_triggers::run_due);
    }
    Ok(())
}

/// Triggers and messages.
pub async fn send(world: &mut World) -> Result<(), Trouble> {
    job!(world, "send_triggers", send_triggers::run_due);
    job!(world, "send_webhooks", send_webhooks::run_due);
    Ok(())
}

pub async fn forget(world: &mut World) -> Result<(), Trouble> {
    job!(world, "forget_answers", forget_answers::run_due);
    job!(world, "forget_pushes", take_pushes::forget_old);
    job!(world, "forget_notices", take_notices::forget_old);
    job!(world, "forget_journeys", foresee::forget_old);
    job!(world, "forget_webhooks", send_webhooks::forget_old);
    if world.now.weekday() == Weekday::Mon {
        job!(world, "reconcile_escrow", nightly::run_due);
    }
    Ok(())
}

/// Hub staff see what was packed, and load it when its departure leaves.
async fn note_consolidations(world: &mut World) -> Result<bool, Trouble> {
    const LOOK_BACK: usize = 16;
    let db = world.deps.store.reader();
    let newest = consolidations::newest(db, 1).await?;
    if newest.iter().all(|consolidation| world.consolidations.contains(&consolidation.id)) {
        return Ok(false);
    }
    let mut look_back = LOOK_BACK;
    let mut new = loop {
        let found = consolidations::newest(db, look_back as u64).await?;
        if found.len() < look_back || found.last().is_some_and(|it| world.consolidations.contains(&it.id)) {
            break found;
        }
        look_back *= 4;
    };
    new.retain(|consolidation| world.consolidations.insert(consolidation.id));
    new.sort_by_key(|consolidation| consolidation.id);
    for consolidation in new {
        let id = consolidation.id;
        world.note(&format!("{id} is packed for {}", consolidation.departure));
        let before = consolidation.depart_at - TimeDelta::minutes(world.dice.i64(5..60));
        if before > world.now && world.mishap(1.0) {
            world.diary.note(before, Task::CancelFlight { consolidation: id });
        }
        let depart_at = consolidation.depart_at + TimeDelta::minutes(world.dice.i64(0..15));
        world.diary.note(depart_at.max(world.now), Task::Depart { consolidation: id });
    }
    Ok(true)
}
