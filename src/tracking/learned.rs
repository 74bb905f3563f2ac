//! How late shipments really were, and when the next ones will be there by that.
//!
//! A residual is the time from when a delivery was due, by the plan and by how far behind it the shipment was
//! at a milestone, until the delivery. Residuals are counted in bins, by milestone and by group (who carried
//! it); older ones count for less, by half in each half-life. Counts add up: whoever adds them in whatever
//! order gets the same. A group that has seen little is estimated mostly as its milestone is, and a milestone
//! that has seen little as nothing learned at all: a day's slack.
//!
//! A window is what lies between the 10th and the 90th percentile of what is left of that distribution, since
//! what is not there yet can only come later than now.
//!
//! Absent on purpose: what was never delivered. It has no residual, so a window is of the time of deliveries
//! that happen.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use chrono::Duration;

use crate::domain::instant::Instant;
use crate::domain::shipment::{Estimate, Milestone};

const QUANTILES: [f64; 2] = [(1.0 - Estimate::CONFIDENCE) / 2.0, (1.0 + Estimate::CONFIDENCE) / 2.0];

/// From ten days early to thirty days late, an hour each: a courier's round is a matter of hours. What lies beyond is
/// counted at the ends.
const BIN_SECONDS: i64 = 3_600;
const FIRST_BIN_AT: i64 = -10 * DAY_SECONDS;
pub const BINS: usize = (40 * DAY_SECONDS / BIN_SECONDS) as usize;
const DAY_SECONDS: i64 = 86_400;

/// So many deliveries a milestone's own history weighs as much as what is assumed without any.
const ASSUMED_WEIGHT: f64 = 5.0;
/// So many deliveries a group's own history weighs as much as its milestone's.
const MILESTONE_WEIGHT: f64 = 20.0;
/// Less than this is as good as forgotten.
const WEIGHT_MIN: f64 = 1e-4;

/// Weighted counts of residuals, as they weigh on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Since 1970.
    day: i64,
    weights: BTreeMap<u16, f64>,
}

impl Histogram {
    /// One delivery.
    pub fn of(residual_seconds: i64, delivered_at: Instant) -> Self {
        let bin = (residual_seconds - FIRST_BIN_AT).div_euclid(BIN_SECONDS).clamp(0, BINS as i64 - 1);
        Self { day: day(delivered_at), weights: BTreeMap::from([(bin as u16, 1.0)]) }
    }

    /// As [`Histogram::parts`] gave them. What no histogram could have given is left out.
    pub fn from_parts(day: i64, weights: impl IntoIterator<Item = (u16, f64)>) -> Self {
        let makes_sense =
            |(bin, weight): &(u16, f64)| usize::from(*bin) < BINS && weight.is_finite() && *weight > 0.0;
        Self { day, weights: weights.into_iter().filter(makes_sense).collect() }
    }

    pub fn parts(&self) -> (i64, Vec<(u16, f64)>) {
        (self.day, self.weights.iter().map(|(bin, weight)| (*bin, *weight)).collect())
    }

    /// Both together, as they weigh on the later of their days.
    pub fn merge(&mut self, other: &Self, half_life_days: u32) {
        self.age(other.day, half_life_days);
        let weight = forgotten(self.day - other.day, half_life_days);
        for (bin, count) in &other.weights {
            *self.weights.entry(*bin).or_default() += count * weight;
        }
    }

    /// Weighs it as on `day`, where that is later than its own.
    fn age(&mut self, day: i64, half_life_days: u32) {
        if day > self.day {
            let weight = forgotten(day - self.day, half_life_days);
            self.weights.values_mut().for_each(|count| *count *= weight);
            self.weights.retain(|_, count| *count >= WEIGHT_MIN);
            self.day = day;
        }
    }

    pub fn total(&self) -> f64 {
        self.weights.values().sum()
    }
}

fn day(at: Instant) -> i64 {
    at.timestamp().div_euclid(DAY_SECONDS)
}

/// What is left of a weight after so many days.
fn forgotten(days: i64, half_life_days: u32) -> f64 {
    (-(days as f64) / f64::from(half_life_days.max(1))).exp2()
}

/// What was learned, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct StageTimes(BTreeMap<Milestone, Stage>);

#[derive(Debug, Clone)]
struct Stage {
    all: Curve,
    groups: BTreeMap<String, Group>,
}

/// Most groups are asked about by nobody before something new is learned.
#[derive(Debug, Clone)]
struct Group {
    seen: Histogram,
    curve: OnceLock<Curve>,
}

