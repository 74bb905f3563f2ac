//! What histograms and windows hold to, whatever was seen.

use proptest::prelude::*;

use super::*;
use crate::domain::instant::from_micros;

const HALF_LIFE_DAYS: u32 = 30;
const HOUR: i64 = 3_600;

fn at(seconds: i64) -> Instant {
    from_micros(1_772_668_800_000_000 + seconds * 1_000_000)
}

/// Residuals in seconds, with the days on which they were learned.
fn seen() -> impl Strategy<Value = Vec<(i64, i64)>> {
    proptest::collection::vec((-15 * DAY_SECONDS..40 * DAY_SECONDS, 0_i64..60), 0..60)
}

fn histogram(seen: &[(i64, i64)]) -> Histogram {
    let mut all = Histogram::from_parts(day(at(0)), []);
    for (residual, days) in seen {
        all.merge(&Histogram::of(*residual, at(days * DAY_SECONDS)), HALF_LIFE_DAYS);
    }
    all
}

fn learned(seen: &[(i64, i64)], group: &str) -> StageTimes {
    let rows = [(Milestone::LastMile, group.to_owned(), histogram(seen))];
    StageTimes::new(rows, HALF_LIFE_DAYS, at(0))
}

fn same(one: &Histogram, other: &Histogram) -> bool {
    let weight = |of: &Histogram, bin: u16| of.weights.get(&bin).copied().unwrap_or_default();
    one.day == other.day
        && (0..BINS as u16).all(|bin| (weight(one, bin) - weight(other, bin)).abs() < 2.0 * WEIGHT_MIN)
}

proptest! {
    #[test]
    fn later_shares_come_later_and_never_before_now(
        seen in seen(), passed in -20 * DAY_SECONDS..50 * DAY_SECONDS, a in 0.001..0.999_f64, b in 0.001..0.999_f64,
    ) {
        let curve = Curve::assumed().with(&histogram(&seen), ASSUMED_WEIGHT);
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(curve.quantile_after(passed, low) <= curve.quantile_after(passed, high));
        prop_assert!(curve.quantile_after(passed, low) >= passed);
        let window = learned(&seen, "dhl").window(Milestone::LastMile, "dhl", at(0), at(passed));
        prop_assert!(at(passed) <= window.earliest_at && window.earliest_at <= window.latest_at);
    }

    #[test]
    fn a_window_does_not_begin_earlier_because_time_went_by(
        seen in seen(), passed in -20 * DAY_SECONDS..50 * DAY_SECONDS, more in 0..5 * DAY_SECONDS,
    ) {
        let learned = learned(&seen, "dhl");
        let window = |passed| learned.window(Milestone::LastMile, "dhl", at(0), at(passed));
        let (before, after) = (window(passed), window(passed + more));
        prop_assert!(before.earliest_at <= after.earliest_at + Duration::seconds(1));
    }

    #[test]
    fn two_histograms_make_one_whichever_comes_first(one in seen(), other in seen()) {
        let (one, other) = (histogram(&one), histogram(&other));
        let (mut first, mut second) = (one.clone(), other.clone());
        first.merge(&other, HALF_LIFE_DAYS);
        second.merge(&one, HALF_LIFE_DAYS);
        prop_assert!(same(&first, &second));
    }

    #[test]
    fn it_makes_no_difference_who_learned_what_first(seen in seen(), split in 0_usize..60) {
        let (some, others) = seen.split_at(split.min(seen.len()));
        let mut together = histogram(others);
        together.merge(&histogram(some), HALF_LIFE_DAYS);
        let whole = histogram(&seen);
        let within = (together.total() - whole.total()).abs() < seen.len() as f64 * WEIGHT_MIN + 1e-9;
        prop_assert!(within, "{} {}", together.total(), whole.total());
    }

    /// To the bit: whoever folds a day's deliveries need not sort them.
    #[test]
    fn within_a_day_the_order_of_deliveries_is_irrelevant(seen in seen().prop_shuffle(), day in 0_i64..60) {
        let on_that_day: Vec<_> = seen.iter().map(|(residual, _)| (*residual, day)).collect();
        let mut sorted = on_that_day.clone();
        sorted.sort_unstable();
        prop_assert_eq!(histogram(&on_that_day), histogram(&sorted));
    }

    #[test]
    fn what_is_kept_is_what_is_read(seen in seen()) {
        let histogram = histogram(&seen);
        let (day, parts) = histogram.parts();
        prop_assert_eq!(Histogram::from_parts(day, parts), histogram);
    }
}

