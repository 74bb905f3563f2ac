//! When a parcel that reached a hub can leave it, and by when it has to reach it for a departure.

use chrono::{NaiveTime, TimeDelta};

use super::closed::Closed;
use super::schedule::{instant_of, later};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::network::Hub;

/// When what is received at `received_at` has been handled (at a gateway: released by customs) and may go.
///
/// Received after the day's cut-off, it counts as received when the next local day begins; where that day
/// has no midnight, at its first moment. The cut-off is one instant a day, the first time the
/// clock shows it, so that receiving earlier never means being ready later, not even in the night
/// in which an hour is repeated. What comes while the hub is closed counts as received when it opens, and what
/// is ready while it is closed leaves when it opens.
pub fn ready_at(hub: &Hub, closed: &Closed, received_at: Instant) -> Instant {
    let mut counted_at = received_at;
    loop {
        // The next day may be a holiday, and the moment of opening may be after that day's cut-off.
        let opened_at = counted_at_the_earliest(hub, closed.opens_at(counted_at));
        if opened_at == counted_at {
            break;
        }
        counted_at = opened_at;
    }
    closed.opens_at(later(counted_at, TimeDelta::minutes(i64::from(hub.handling_minutes))))
}

fn counted_at_the_earliest(hub: &Hub, received_at: Instant) -> Instant {
    let date = received_at.with_timezone(&hub.zone).date_naive();
    let cutoff_at = instant_of(hub.zone, date.and_time(hub.cutoff_local));
    match date.succ_opt() {
        Some(next_date) if received_at > cutoff_at => {
            let midnight_at = instant_of(hub.zone, next_date.and_time(NaiveTime::MIN));
            midnight_at.max(received_at)
        }
        Some(_) | None => received_at,
    }
}

