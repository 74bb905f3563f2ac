//! What a call of an account costs, by what all daemons together ask of it and may ask.
//!
//! Every daemon follows the same row and the same number of parcels that wait, so each comes to about the same
//! price, however many of them there are. What waits counts for as long as it waits: a backlog that stands
//! still is demand that was not met, and the price rises until it is gone.

use super::policy::{Price, Quota};
use super::quota;
use crate::domain::carrier::{Limits, Usage};
use crate::domain::instant::Instant;

#[derive(Debug, Clone)]
pub struct Demand {
    price: Price,
    /// As it was when it was last looked at.
    usage: Option<Usage>,
}

impl Demand {
    pub fn new(first_minutes: f32) -> Self {
        Self { price: Price::new(first_minutes), usage: None }
    }

    pub fn price(&self) -> &Price {
        &self.price
    }

    /// `usage` now, and `waiting` calls that are due and not made, `minutes` after the last look.
    pub fn follow(&mut self, limits: &Limits, usage: Usage, waiting: u32, now: Instant, minutes: i32) {
        let Some(calls) = limits.calls_per_day else { return };
        let Some((calls_left, time_left)) = quota::left(limits, usage, now) else { return };
        let before = self.usage.replace(usage).unwrap_or(usage);
        let is_same_day = before.day_began_at == usage.day_began_at;
        let made = usage.calls.saturating_sub(if is_same_day { before.calls } else { 0 });
        let minutes_left = i32::try_from(time_left.num_minutes()).unwrap_or(i32::MAX);
        let quota = Quota { calls, minutes: 24 * 60, calls_left, minutes_left };
        self.price.follow(made, waiting, quota, minutes);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use chrono::{NaiveTime, TimeDelta};
    use chrono_tz::Tz;

    use super::*;
    use crate::polling::policy::LocalMinute;

    const PARCELS: usize = 1_200;
    const CALLS: u32 = 2_000;
    const DAYS: i64 = 12;
    const PASS: i64 = 5;

    fn limits() -> Limits {
        Limits {
            calls_per_second: None,
            calls_per_day: Some(CALLS),
            day_begins: (NaiveTime::MIN, Tz::UTC),
            calls_per_shipment_and_day: None,
            concurrency_max: NonZeroUsize::MIN,
            numbers_per_call: NonZeroUsize::MIN,
        }
    }

    /// How many wait, on the average of the last days, and what the first of so many daemons thinks a call
    /// costs. A parcel is worth a look after twenty minutes times the price.
    fn run(daemons: usize) -> (usize, f32) {
        let limits = limits();
        let mut daemons = vec![Demand::new(8.0); daemons];
        let mut due_at: Vec<i64> = (0..PARCELS as i64).map(|at| at % 160).collect();
        let mut usage = Usage::default();
        let (mut waited, mut looks) = (0, 0);
        for minute in (0..DAYS * 24 * 60).step_by(PASS as usize) {
            let now = Instant::UNIX_EPOCH + TimeDelta::minutes(minute);
            let mut due: Vec<usize> = (0..PARCELS).filter(|at| due_at[*at] <= minute).collect();
            due.sort_by_key(|at| due_at[*at]);
            let (granted, after) = quota::grant(&limits, usage, due.len(), now);
            usage = after;
            let waiting = due.split_off(granted.calls);
            for (nth, at) in due.into_iter().enumerate() {
                let by = &daemons[(nth + minute as usize) % daemons.len()];
                let wait = 20.0 * by.price().at(LocalMinute(minute as i32));
                due_at[at] = minute + (wait as i64).max(10);
            }
            for daemon in &mut daemons {
                daemon.follow(&limits, usage, waiting.len() as u32, now, PASS as i32);
            }
            if minute >= (DAYS - 3) * 24 * 60 {
                (waited, looks) = (waited + waiting.len(), looks + 1);
            }
        }
        (waited / looks, daemons[0].price().at(LocalMinute(0)))
    }

    #[test]
    fn however_many_daemons_there_are_the_price_clears_the_demand() {
        // 1,200 parcels and 2,000 calls a day: a look each 864 minutes, at a price of about 43.
        for daemons in [1, 2, 4] {
            let (waiting, price) = run(daemons);
            assert!(waiting < PARCELS / 5, "{daemons} daemons: {waiting} wait at {price}");
            assert!((30.0..70.0).contains(&price), "{daemons} daemons: {waiting} wait at {price}");
        }
    }
}
