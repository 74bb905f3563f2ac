//! The price of a call: what a look has to be worth so that the calls there are go where they are worth most.

use serde::{Deserialize, Serialize};

use super::local_time::{DAY, LocalMinute};

const PARTS: usize = 48;
/// How much of what a slot says about its price is believed, of all hours and of its own half hour.
const LEVEL_GAIN: f32 = 0.01;
const CLOCK_GAIN: f32 = 0.02;
/// What is wanted is compared with what there is over about so many minutes: a day, because demand has
/// the shape of a day and the price is not to follow it.
const MEMORY_MINUTES: f32 = DAY as f32;
/// How many times a day the price follows that comparison.
const FOLLOWED_A_DAY: f32 = 2.0;
const LEAST: f32 = 1e-6;

/// What may be asked of an account before its quota is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub calls: u32,
    pub minutes: i32,
    /// What is left of both.
    pub calls_left: u32,
    pub minutes_left: i32,
}

impl Quota {
    /// How many of `wanted` may be made now.
    pub fn allows(self, wanted: u32) -> u32 {
        wanted.min(self.calls_left)
    }

    /// What is left, spread over the time left, for so many minutes of it. A bad hour is not made up for
    /// at once: between half and twice of what an even spread gives.
    pub fn share(self, minutes: i32) -> f32 {
        let passed = minutes.max(0) as f32;
        let even = self.calls as f32 / self.minutes.max(1) as f32;
        let left = self.calls_left as f32 / self.minutes_left.max(1) as f32;
        left.clamp(even * 0.5, even * 2.0) * passed
    }
}

/// In minutes of delay. Where calls can be saved for a better hour the price is the same at all hours
/// ([`Price::follow`]); where they cannot, each half hour of the day has its own ([`Price::clear`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Logarithms.
    level: f32,
    by_clock: Vec<f32>,
    /// What follows from the two.
    prices: Vec<f32>,
    wanted: f32,
    there_were: f32,
}

impl Price {
    pub fn new(minutes: f32) -> Price {
        let level = libm::logf(minutes.max(LEAST));
        let mut price =
            Price { level, by_clock: vec![0.0; PARTS], prices: Vec::new(), wanted: 0.0, there_were: 0.0 };
        price.write_out();
        price
    }

    pub fn at(&self, at: LocalMinute) -> f32 {
        self.prices.get(part(at)).copied().unwrap_or(LEAST)
    }

    /// Calls that are not made now are lost, and the least that was worth one of them was worth `last`.
    pub fn clear(&mut self, at: LocalMinute, last: f32) {
        let error = (libm::logf(last.max(LEAST)) - libm::logf(self.at(at))).clamp(-1.0, 1.0);
        self.level += LEVEL_GAIN * error;
        if let Some(here) = self.by_clock.get_mut(part(at)) {
            *here += CLOCK_GAIN * error;
        }
        let mean = self.by_clock.iter().sum::<f32>() / PARTS as f32;
        self.level += mean;
        self.by_clock.iter_mut().for_each(|here| *here -= mean);
        self.write_out();
    }

    /// At least `least` at that hour, and all hours with it.
    pub fn raise(&mut self, at: LocalMinute, least: f32) {
        self.level += libm::logf(least.max(LEAST) / self.at(at)).max(0.0);
        self.write_out();
    }

    /// In the last `minutes`, `wanted` calls were made, and `quota` was there for them; `waiting` parcels have
    /// reached the price and wait for one still.
    pub fn follow(&mut self, wanted: u32, waiting: u32, quota: Quota, minutes: i32) {
        let minutes_passed = minutes.max(0) as f32;
        let fade = libm::expf(-minutes_passed / MEMORY_MINUTES);
        self.wanted = self.wanted * fade + wanted as f32;
        self.there_were = self.there_were * fade + quota.share(minutes);
        let error =
            libm::logf((self.wanted + waiting as f32 + 1.0) / (self.there_were + 1.0)).clamp(-6.0, 6.0);
        let rise = error * (FOLLOWED_A_DAY * minutes_passed / DAY as f32).min(1.0);
        self.level += rise;
        // At the new price less would have been wanted before, too: or a price too low is paid for twice.
        self.wanted *= libm::expf(-rise);
        self.write_out();
    }

    fn write_out(&mut self) {
        let highest = -libm::logf(LEAST);
        self.level = self.level.clamp(-highest, highest);
        self.prices = self.by_clock.iter().map(|here| libm::expf(self.level + here).max(LEAST)).collect();
    }
}

fn part(at: LocalMinute) -> usize {
    at.clock() as usize * PARTS / DAY as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASS: i32 = 5;

    /// A day of passes; how many calls were made.
    fn day(price: &mut Price, quota: u32, mut wanted: impl FnMut(LocalMinute, f32) -> u32) -> u32 {
        let mut left = quota;
        for minute in (0..DAY).step_by(PASS as usize) {
            let now = Quota { calls: quota, minutes: DAY, calls_left: left, minutes_left: DAY - minute };
            let at = LocalMinute(minute);
            let wanted = wanted(at, price.at(at));
            left -= now.allows(wanted);
            price.follow(wanted, 0, now, PASS);
        }
        quota - left
    }

    #[test]
    fn the_price_settles_where_a_day_uses_its_quota() {
        // Four times as many at noon as at night, the fewer the dearer.
        let wanted = |at: LocalMinute, price: f32| {
            let busy = 2.5 - 1.5 * (at.clock() as f32 / DAY as f32 * std::f32::consts::TAU).cos();
            (200.0 * busy / price).round() as u32
        };
        for start in [0.1, 10.0, 1_000.0] {
            let mut price = Price::new(start);
            let used: Vec<u32> = (0..20).map(|_| day(&mut price, 2_000, wanted)).collect();
            assert!(used[10..].iter().all(|used| (1_800..=2_000).contains(used)), "{used:?}");
        }
    }

    #[test]
    fn each_half_hour_finds_its_own_price() {
        let mut price = Price::new(1.0);
        for minute in (0..40 * DAY).step_by(PASS as usize) {
            let at = LocalMinute(minute);
            price.clear(at, if at.clock() < 480 { 2.0 } else { 12.0 });
        }
        let (night, noon) = (price.at(LocalMinute(120)), price.at(LocalMinute(720)));
        assert!((1.8..2.4).contains(&night) && (11.0..13.0).contains(&noon), "{night} {noon}");
    }

    proptest! {
        #[test]
        fn a_day_never_uses_more_than_its_quota(
            quota in 0_u32..5_000, wanted in proptest::collection::vec(0_u32..3_000, 288), start in 0.0_f32..1e6,
        ) {
            let mut price = Price::new(start);
            let mut wanted = wanted.into_iter();
            let used = day(&mut price, quota, |_, _| wanted.next().unwrap_or_default());
            prop_assert!(used <= quota);
            prop_assert!(price.at(LocalMinute(0)).is_finite());
        }
    }
}
