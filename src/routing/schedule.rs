//! Dated departures of weekly lanes.
//!
//! A lane leaves on its weekdays at a local time. Where clocks are put forward, a time that does
//! not exist that day moves forward by the gap (02:30 leaves at 03:30); where they are put back, a time that
//! exists twice is the first of the two.

use std::collections::BTreeMap;

use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::domain::calendar::ChangeKind;
use crate::domain::instant::Instant;
use crate::domain::network::Lane;

/// One dated run of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The lane's local one, on which it leaves.
    pub date: NaiveDate,
    pub depart_at: Instant,
    pub arrive_at: Instant,
}

/// The departures of `lane` from `at` until `last_at`, both ends included, in order: those of its
/// weekdays but for `changes`, which says by date what is cancelled, moved to another time, or extra.
pub fn departures(
    lane: &Lane,
    changes: &BTreeMap<NaiveDate, ChangeKind>,
    at: Instant,
    last_at: Instant,
) -> Vec<Departure> {
    let date_of = |instant: Instant| instant.with_timezone(&lane.depart_zone).date_naive();
    // A day earlier than the local date: a gap may have moved yesterday's departure into today. And
    // gaps are shorter than two days.
    let first_date = date_of(at).pred_opt().unwrap_or(NaiveDate::MIN);
    let days = first_date.iter_days().take_while(|date| *date <= date_of(last_at));
    let local = days.filter_map(|date| match changes.get(&date) {
        Some(ChangeKind::Cancelled) => None,
        Some(ChangeKind::Extra { depart_local }) => Some((date, date.and_time(*depart_local))),
        None => lane.weekdays.contains(date.weekday()).then(|| (date, date.and_time(lane.depart_local))),
    });
    let mut departures: Vec<_> = local
        .map(|(date, local)| (date, instant_of(lane.depart_zone, local)))
        .filter(|(_, depart_at)| (at..=last_at).contains(depart_at) && *depart_at < END_OF_TIME)
        .map(|(date, depart_at)| Departure { date, depart_at, arrive_at: arrive_at(lane, depart_at) })
        .collect();
    // A gap of a day can make two departures leave at one moment, or in the order of their times.
    departures.sort_by_key(|departure| (departure.depart_at, departure.date));
    departures
}

/// The one departure of `lane` on a local date, if there is one.
pub fn departure_on(
    lane: &Lane,
    changes: &BTreeMap<NaiveDate, ChangeKind>,
    date: NaiveDate,
) -> Option<Departure> {
    let depart_local = match changes.get(&date) {
        Some(ChangeKind::Cancelled) => None,
        Some(ChangeKind::Extra { depart_local }) => Some(*depart_local),
        None => lane.weekdays.contains(date.weekday()).then_some(lane.depart_local),
    };
    let depart_at = instant_of(lane.depart_zone, date.and_time(depart_local?));
    (depart_at < END_OF_TIME).then(|| Departure { date, depart_at, arrive_at: arrive_at(lane, depart_at) })
}

fn arrive_at(lane: &Lane, depart_at: Instant) -> Instant {
    later(depart_at, TimeDelta::minutes(i64::from(lane.transit_minutes)))
}

/// The instant of a local time: the first where there are two, moved forward by the gap where there is none.
pub fn instant_of(zone: Tz, local: NaiveDateTime) -> Instant {
    const STEP: TimeDelta = TimeDelta::minutes(15);
    // The longest gap was a day (Samoa left out 30 December 2011).
    const STEPS_MAX: i32 = 24 * 4 + 1;
    let mut moved_back = TimeDelta::zero();
    for _ in 0..=STEPS_MAX {
        let Some(before) = local.checked_sub_signed(moved_back) else { break };
        match zone.from_local_datetime(&before) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return later(at.to_utc(), moved_back),
            // Counted from a time before the gap, the clock shows the gap's length more.
            LocalResult::None => moved_back += STEP,
        }
    }
    local.and_utc()
}

/// The end of the year 9999, beyond which neither RFC 3339 nor every local time can be written.
pub const END_OF_TIME: Instant =
    // A constant that could not be made would not compile.
    NaiveDate::from_ymd_opt(9999, 12, 31)
        .expect("a date")
        .and_hms_opt(0, 0, 0)
        .expect("a time")
        .and_utc();

