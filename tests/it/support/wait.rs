//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long unless it will never come.
pub const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Comes back as soon as `holds` does; panics with `what` when it does not hold for a minute.
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let look = async || if holds().await { Ok(()) } else { Err("not yet".to_owned()) };
    wait_for(what, look).await;
}

/// Comes back with what `look` finds. What it says instead is shown when a minute is over.
///
/// The one place where a test lets time pass. It looks again and again instead of hoping
/// that some pause is long enough: on a slow machine a test takes longer, and fails only
/// if what it waits for does not happen.
pub async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(found) => {
                let waited = begun.elapsed();
                assert!(waited < PATIENCE, "waited {PATIENCE:?} in vain until {what}: {found}");
            }
        }
    }
}
