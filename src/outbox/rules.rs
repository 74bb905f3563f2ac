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
    fn a_receiver_that_asks_for_time_gets_it() {
        let asked = Some(Duration::from_secs(60));
        assert_eq!(next(1, &[5, 300], 0.2, 0.5, asked), Next::After(Duration::from_secs(60)));
        assert_eq!(next(2, &[5, 300], 0.0, 0.5, asked), Next::After(Duration::from_secs(300)));
        let absurd = Some(Duration::from_secs(u64::MAX));
        assert_eq!(next(1, &[5], 0.0, 0.0, absurd), Next::After(Duration::from_secs(86_400)));
    }
}
