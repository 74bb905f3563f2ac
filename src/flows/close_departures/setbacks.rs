//! Departures that could not be closed are left alone for a while, so that they hold up no others.
//!
//! Each daemon keeps its own, in memory, by the machine's clock: after a restart all are tried at once, and
//! nothing is lost by that. Whoever never failed goes first, however many are tried again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::domain::instant::Instant;
use crate::domain::network::DepartureId;

/// More than this are not remembered: they are tried again each time.
const MAX: usize = 10_000;
const LONGEST: TimeDelta = TimeDelta::minutes(5);

#[derive(Clone, Default)]
pub struct Setbacks(Arc<Mutex<HashMap<DepartureId, Setback>>>);

#[derive(Debug, Clone, Copy)]
struct Setback {
    times: u32,
    again_at: Instant,
}

/// Two seconds, doubled up to five minutes.
fn wait(times: u32) -> TimeDelta {
    TimeDelta::seconds(2 << times.min(8)).min(LONGEST)
}

impl Setbacks {
    fn all(&self) -> MutexGuard<'_, HashMap<DepartureId, Setback>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It could not be closed.
    pub fn add(&self, id: &DepartureId, wall: Instant) {
        let mut all = self.all();
        let times = all.get(id).map_or(0, |setback| setback.times + 1);
        if times > 0 || all.len() < MAX {
            all.insert(id.clone(), Setback { times, again_at: wall + wait(times) });
        }
    }

    pub fn end(&self, id: &DepartureId) {
        self.all().remove(id);
    }

    /// How many there are. What has not been tried for long is not open any more, and forgotten.
    pub fn count(&self, wall: Instant) -> usize {
        let mut all = self.all();
        all.retain(|_, setback| setback.again_at + LONGEST > wall);
        all.len()
    }

    /// The first `limit` of those that are due and not left alone, and among them first those that never failed.
    pub fn choose(&self, due: Vec<DepartureId>, wall: Instant, limit: usize) -> Vec<DepartureId> {
        let all = self.all();
        let (failed, mut chosen): (Vec<_>, Vec<_>) = due.into_iter().partition(|id| all.contains_key(id));
        chosen.extend(
            failed.into_iter().filter(|id| all.get(id).is_none_or(|setback| setback.again_at <= wall)),
        );
        chosen.truncate(limit);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    fn departure(day: u32) -> DepartureId {
        format!("L1-202603{day:02}").parse().expect("a departure")
    }

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    #[test]
    fn what_fails_is_tried_again_less_and_less_often() {
        let seconds: Vec<_> = (0..9).map(|times| wait(times).num_seconds()).collect();
        assert_eq!(seconds, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(wait(u32::MAX), LONGEST);
        let (setbacks, one) = (Setbacks::default(), departure(1));
        let mut tried_at = Vec::new();
        for second in 0..20 {
            if !setbacks.choose(vec![one.clone()], at(second), 9).is_empty() {
                tried_at.push(second);
                setbacks.add(&one, at(second));
            }
        }
        assert_eq!(tried_at, [0, 2, 6, 14]);
    }

    #[test]
    fn whoever_never_failed_goes_first_and_what_is_closed_is_forgotten() {
        let setbacks = Setbacks::default();
        let all = || (1..=3).map(departure).collect::<Vec<_>>();
        setbacks.add(&departure(1), at(0));
        setbacks.add(&departure(2), at(1));
        assert_eq!(setbacks.choose(all(), at(1), 9), [departure(3)]);
        assert_eq!(setbacks.choose(all(), at(2), 9), [departure(3), departure(1)]);
        assert_eq!(setbacks.choose(all(), at(9), 2), [departure(3), departure(1)]);
        setbacks.end(&departure(1));
        assert_eq!(setbacks.choose(all(), at(1), 9), [departure(1), departure(3)]);
        assert_eq!((setbacks.count(at(9)), setbacks.count(at(303))), (1, 0), "nobody tried it for long");
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let setbacks = Setbacks::default();
        let id = |lane: usize| format!("L{lane}-20260302").parse::<DepartureId>().expect("a departure");
        for lane in 0..MAX + 5 {
            setbacks.add(&id(lane), at(0));
            setbacks.add(&id(0), at(0));
        }
        assert_eq!(setbacks.count(at(1)), MAX);
        assert_eq!(setbacks.choose(vec![id(MAX), id(0)], at(1), 9), [id(MAX)]);
    }
}
