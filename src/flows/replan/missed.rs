//! Cut-offs that pass: who has not been received by then does not go with the departure.

use chrono::TimeDelta;

use crate::domain::instant::Instant;
use crate::flows::Deps;
use crate::store::replans::{self, Cause};
use crate::store::{StoreError, Tx};

/// How far back a daemon looks that has just started.
const BACK: TimeDelta = TimeDelta::days(7);

/// The job of the scheduler. Looks at each cut-off once: whoever is not there by then gets another plan or
/// was seen further on, so that looking again would find the same or nothing. Says how many were queued.
pub async fn find_missed(deps: &Deps) -> Result<u64, StoreError> {
    let (now, wall) = (deps.clock.now(), deps.clock.wall());
    let after = deps.cutoffs.looked_at_until().max(now - BACK);
    let queued: u64 =
        deps.store.write(move |tx| Box::pin(async move { queue(tx, after, now, wall).await })).await?;
    deps.cutoffs.look_on_from(now);
    if queued > 0 {
        deps.replan_bell.notify_one();
    }
    Ok(queued)
}

async fn queue(tx: &Tx, after: Instant, now: Instant, wall: Instant) -> Result<u64, StoreError> {
    // Without a reason of its own: what the check finds is said.
    replans::request_missed(tx, (after, now), &Cause::of_our_own(""), (now, wall)).await
}
