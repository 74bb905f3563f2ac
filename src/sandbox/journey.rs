//! What happens to a parcel on its last mile in China, from the label to the door.
//!
//! Decided when the label is booked, by seed and number alone; takes one to four days.

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::dice;
use crate::domain::instant::Instant;

/// The one clock of China.
pub const ZONE: Tz = Tz::Asia__Shanghai;

const SCANS: &[&str] = &["Arrived at sort facility", "Processed at sort facility", "Departed facility"];
const DELIVERIES: &[&str] = &[
    "Delivered to the addressee",
    "Delivered to a household member",
    "Delivered to a neighbour",
    "Delivered into a parcel locker",
];

const FAILED_ATTEMPT_SHARE: f64 = 0.15;
/// A parcel that is booked in the morning isn't at the door the same day.
const EARLIEST_ROUND: TimeDelta = TimeDelta::hours(22);
/// Couriers leave within two hours from here.
// A constant that could not be made would not compile.
const ROUND_LOCAL: NaiveTime = NaiveTime::from_hms_opt(7, 30, 0).expect("a time of the day");
const ROUND_SPREAD_MINUTES: i64 = 120;

#[derive(Debug, Clone)]
pub struct Step {
    pub at: Instant,
    pub status_code: &'static str,
    pub text: &'static str,
}

/// Oldest first.
pub fn journey(seed: u64, number: &str, booked_at: Instant) -> Vec<Step> {
    let dice = &mut dice(seed, number);
    let mut steps = vec![step(booked_at, "pre-transit", "Shipment information received")];
    let mut at = booked_at + hours(dice, 2, 6);
    steps.push(step(at, "transit", "Shipment picked up"));
    let scans = dice.usize(1..=SCANS.len());
    for text in &SCANS[..scans] {
        at += hours(dice, 3, 10);
        steps.push(step(at, "transit", text));
    }
    let ready_at = (at + TimeDelta::hours(1)).max(booked_at + EARLIEST_ROUND);
    let mut round_at = next_round(dice, ready_at);
    if dice.f64() < FAILED_ATTEMPT_SHARE {
        steps.push(step(round_at, "transit", "Out for delivery"));
        let attempted_at = round_at + hours(dice, 2, 8);
        steps.push(step(attempted_at, "failure", "Delivery attempted; recipient not home"));
        round_at = next_round(dice, attempted_at);
    }
    steps.push(step(round_at, "transit", "Out for delivery"));
    let delivered_at = round_at + hours(dice, 2, 8);
    steps.push(step(delivered_at, "delivered", DELIVERIES[dice.usize(..DELIVERIES.len())]));
    steps
}

/// Between `from` and `to` hours, to the minute.
fn hours(dice: &mut fastrand::Rng, from: i64, to: i64) -> TimeDelta {
    TimeDelta::minutes(dice.i64(60 * from..=60 * to))
}

fn step(at: Instant, status_code: &'static str, text: &'static str) -> Step {
    Step { at, status_code, text }
}

/// Some time in the first morning that begins at `ready_at` or later.
fn next_round(dice: &mut fastrand::Rng, ready_at: Instant) -> Instant {
    let today = round_of(ready_at.with_timezone(&ZONE).date_naive(), ready_at);
    let begins_at = if today >= ready_at { today } else { today + TimeDelta::days(1) };
    begins_at + TimeDelta::minutes(dice.i64(0..=ROUND_SPREAD_MINUTES))
}

/// China has had no summer time since 1991: every local time is there once.
fn round_of(day: NaiveDate, otherwise: Instant) -> Instant {
    ZONE.from_local_datetime(&day.and_time(ROUND_LOCAL)).earliest().map_or(otherwise, |at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::instant::from_micros;

    proptest! {
        #[test]
        fn every_journey_takes_one_to_four_days_and_ends_at_a_door(seed: u64, number: u32, minute in 0_i64..5_000_000) {
            let booked_at = from_micros(1_700_000_000_000_000 + minute * 60_000_000);
            let steps = journey(seed, &number.to_string(), booked_at);
            let codes: Vec<_> = steps.iter().map(|step| step.status_code).collect();
            let last = steps.last().expect("steps");
            let took = last.at - booked_at;
            prop_assert!((TimeDelta::days(1)..=TimeDelta::days(4)).contains(&took), "{took}");
            prop_assert!(steps.is_sorted_by_key(|step| step.at));
            prop_assert_eq!((codes[0], last.status_code), ("pre-transit", "delivered"));
            prop_assert_eq!(codes.iter().filter(|code| **code == "delivered").count(), 1);
            for round in steps.iter().filter(|step| step.text == "Out for delivery") {
                prop_assert!((7..10).contains(&round.at.with_timezone(&ZONE).hour()));
            }
            let again = journey(seed, &number.to_string(), booked_at);
            prop_assert!(steps.iter().map(|step| (step.at, step.text)).eq(again.iter().map(|step| (step.at, step.text))));
        }
    }

    #[test]
    fn journeys_differ_from_each_other() {
        let kinds: std::collections::BTreeSet<_> = (0..200)
            .map(|number| {
                let steps = journey(7, &format!("SBX{number}"), from_micros(1_700_000_000_000_000));
                (steps.len(), steps.last().map(|step| step.text))
            })
            .collect();
        assert!(kinds.len() > 12, "{kinds:?}");
    }
}
