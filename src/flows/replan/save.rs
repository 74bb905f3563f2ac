//! The one transaction in which a batch of plans comes into force.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::load::Case;
use super::plan::{Abandoned, NewPlan, Outcome};
use super::{MUCH_LATER, Planned, ReplanError};
use crate::domain::id::ShipmentId;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::webhook::WebhookKind;
use crate::faults;
use crate::flows::Deps;
use crate::flows::book_departures::{self, BookError, Loads};
use crate::flows::tell_merchants::{Notice, tell};
use crate::flows::views::EstimateView;
use crate::store::audit::{self, Change};
use crate::store::replans::{self, Cause};
use crate::store::shipments::Shipment;
use crate::store::{Tx, network, shipments_at_once};

impl From<BookError> for ReplanError {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Full(departure) => ReplanError::Full(departure),
            BookError::Store(error) => ReplanError::Store(error),
        }
    }
}

/// What was saved.
struct Saved {
    loads: Loads,
    replanned: u64,
    to_tell: bool,
    /// Shipments that were changed meanwhile: nothing of what was planned for them is true.
    changed: HashSet<ShipmentId>,
}

/// Says how many shipments have a new plan.
pub async fn save(deps: &Deps, planned: &Planned) -> Result<u64, ReplanError> {
    let (edition, now, wall) = (planned.edition, planned.now, deps.clock.wall());
    let all = Arc::clone(&planned.all);
    let saved: Result<Saved, ReplanError> =
        deps.store.write(move |tx| Box::pin(async move { write(tx, edition, &all, now, wall).await })).await;
    let saved = saved?;
    faults::reached("replan.committed");
    deps.network.booked(&saved.loads);
    if !saved.changed.is_empty() {
        let changed = planned.all.iter().filter(|(case, _)| saved.changed.contains(&case.shipment.id));
        let departures = changed.flat_map(|(_, outcome)| outcome.departures());
        let looked = book_departures::look_at(deps.store.reader(), &deps.network.planner(), departures).await;
        if let Err(error) = looked {
            tracing::warn!(%error, "the planner takes departures for fuller than they are until they are booked");
        }
    }
    if saved.to_tell {
        deps.webhook_bell.notify_one();
    }
    Ok(saved.replanned)
}

async fn write(
    tx: &Tx,
    edition: i64,
    all: &[(Case, Outcome)],
    now: Instant,
    wall: Instant,
) -> Result<Saved, ReplanError> {
    if network::edition_held(tx).await? != edition {
        return Err(ReplanError::NewEdition);
    }
    let unchanged = unchanged(tx, all).await?;
    let changed_meanwhile = free_changed(tx, all, &unchanged).await?;
    let all: Vec<&(Case, Outcome)> =
        all.iter().filter(|(case, _)| unchanged.contains(&case.shipment.id)).collect();
    let loads = rebook(tx, &all, now, wall).await?;
    let plans = all.iter().filter_map(|(case, outcome)| match outcome {
        Outcome::Anew(new) => Some((case.shipment.id, new.id, &new.plan)),
        Outcome::Done | Outcome::Abandoned(_) | Outcome::NoWay(_) => None,
    });
    shipments_at_once::insert_plans(tx, plans, now).await?;
    let mut changed: Vec<Changed> =
        all.iter().filter_map(|(case, outcome)| changed(case, outcome, now)).collect();
    let entries = changed.iter_mut().map(|one| (one.shipment.id, &mut one.shipment.audit, &one.change));
    audit::append_to_many(tx, entries, now).await?;
    let shipments: Vec<&Shipment> = changed.iter().map(|one| &one.shipment).collect();
    shipments_at_once::save_plans(tx, &shipments).await?;
    let notices: Vec<Notice> = changed.iter_mut().filter_map(|one| one.notice.take()).collect();
    let to_tell = tell(tx, &notices, now, wall).await?;
    settle(tx, &all, (now, wall)).await?;
    faults::reached("replan.before_commit");
    let replanned = all.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Anew(_))).count() as u64;
    Ok(Saved { loads, replanned, to_tell, changed: changed_meanwhile })
}

/// Those that are not as they were when they were read; they are due at once.
async fn free_changed(
    tx: &Tx,
    all: &[(Case, Outcome)],
    unchanged: &HashSet<ShipmentId>,
) -> Result<HashSet<ShipmentId>, ReplanError> {
    let changed = || all.iter().filter(|(case, _)| !unchanged.contains(&case.shipment.id));
    let ids: Vec<ShipmentId> = changed().map(|(case, _)| case.shipment.id).collect();
    if let Some((first, _)) = changed().next() {
        replans::free(tx, &ids, first.waiting.claimed_until).await?;
    }
    Ok(ids.into_iter().collect())
}

/// Those that are as they were when they were read, and not asked for again; locked.
async fn unchanged(tx: &Tx, all: &[(Case, Outcome)]) -> Result<HashSet<ShipmentId>, ReplanError> {
    let ids: Vec<ShipmentId> = all.iter().map(|(case, _)| case.shipment.id).collect();
    let Some((first, _)) = all.first() else { return Ok(HashSet::new()) };
    let heads = shipments_at_once::lock(tx, &ids).await?;
    let claimed = replans::still_claimed(tx, &ids, first.waiting.claimed_until).await?;
    let mut unchanged: HashSet<ShipmentId> = claimed.into_iter().collect();
    for (case, _) in all {
        let Shipment { id, plan, audit, .. } = &case.shipment;
        if heads.get(id).is_none_or(|(plan_now, audit_now)| (plan_now, audit_now) != (plan, audit)) {
            unchanged.remove(id);
        }
    }
    Ok(unchanged)
}

