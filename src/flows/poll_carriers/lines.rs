//! How the carriers of this daemon are doing: who failed too often, who asked for fewer questions.
//!
//! In memory: another daemon finds out for itself, and a new one begins with trust. Only when a carrier wants to be
//! left alone is written down for all, where calls are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::breaker::{Breaker, doubled};
use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;

#[derive(Default)]
struct Line {
    breaker: Breaker,
    /// The carrier wants to be left alone from one time until another.
    resting: Option<(Instant, Instant)>,
}

/// What one question says of the account that asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineNote {
    Well,
    Failed,
    /// Left alone so long.
    Rest(Duration),
    /// Failed, and says when to come back.
    Down(Duration),
    /// Nothing was asked.
    Unasked,
}

/// A carrier that asks for longer than a day is asked the next day all the same.
pub const LONGEST_REST: chrono::Duration = chrono::Duration::days(1);

/// How long one that fails is left alone, at first and at most.
const FAILING: (chrono::Duration, chrono::Duration) =
    (chrono::Duration::seconds(30), chrono::Duration::minutes(15));

impl LineNote {
    /// Until when its account is left alone by everybody.
    pub fn rests_until(&self, wall: Instant) -> Option<Instant> {
        match *self {
            LineNote::Well | LineNote::Failed | LineNote::Unasked => None,
            LineNote::Rest(wait) | LineNote::Down(wait) => {
                Some(wall + chrono::Duration::from_std(wait).unwrap_or(LONGEST_REST).min(LONGEST_REST))
            }
        }
    }
}

/// By the machine's clock.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<HashMap<AccountId, Line>>>);

impl Lines {
    fn held(&self) -> MutexGuard<'_, HashMap<AccountId, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many questions may go out now.
    pub fn let_through(&self, id: &AccountId, wall: Instant) -> usize {
        let mut lines = self.held();
        let line = lines.entry(id.clone()).or_default();
        match line.resting {
            // Before it was said: the clock was set back, and nobody knows how long it has rested.
            Some((since, until)) if since <= wall && wall < until => 0,
            _ => line.breaker.lets_through(wall),
        }
    }

    pub fn was_not_used(&self, id: &AccountId, wall: Instant) {
        self.held().entry(id.clone()).or_default().breaker.was_not_used(wall);
    }

    /// `asked_at`: when the question went out.
    pub fn note(&self, id: &AccountId, asked_at: Instant, wall: Instant, note: &LineNote) {
        let mut lines = self.held();
        let line = lines.entry(id.clone()).or_default();
        match *note {
            // It answers: whatever it says, it is not down.
            LineNote::Well | LineNote::Rest(_) => line.breaker.succeeded(),
            LineNote::Failed | LineNote::Down(_) => {
                line.breaker.failed(asked_at, wall, |times| doubled(FAILING.0, times, FAILING.1));
            }
            LineNote::Unasked => line.breaker.was_not_used(wall),
        }
        if let Some(until) = note.rests_until(wall) {
            let before = line.resting.filter(|(since, _)| *since <= wall);
            line.resting = Some((wall, before.map_or(until, |(_, before)| before.max(until))));
        }
    }
}