#[test]
fn before_anything_is_learned_there_is_a_day_from_when_it_is_due() {
    let window = StageTimes::default().window(Milestone::Accepted, "", at(0), at(-50 * HOUR));
    assert_eq!(window, Estimate { earliest_at: at(0), latest_at: at(24 * HOUR) });
}

#[test]
fn what_is_overdue_is_still_to_come() {
    let nothing = StageTimes::default();
    let window = |hours| nothing.window(Milestone::LastMile, "", at(0), at(hours * HOUR));
    // A fifth of the assumed day is gone with a tenth before it: 0.3 of all.
    assert_eq!(window(6).earliest_at, at(6 * HOUR + (0.07 * 30.0 * HOUR as f64) as i64));
    // Beyond all that was ever seen: a tenth of what is left comes within 2½ hours, nine tenths within 55.
    let late = window(24 * 45);
    assert_eq!((late.earliest_at - at(24 * 45 * HOUR)).num_minutes(), 151);
    assert_eq!((late.latest_at - at(24 * 45 * HOUR)).num_minutes(), 3_315);
}

#[test]
fn more_history_narrows_towards_the_truth() {
    // In truth: between 30 and 36 hours late.
    let truth = |n: i64| (30 * HOUR + n * 7_919 % (6 * HOUR), 0);
    let mut widths = Vec::new();
    for deliveries in [0, 10, 100, 1_000] {
        let seen: Vec<_> = (0..deliveries).map(truth).collect();
        let window = learned(&seen, "dhl").window(Milestone::LastMile, "dhl", at(0), at(-HOUR));
        widths.push((window.latest_at - window.earliest_at).num_seconds());
    }
    let learned = learned(&(0..1_000).map(truth).collect::<Vec<_>>(), "dhl");
    let window = learned.window(Milestone::LastMile, "dhl", at(0), at(-HOUR));
    assert!(widths[1] > widths[2] && widths[2] > widths[3], "{widths:?}");
    let is_near = |at: Instant, hours: i64| (at - self::at(hours * HOUR)).num_minutes().abs() < 60;
    assert!(is_near(window.earliest_at, 30) && is_near(window.latest_at, 36), "{window:?}");
}

#[test]
fn a_group_that_has_seen_little_is_estimated_as_its_milestone_is() {
    let of = |hours: i64, count: i64| histogram(&vec![(hours * HOUR, 0); count as usize]);
    let rows = || [("swift", of(1, 500)), ("slow", of(49, 500)), ("new", of(97, 1))];
    let rows = rows().map(|(group, row)| (Milestone::LastMile, group.to_owned(), row));
    let learned = StageTimes::new(rows, HALF_LIFE_DAYS, at(0));
    let window = |group| learned.window(Milestone::LastMile, group, at(0), at(-HOUR));
    assert!(window("swift").latest_at <= at(3 * HOUR));
    assert!(window("slow").earliest_at >= at(48 * HOUR));
    for unknown in ["new", "nobody"] {
        assert!(window(unknown).earliest_at < at(3 * HOUR) && window(unknown).latest_at > at(48 * HOUR));
    }
    let elsewhere = learned.window(Milestone::Customs, "slow", at(0), at(-HOUR));
    assert_eq!(elsewhere, StageTimes::default().window(Milestone::Customs, "slow", at(0), at(-HOUR)));
}

#[test]
fn what_is_long_ago_gives_way() {
    let mut histogram = histogram(&vec![(2 * HOUR, 0); 64]);
    histogram.merge(&Histogram::of(50 * HOUR, at(60 * DAY_SECONDS)), HALF_LIFE_DAYS);
    assert!((histogram.total() - 17.0).abs() < 1e-9, "64, halved twice, and one: {}", histogram.total());
    let late = Histogram::of(2 * HOUR, at(30 * DAY_SECONDS));
    histogram.merge(&late, HALF_LIFE_DAYS);
    assert!((histogram.total() - 17.5).abs() < 1e-9, "told late, it is as old as it is");
}
