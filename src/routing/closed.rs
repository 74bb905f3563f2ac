//! When a hub is closed.

use chrono::NaiveTime;

use super::schedule::instant_of;
use crate::domain::calendar::Calendar;
use crate::domain::instant::Instant;
use crate::domain::network::Hub;

/// Closed times of one hub, from inclusive, until exclusive: in order, with time between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed(Vec<(Instant, Instant)>);

impl Closed {
    pub fn new(mut times: Vec<(Instant, Instant)>) -> Closed {
        times.retain(|(from_at, until_at)| from_at < until_at);
        times.sort_unstable();
        let mut merged: Vec<(Instant, Instant)> = Vec::with_capacity(times.len());
        for (from_at, until_at) in times {
            match merged.last_mut() {
                Some(last) if from_at <= last.1 => last.1 = last.1.max(until_at),
                Some(_) | None => merged.push((from_at, until_at)),
            }
        }
        Closed(merged)
    }

    /// A hub's closures, and its holidays from midnight to midnight.
    pub fn of(hub: &Hub, calendar: &Calendar) -> Closed {
        let closures = calendar.closures.iter().filter(|closure| closure.hub == hub.code);
        let holidays = calendar.holidays.iter().filter(|holiday| holiday.hub == hub.code);
        let midnight = |date: chrono::NaiveDate| instant_of(hub.zone, date.and_time(NaiveTime::MIN));
        let days = holidays.filter_map(|day| Some((midnight(day.date), midnight(day.date.succ_opt()?))));
        Closed::new(closures.map(|closure| (closure.from_at, closure.until_at)).chain(days).collect())
    }

    pub fn contains(&self, at: Instant) -> bool {
        self.opens_at(at) > at
    }

    /// `at` where the hub is open then, otherwise the moment it opens again.
    pub fn opens_at(&self, at: Instant) -> Instant {
        let behind = self.0.partition_point(|(from_at, _)| *from_at <= at);
        match self.0[..behind].last() {
            Some((_, until_at)) => at.max(*until_at),
            None => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, hub};
    use super::*;
    use crate::domain::calendar::{Closure, Holiday};

    #[test]
    fn times_that_touch_are_one_and_the_end_is_open() {
        let times = ["05", "08", "04", "05", "12", "12", "10", "11"]
            .map(|day| at(&format!("2026-03-{day}T00:00:00Z")));
        let closed = Closed::new(times.chunks(2).map(|pair| (pair[0], pair[1])).collect());
        for (asked, opens) in [
            ("2026-03-03T23:59:59Z", "2026-03-03T23:59:59Z"),
            ("2026-03-04T00:00:00Z", "2026-03-08T00:00:00Z"),
            ("2026-03-06T12:00:00Z", "2026-03-08T00:00:00Z"),
            ("2026-03-08T00:00:00Z", "2026-03-08T00:00:00Z"),
            ("2026-03-10T07:00:00Z", "2026-03-11T00:00:00Z"),
            ("2026-03-12T00:00:00Z", "2026-03-12T00:00:00Z"),
        ] {
            assert_eq!(closed.opens_at(at(asked)), at(opens), "{asked}");
            assert_eq!(closed.contains(at(asked)), asked != opens, "{asked}");
        }
    }

    #[test]
    fn a_holiday_is_a_local_day_of_its_hub() {
        let tokyo = Hub { zone: chrono_tz::Asia::Tokyo, ..hub("JPNRT") };
        let code = |text: &str| text.parse().expect("a hub code");
        let calendar = Calendar {
            closures: vec![Closure {
                hub: code("JPKIX"),
                from_at: at("2026-01-01T00:00:00Z"),
                until_at: at("2027-01-01T00:00:00Z"),
                reason: "typhoon".to_owned(),
            }],
            holidays: vec![Holiday {
                hub: code("JPNRT"),
                date: "2026-02-11".parse().expect("a date"),
                name: "National Foundation Day".to_owned(),
            }],
            changes: Vec::new(),
        };
        let closed = Closed::of(&tokyo, &calendar);
        assert!(!closed.contains(at("2026-02-10T14:59:59Z")));
        assert_eq!(closed.opens_at(at("2026-02-10T15:00:00Z")), at("2026-02-11T15:00:00Z"));
        assert!(!closed.contains(at("2026-02-11T15:00:00Z")));
    }
}
