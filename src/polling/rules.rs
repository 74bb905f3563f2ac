//! What came of a question → when to ask the next one.

use std::time::Duration;

use crate::config;
use crate::domain::event::EventStatus;
use crate::domain::instant::Instant;
use crate::domain::shipment::ShipmentStatus;

/// What came of one question, as far as the next one depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    /// The carrier doesn't know the number, or doesn't know it yet.
    NotFound,
    /// The carrier wants fewer questions. Not this parcel's fault.
    NotNow {
        after: Duration,
    },
    /// It has to be asked later, at the earliest after so long.
    Failed {
        retry_after: Option<Duration>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// None: never again.
    pub at: Option<Instant>,
    pub failures: u32,
}

/// What is known of a number that is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// When it was first asked about.
    pub since: Instant,
    /// When the latest event happened, and what it was.
    pub seen: Option<(Instant, EventStatus)>,
    /// When it was first heard to be delivered.
    pub delivered_at: Option<Instant>,
}

/// Clocks and zones differ by so much; what is dated later is no news of what happened.
const DATED_AHEAD_MOST: chrono::Duration = chrono::Duration::days(1);

/// When an event happened, as far as that can be believed: not later than now.
pub fn happened(at: Instant, now: Instant) -> Option<Instant> {
    (at <= now + DATED_AHEAD_MOST).then(|| at.min(now))
}

/// A carrier that says nothing new for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    pub too_long_at: Instant,
    pub days: u32,
}

/// None: there was news, or it is delivered.
pub fn silence(known: &Known, settings: &config::Polling, now: Instant) -> Option<Silence> {
    let heard_at = known.seen.and_then(|(at, _)| happened(at, now));
    let heard_at = heard_at.map_or(known.since, |at| at.max(known.since));
    let days = settings.silence_days;
    let too_long_at = heard_at + chrono::Duration::days(i64::from(days));
    (known.delivered_at.is_none() && too_long_at <= now).then_some(Silence { too_long_at, days })
}

/// `status` is the parcel's after the answer was taken in, `foreseen` when a parcel under way is worth
/// another look.
pub fn next(
    outcome: &Outcome,
    status: ShipmentStatus,
    known: &Known,
    failures: u32,
    foreseen: Instant,
    settings: &config::Polling,
    now: Instant,
) -> Next {
    if is_over(status, known, settings, now) {
        return Next { at: None, failures: 0 };
    }
    match outcome {
        Outcome::Answered => {
            let wait = wait(status, foreseen, settings, now);
            let is_silent = silence(known, settings, now).is_some();
            Next { at: Some(now + if is_silent { wait * SLOWER } else { wait }), failures: 0 }
        }
        Outcome::NotNow { after } => {
            let after = chrono::Duration::from_std((*after).min(LONGEST_ASKED)).unwrap_or_default();
            Next { at: Some(now + after), failures }
        }
        Outcome::NotFound => back_off(failures, None, settings, now),
        Outcome::Failed { retry_after } => back_off(failures, *retry_after, settings, now),
    }
}

/// Whether nobody looks any more. What was delivered or came back is watched for a while, for corrections; what
/// is lost is looked for until nobody has said anything new for too long.
fn is_over(status: ShipmentStatus, known: &Known, settings: &config::Polling, now: Instant) -> bool {
    let watched = chrono::Duration::days(i64::from(settings.watch_days_after_delivery));
    let is_watched_long_enough = known.delivered_at.is_some_and(|at| now > at + watched);
    let heard_at = known.seen.and_then(|(at, _)| happened(at, now)).unwrap_or(known.since);
    match status {
        ShipmentStatus::Destroyed | ShipmentStatus::Cancelled => true,
        ShipmentStatus::Returned => is_watched_long_enough || now > heard_at + watched,
        ShipmentStatus::Lost => silence(&Known { delivered_at: None, ..*known }, settings, now).is_some(),
        ShipmentStatus::Requested
        | ShipmentStatus::Accepted
        | ShipmentStatus::PickupScheduled
        | ShipmentStatus::PickedUp
        | ShipmentStatus::AtOriginHub
        | ShipmentStatus::Consolidated
        | ShipmentStatus::LineHaul
        | ShipmentStatus::AtGateway
        | ShipmentStatus::Customs
        | ShipmentStatus::LastMile
        | ShipmentStatus::OutForDelivery
        | ShipmentStatus::Delivered
        | ShipmentStatus::OnHold
        | ShipmentStatus::Returning => is_watched_long_enough,
    }
}