/// `at` and a while, or the end of time where that is beyond it.
pub fn later(at: Instant, by: TimeDelta) -> Instant {
    at.checked_add_signed(by).unwrap_or(END_OF_TIME).min(END_OF_TIME)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, lane};
    use super::*;

    fn in_zone(zone: Tz, depart_local: &str, weekdays: &str) -> Lane {
        let depart_local = depart_local.parse().expect("a time of the test");
        let weekdays = weekdays.parse().expect("weekdays of the test");
        Lane { depart_zone: zone, depart_local, weekdays, ..lane("L1", "AA", "BB") }
    }

    fn changed(
        lane: &Lane,
        changes: &BTreeMap<NaiveDate, ChangeKind>,
        from: &str,
        days: i64,
    ) -> Vec<(String, String)> {
        let all = super::departures(lane, changes, at(from), at(from) + TimeDelta::days(days));
        for departure in &all {
            assert_eq!(departure_on(lane, changes, departure.date), Some(*departure));
        }
        all.iter().map(|d| (d.date.to_string(), d.depart_at.format("%d %H:%M").to_string())).collect()
    }

    fn departures(lane: &Lane, from: &str, days: i64) -> Vec<(String, String)> {
        changed(lane, &BTreeMap::new(), from, days)
    }

    fn written(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(date, at)| ((*date).to_owned(), (*at).to_owned())).collect()
    }

    #[test]
    fn a_time_that_does_not_exist_moves_forward_by_the_gap_and_leaves_once() {
        let lane = in_zone(chrono_tz::America::New_York, "02:30:00", "1;2;3;4;5;6;7");
        assert_eq!(
            departures(&lane, "2026-03-07T00:00:00Z", 3),
            // 02:30 EST, then 03:30 EDT, then 02:30 EDT.
            written(&[("2026-03-07", "07 07:30"), ("2026-03-08", "08 07:30"), ("2026-03-09", "09 06:30")])
        );
    }

    #[test]
    fn a_time_that_exists_twice_is_the_first_and_leaves_once() {
        let lane = in_zone(chrono_tz::America::New_York, "01:30:00", "1;2;3;4;5;6;7");
        assert_eq!(
            departures(&lane, "2026-10-31T00:00:00Z", 3),
            // 01:30 EDT, 01:30 EDT (not EST, an hour later), 01:30 EST.
            written(&[("2026-10-31", "31 05:30"), ("2026-11-01", "01 05:30"), ("2026-11-02", "02 06:30")])
        );
    }

    #[test]
    fn a_departure_that_a_gap_moved_past_midnight_keeps_its_date() {
        // Cairo goes from 23:59:59 on Thursday 23 April 2026 to 01:00 on Friday.
        let lane = in_zone(chrono_tz::Africa::Cairo, "00:15:00", "5");
        assert_eq!(departures(&lane, "2026-04-23T00:00:00Z", 4), written(&[("2026-04-24", "23 22:15")]));
        // Samoa had no 30 December 2011 at all; its departure is that of the 31st.
        let lane = in_zone(chrono_tz::Pacific::Apia, "10:00:00", "5");
        assert_eq!(departures(&lane, "2011-12-30T12:00:00Z", 1), written(&[("2011-12-30", "30 20:00")]));
    }

    #[test]
    fn both_ends_are_included_and_only_the_lane_s_weekdays_leave() {
        let lane = in_zone(chrono_tz::Asia::Tokyo, "09:00:00", "1;4");
        let all = written(&[("2026-03-02", "02 00:00"), ("2026-03-05", "05 00:00")]);
        assert_eq!(departures(&lane, "2026-03-02T00:00:00Z", 3), all);
        assert_eq!(departures(&lane, "2026-03-02T00:00:01Z", 3), all[1..]);
        assert_eq!(departures(&lane, "2026-03-01T00:00:00Z", 3), all[..1]);
        assert_eq!(departures(&lane, "2026-03-02T00:00:01Z", 2), []);
    }

    #[test]
    fn the_arrival_is_the_departure_and_the_transit() {
        let lane = Lane { transit_minutes: 1_000, ..in_zone(chrono_tz::UTC, "09:00:00", "1") };
        let monday = "2026-03-02".parse().expect("a date");
        let first = departure_on(&lane, &BTreeMap::new(), monday);
        assert_eq!(first.map(|d| d.arrive_at), Some(at("2026-03-03T01:40:00Z")));
    }

    #[test]
    fn a_change_cancels_moves_or_adds_one_departure() {
        let lane = in_zone(chrono_tz::UTC, "09:00:00", "1;4");
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let depart_local = "21:30:00".parse().expect("a time");
        let changes = BTreeMap::from([
            (date("2026-03-02"), ChangeKind::Cancelled),
            (date("2026-03-03"), ChangeKind::Extra { depart_local }),
            (date("2026-03-05"), ChangeKind::Extra { depart_local }),
            // Cancelling what does not run anyway changes nothing.
            (date("2026-03-07"), ChangeKind::Cancelled),
        ]);
        let left =
            written(&[("2026-03-03", "03 21:30"), ("2026-03-05", "05 21:30"), ("2026-03-09", "09 09:00")]);
        assert_eq!(changed(&lane, &changes, "2026-03-01T00:00:00Z", 9), left);
        assert_eq!(departure_on(&lane, &changes, date("2026-03-02")), None);
        assert_eq!(departure_on(&lane, &changes, date("2026-03-04")), None);
    }
}
