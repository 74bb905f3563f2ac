//! How many messages may go to one receiver now, as far as this daemon knows it.
//!
//! In memory: another daemon finds out for itself, and a new one begins with trust.

use std::time::Duration;

use crate::domain::breaker::Breaker;
use crate::domain::instant::Instant;

/// What came of one message or question, as far as it says how its receiver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It answers, whatever it says.
    Well,
    /// No answer, or one that says that it cannot answer now; and when it wants to be asked again.
    Failed { asked: Option<Duration> },
    /// Nothing went out.
    Unused,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Gate {
    breaker: Breaker,
    under_way: usize,
}

impl Gate {
    /// How many may go now, with no more than `most` under way. Who takes fewer gives the rest back.
    pub fn let_through(&mut self, most: usize, now: Instant) -> usize {
        let free = most.saturating_sub(self.under_way);
        if free == 0 {
            return 0;
        }
        let through = self.breaker.lets_through(now).min(free);
        self.under_way += through;
        through
    }

    /// Of those that were let through, so many did not go: there was nothing to send.
    pub fn give_back(&mut self, unused: usize, now: Instant) {
        for _ in 0..unused {
            self.ended(now, now, Went::Unused, |_| chrono::TimeDelta::zero());
        }
    }

    /// `began_at`: when it was let through. `rest`: how long the receiver is left alone when it fails too often for
    /// the so-many-th time in a row.
    pub fn ended(
        &mut self,
        began_at: Instant,
        now: Instant,
        went: Went,
        rest: impl FnOnce(u32) -> chrono::TimeDelta,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        match went {
            Went::Well => self.breaker.succeeded(),
            Went::Failed { .. } => self.breaker.failed(began_at, now, rest),
            Went::Unused => self.breaker.was_not_used(now),
        }
    }

    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Nothing goes but a single message now and then.
    pub fn rests(&self) -> bool {
        !matches!(self.breaker, Breaker::Closed { .. })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::instant::from_micros;

    const MOST: usize = 4;
    const REST: TimeDelta = TimeDelta::seconds(10);

    fn second(n: i64) -> Instant {
        from_micros(n * 1_000_000)
    }

    fn fail(gate: &mut Gate, at: i64) {
        gate.ended(second(at), second(at), Went::Failed { asked: None }, |_| REST);
    }

    #[test]
    fn so_many_are_under_way_and_no_more() {
        let mut gate = Gate::default();
        assert_eq!((gate.let_through(MOST, second(0)), gate.let_through(MOST, second(0))), (MOST, 0));
        gate.give_back(1, second(0));
        assert_eq!(gate.let_through(MOST, second(0)), 1);
        gate.ended(second(0), second(1), Went::Well, |_| REST);
        assert_eq!((gate.under_way(), gate.let_through(MOST, second(1))), (MOST - 1, 1));
    }

    #[test]
    fn one_that_fails_again_and_again_gets_a_single_message_to_see() {
        let mut gate = Gate::default();
        for _ in 0..3 {
            let through = gate.let_through(MOST, second(0));
            (0..through).for_each(|_| fail(&mut gate, 0));
        }
        assert!(gate.rests());
        assert_eq!(gate.let_through(MOST, second(9)), 0);
        assert_eq!((gate.let_through(MOST, second(10)), gate.let_through(MOST, second(10))), (1, 0));
        // There was nothing to see with: whoever comes next may.
        gate.give_back(1, second(10));
        assert_eq!(gate.let_through(MOST, second(11)), 1);
        gate.ended(second(11), second(12), Went::Well, |_| REST);
        assert_eq!((gate.rests(), gate.let_through(MOST, second(12))), (false, MOST));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask,
        End(bool),
        Unused,
        Wait(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Ask),
            any::<bool>().prop_map(Step::End),
            Just(Step::Unused),
            (0..60_i64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn never_more_than_the_most_and_never_shut_for_good(steps in prop::collection::vec(step(), 0..200)) {
            let (mut gate, mut now, mut under_way) = (Gate::default(), 0, Vec::new());
            for step in steps {
                match step {
                    Step::Ask => {
                        let through = gate.let_through(MOST, second(now));
                        under_way.extend(std::iter::repeat_n(now, through));
                    }
                    Step::End(well) => if let Some(began) = under_way.pop() {
                        let went = if well { Went::Well } else { Went::Failed { asked: None } };
                        gate.ended(second(began), second(now), went, |_| REST);
                    },
                    Step::Unused => if under_way.pop().is_some() {
                        gate.give_back(1, second(now));
                    },
                    Step::Wait(seconds) => now += seconds,
                }
                prop_assert!(under_way.len() <= MOST);
                prop_assert_eq!(gate.under_way(), under_way.len());
            }
            for began in under_way {
                gate.ended(second(began), second(now), Went::Unused, |_| REST);
            }
            prop_assert!(gate.let_through(MOST, second(now + 10)) > 0);
        }
    }
}
