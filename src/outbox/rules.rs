//! Attempts made → the next one.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    After(Duration),
    /// That was the last one.
    GiveUp,
}

/// `attempts` were made, the first included. `asked` is what the receiver asked for;
/// `chance` is uniform in 0..1.
pub fn next(
    attempts: u32,
    schedule_seconds: &[u32],
    jitter: f64,
    chance: f64,
    asked: Option<Duration>,
) -> Next {
    let made = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(seconds) = schedule_seconds.get(made) else { return Next::GiveUp };
    let planned = Duration::from_secs_f64(f64::from(*seconds) * (1.0 + jitter * chance));
    Next::After(planned.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
}

/// How long a receiver is left alone after `failures` rounds of messages in a row of which none
/// got through. It goes along with the waits of its messages, as far as [`LONGEST_PAUSE`]: from
/// then on a message now and then finds out whether it is back.
pub fn pause(
    failures: u32,
    schedule_seconds: &[u32],
    jitter: f64,
    chance: f64,
    asked: Option<Duration>,
) -> Duration {
    let planned = match next(failures, schedule_seconds, jitter, chance, None) {
        Next::After(wait) => wait.min(LONGEST_PAUSE),
        Next::GiveUp => schedule_seconds
            .last()
            .map_or(LONGEST_PAUSE, |seconds| Duration::from_secs(u64::from(*seconds)).min(LONGEST_PAUSE)),
    };
    planned.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// How long a receiver of which a breaker keeps everybody away is left alone when that happens for the so-many-th
/// time in a row: the first wait of its messages, and twice as long each time, as far as [`LONGEST_PAUSE`].
pub fn rest(
    times: u32,
    schedule_seconds: &[u32],
    jitter: f64,
    chance: f64,
    asked: Option<Duration>,
) -> Duration {
    let first = schedule_seconds.first().copied().unwrap_or_default();
    let doubled = f64::from(first) * f64::from(2_u32.pow(times.saturating_sub(1).min(10)));
    let planned = doubled.min(LONGEST_PAUSE.as_secs_f64()) * (1.0 + jitter * chance);
    Duration::from_secs_f64(planned).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// The longest wait that comes of any of these.
pub fn longest(schedule_seconds: &[u32], jitter: f64) -> Duration {
    let planned = schedule_seconds.iter().max().map_or(0.0, |seconds| f64::from(*seconds) * (1.0 + jitter));
    Duration::from_secs_f64(planned).max(LONGEST_ASKED)
}

const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A receiver that asks for a year has made a mistake.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_schedule_and_end() {
        let schedule = [5, 300];
        let next = |attempts, chance, asked| next(attempts, &schedule, 0.2, chance, asked);
        assert_eq!(next(1, 0.0, None), Next::After(Duration::from_secs(5)));
        assert_eq!(next(2, 1.0, None), Next::After(Duration::from_secs(360)));
        assert_eq!(next(3, 0.0, None), Next::GiveUp);
    }

    #[test]
    fn a_receiver_that_stays_away_is_asked_every_few_minutes() {
        let pause = |failures, asked| pause(failures, &[5, 300, 1_800], 0.0, 0.5, asked).as_secs();
        assert_eq!([1, 2, 3, 4, 99].map(|failures| pause(failures, None)), [5, 300, 300, 300, 300]);
        assert_eq!(pause(1, Some(Duration::from_secs(3_600))), 3_600);
        assert_eq!(pause(1, Some(Duration::from_secs(1))), 5);
        assert_eq!(super::pause(9, &[0, 0], 0.2, 0.5, None), Duration::ZERO);
    }

    #[test]
    fn a_receiver_that_rests_does_so_for_longer_each_time_up_to_a_bound() {
        let rest = |times, chance, asked| super::rest(times, &[5, 300], 0.2, chance, asked).as_secs();
        assert_eq!([1, 2, 3, 7, 99].map(|times| rest(times, 0.0, None)), [5, 10, 20, 300, 300]);
        assert_eq!(rest(1, 1.0, None), 6);
        assert_eq!(rest(1, 0.0, Some(Duration::from_secs(3_600))), 3_600);
        assert_eq!(rest(1, 0.0, Some(Duration::from_secs(u64::MAX))), 86_400);
        assert_eq!(super::rest(9, &[0, 0], 0.2, 0.5, None), Duration::ZERO);
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it() {
        let asked = Some(Duration::from_secs(60));
        assert_eq!(next(1, &[5, 300], 0.2, 0.5, asked), Next::After(Duration::from_secs(60)));
        assert_eq!(next(2, &[5, 300], 0.0, 0.5, asked), Next::After(Duration::from_secs(300)));
        let absurd = Some(Duration::from_secs(u64::MAX));
        assert_eq!(next(1, &[5], 0.0, 0.0, absurd), Next::After(Duration::from_secs(86_400)));
    }
}
