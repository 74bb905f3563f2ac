//! All departures of some weeks, laid out for the search.
//!
//! Made once for a network and a week of starts, then shared: dates, time zones, cut-offs and closures are
//! worked out here, so that the search compares numbers and nothing else. What a departure already
//! carries stands beside it and changes while the timetable is in use; a reader sees each
//! figure as it was at some moment, which is all that a plan can know before it has reserved.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{NaiveDate, TimeDelta};

use super::network::Network;
use super::schedule::later;
use crate::domain::instant::{Instant, from_micros};

/// What is booked on one departure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    pub grams: u64,
    pub cm3: u64,
}

/// Times are microseconds since 1970, departures are grouped by lane and in the order of their times.
pub struct Timetable {
    /// The first departure of each lane, and behind the last lane the number of all.
    first: Vec<u32>,
    pub depart_at: Vec<i64>,
    /// At the other end, handled and free to go.
    pub ready_at: Vec<i64>,
    date: Vec<NaiveDate>,
    grams: Vec<AtomicU64>,
    cm3: Vec<AtomicU64>,
}

const WEEK_MICROS: i64 = 7 * 86_400_000_000;

/// The week that a start belongs to.
pub fn week_of(at: Instant) -> i64 {
    at.timestamp_micros().div_euclid(WEEK_MICROS)
}

impl Timetable {
    /// Every departure that a start within `week` may take within the horizon.
    pub fn build(network: &Network, week: i64, horizon: TimeDelta) -> Timetable {
        let from_at = from_micros(week.saturating_mul(WEEK_MICROS));
        let last_at = later(later(from_at, TimeDelta::microseconds(WEEK_MICROS)), horizon);
        let mut first = Vec::with_capacity(network.lanes().len() + 1);
        let (mut depart_at, mut ready_at, mut date) = (Vec::new(), Vec::new(), Vec::new());
        for lane in 0..network.lanes().len() {
            first.push(depart_at.len() as u32);
            for departure in network.departures(lane, from_at, last_at) {
                depart_at.push(departure.depart_at.timestamp_micros());
                let ready = network.ready_at_index(network.ends(lane).1, departure.arrive_at);
                ready_at.push(ready.timestamp_micros());
                date.push(departure.date);
            }
        }
        first.push(depart_at.len() as u32);
        let zeroes = || std::iter::repeat_with(AtomicU64::default).take(depart_at.len()).collect();
        let (grams, cm3) = (zeroes(), zeroes());
        Timetable { first, depart_at, ready_at, date, grams, cm3 }
    }

    pub fn of_lane(&self, lane: usize) -> std::ops::Range<usize> {
        self.first[lane] as usize..self.first[lane + 1] as usize
    }

    /// The first departure of `lane` at `at` or later.
    pub fn first_from(&self, lane: usize, at: i64) -> usize {
        let all = self.of_lane(lane);
        all.start + self.depart_at[all].partition_point(|depart_at| *depart_at < at)
    }

    pub fn date(&self, departure: usize) -> NaiveDate {
        self.date[departure]
    }

    pub fn load(&self, departure: usize) -> Load {
        Load {
            grams: self.grams[departure].load(Ordering::Relaxed),
            cm3: self.cm3[departure].load(Ordering::Relaxed),
        }
    }

    pub fn set_load(&self, lane: usize, date: NaiveDate, load: Load) {
        let all = self.of_lane(lane);
        if let Some(behind) = self.date[all.clone()].iter().position(|other| *other == date) {
            self.grams[all.start + behind].store(load.grams, Ordering::Relaxed);
            self.cm3[all.start + behind].store(load.cm3, Ordering::Relaxed);
        }
    }
}
