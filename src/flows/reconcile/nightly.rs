//! The comparison of a night, made once by whichever daemon claims it, and its report.
//!
//! A page is saved with its differences and with where to go on: after a crash, or when the daemon stops, whoever
//! claims the night goes on there. The report of the last night that is finished is kept.

use chrono::TimeDelta;

use super::{Place, Scope, step};
use crate::domain::instant::{Instant, cut};
use crate::escrow::reconciliation::report::Totals;
use crate::escrow::reconciliation::{Difference, DifferenceKind, Severity};
use crate::flows::Deps;
use crate::store::StoreError;
use crate::store::reconciliations::{self, Beginning, Days};
use crate::telemetry;

pub type Night = reconciliations::Night<Place, Totals>;

/// Longer than a page takes, however slowly its provider answers.
const LEASE: TimeDelta = TimeDelta::minutes(45);

/// The night that it is, counted from 1970: one begins at `hour_utc`.
fn night(wall: Instant, hour_utc: u32) -> i64 {
    (wall - TimeDelta::hours(i64::from(hour_utc))).timestamp().div_euclid(24 * 3600)
}

/// What is compared when it begins now.
pub fn days(deps: &Deps, days: u32) -> Days {
    let now = deps.clock.now();
    Days { since: cut(now - TimeDelta::days(i64::from(days))), began_at: now }
}

/// The job of the scheduler.
pub async fn run_due(deps: &Deps) -> Result<(), StoreError> {
    let settings = &deps.settings.escrow.reconciliation;
    let night = night(deps.clock.wall(), settings.hour_utc);
    if !settings.nightly || !reconciliations::is_due(deps.store.reader(), night, deps.clock.wall()).await? {
        return Ok(());
    }
    let Some(mut claimed) = claim(deps, night).await? else { return Ok(()) };
    let walked = walk(deps, &mut claimed).await;
    if claimed.finished_at.is_none() {
        // Whoever looks next goes on at once.
        save(deps, &claimed, Vec::new(), deps.clock.wall()).await?;
    }
    walked
}

/// Until the end, or until the daemon stops: what is saved is never half a page.
async fn walk(deps: &Deps, claimed: &mut Night) -> Result<(), StoreError> {
    let days = Days { since: claimed.since, began_at: claimed.began_at };
    let scope = Scope { provider: None, days };
    while !deps.stopping.has_begun() {
        let page = step(deps, &scope, claimed.place.clone()).await?;
        let mut next = claimed.clone();
        next.totals.add(&page.totals);
        next.finished_at = (page.next == Place::Over).then(|| deps.clock.wall());
        next.place = page.next;
        let leased_until = deps.clock.wall() + LEASE;
        if !save(deps, &next, page.differences, leased_until).await? {
            // Somebody else has it.
            return Ok(());
        }
        *claimed = Night { leased_until, ..next };
        if claimed.finished_at.is_some() {
            tell(&claimed.totals);
            break;
        }
    }
    Ok(())
}

async fn claim(deps: &Deps, night: i64) -> Result<Option<Night>, StoreError> {
    let wall = deps.clock.wall();
    let new = Beginning {
        night,
        days: days(deps, deps.settings.escrow.reconciliation.days),
        place: Place::beginning(),
        totals: Totals::default(),
    };
    deps.store
        .write(move |tx| Box::pin(async move { reconciliations::claim(tx, &new, wall, wall + LEASE).await }))
        .await
}

/// The rest is claimed until then. False: somebody else has it.
async fn save(
    deps: &Deps,
    night: &Night,
    found: Vec<Difference>,
    leased_until: Instant,
) -> Result<bool, StoreError> {
    let night = night.clone();
    deps.store
        .write(move |tx| {
            Box::pin(async move {
                let saved = reconciliations::save(tx, &night, &found, leased_until).await?;
                if saved && night.finished_at.is_some() {
                    reconciliations::forget_before(tx, night.night).await?;
                }
                Ok(saved)
            })
        })
        .await
}

fn tell(totals: &Totals) {
    let (orders, triggers, differing, unasked) =
        (totals.orders, totals.triggers, totals.differing(), totals.unasked());
    match totals.of_severity(Severity::Critical) {
        0 if differing == 0 && unasked == 0 => {
            tracing::info!(orders, triggers, "providers say of all money what we hold of it");
        }
        0 => tracing::warn!(
            orders,
            triggers,
            differing,
            unasked,
            "providers differ from what we hold, or did not say; see GET /v1/escrow/reconciliation"
        ),
        critical => tracing::error!(
            orders,
            triggers,
            differing,
            critical,
            unasked,
            "money is not where we hold it to be; see GET /v1/escrow/reconciliation"
        ),
    }
}

/// The last that is finished.
pub async fn last(deps: &Deps) -> Result<Option<Night>, StoreError> {
    reconciliations::last(deps.store.reader()).await
}

/// Up to `most` of its differences behind number `after`, each with its number.
pub async fn differences(
    deps: &Deps,
    night: &Night,
    after: i64,
    most: u64,
) -> Result<Vec<(i64, Difference)>, StoreError> {
    reconciliations::differences(deps.store.reader(), night.id, after, most).await
}

/// Shows the last night's figures among the metrics.
pub async fn measure(deps: &Deps) -> Result<(), StoreError> {
    let Some(night) = last(deps).await? else { return Ok(()) };
    for kind in DifferenceKind::ALL {
        let count = night.totals.differences.get(kind).copied().unwrap_or(0);
        telemetry::escrow_differences(kind.as_str(), count);
    }
    if let Some(finished_at) = night.finished_at {
        telemetry::escrow_reconciled(finished_at.timestamp());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_begins_at_its_hour() {
        let at = |text: &str| night(text.parse().expect("an instant"), 3);
        assert_eq!(at("2026-11-22T02:59:59Z") + 1, at("2026-11-22T03:00:00Z"));
        assert_eq!(at("2026-11-22T03:00:00Z"), at("2026-11-23T02:59:59Z"));
    }
}
