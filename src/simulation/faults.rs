//! How much goes wrong.

use chrono::TimeDelta;

use crate::domain::instant::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// People are late, customs look, consignees are out. Nothing fails, nothing is lost.
    None,
    /// Answers are lost, carriers and the provider are down, daemons end, parcels are lost and come back.
    Some,
    /// All of that, all the time.
    Many,
}

/// Shares from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Of calls: nothing arrives.
    pub requests_lost: f64,
    /// Of calls: it takes effect, and the answer is lost.
    pub answers_lost: f64,
    /// Of calls: an error instead of an answer, before anything took effect.
    pub errors: f64,
    /// Of a carrier's answers: 429, or half a body.
    pub answers_spoilt: f64,
    /// Of steps: the daemon ends somewhere in it.
    pub ends: f64,
    /// Of the time: a carrier, the provider, a merchant's endpoint is down, for hours.
    pub down: f64,
    /// How far the machine's clock may be off.
    pub skew_seconds: i64,
    /// Of parcels and flights: lost, sent back, held for ever, called off, contradicted, corrected.
    pub mishaps: f64,
    /// Of buyers: they do something about the money.
    pub acts: f64,
}

impl Level {
    pub fn faults(self) -> Faults {
        let none = Faults {
            requests_lost: 0.0,
            answers_lost: 0.0,
            errors: 0.0,
            answers_spoilt: 0.0,
            ends: 0.0,
            down: 0.0,
            skew_seconds: 0,
            mishaps: 0.0,
            acts: 0.0,
        };
        match self {
            Level::None => none,
            Level::Some => Faults {
                requests_lost: 0.01,
                answers_lost: 0.02,
                errors: 0.01,
                answers_spoilt: 0.02,
                ends: 0.002,
                down: 0.02,
                skew_seconds: 5,
                mishaps: 0.01,
                acts: 0.1,
            },
            Level::Many => Faults {
                requests_lost: 0.05,
                answers_lost: 0.1,
                errors: 0.05,
                answers_spoilt: 0.1,
                ends: 0.02,
                down: 0.1,
                skew_seconds: 120,
                mishaps: 0.03,
                acts: 0.3,
            },
        }
    }
}

/// When somebody is not to be reached.
pub struct Outages(Vec<(Instant, Instant)>);

const OUTAGE_HOURS_MAX: i64 = 10;

impl Outages {
    /// Outages of up to some hours that take the share `down` of the `days` that begin at `start`.
    pub fn new(dice: &mut fastrand::Rng, down: f64, start: Instant, days: u32) -> Self {
        let hours = f64::from(days) * 24.0;
        let count = (hours * down / (OUTAGE_HOURS_MAX as f64 / 2.0)).round() as usize;
        let mut outage = || {
            let from = start + TimeDelta::minutes(dice.i64(0..(hours as i64 * 60).max(1)));
            (from, from + TimeDelta::minutes(dice.i64(10..OUTAGE_HOURS_MAX * 60)))
        };
        Self((0..count).map(|_| outage()).collect())
    }

    pub fn covers(&self, at: Instant) -> bool {
        self.0.iter().any(|(from, until)| (*from..*until).contains(&at))
    }
}
