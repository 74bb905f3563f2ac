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
            // Before it began, the clock was set back: what is left of it nobody knows, and the carrier says it again.
            Some((since, until)) if since <= wall && wall < until => 0,
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
                let before = line.resting.filter(|(since, _)| *since <= wall);
                let until = before.map_or(wall + wait, |(_, until)| until.max(wall + wait));
                line.resting = Some((wall, until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    fn second(n: i64) -> Instant {
        from_micros(n * 1_000_000)
    }

    #[test]
    fn who_is_left_alone_is_asked_again_in_time_and_when_the_clock_is_set_back() {
        let carrier = "dhl_unified".parse().expect("a carrier");
        let (lines, id) = (Lines::default(), AccountId { carrier, name: String::new() });
        let rests = |at| lines.let_through(&id, second(at)) == 0;
        lines.note(&id, second(7_200), &LineNote::Rest(Duration::from_secs(60)));
        lines.note(&id, second(7_210), &LineNote::Rest(Duration::from_secs(10)));
        assert!(rests(7_259) && !rests(7_260), "the longer one counts");
        assert!(!rests(10), "two hours earlier nobody had said anything");
        lines.note(&id, second(10), &LineNote::Rest(Duration::from_secs(60)));
        assert!(rests(69) && !rests(70));
    }
}
