//! What was seen of parcels at one stage, kept so that the past can be asked: who was like this one?
//!
//! A pool holds the latest [`KEPT`] samples, thinned where they come faster than [`SPAN_DAYS`] would
//! allow, so that a busy lane remembers weeks and not its last hour, and any lane forgets.

use serde::{Deserialize, Serialize};

use super::local_time::{DAY, LocalMinute};

/// Samples of a pool. A thousand say where the quarter hours are; more would say it only a little better.
pub const KEPT: usize = 1_024;
/// A pool that is full holds at least about so many days.
const SPAN_DAYS: f32 = 40.0;

/// A parcel that came to a stage, in minutes from the midnight before it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub came: i32,
    /// When the next scan showed.
    pub left: i32,
    /// When what is foretold happened: the delivery, or the next scan again.
    pub ended: i32,
    born: u32,
}

impl Sample {
    pub fn new(came: LocalMinute, left: LocalMinute, ended: LocalMinute) -> Sample {
        let midnight = came.midnight();
        Sample { came: came.clock(), left: left.since(midnight), ended: ended.since(midnight), born: 0 }
    }
}

/// In the order of the clock at which they came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    samples: Vec<Sample>,
    /// How many came, those of long ago counting less and less.
    rate: f32,
    day: Option<i32>,
    born: u32,
}

impl Pool {
    pub fn put(&mut self, mut sample: Sample, day: i32) {
        let before = *self.day.get_or_insert(day);
        if day > before {
            self.rate *= libm::expf(-((day - before) as f32) / SPAN_DAYS);
            self.day = Some(day);
        }
        self.rate += 1.0;
        self.born = self.born.wrapping_add(1);
        if mixed(self.born) * self.rate > KEPT as f32 {
            return;
        }
        sample.born = self.born;
        if self.samples.len() >= KEPT {
            let age = |at: &usize| self.born.wrapping_sub(self.samples[*at].born);
            if let Some(oldest) = (0..self.samples.len()).max_by_key(age) {
                self.samples.remove(oldest);
            }
        }
        let at = self.samples.partition_point(|other| other.came <= sample.came);
        self.samples.insert(at, sample);
    }

    /// What was learnt so far is of another calendar than what comes.
    pub fn forget_dates(&mut self) {
        self.day = None;
    }

    /// Gives `take` the samples whose clock is at most `reach` and more than `beyond` minutes away, each
    /// with the minutes to move it by so that its day becomes ours: 23:50 is near 00:10 of the next day.
    pub fn around(&self, clock: i32, beyond: i32, reach: i32, mut take: impl FnMut(&Sample, i32)) {
        // Half a day away is the same clock on both sides, and counts once.
        let (least, most) = (clock - reach.min(DAY / 2 - 1), clock + reach.min(DAY / 2));
        let mut between = |least: i32, most: i32| {
            for shift in [-DAY, 0, DAY] {
                if least >= shift + DAY || most < shift || least > most {
                    continue;
                }
                let from = self.samples.partition_point(|sample| sample.came + shift < least);
                let near = self.samples[from..].iter().take_while(|sample| sample.came + shift <= most);
                near.for_each(|sample| take(sample, shift));
            }
        };
        match beyond {
            ..0 => between(least, most),
            0.. => {
                between(least, clock - beyond - 1);
                between(clock + beyond + 1, most);
            }
        }
    }
}

/// Evenly between 0 and 1, the same for the same number (the finaliser of MurmurHash3).
fn mixed(number: u32) -> f32 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85eb_ca6b);
    mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
    ((mixed ^ (mixed >> 16)) >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(pool: &mut Pool, came: i32, day: i32) {
        let came = LocalMinute(day * DAY + came);
        pool.put(Sample::new(came, came.plus(60), came.plus(120)), day);
    }

    #[test]
    fn each_sample_is_near_or_far_and_never_both() {
        let mut pool = Pool::default();
        (0..DAY).step_by(7).for_each(|came| put(&mut pool, came, 0));
        for clock in [0, 10, 700, 720, 1_439] {
            let mut rings = Vec::new();
            for (beyond, reach) in [(-1, 60), (60, 240), (240, DAY / 2)] {
                pool.around(clock, beyond, reach, |sample, shift| {
                    let far = (sample.came + shift - clock).abs();
                    assert!(far > beyond && far <= reach);
                    rings.push(sample.came);
                });
            }
            rings.sort_unstable();
            assert_eq!(rings, (0..DAY).step_by(7).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_pool_lets_the_oldest_go() {
        let mut pool = Pool::default();
        for day in 0..400 {
            (0..10).for_each(|at| put(&mut pool, (day * 37 + at * 100) % DAY, day));
        }
        assert_eq!(pool.samples.len(), KEPT);
        let oldest = pool.samples.iter().map(|sample| sample.born).min();
        assert!(oldest > Some(4_000 - 2 * KEPT as u32), "{oldest:?}");
    }

    #[test]
    fn a_busy_lane_remembers_weeks_not_its_last_hour() {
        let mut pool = Pool::default();
        let a_day = 20_000;
        for at in 0..60 * a_day {
            put(&mut pool, at % a_day * DAY / a_day, at / a_day);
        }
        let oldest = pool.samples.iter().map(|sample| sample.born).min().unwrap_or_default();
        assert!((60 * a_day) as u32 - oldest > 20 * a_day as u32);
    }
}
