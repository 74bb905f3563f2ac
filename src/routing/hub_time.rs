//! When a parcel that reached a hub can leave it.

use chrono::{NaiveTime, TimeDelta};

use super::schedule::{instant_of, later};
use crate::domain::instant::Instant;
use crate::domain::network::Hub;

/// When what is received at `received_at` has been handled (at a gateway: released by customs).
///
/// Received after the day's cut-off, it counts as received when the next local day begins; where that day
/// has no midnight, at its first moment. The cut-off is one instant a day, the first time the
/// clock shows it, so that receiving earlier never means being ready later, not even in the night
/// in which an hour is repeated.
pub fn ready_at(hub: &Hub, received_at: Instant) -> Instant {
    let date = received_at.with_timezone(&hub.zone).date_naive();
    let cutoff_at = instant_of(hub.zone, date.and_time(hub.cutoff_local));
    let counted_at = match date.succ_opt() {
        Some(next_date) if received_at > cutoff_at => {
            let midnight_at = instant_of(hub.zone, next_date.and_time(NaiveTime::MIN));
            midnight_at.max(received_at)
        }
        Some(_) | None => received_at,
    };
    later(counted_at, TimeDelta::minutes(i64::from(hub.handling_minutes)))
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
            assert_eq!(ready_at(&tokyo, at(received)), at(ready), "{received}");
        }
    }

    #[test]
    fn a_day_without_midnight_begins_at_its_first_moment() {
        // Cairo goes from 23:59:59 on 23 April 2026 (UTC+2) to 01:00 on the 24th (UTC+3).
        let cairo = in_zone(chrono_tz::Africa::Cairo, "12:00:00", 0);
        assert_eq!(ready_at(&cairo, at("2026-04-23T15:00:00Z")), at("2026-04-23T22:00:00Z"));
    }

    #[test]
    fn an_hour_that_is_repeated_does_not_open_the_hub_again() {
        // New York shows 01:30 twice on 1 November 2026: at 05:30Z and at 06:30Z.
        let new_york = in_zone(chrono_tz::America::New_York, "01:30:00", 0);
        assert_eq!(ready_at(&new_york, at("2026-11-01T05:30:00Z")), at("2026-11-01T05:30:00Z"));
        assert_eq!(ready_at(&new_york, at("2026-11-01T06:10:00Z")), at("2026-11-02T05:00:00Z"));
    }

    #[test]
    fn a_midnight_that_was_before_the_evening_s_second_half_turns_nothing_back() {
        // In 2010 St. John's went from 00:01 on 7 November (02:31Z) back to 23:01 on the 6th, so that at the
        // second 23:30 (03:00Z) the first midnight of the 7th was over.
        let st_johns = in_zone(chrono_tz::America::St_Johns, "16:00:00", 0);
        assert_eq!(ready_at(&st_johns, at("2010-11-07T03:00:00Z")), at("2010-11-07T03:00:00Z"));
    }

    proptest! {
        #[test]
        fn receiving_earlier_never_means_being_ready_later(
            start in 0_i64..31_536_000, wait in 0_i64..172_800, cutoff in 0_u32..86_400,
            zone in prop::sample::select(vec![
                chrono_tz::America::New_York, chrono_tz::Africa::Cairo, chrono_tz::Australia::Lord_Howe,
                chrono_tz::America::Havana, chrono_tz::Asia::Shanghai,
            ]),
        ) {
            let cutoff_local = NaiveTime::from_num_seconds_from_midnight_opt(cutoff, 0).expect("a time");
            let hub = Hub { cutoff_local, ..in_zone(zone, "00:00:00", 30) };
            let earlier = at("2026-01-01T00:00:00Z") + TimeDelta::seconds(start);
            let later = earlier + TimeDelta::seconds(wait);
            prop_assert!(ready_at(&hub, earlier) <= ready_at(&hub, later));
            prop_assert!(ready_at(&hub, earlier) >= earlier);
        }
    }
}
