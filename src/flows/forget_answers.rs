//! Answers that were kept for repeats are forgotten after a while.

use super::Deps;
use crate::store::{StoreError, idempotency};

/// Says how many answers were forgotten. A crash forgets them the next time.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let kept_for = chrono::Duration::hours(i64::from(deps.settings.intake.idempotency_hours));
    let before = deps.clock.now() - kept_for;
    deps.store.write(move |tx| Box::pin(async move { idempotency::purge(tx, before).await })).await
}