/// So many times longer nobody looks for what has been silent for too long.
const SLOWER: i32 = 3;

fn wait(
    status: ShipmentStatus,
    foreseen: Instant,
    settings: &config::Polling,
    now: Instant,
) -> chrono::Duration {
    let hours = |hours: f64| chrono::Duration::seconds((hours * 3_600.0) as i64);
    match status {
        // What is lost is found again now and then.
        ShipmentStatus::OnHold | ShipmentStatus::Lost => hours(settings.hours_on_hold),
        ShipmentStatus::Delivered | ShipmentStatus::Returned => hours(settings.hours_delivered),
        ShipmentStatus::Requested
        | ShipmentStatus::Accepted
        | ShipmentStatus::PickupScheduled
        | ShipmentStatus::PickedUp
        | ShipmentStatus::AtOriginHub
        | ShipmentStatus::Consolidated
        | ShipmentStatus::LineHaul
        | ShipmentStatus::AtGateway
        | ShipmentStatus::Customs
        | ShipmentStatus::LastMile
        | ShipmentStatus::OutForDelivery
        | ShipmentStatus::Returning
        | ShipmentStatus::Destroyed
        | ShipmentStatus::Cancelled => foreseen - now,
    }
}

/// The longest wait that comes of these settings, whatever the outcome and the status.
pub fn longest(settings: &config::Polling) -> chrono::Duration {
    let hours = [settings.hours_between_most, settings.hours_on_hold, settings.hours_delivered];
    let waits = hours.into_iter().map(|hours| chrono::Duration::seconds((hours * 3_600.0) as i64) * SLOWER);
    let retry = settings.retry_minutes_max.max(settings.retry_minutes_first);
    let others = [chrono::Duration::minutes(i64::from(retry)), chrono::Duration::days(1)];
    waits.chain(others).max().unwrap_or_default()
}

/// A carrier that asks for longer than a day is asked the next day all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

