//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long unless it will never come.
pub const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A machine that stands still does not look: only who has looked so often has waited.
const LOOKS_MIN: u32 = 200;

/// How long nothing has happened, by the clock and by the looks that somebody got to take.
pub struct Wait {
    begun: Instant,
    looks: u32,
}

impl Wait {
    pub fn begin() -> Self {
        Self { begun: Instant::now(), looks: 0 }
    }

    /// After a look in vain. Whether it will never come.
    pub fn is_hopeless(&mut self) -> bool {
        self.looks += 1;
        self.begun.elapsed() >= PATIENCE && self.looks >= LOOKS_MIN
    }
}

/// Comes back as soon as `holds` does; panics with `what` when it never does.
pub async fn wait_until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let look = async || if holds().await { Ok(()) } else { Err("not yet".to_owned()) };
    wait_for(what, look).await;
}

/// Comes back with what `look` finds. What it says instead is shown when it was looked for long enough.
///
/// The one place where a test lets time pass. It looks again and again instead of hoping
/// that some pause is long enough: on a slow machine a test takes longer, and fails only
/// if what it waits for does not happen.
pub async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut wait = Wait::begin();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look().await {
            Ok(found) => return found,
            Err(found) => {
                assert!(!wait.is_hopeless(), "waited {PATIENCE:?} in vain until {what}: {found}");
            }
        }
    }
}
