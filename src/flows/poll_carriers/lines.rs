//! How the carriers of this daemon are doing: who failed too often, who asked for fewer questions.
//!
//! In memory: another daemon finds out for itself, and a new one begins with trust.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::carrier::AccountId;
use crate::domain::instant::Instant;
use crate::polling::breaker::Breaker;

#[derive(Default)]
struct Line {
    breaker: Breaker,
    /// The carrier wants to be left alone until then.
    resting_until: Option<Instant>,
}

/// What one question says of the account that asked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineNote {
    Well,
    Failed,
    /// Left alone so long.
    Rest(Duration),
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
        match line.resting_until {
            Some(until) if until > wall => 0,
            _ => line.breaker.lets_through(wall),
        }
    }

    pub fn was_not_used(&self, id: &AccountId, wall: Instant) {
        self.held().entry(id.clone()).or_default().breaker.was_not_used(wall);
    }

    pub fn note(&self, id: &AccountId, wall: Instant, note: &LineNote) {
        let mut lines = self.held();
        let line = lines.entry(id.clone()).or_default();
        match *note {
            LineNote::Well => line.breaker.succeeded(),
            LineNote::Failed => line.breaker.failed(wall),
            LineNote::Rest(wait) => {
                // It answers: whatever it says, it is not down.
                line.breaker.succeeded();
                let wait = chrono::Duration::from_std(wait).unwrap_or(chrono::Duration::days(1));
                line.resting_until = Some(line.resting_until.map_or(wall + wait, |at| at.max(wall + wait)));
            }
        }
    }
}
