//! How many questions an account may be asked now.
//!
//! Every daemon asks the same row before it asks the carrier, so that all of them together keep to the
//! limits: so many calls a second, one after the other at equal distances, and so many a day of the carrier's
//! own. A day's calls are let out as the day goes by, a fifth of what is left of it ahead: none of it is gone at
//! noon, however much is due in the morning.

use chrono::{DateTime, Days, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::domain::carrier::{Limits, Usage};
use crate::domain::instant::Instant;

/// Calls that may be made: the first one at `first_at`, each further one `apart` later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub calls: usize,
    pub first_at: Instant,
    pub apart: TimeDelta,
}

/// So far ahead calls are given out.
const AHEAD: TimeDelta = TimeDelta::seconds(1);

/// The share of what is left of a day that may be used before its time.
const BEFORE_ITS_TIME: f64 = 0.2;

/// Up to `wanted` calls, and what the account's usage is after them.
pub fn grant(limits: &Limits, usage: Usage, wanted: usize, now: Instant) -> (Grant, Usage) {
    let Day { began_at: day_began_at, ends_at: day_ends_at, calls } = today(limits, usage, now);
    let first_at = usage.next_call_at.max(now);
    let apart = apart(limits);
    let by_second = match apart.num_microseconds().unwrap_or(i64::MAX) {
        0 if first_at >= now + AHEAD => 0,
        0 => usize::MAX,
        micros => {
            let ahead = (now + AHEAD - first_at).num_microseconds().unwrap_or(0);
            usize::try_from((ahead + micros - 1).div_euclid(micros)).unwrap_or(0)
        }
    };
    let by_day = limits.calls_per_day.map_or(usize::MAX, |most| {
        let gone = (now - day_began_at).as_seconds_f64() / (day_ends_at - day_began_at).as_seconds_f64();
        let gone = gone.max(0.0);
        let open = gone + (1.0 - gone) * BEFORE_ITS_TIME;
        let open = (f64::from(most) * open).ceil().min(f64::from(most));
        (open as usize).saturating_sub(calls as usize)
    });
    let given = wanted.min(by_second).min(by_day);
    let grant = Grant { calls: given, first_at, apart };
    // Where no distance is kept, another daemon's clock is nothing to wait for.
    let keeps_no_distance = given == 0 || apart.is_zero();
    let next_call_at = if keeps_no_distance { usage.next_call_at } else { first_at + apart * given as i32 };
    (grant, Usage { next_call_at, day_began_at, calls: calls.saturating_add(given as u32) })
}

/// The share of a day's calls that is left, and how much of the day: whoever is frugal has more of the one
/// than of the other.
pub fn left(limits: &Limits, usage: Usage, now: Instant) -> Option<(u32, TimeDelta)> {
    let most = limits.calls_per_day?;
    let today = today(limits, usage, now);
    Some((most.saturating_sub(today.calls), today.ends_at - now))
}

/// One more call of a question that is under way: it may be made as soon as the calls before it leave room, whatever
/// the hour. None: the day's calls are gone.
pub fn further(limits: &Limits, usage: Usage, now: Instant) -> Option<(Instant, Usage)> {
    let today = today(limits, usage, now);
    if limits.calls_per_day.is_some_and(|most| today.calls >= most) {
        return None;
    }
    let at = usage.next_call_at.max(now);
    let apart = apart(limits);
    let next_call_at = if apart.is_zero() { usage.next_call_at } else { at + apart };
    let calls = today.calls.saturating_add(1);
    Some((at, Usage { next_call_at, day_began_at: today.began_at, calls }))
}

fn apart(limits: &Limits) -> TimeDelta {
    let micros = |rate: f64| TimeDelta::microseconds((1e6 / rate).ceil() as i64);
    limits.calls_per_second.map_or(TimeDelta::zero(), micros)
}

/// The day that calls are counted in, and how many there were.
struct Day {
    began_at: Instant,
    ends_at: Instant,
    calls: u32,
}

