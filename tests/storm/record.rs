//! What was seen of a storm: what must not be, and figures.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What nobody but buyer, merchant and carrier may read. Every pickup of a storm bears these.
pub mod person {
    pub const CONSIGNEE: &str = "钱浮生";
    pub const CONSIGNEE_PHONE: &str = "+8613877700123";
    pub const CONSIGNEE_LINE: &str = "无名路909号";
    pub const CONTACT: &str = "Odalys Quarrington";
    pub const CONTACT_PHONE: &str = "+12125550177";

    /// The first of them in `text`.
    pub fn found_in(text: &str) -> Option<&'static str> {
        let phones = [&CONSIGNEE_PHONE[3..], &CONTACT_PHONE[2..]];
        [CONSIGNEE, CONSIGNEE_LINE, CONTACT].into_iter().chain(phones).find(|part| text.contains(part))
    }
}

#[derive(Default)]
pub struct Record {
    problems: Mutex<Vec<String>>,
    errors: Mutex<BTreeMap<String, u64>>,
    ready_after: Mutex<Vec<Duration>>,
    clock_off_seconds: AtomicI64,
    pub kills: AtomicU64,
    pub starts: AtomicU64,
    pub failed_starts: AtomicU64,
    pub questions: AtomicU64,
    pub not_now: AtomicU64,
    pub unanswered: AtomicU64,
    pub refused: AtomicU64,
}

pub fn held<T>(books: &Mutex<T>) -> MutexGuard<'_, T> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

const ERROR_CHARS: usize = 220;
/// As many as a person reads.
const PROBLEMS_MAX: usize = 20;

impl Record {
    /// What must never be. The storm ends at the next step and fails.
    pub fn problem(&self, problem: String) {
        let mut problems = held(&self.problems);
        if problems.len() < PROBLEMS_MAX {
            problems.push(problem);
        }
    }

    pub fn problems(&self) -> Vec<String> {
        held(&self.problems).clone()
    }

    /// What a daemon logged as an error.
    pub fn error(&self, what: &str) {
        // One that has an id in it would be another each time.
        let front = what.chars().take(ERROR_CHARS).collect();
        *held(&self.errors).entry(front).or_default() += 1;
    }

    pub fn errors(&self) -> BTreeMap<String, u64> {
        held(&self.errors).clone()
    }

    /// How far off a daemon's clock was when it logged something.
    pub fn clock_seen(&self, off: chrono::TimeDelta) {
        self.clock_off_seconds.fetch_max(off.num_seconds(), Ordering::Relaxed);
    }

    pub fn clock_off_seconds(&self) -> i64 {
        self.clock_off_seconds.load(Ordering::Relaxed)
    }

    pub fn ready_after(&self, time: Duration) {
        held(&self.ready_after).push(time);
    }

    /// Between a kill and the daemon's listening again: half were quicker, and the slowest.
    pub fn ready(&self) -> (Duration, Duration) {
        let mut all = held(&self.ready_after).clone();
        all.sort_unstable();
        let at = |place: usize| all.get(place).copied().unwrap_or_default();
        (at(all.len() / 2), at(all.len().saturating_sub(1)))
    }
}

/// What came of a storm.
#[derive(Debug, Default)]
pub struct Figures {
    pub took: Duration,
    pub rested_after: Duration,
    pub kills: u64,
    pub starts: u64,
    pub failed_starts: u64,
    pub ready_median: Duration,
    pub ready_slowest: Duration,
    pub questions: u64,
    pub not_now: u64,
    pub unanswered: u64,
    pub orders: usize,
    pub stories: BTreeMap<String, usize>,
    pub refused: u64,
    pub events: i64,
    pub consolidations: i64,
    pub packed: i64,
    pub triggers: i64,
    pub effects: usize,
    pub seen_again: u64,
    pub badly_timed: u64,
    pub double_effects: u64,
    pub untold: i64,
    pub messages: usize,
    pub messages_again: usize,
    pub audit_entries: u64,
    pub errors: BTreeMap<String, u64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.took.as_secs_f64() / 60.0;
        let (kills, rate) = (self.kills, self.kills as f64 / minutes);
        let (took, rested) = (self.took, self.rested_after);
        writeln!(f, "{kills} kills in {took:.1?}, {rate:.0} a minute; at rest {rested:.1?} after the last")?;
        writeln!(
            f,
            "{} starts, {} failed while their database was away; ready {:.0?} after a kill by the median, {:.0?} at most",
            self.starts, self.failed_starts, self.ready_median, self.ready_slowest
        )?;
        writeln!(
            f,
            "{} questions answered, {} times \"not now\", {} times no answer",
            self.questions, self.not_now, self.unanswered
        )?;
        writeln!(
            f,
            "{} orders, {} more refused; {} events, {} audit entries; {} consolidations of {} parcels",
            self.orders, self.refused, self.events, self.audit_entries, self.consolidations, self.packed
        )?;
        let stories: Vec<_> =
            self.stories.iter().map(|(story, orders)| format!("{orders} {story}")).collect();
        writeln!(f, "stories: {}", stories.join(", "))?;
        writeln!(
            f,
            "{} triggers, {} took effect, {} times seen again by the provider, {} times refused for a wrong clock; {} double effects, {} not acknowledged",
            self.triggers, self.effects, self.seen_again, self.badly_timed, self.double_effects, self.untold
        )?;
        writeln!(f, "{} messages to the merchant, {} times seen again", self.messages, self.messages_again)?;
        for (error, times) in &self.errors {
            writeln!(f, "logged as an error {times} times: {error}")?;
        }
        Ok(())
    }
}
