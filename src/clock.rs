//! The time, and the only place that knows how it passes.
//!
//! Two readings. [`Clock::now`] is the journey's time: pickups, departures, events and
//! polls live in it. [`Clock::wall`] is the machine's: signatures, leases and retries are
//! about networks and processes, which don't hurry because a demonstration does. In a
//! daemon they are the same; in a demonstration the first one runs ahead, and nobody
//! but this file can tell.

use std::time::{Duration, Instant as Tick};

use chrono::Utc;

use crate::domain::instant::{Instant, cut};

#[derive(Debug, Clone)]
pub struct Clock(Pace);

#[derive(Debug, Clone)]
enum Pace {
    Real,
    Fast { start: Instant, started: Tick, speed: f64 },
}

impl Clock {
    pub fn real() -> Self {
        Self(Pace::Real)
    }

    /// Starts at `start` and lets `speed` seconds pass in each second.
    pub fn fast(start: Instant, speed: f64) -> Self {
        Self(Pace::Fast { start: cut(start), started: Tick::now(), speed })
    }

    /// The journey's time.
    pub fn now(&self) -> Instant {
        match self.0 {
            Pace::Real => self.wall(),
            Pace::Fast { start, started, speed } => {
                let passed = started.elapsed().as_secs_f64() * speed;
                cut(start + chrono::Duration::microseconds((passed * 1e6) as i64))
            }
        }
    }

    /// The machine's time.
    pub fn wall(&self) -> Instant {
        cut(Utc::now())
    }

    /// How long a waiter has to wait until the journey's time is `at`.
    pub fn until(&self, at: Instant) -> Duration {
        let ahead = (at - self.now()).to_std().unwrap_or_default();
        match self.0 {
            Pace::Real => ahead,
            Pace::Fast { speed, .. } => ahead.div_f64(speed),
        }
    }
}