impl StageTimes {
    /// From one histogram a milestone and group, as they weigh at `now`.
    pub fn new(
        rows: impl IntoIterator<Item = (Milestone, String, Histogram)>,
        half_life_days: u32,
        now: Instant,
    ) -> Self {
        let mut by_milestone: BTreeMap<Milestone, BTreeMap<String, Histogram>> = BTreeMap::new();
        for (milestone, group, mut histogram) in rows {
            histogram.age(day(now), half_life_days);
            let groups = by_milestone.entry(milestone).or_default();
            match groups.get_mut(&group) {
                Some(before) => before.merge(&histogram, half_life_days),
                None => drop(groups.insert(group, histogram)),
            }
        }
        let stage = |groups: BTreeMap<String, Histogram>| {
            let nothing = Histogram { day: day(now), weights: BTreeMap::new() };
            let together = groups.values().fold(nothing, |mut all, group| {
                all.merge(group, half_life_days);
                all
            });
            let all = ASSUMED.with(&together, ASSUMED_WEIGHT);
            let groups =
                groups.into_iter().map(|(group, seen)| (group, Group { seen, curve: OnceLock::new() }));
            Stage { groups: groups.collect(), all }
        };
        Self(by_milestone.into_iter().map(|(milestone, groups)| (milestone, stage(groups))).collect())
    }

    /// When a shipment of `group` that has reached `milestone` will be delivered, if it was due at `due_at` and is
    /// not there at `now`.
    pub fn window(&self, milestone: Milestone, group: &str, due_at: Instant, now: Instant) -> Estimate {
        let curve = match self.0.get(&milestone) {
            Some(Stage { all, groups }) => groups
                .get(group)
                .map_or(all, |group| group.curve.get_or_init(|| all.with(&group.seen, MILESTONE_WEIGHT))),
            None => &ASSUMED,
        };
        let passed_seconds = (now - due_at).num_seconds();
        let [earliest, latest] = QUANTILES.map(|quantile| curve.quantile_after(passed_seconds, quantile));
        Estimate {
            earliest_at: (due_at + Duration::seconds(earliest)).max(now),
            latest_at: (due_at + Duration::seconds(latest)).max(now),
        }
    }
}

/// A distribution of residuals: at each beginning of a bin how much lies before it, from 0 to 1.
#[derive(Debug, Clone)]
struct Curve(Vec<f64>);

/// Beyond all that was ever seen, whatever is late is later by this on average, however late it is.
const TAIL_SECONDS: f64 = DAY_SECONDS as f64;

static ASSUMED: LazyLock<Curve> = LazyLock::new(Curve::assumed);

impl Curve {
    /// Before anything is learned: couriers and consignees take their day. Eight of ten come within 24 hours
    /// from when they are due, one earlier, one later.
    fn assumed() -> Self {
        let share = |bin: usize| {
            let hours = |bin: usize| FIRST_BIN_AT / 3_600 + bin as i64;
            let later = |bin: usize| libm::exp(-((hours(bin) - 24) * 3_600) as f64 / TAIL_SECONDS);
            match hours(bin) {
                -12..0 => 0.1 / 12.0,
                0..24 => 0.8 / 24.0,
                24.. => 0.1 * (later(bin) - later(bin + 1)),
                _ => 0.0,
            }
        };
        Self::from_shares((0..BINS).map(share))
    }

    fn from_shares(shares: impl Iterator<Item = f64>) -> Self {
        let mut before = vec![0.0];
        let mut sum = 0.0;
        before.extend(shares.map(|share| {
            sum += share;
            sum
        }));
        before.iter_mut().for_each(|share| *share /= sum);
        Self(before)
    }

    /// With what was seen, this one counting as so many deliveries.
    fn with(&self, seen: &Histogram, weight: f64) -> Self {
        // Looked up one by one, a thousand bins of a hundred groups would take their time.
        let mut counts = [0.0; BINS];
        for (bin, count) in &seen.weights {
            if let Some(known) = counts.get_mut(usize::from(*bin)) {
                *known = *count;
            }
        }
        Self::from_shares(
            self.0.windows(2).zip(counts).map(|(ends, count)| (ends[1] - ends[0]) * weight + count),
        )
    }

    /// How many seconds after it is due so much of what comes after `passed_seconds` has come.
    fn quantile_after(&self, passed_seconds: i64, quantile: f64) -> i64 {
        let gone = self.share_before(passed_seconds);
        if 1.0 - gone < 1e-6 {
            let waits = -libm::log(1.0 - quantile) * TAIL_SECONDS;
            return passed_seconds + waits.round() as i64;
        }
        let share = gone + quantile * (1.0 - gone);
        let bin = self.0.partition_point(|before| *before < share).clamp(1, BINS) - 1;
        let (begins, ends) = (self.0[bin], self.0[bin + 1]);
        let within = if ends > begins { ((share - begins) / (ends - begins)).clamp(0.0, 1.0) } else { 1.0 };
        let seconds = (bin as f64 + within) * BIN_SECONDS as f64;
        FIRST_BIN_AT + seconds.round() as i64
    }

    fn share_before(&self, seconds: i64) -> f64 {
        let bins = (seconds - FIRST_BIN_AT) as f64 / BIN_SECONDS as f64;
        if bins <= 0.0 {
            return 0.0;
        }
        let bin = bins as usize;
        match (self.0.get(bin), self.0.get(bin + 1)) {
            (Some(begins), Some(ends)) => begins + (ends - begins) * (bins - bin as f64),
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;