async fn rebook(tx: &Tx, all: &[&(Case, Outcome)], now: Instant, wall: Instant) -> Result<Loads, BookError> {
    let (mut released, mut wanted) = (Vec::new(), Vec::new());
    for (_, outcome) in all {
        match outcome {
            Outcome::Anew(new) => {
                released.extend_from_slice(&new.released);
                wanted.extend_from_slice(&new.wanted);
            }
            Outcome::Abandoned(given) => released.extend_from_slice(&given.released),
            Outcome::Done | Outcome::NoWay(_) => {}
        }
    }
    book_departures::rebook(tx, &released, &wanted, now, wall).await
}

/// What is written of one shipment.
struct Changed {
    shipment: Shipment,
    change: Change,
    notice: Option<Notice>,
}

/// None: nothing is.
fn changed(case: &Case, outcome: &Outcome, now: Instant) -> Option<Changed> {
    match outcome {
        Outcome::Done => None,
        Outcome::Anew(new) => Some(replanned(case, new, now)),
        // Said once; it is only tried again.
        Outcome::NoWay(_) if case.waiting.attempts > 0 => None,
        Outcome::NoWay(problem) => Some(unroutable(case, problem, now)),
        Outcome::Abandoned(Abandoned { is_collected, is_over, released, .. }) => {
            let departures: Vec<_> = released.iter().map(|release| &release.booking.departure).collect();
            let detail = json!({"released": departures, "pickup_until": rfc3339(case.shipment.pickup.until)});
            let (action, problem) = match is_collected {
                true => ("shipment.not_seen", NOT_SEEN),
                false => ("shipment.not_collected", NOT_COLLECTED),
            };
            // Once: by the next time it holds nothing.
            (*is_over && !released.is_empty())
                .then(|| Changed { change: change(case, action, detail), ..unroutable(case, problem, now) })
        }
    }
}

fn change(case: &Case, action: &str, detail: serde_json::Value) -> Change {
    Change { actor: case.waiting.cause.requested_by.clone(), action: action.to_owned(), detail }
}

fn replanned(case: &Case, new: &NewPlan, now: Instant) -> Changed {
    let old = &case.shipment;
    let shipment = Shipment { plan: new.id, estimate: new.estimate, updated_at: now, ..old.clone() };
    let detail = json!({
        "from": old.plan,
        "to": new.id,
        "reason": new.plan.reason,
        "because": new.why,
        "arrive_at_before": rfc3339(case.plan.arrive_at),
        "arrive_at": rfc3339(new.plan.arrive_at),
    });
    let data = json!({
        "reference": old.reference,
        "reason": new.plan.reason,
        "estimated_delivery_before": EstimateView::from(old.estimate),
        "estimated_delivery": EstimateView::from(new.estimate),
    });
    let kind = WebhookKind::ShipmentReplanned;
    let notice = Notice { merchant: old.merchant, shipment: old.id, kind, data };
    Changed { shipment, change: change(case, "shipment.replanned", detail), notice: Some(notice) }
}

/// Why there is no way for what nobody collected.
const NOT_COLLECTED: &str = "it was not collected, and what was booked for it has been given back";
/// And for what nobody has seen since.
const NOT_SEEN: &str =
    "it did not come to where it was going, and what was booked for it has been given back";

fn unroutable(case: &Case, problem: &str, now: Instant) -> Changed {
    let shipment = Shipment { updated_at: now, ..case.shipment.clone() };
    let detail = json!({"reason": case.waiting.cause.reason, "problem": problem});
    let data = json!({
        "reference": shipment.reference,
        "reason": problem,
        "estimated_delivery": EstimateView::from(shipment.estimate),
    });
    let kind = WebhookKind::ShipmentUnroutable;
    let notice = Notice { merchant: shipment.merchant, shipment: shipment.id, kind, data };
    Changed { shipment, change: change(case, "shipment.unroutable", detail), notice: Some(notice) }
}

/// Fifteen minutes, doubled up to six hours.
fn wait(attempts: u32) -> TimeDelta {
    TimeDelta::minutes(15 << attempts.min(5)).min(TimeDelta::hours(6))
}

async fn settle(
    tx: &Tx,
    all: &[&(Case, Outcome)],
    (now, wall): (Instant, Instant),
) -> Result<(), ReplanError> {
    let (mut done, mut again) = (Vec::with_capacity(all.len()), Vec::new());
    for (case, outcome) in all {
        match outcome {
            Outcome::NoWay(problem) => {
                let Case { waiting, shipment, .. } = case;
                let next_attempt_at = wall + wait(waiting.attempts);
                let claim = (shipment.id, waiting.claimed_until);
                replans::postpone(tx, claim, next_attempt_at, waiting.attempts + 1, problem).await?;
            }
            Outcome::Abandoned(abandoned) => {
                done.push(case.shipment.id);
                again.extend(abandoned.again.then_some(case.shipment.id));
            }
            Outcome::Done | Outcome::Anew(_) => done.push(case.shipment.id),
        }
    }
    replans::settle(tx, &done).await?;
    Ok(replans::request_check(tx, &again, &Cause::of_our_own(""), now, wall + MUCH_LATER).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_way_for_is_tried_again_less_and_less_often() {
        let minutes: Vec<_> = (0..8).map(|attempts| wait(attempts).num_minutes()).collect();
        assert_eq!(minutes, [15, 30, 60, 120, 240, 360, 360, 360]);
    }
}