/// A day that another daemon's clock began before ours goes on: its calls were made. A day further ahead than that
/// is no clock's.
fn today(limits: &Limits, usage: Usage, now: Instant) -> Day {
    let (began_at, ends_at) = day(limits, now);
    if usage.day_began_at == began_at {
        return Day { began_at, ends_at, calls: usage.calls };
    }
    if usage.day_began_at == ends_at {
        let (began_at, ends_at) = day(limits, usage.day_began_at);
        return Day { began_at, ends_at, calls: usage.calls };
    }
    Day { began_at, ends_at, calls: 0 }
}

/// The carrier's day that `now` is in. Of an hour that the clocks skip or repeat, the first that there is.
fn day(limits: &Limits, now: Instant) -> (Instant, Instant) {
    let (time, zone) = limits.day_begins;
    let date = now.with_timezone(&zone).date_naive();
    let begins = |date: chrono::NaiveDate| -> Instant {
        let local = date.and_time(time);
        let hour = TimeDelta::hours(1);
        let at: Option<DateTime<Tz>> = zone
            .from_local_datetime(&local)
            .earliest()
            .or_else(|| Some(zone.from_local_datetime(&(local - hour)).earliest()? + hour));
        at.map_or_else(|| local.and_utc(), |at| at.to_utc())
    };
    let before = |days| begins(date - Days::new(days));
    let after = |days| begins(date + Days::new(days));
    match (before(0), after(1)) {
        (today, tomorrow) if today <= now && now < tomorrow => (today, tomorrow),
        (today, _) if now < today => (before(1), today),
        (_, tomorrow) => (tomorrow, after(2)),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use chrono::NaiveTime;
    use proptest::prelude::*;

    use super::*;

    fn limits(per_second: f64, per_day: u32, begins: (u32, Tz)) -> Limits {
        Limits {
            calls_per_second: Some(per_second).filter(|rate| *rate > 0.0),
            calls_per_day: Some(per_day).filter(|calls| *calls > 0),
            day_begins: (NaiveTime::from_hms_opt(begins.0, 0, 0).expect("an hour"), begins.1),
            calls_per_shipment_and_day: None,
            concurrency_max: NonZeroUsize::MIN,
            numbers_per_call: NonZeroUsize::MIN,
        }
    }

    fn unused() -> Usage {
        Usage::default()
    }

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn calls_are_given_out_a_second_ahead_at_equal_distances() {
        let limits = limits(4.0, 0, (0, Tz::UTC));
        let now = at("2026-03-02T10:00:00Z");
        let (first, usage) = grant(&limits, unused(), 100, now);
        assert_eq!((first.calls, first.first_at, first.apart), (4, now, TimeDelta::milliseconds(250)));
        let (none, usage) = grant(&limits, usage, 100, now);
        assert_eq!(none.calls, 0);
        let (next, _) = grant(&limits, usage, 100, now + TimeDelta::milliseconds(300));
        assert_eq!((next.calls, next.first_at), (2, now + TimeDelta::seconds(1)));
    }

    #[test]
    fn a_day_is_not_gone_at_noon_and_all_of_it_is_there_in_the_evening() {
        let limits = limits(0.0, 1_000, (0, Tz::UTC));
        let taken = |usage, time: &str| grant(&limits, usage, 10_000, at(time));
        let (midnight, usage) = taken(unused(), "2026-03-02T00:00:00Z");
        assert_eq!(midnight.calls, 200);
        let (noon, usage) = taken(usage, "2026-03-02T12:00:00Z");
        assert_eq!(noon.calls, 400);
        let (evening, usage) = taken(usage, "2026-03-02T23:59:59Z");
        assert_eq!(evening.calls, 400);
        assert_eq!(taken(usage, "2026-03-02T23:59:59.5Z").0.calls, 0);
        assert_eq!(taken(usage, "2026-03-03T00:00:00Z").0.calls, 200);
    }

    #[test]
    fn a_day_that_another_clock_began_keeps_its_calls() {
        let limits = limits(0.0, 1_000, (0, Tz::UTC));
        let (_, early) = grant(&limits, unused(), 150, at("2026-03-03T00:00:01Z"));
        let (late, usage) = grant(&limits, early, 1_000, at("2026-03-02T23:59:59Z"));
        assert_eq!((late.calls, usage.calls, usage.day_began_at), (50, 200, early.day_began_at));
        assert_eq!(left(&limits, usage, at("2026-03-02T23:59:59Z")).map(|(calls, _)| calls), Some(800));
        let of_no_clock = Usage { day_began_at: at("2027-03-03T00:00:00Z"), ..early };
        assert_eq!(grant(&limits, of_no_clock, 1_000, at("2026-03-03T00:00:00Z")).0.calls, 200);
    }

    #[test]
    fn who_is_to_be_left_alone_is_given_no_calls_until_then() {
        let now = at("2026-03-03T00:00:00Z");
        let resting = Usage { next_call_at: now + TimeDelta::minutes(10), ..unused() };
        for limits in [limits(0.0, 0, (0, Tz::UTC)), limits(3.0, 0, (0, Tz::UTC))] {
            assert_eq!(grant(&limits, resting, 5, now).0.calls, 0);
            assert!(grant(&limits, resting, 5, now + TimeDelta::minutes(10)).0.calls > 0);
        }
    }

    #[test]
    fn a_question_under_way_takes_its_further_calls_from_the_same_row() {
        let limits = limits(4.0, 2, (0, Tz::UTC));
        let now = at("2026-03-03T12:00:00Z");
        let (_, usage) = grant(&limits, unused(), 1, now);
        let (second_at, usage) = further(&limits, usage, now).expect("one is left");
        assert_eq!((second_at, usage.calls), (now + TimeDelta::milliseconds(250), 2));
        assert_eq!(further(&limits, usage, now), None);
    }

    #[test]
    fn a_carriers_day_begins_by_its_own_clock() {
        let limits = limits(0.0, 10, (3, Tz::America__New_York));
        let day = |now: &str| day(&limits, at(now));
        assert_eq!(day("2026-01-15T07:59:59Z").1, at("2026-01-15T08:00:00Z"));
        assert_eq!(day("2026-01-15T08:00:00Z").0, at("2026-01-15T08:00:00Z"));
        // The night the clocks change has 23 hours.
        assert_eq!(day("2026-03-08T07:00:00Z"), (at("2026-03-08T07:00:00Z"), at("2026-03-09T07:00:00Z")));
        assert_eq!(day("2026-03-08T06:59:59Z"), (at("2026-03-07T08:00:00Z"), at("2026-03-08T07:00:00Z")));
    }

    proptest! {
        #[test]
        fn no_day_and_no_second_has_more_calls_than_it_may(
            rate in 1_u32..20, most in 1_u32..500,
            steps in proptest::collection::vec((0_i64..7_200_000, 1_usize..60), 1..200),
        ) {
            let limits = limits(f64::from(rate), most, (0, Tz::Asia__Shanghai));
            let (mut usage, mut now) = (unused(), at("2026-03-02T16:00:00Z"));
            let mut calls: Vec<Instant> = Vec::new();
            for (millis, wanted) in steps {
                now += TimeDelta::milliseconds(millis);
                let (granted, after) = grant(&limits, usage, wanted, now);
                prop_assert!(granted.calls <= wanted);
                usage = after;
                calls.extend((0..granted.calls).map(|n| granted.first_at + granted.apart * n as i32));
            }
            let apart = TimeDelta::microseconds(1_000_000 / i64::from(rate));
            prop_assert!(calls.windows(2).all(|pair| pair[1] - pair[0] >= apart));
            // Calls begin a second after they were given out at most.
            let (mut of_day, mut began) = (0, calls.first().map(|at| day(&limits, *at).0));
            for call in &calls {
                let today = Some(day(&limits, *call - AHEAD).0);
                if today != began { (began, of_day) = (today, 0); }
                of_day += 1;
                prop_assert!(of_day <= most + rate);
            }
        }
    }
}