/// The last microsecond at which the hub can receive what is to be ready at `depart_at`; none where even what
/// came `BACK` before is not.
pub fn cutoff_at(hub: &Hub, closed: &Closed, depart_at: Instant) -> Option<Instant> {
    const BACK: TimeDelta = TimeDelta::days(400);
    let is_in_time = |received_at| ready_at(hub, closed, received_at) <= depart_at;
    // Being received earlier never means being ready later, so that the moments in time are those until one.
    let (in_time, too_late) = (depart_at.checked_sub_signed(BACK)?, depart_at);
    if is_in_time(too_late) {
        return Some(too_late);
    }
    if !is_in_time(in_time) {
        return None;
    }
    let (mut in_time, mut too_late) = (in_time.timestamp_micros(), too_late.timestamp_micros());
    while too_late - in_time > 1 {
        let middle = in_time + (too_late - in_time) / 2;
        if is_in_time(from_micros(middle)) {
            in_time = middle;
        } else {
            too_late = middle;
        }
    }
    Some(from_micros(in_time))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::super::tests::{at, hub};
    use super::*;

    fn in_zone(zone: Tz, cutoff_local: &str, handling_minutes: u32) -> Hub {
        let cutoff_local = cutoff_local.parse().expect("a time of the test");
        Hub { zone, cutoff_local, handling_minutes, ..hub("AA") }
    }

    #[test]
    fn the_cut_off_itself_is_in_time_and_a_moment_later_is_the_next_day() {
        let tokyo = in_zone(chrono_tz::Asia::Tokyo, "16:00:00", 600);
        for (received, ready) in [
            // 15:59 and 16:00 local, handled by 02:00.
            ("2026-03-02T06:59:00Z", "2026-03-02T16:59:00Z"),
            ("2026-03-02T07:00:00Z", "2026-03-02T17:00:00Z"),
            // After it: midnight local (15:00 UTC) and ten hours.
            ("2026-03-02T07:00:01Z", "2026-03-03T01:00:00Z"),
            ("2026-03-02T14:59:59Z", "2026-03-03T01:00:00Z"),
            // Past midnight it is a new day with a new cut-off.
            ("2026-03-02T15:00:00Z", "2026-03-03T01:00:00Z"),
            ("2026-03-02T15:00:01Z", "2026-03-03T01:00:01Z"),
        ] {
            assert_eq!(ready_at(&tokyo, &Closed::default(), at(received)), at(ready), "{received}");
        }
    }

    #[test]
    fn a_day_without_midnight_begins_at_its_first_moment() {
        // Cairo goes from 23:59:59 on 23 April 2026 (UTC+2) to 01:00 on the 24th (UTC+3).
        let cairo = in_zone(chrono_tz::Africa::Cairo, "12:00:00", 0);
        assert_eq!(
            ready_at(&cairo, &Closed::default(), at("2026-04-23T15:00:00Z")),
            at("2026-04-23T22:00:00Z")
        );
    }

    #[test]
    fn an_hour_that_is_repeated_does_not_open_the_hub_again() {
        // New York shows 01:30 twice on 1 November 2026: at 05:30Z and at 06:30Z.
        let new_york = in_zone(chrono_tz::America::New_York, "01:30:00", 0);
        assert_eq!(
            ready_at(&new_york, &Closed::default(), at("2026-11-01T05:30:00Z")),
            at("2026-11-01T05:30:00Z")
        );
        assert_eq!(
            ready_at(&new_york, &Closed::default(), at("2026-11-01T06:10:00Z")),
            at("2026-11-02T05:00:00Z")
        );
    }

    #[test]
    fn a_midnight_that_was_before_the_evening_s_second_half_turns_nothing_back() {
        // In 2010 St. John's went from 00:01 on 7 November (02:31Z) back to 23:01 on the 6th, so that at the
        // second 23:30 (03:00Z) the first midnight of the 7th was over.
        let st_johns = in_zone(chrono_tz::America::St_Johns, "16:00:00", 0);
        assert_eq!(
            ready_at(&st_johns, &Closed::default(), at("2010-11-07T03:00:00Z")),
            at("2010-11-07T03:00:00Z")
        );
    }

    fn closed(times: &[(&str, &str)]) -> Closed {
        Closed::new(times.iter().map(|(from, until)| (at(from), at(until))).collect())
    }

    #[test]
    fn a_closed_hub_receives_when_it_opens_and_hands_on_when_it_opens() {
        let hub = in_zone(chrono_tz::UTC, "16:00:00", 120);
        // Tuesday and Wednesday; and again on Friday from 09:00 to 18:00.
        let closed = closed(&[
            ("2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z"),
            ("2026-03-06T09:00:00Z", "2026-03-06T18:00:00Z"),
        ]);
        for (received, ready) in [
            ("2026-03-02T15:00:00Z", "2026-03-02T17:00:00Z"),
            // After the cut-off: the next day is closed, so it is Thursday.
            ("2026-03-02T16:00:01Z", "2026-03-05T02:00:00Z"),
            ("2026-03-04T12:00:00Z", "2026-03-05T02:00:00Z"),
            // Handled by 10:00 on Friday, when nobody is there until 18:00.
            ("2026-03-06T08:00:00Z", "2026-03-06T18:00:00Z"),
            // Received on Friday in the closed hours: it opens after the cut-off, so it is Saturday.
            ("2026-03-06T10:00:00Z", "2026-03-07T02:00:00Z"),
        ] {
            assert_eq!(ready_at(&hub, &closed, at(received)), at(ready), "{received}");
        }
    }

    #[test]
    fn a_departure_s_cut_off_is_the_last_moment_to_come_in_for_it() {
        let hub = in_zone(chrono_tz::Asia::Tokyo, "16:00:00", 600);
        for (depart, cutoff) in [
            // 22:00 local: ten hours earlier it is noon.
            ("2026-03-02T13:00:00Z", Some("2026-03-02T03:00:00Z")),
            // 04:00 local: what came at 18:00 counts from midnight, so it had to be there by 16:00.
            ("2026-03-02T19:00:00Z", Some("2026-03-02T07:00:00Z")),
            // 10:00 local: what came after 16:00 counts from midnight and is ready just then.
            ("2026-03-03T01:00:00Z", Some("2026-03-02T15:00:00Z")),
        ] {
            assert_eq!(cutoff_at(&hub, &Closed::default(), at(depart)), cutoff.map(at), "{depart}");
        }
        let always = closed(&[("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")]);
        assert_eq!(cutoff_at(&hub, &always, at("2026-03-02T13:00:00Z")), None);
    }

    proptest! {
        #[test]
        fn receiving_earlier_never_means_being_ready_later(
            start in 0_i64..31_536_000, wait in 0_i64..172_800, cutoff in 0_u32..86_400,
            closures in prop::collection::vec((0_i64..31_536_000, 0_i64..500_000), 0..40),
            zone in prop::sample::select(vec![
                chrono_tz::America::New_York, chrono_tz::Africa::Cairo, chrono_tz::Australia::Lord_Howe,
                chrono_tz::America::Havana, chrono_tz::Asia::Shanghai,
            ]),
        ) {
            let cutoff_local = NaiveTime::from_num_seconds_from_midnight_opt(cutoff, 0).expect("a time");
            let hub = Hub { cutoff_local, ..in_zone(zone, "00:00:00", 30) };
            let year = at("2026-01-01T00:00:00Z");
            let times = closures.into_iter().map(|(from, long)| {
                (year + TimeDelta::seconds(from), year + TimeDelta::seconds(from + long))
            });
            let closed = Closed::new(times.collect());
            let earlier = year + TimeDelta::seconds(start);
            let later = earlier + TimeDelta::seconds(wait);
            let ready = ready_at(&hub, &closed, earlier);
            prop_assert!(ready <= ready_at(&hub, &closed, later));
            prop_assert!(ready >= earlier && !closed.contains(ready));
            if let Some(cutoff) = cutoff_at(&hub, &closed, later) {
                prop_assert!(ready_at(&hub, &closed, cutoff) <= later);
                let next = cutoff + TimeDelta::microseconds(1);
                prop_assert!(cutoff == later || ready_at(&hub, &closed, next) > later);
            }
        }
    }
}
