//! The time, and the only place that knows how it passes.
//!
//! Two readings. [`Clock::now`] is the journey's time: pickups, departures, events and
//! polls live in it. [`Clock::wall`] is the machine's: signatures, leases and retries are
//! about networks and processes, which don't hurry because a demonstration does. In a
//! daemon they are the same; in a demonstration the first one runs ahead, in a simulation
//! both stand still until they are set, and nobody but this file can tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant as Tick};

use chrono::Utc;

use crate::domain::instant::{Instant, cut, from_micros};

#[derive(Debug, Clone)]
pub struct Clock(Pace);

#[derive(Debug, Clone)]
enum Pace {
    Real,
    Fast { start: Instant, started: Tick, speed: f64 },
    ByHand(Hands),
}

/// Sets a clock that doesn't move by itself.
#[derive(Debug, Clone)]
pub struct Hands(Arc<Readings>);

/// In microseconds.
#[derive(Debug)]
struct Readings {
    now: AtomicI64,
    wall: AtomicI64,
}

impl Hands {
    pub fn set(&self, now: Instant, wall: Instant) {
        self.0.now.store(now.timestamp_micros(), Ordering::Relaxed);
        self.0.wall.store(wall.timestamp_micros(), Ordering::Relaxed);
    }
}

impl Clock {
    pub fn real() -> Self {
        Self(Pace::Real)
    }

    /// Starts at `start` and lets `speed` seconds pass in each second.
    pub fn fast(start: Instant, speed: f64) -> Self {
        Self(Pace::Fast { start: cut(start), started: Tick::now(), speed })
    }

    /// Both of its times stand at `start` until the hands are moved.
    pub fn by_hand(start: Instant) -> (Self, Hands) {
        let micros = || AtomicI64::new(start.timestamp_micros());
        let hands = Hands(Arc::new(Readings { now: micros(), wall: micros() }));
        (Self(Pace::ByHand(hands.clone())), hands)
    }

    /// The journey's time.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Pace::Real => self.wall(),
            Pace::Fast { start, started, speed } => {
                let passed = started.elapsed().as_secs_f64() * speed;
                cut(*start + chrono::Duration::microseconds((passed * 1e6) as i64))
            }
            Pace::ByHand(Hands(readings)) => from_micros(readings.now.load(Ordering::Relaxed)),
        }
    }

    /// The machine's time.
    pub fn wall(&self) -> Instant {
        match &self.0 {
            Pace::Real | Pace::Fast { .. } => cut(Utc::now()),
            Pace::ByHand(Hands(readings)) => from_micros(readings.wall.load(Ordering::Relaxed)),
        }
    }

    /// Waits until the machine's time is `at`: not at all where it is already, since a timer takes a millisecond
    /// at least. Nobody waits for hands to be moved.
    pub async fn reaches(&self, at: Instant) {
        let wait = (at - self.wall()).to_std().unwrap_or_default();
        match &self.0 {
            Pace::Real | Pace::Fast { .. } if !wait.is_zero() => tokio::time::sleep(wait).await,
            Pace::Real | Pace::Fast { .. } | Pace::ByHand(_) => {}
        }
    }

    /// How long a waiter has to wait until the journey's time is `at`.
    pub fn until(&self, at: Instant) -> Duration {
        let ahead = (at - self.now()).to_std().unwrap_or_default();
        match &self.0 {
            Pace::Real | Pace::ByHand(_) => ahead,
            Pace::Fast { speed, .. } => ahead.div_f64(*speed),
        }
    }
}
