//! What goes wrong on purpose, and for whom.
//!
//! Pure but for the books of who was failed already. The same seed fails the same keys the same
//! way. By shares, each key is failed on its first sight alone, so that a sender who repeats gets through, and
//! one who invents a new key is caught. What lasts is for rehearsing what a person has to do then. All of it can be
//! changed while the server runs.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::sandbox::dice;

/// Shares between 0 and 1, each of a command's first sight alone, and what lasts until it is taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    /// Before each answer.
    pub slow_ms: u64,
    /// The share of commands that take effect and are not told so.
    pub lose_answers: f64,
    /// The share of commands that are answered 503 before they took effect.
    pub errors: f64,
    /// The share of commands that are told that nobody knows what became of them. Half of them took effect.
    pub unknown: f64,
    /// Nothing is taken or answered but 503, questions included.
    pub down: bool,
    /// Each command is refused for good, and nothing comes of it; questions are answered. Taken back, the same command
    /// is decided as if it came for the first time.
    pub refuse_all: bool,
}

impl Shares {
    pub fn are_shares(&self) -> bool {
        [self.lose_answers, self.errors, self.unknown].iter().all(|share| (0.0..=1.0).contains(share))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Fine,
    /// Nothing happens, and the answer is 503.
    ErrorBefore,
    /// It takes effect, and the answer is 500 or none at all.
    AnswerLost {
        cut_off: bool,
    },
    Unknown {
        takes_effect: bool,
    },
    Refused,
}

pub struct Faults {
    seed: u64,
    pub shares: Shares,
    seen: HashSet<String>,
}

impl Faults {
    pub fn new(seed: u64, shares: Shares) -> Self {
        Self { seed, shares, seen: HashSet::new() }
    }

    pub fn fate(&mut self, key: &str) -> Fate {
        if self.shares.refuse_all {
            return Fate::Refused;
        }
        if !self.seen.insert(key.to_owned()) {
            return Fate::Fine;
        }
        let mut dice = dice(self.seed, key);
        let (errs, loses) = (dice.f64() < self.shares.errors, dice.f64() < self.shares.lose_answers);
        let coin = dice.bool();
        let is_unknown = dice.f64() < self.shares.unknown;
        if errs {
            Fate::ErrorBefore
        } else if loses {
            Fate::AnswerLost { cut_off: coin }
        } else if is_unknown {
            Fate::Unknown { takes_effect: coin }
        } else {
            Fate::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(shares: Shares) -> Vec<Fate> {
        let mut faults = Faults::new(5, shares);
        (0..200).map(|number| faults.fate(&format!("k{number}"))).collect()
    }

    #[test]
    fn shares_are_what_they_say_and_a_key_is_failed_once() {
        let all = |of: Shares| fates(of);
        assert!(all(Shares::default()).iter().all(|fate| *fate == Fate::Fine));
        let half = all(Shares { unknown: 0.5, ..Shares::default() });
        let unknown = half.iter().filter(|fate| matches!(fate, Fate::Unknown { .. })).count();
        assert!((70..130).contains(&unknown), "{unknown}");
        assert!(
            half.contains(&Fate::Unknown { takes_effect: true })
                && half.contains(&Fate::Unknown { takes_effect: false })
        );
        let mut faults = Faults::new(5, Shares { errors: 1.0, ..Shares::default() });
        assert_eq!((faults.fate("k"), faults.fate("k")), (Fate::ErrorBefore, Fate::Fine));
        faults.shares.refuse_all = true;
        assert_eq!(
            (faults.fate("k"), faults.fate("l"), faults.fate("l")),
            (Fate::Refused, Fate::Refused, Fate::Refused)
        );
        faults.shares = Shares::default();
        assert_eq!((faults.fate("k"), faults.fate("l")), (Fate::Fine, Fate::Fine));
        assert!(!Shares { errors: 1.1, ..Shares::default() }.are_shares());
        assert!(!Shares { unknown: f64::NAN, ..Shares::default() }.are_shares());
    }
}
