//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long unless it will never come.
pub const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Comes back as soon as `holds` does; panics with `what` when it does not hold for a minute.
///
/// The one place where a test lets time pass. It looks again and again instead of hoping
/// that some pause is long enough: on a slow machine a test takes longer, and fails only
/// if what it waits for does not happen.
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if holds().await {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
    }
}