fn back_off(failures: u32, asked: Option<Duration>, settings: &config::Polling, now: Instant) -> Next {
    let first = u64::from(settings.retry_minutes_first);
    let most = u64::from(settings.retry_minutes_max).max(first);
    let minutes = first.saturating_mul(1 << failures.min(20)).min(most);
    let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
    let wait =
        chrono::Duration::minutes(minutes as i64).max(chrono::Duration::seconds(asked.as_secs() as i64));
    Next { at: Some(now + wait), failures: failures.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    fn known(delivered_at: Option<Instant>) -> Known {
        Known { since: from_micros(0), seen: None, delivered_at }
    }

    fn foreseen(now: Instant) -> Instant {
        now + chrono::Duration::hours(4)
    }

    fn settings() -> config::Polling {
        config::defaults_with("").expect("defaults").polling
    }

    fn hours(next: Next, now: Instant) -> Option<f64> {
        next.at.map(|at| (at - now).num_minutes() as f64 / 60.0)
    }

    #[test]
    fn what_is_under_way_is_asked_about_when_that_is_worth_it() {
        let now = from_micros(0);
        let wait = |status| {
            hours(next(&Outcome::Answered, status, &known(None), 0, foreseen(now), &settings(), now), now)
        };
        assert_eq!(wait(ShipmentStatus::LastMile), Some(4.0));
        assert_eq!(wait(ShipmentStatus::OnHold), Some(8.0));
    }

    #[test]
    fn a_failing_carrier_is_left_alone_for_longer_and_longer_but_never_for_good() {
        let now = from_micros(0);
        let failed = Outcome::Failed { retry_after: None };
        let waits: Vec<_> = (0..7)
            .filter_map(|failures| {
                hours(
                    next(
                        &failed,
                        ShipmentStatus::LastMile,
                        &known(None),
                        failures,
                        foreseen(now),
                        &settings(),
                        now,
                    ),
                    now,
                )
            })
            .collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 12.0]);
        let asked = Outcome::Failed { retry_after: Some(Duration::from_secs(7_200)) };
        assert_eq!(
            hours(
                next(&asked, ShipmentStatus::LastMile, &known(None), 0, foreseen(now), &settings(), now),
                now
            ),
            Some(2.0)
        );
    }

    #[test]
    fn a_carrier_that_wants_fewer_questions_does_not_count_against_the_parcel() {
        let now = from_micros(0);
        let not_now = Outcome::NotNow { after: Duration::from_secs(3_600) };
        let next = next(&not_now, ShipmentStatus::LastMile, &known(None), 2, foreseen(now), &settings(), now);
        assert_eq!((hours(next.clone(), now), next.failures), (Some(1.0), 2));
    }

    #[test]
    fn a_delivered_parcel_is_watched_and_then_let_go() {
        let delivered_at = from_micros(0);
        let at = |days| {
            let now = delivered_at + chrono::Duration::days(days);
            next(
                &Outcome::Answered,
                ShipmentStatus::Delivered,
                &known(Some(delivered_at)),
                0,
                foreseen(now),
                &settings(),
                now,
            )
            .at
        };
        assert!(at(1).is_some() && at(4).is_none());
    }

    #[test]
    fn what_came_back_is_watched_and_what_is_lost_is_looked_for_and_what_is_gone_is_let_go() {
        let heard_at = from_micros(0);
        let known = Known { seen: Some((heard_at, EventStatus::Lost)), ..known(None) };
        let waits = |status, days: i64| {
            let now = heard_at + chrono::Duration::days(days);
            let next = next(&Outcome::Answered, status, &known, 0, foreseen(now), &settings(), now);
            hours(next, now)
        };
        let silent = i64::from(settings().silence_days);
        assert_eq!((waits(ShipmentStatus::Lost, 1), waits(ShipmentStatus::Lost, silent)), (Some(8.0), None));
        assert_eq!(
            (waits(ShipmentStatus::Returned, 1), waits(ShipmentStatus::Returned, 4)),
            (Some(24.0), None)
        );
        assert_eq!((waits(ShipmentStatus::Destroyed, 0), waits(ShipmentStatus::Cancelled, 0)), (None, None));
    }

    #[test]
    fn what_is_dated_far_ahead_is_no_news() {
        let (settings, now) = (settings(), from_micros(20 * 86_400_000_000));
        assert_eq!(happened(now + chrono::Duration::hours(8), now), Some(now));
        let year_ahead = now + chrono::Duration::days(365);
        assert_eq!(happened(year_ahead, now), None);
        let known = Known { seen: Some((year_ahead, EventStatus::InTransit)), ..known(None) };
        assert!(silence(&known, &settings, now).is_some());
    }

    #[test]
    fn a_carrier_that_says_nothing_new_for_long_is_noticed_once_and_asked_less_often() {
        let settings = settings();
        let day = |n: i64| from_micros(n * 86_400_000_000);
        let known = |seen| Known { since: day(0), seen, delivered_at: None };
        let days = i64::from(settings.silence_days);
        assert_eq!(silence(&known(None), &settings, day(days - 1)), None);
        let silent = silence(&known(None), &settings, day(days + 5)).expect("too long");
        assert_eq!(silent.too_long_at, day(days));
        let heard = known(Some((day(days + 2), EventStatus::InTransit)));
        assert_eq!(silence(&heard, &settings, day(days + 5)), None);
        let wait = |known: &Known| {
            let now = day(days + 5);
            hours(
                next(&Outcome::Answered, ShipmentStatus::LastMile, known, 0, foreseen(now), &settings, now),
                now,
            )
        };
        assert_eq!((wait(&heard), wait(&self::known(None))), (Some(4.0), Some(12.0)));
    }
}
