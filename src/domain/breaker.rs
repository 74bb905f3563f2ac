//! Whether somebody outside is asked at all, while he fails: a carrier, an escrow provider.
//!
//! After a few failures one after the other nobody asks for a while; then a single question goes out to see, and
//! what comes of it decides. What is due meanwhile stays due: it is not blamed for whom it is to go to.

use chrono::TimeDelta;

use super::instant::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// All is well, but for so many failures in a row.
    Closed { failures: u32 },
    /// Nobody asks from one time until another; it opened so many times in a row.
    Open { since: Instant, until: Instant, times: u32 },
    /// One question is under way since then, to see.
    Probing { since: Instant, times: u32 },
}

/// So many failures in a row, and it opens.
const FAILURES: u32 = 5;

impl Default for Breaker {
    fn default() -> Self {
        Breaker::Closed { failures: 0 }
    }
}

impl Breaker {
    /// How many questions may go out; one that is open lets a single one through when its time has come.
    pub fn lets_through(&mut self, now: Instant) -> usize {
        match *self {
            Breaker::Closed { .. } => usize::MAX,
            // Before it opened: the clock was set back, and nobody knows how long it has rested.
            Breaker::Open { since, until, times } if until <= now || now < since => {
                *self = Breaker::Probing { since: now, times };
                1
            }
            Breaker::Open { .. } | Breaker::Probing { .. } => 0,
        }
    }

    /// The question that was let through to see was not asked after all.
    pub fn was_not_used(&mut self, now: Instant) {
        if let Breaker::Probing { times, .. } = *self {
            *self = Breaker::Open { since: now, until: now, times };
        }
    }

    /// It answers, whatever it says.
    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// What was asked before it opened may fail later: that opens it no further, and is not what the question that
    /// is under way to see comes to. `rest`: for how long nobody asks when it opens for the so-many-th time in a row.
    pub fn failed(&mut self, asked_at: Instant, now: Instant, rest: impl FnOnce(u32) -> TimeDelta) {
        let open = |times: u32| Breaker::Open { since: now, until: now + rest(times), times };
        *self = match *self {
            Breaker::Closed { failures } if failures + 1 < FAILURES => {
                Breaker::Closed { failures: failures + 1 }
            }
            Breaker::Closed { .. } => open(1),
            Breaker::Probing { since, .. } if asked_at < since => return,
            Breaker::Probing { times, .. } => open(times.saturating_add(1)),
            Breaker::Open { .. } => return,
        };
    }
}

/// Twice as long each time, up to `longest`.
pub fn doubled(first: TimeDelta, times: u32, longest: TimeDelta) -> TimeDelta {
    (first * 2_i32.pow(times.saturating_sub(1).min(10))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    const LONGEST_REST: TimeDelta = TimeDelta::minutes(15);

    fn rest(times: u32) -> TimeDelta {
        doubled(TimeDelta::seconds(30), times, LONGEST_REST)
    }

    fn second(n: i64) -> Instant {
        from_micros(n * 1_000_000)
    }

    fn broken() -> Breaker {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(second(0), second(0), rest));
        breaker
    }

    #[test]
    fn a_failure_now_and_then_stops_nobody() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            (1..FAILURES).for_each(|_| breaker.failed(second(0), second(0), rest));
            assert_eq!(breaker.lets_through(second(0)), usize::MAX);
            breaker.succeeded();
        }
    }

    #[test]
    fn a_clock_that_is_set_back_rests_nobody_for_longer() {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.failed(second(7_200), second(7_200), rest));
        assert_eq!(breaker.lets_through(second(7_201)), 0);
        assert_eq!((breaker.lets_through(second(1)), breaker.lets_through(second(2))), (1, 0));
    }

    #[test]
    fn one_question_goes_out_to_see_and_decides() {
        let mut breaker = broken();
        assert_eq!(breaker.lets_through(second(29)), 0);
        assert_eq!((breaker.lets_through(second(30)), breaker.lets_through(second(30))), (1, 0));
        breaker.failed(second(31), second(31), rest);
        assert_eq!((breaker.lets_through(second(90)), breaker.lets_through(second(91))), (0, 1));
        breaker.succeeded();
        assert_eq!(breaker.lets_through(second(91)), usize::MAX);
    }

    #[test]
    fn it_rests_longer_and_longer_but_never_for_good() {
        let mut breaker = broken();
        let mut now = second(0);
        for times in 1..40 {
            let Breaker::Open { until, .. } = breaker else { panic!("open") };
            assert!(until - now <= LONGEST_REST && (times < 7 || until - now == LONGEST_REST));
            now = until;
            assert_eq!(breaker.lets_through(now), 1);
            breaker.failed(now, now, rest);
        }
    }

    #[test]
    fn what_was_asked_before_it_opened_does_not_fail_the_probe() {
        let mut breaker = broken();
        assert_eq!(breaker.lets_through(second(30)), 1);
        let probing = breaker;
        breaker.failed(second(0), second(31), rest);
        assert_eq!(breaker, probing);
        breaker.failed(second(30), second(32), rest);
        assert!(matches!(breaker, Breaker::Open { times: 2, .. }));
    }

    #[test]
    fn a_probe_that_was_not_asked_can_be_asked_at_once() {
        let mut breaker = broken();
        assert_eq!(breaker.lets_through(second(30)), 1);
        breaker.was_not_used(second(30));
        assert_eq!(breaker.lets_through(second(30)), 1);
    }
}
