//! What goes wrong and when: a function of a seed.
//!
//! Pure. The same seed gives the same faults in the same order with the same waits between them; what the daemons
//! are doing at those instants differs from run to run, as it does when a run is repeated to find out more.

use std::fmt;
use std::time::Duration;

/// A link that the daemons have to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Database,
    Provider,
    Carrier,
    Merchant,
}

pub const LINKS: [Link; 4] = [Link::Database, Link::Provider, Link::Carrier, Link::Merchant];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Every connection breaks and no new one is made.
    Cut,
    /// Every piece takes so much longer, each way.
    Slow(Duration),
    /// Nothing gets through, and nobody hangs up; what was sent arrives when the trouble ends.
    Silent,
    /// What is asked arrives; the answer does not, and the connection breaks.
    AnswersLost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Kill {
        daemon: usize,
    },
    Trouble {
        link: Link,
        trouble: Trouble,
        lasts: Duration,
    },
    FullDisk {
        lasts: Duration,
    },
    /// A departure that parcels were received for closes now.
    CutOff,
    /// From now on a daemon's wall clock is so much ahead of ours.
    Clock {
        daemon: usize,
        ahead_seconds: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// So many questions have to be answered first, however slow the machine is; none: it may come while all start.
    pub answers: u64,
    /// And then so long.
    pub after: Duration,
    pub fault: Fault,
}

#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub seed: u64,
    pub kills: usize,
    pub daemons: usize,
    /// Whether daemons and database speak over a link that can be troubled.
    pub database_link: bool,
    pub disk: bool,
}

pub struct Plan {
    pub terms: Terms,
    pub steps: Vec<Step>,
}

const AFTER_MS_MAX: u64 = 500;
const ANSWERS_MAX: u64 = 12;
const LASTS_MS: std::ops::Range<u64> = 50..2_000;
const TWO_HOURS: i64 = 7_200;

impl Plan {
    pub fn draw(terms: Terms) -> Self {
        let dice = &mut fastrand::Rng::with_seed(terms.seed);
        let (mut steps, mut kills) = (Vec::new(), 0);
        while kills < terms.kills {
            let fault = fault(&terms, dice);
            kills += usize::from(matches!(fault, Fault::Kill { .. }));
            let after = Duration::from_millis(dice.u64(0..AFTER_MS_MAX));
            let answers = if dice.u8(0..4) > 0 { dice.u64(1..=ANSWERS_MAX) } else { 0 };
            steps.push(Step { answers, after, fault });
        }
        Self { terms, steps }
    }
}

fn fault(terms: &Terms, dice: &mut fastrand::Rng) -> Fault {
    let daemon = dice.usize(0..terms.daemons);
    let lasts = Duration::from_millis(dice.u64(LASTS_MS));
    match dice.u32(0..100) {
        0..60 => Fault::Kill { daemon },
        60..72 => {
            let link = [Link::Provider, Link::Carrier, Link::Merchant][dice.usize(0..3)];
            Fault::Trouble { link, trouble: trouble(dice), lasts }
        }
        72..82 if terms.database_link => {
            Fault::Trouble { link: Link::Database, trouble: trouble(dice), lasts }
        }
        82..88 if terms.disk => Fault::FullDisk { lasts },
        88..96 => Fault::Clock { daemon, ahead_seconds: ahead_seconds(dice) },
        96..100 => Fault::CutOff,
        _ => Fault::Kill { daemon },
    }
}

fn trouble(dice: &mut fastrand::Rng) -> Trouble {
    match dice.u8(0..4) {
        0 => Trouble::Cut,
        1 => Trouble::Slow(Duration::from_millis(dice.u64(1..200))),
        2 => Trouble::Silent,
        _ => Trouble::AnswersLost,
    }
}

/// Set right as often as set wrong: a provider refuses what is signed at a wrong time, and nothing would be tried
/// with a clock that is always wrong.
fn ahead_seconds(dice: &mut fastrand::Rng) -> i64 {
    let wrong = if dice.bool() { dice.i64(1..=120) } else { dice.i64(1..=TWO_HOURS) };
    match dice.u8(0..4) {
        0 | 1 => 0,
        2 => wrong,
        _ => -wrong,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.terms)?;
        for (nth, Step { answers, after, fault }) in self.steps.iter().enumerate() {
            writeln!(f, "{nth:5}  {answers:2} answers, {after:>6?}  {fault:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plans_the_same_storm_with_every_kind_of_fault_in_it() {
        let terms = Terms { seed: 1, kills: 500, daemons: 3, database_link: true, disk: true };
        let (one, same) = (Plan::draw(terms), Plan::draw(terms));
        assert_eq!(one.steps, same.steps);
        assert_ne!(Plan::draw(Terms { seed: 2, ..terms }).steps, one.steps);
        let count = |is: fn(&Fault) -> bool| one.steps.iter().filter(|step| is(&step.fault)).count();
        assert_eq!(count(|fault| matches!(fault, Fault::Kill { .. })), 500);
        assert!(count(|fault| matches!(fault, Fault::FullDisk { .. })) > 10);
        assert!(count(|fault| matches!(fault, Fault::CutOff)) > 5);
        assert!(count(|fault| matches!(fault, Fault::Clock { ahead_seconds: 3_600.., .. })) > 0);
        assert!(count(|fault| matches!(fault, Fault::Clock { ahead_seconds: ..=-3_600, .. })) > 0);
        for link in LINKS {
            let of_link = |step: &&Step| matches!(step.fault, Fault::Trouble { link: of, .. } if of == link);
            assert!(one.steps.iter().filter(of_link).count() > 10, "{link:?}");
        }
    }
}
