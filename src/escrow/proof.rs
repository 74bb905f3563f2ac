//! Whether a buyer is the buyer: a code that the merchant passed on, or the end of a telephone number.
//!
//! Promise: a code is six digits from the operating system's randomness, good for a quarter of an hour, five tries and
//! one act (which can be asked for again, where the answer was lost), and kept as a salted hash alone; five are sent in
//! an hour. Before its act it opens what there is to read, as often as one likes; wrong tries count at every door
//! alike, so that reading gives nobody more guesses. Where no code is in force every try is answered with the same,
//! whether one was used, has expired or never was: a code that is over says nothing to who guesses at it. Of a telephone number five wrong ends are heard in a day; then nobody is, for a day. Decisions are functions
//! of what is kept and `now`; whoever asks writes down what is changed, under the shipment's lock, so that tries side by
//! side are all counted.
//!
//! A salt does not make a million codes many: whoever reads the database within the quarter of an hour can find one.
//! It keeps codes out of backups and logs, and equal ones from being recognised.
//!
//! Absent on purpose: a second code beside the one in force. A new one ends the one before.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::chance::{self, NoRandomness};
use crate::domain::buyer::{KeptCode, ProofStanding};
use crate::domain::instant::Instant;

pub const CODE_MINUTES: i64 = 15;
pub const CODE_TRIES: u32 = 5;
pub const CODES_AN_HOUR: usize = 5;
pub const PHONE_TRIES_A_DAY: usize = 5;
const CODES: u32 = 1_000_000;

/// A code that was just made: to be sent, and never kept.
pub struct NewCode {
    pub code: SecretString,
    salt: String,
}

impl NewCode {
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut salt = [0; 16];
        chance::fill(&mut salt)?;
        Ok(Self { code: format!("{:06}", number()?).into(), salt: hex(&salt) })
    }
}

/// Every number below [`CODES`] as likely as any other: what the last, incomplete round would favour is drawn again.
fn number() -> Result<u32, NoRandomness> {
    let whole_rounds = u32::MAX - u32::MAX % CODES;
    loop {
        let mut drawn = [0; 4];
        chance::fill(&mut drawn)?;
        let drawn = u32::from_le_bytes(drawn);
        if drawn < whole_rounds {
            return Ok(drawn % CODES);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// It was good for this very act before.
    GoodBefore,
    Wrong {
        tries_left: u32,
    },
    /// No code is in force: what there was is used or has expired.
    NoCode,
    /// Nothing is compared any more. `until`: when it is again; none: with a new code.
    TooMany {
        until: Option<Instant>,
    },
}

/// Puts a new code in force. An error says when there can be another.
pub fn send(standing: &mut ProofStanding, new: &NewCode, now: Instant) -> Result<Instant, Instant> {
    standing.sent_at.retain(|at| *at + TimeDelta::hours(1) > now);
    if let Some(oldest) = standing.sent_at.first().filter(|_| standing.sent_at.len() >= CODES_AN_HOUR) {
        return Err(*oldest + TimeDelta::hours(1));
    }
    standing.sent_at.push(now);
    let expires_at = now + TimeDelta::minutes(CODE_MINUTES);
    let hash = hash(&new.salt, new.code.expose_secret());
    let (salt, tries_left, used_for) = (new.salt.clone(), CODE_TRIES, None);
    standing.code = Some(KeptCode { salt, hash, expires_at, tries_left, used_for });
    Ok(expires_at)
}

/// A good code is used up by `act`, which is a digest of what is done with it; none: something is read, and the code
/// stays good.
pub fn check_code(standing: &mut ProofStanding, said: &str, act: Option<&str>, now: Instant) -> Verdict {
    let Some(code) = standing.code.as_mut().filter(|code| now < code.expires_at) else {
        standing.code = None;
        return Verdict::NoCode;
    };
    let fits = code.tries_left > 0 && is_same(&hash(&code.salt, said), &code.hash);
    if let Some(before) = &code.used_for {
        if fits && act == Some(before.as_str()) {
            return Verdict::GoodBefore;
        }
        // Counted in silence: how many are left would say that this one was used.
        code.tries_left = code.tries_left.saturating_sub(1);
        return Verdict::NoCode;
    }
    if code.tries_left == 0 {
        return Verdict::TooMany { until: None };
    }
    if fits {
        code.used_for = act.map(str::to_owned);
        return Verdict::Good;
    }
    code.tries_left -= 1;
    Verdict::Wrong { tries_left: code.tries_left }
}

/// `phone`: the consignee's, however it is written.
pub fn check_phone(standing: &mut ProofStanding, phone: &str, said: &str, now: Instant) -> Verdict {
    if let Some(until) = standing.phone_locked_until.filter(|until| now < *until) {
        return Verdict::TooMany { until: Some(until) };
    }
    standing.phone_locked_until = None;
    standing.wrong_phone_at.retain(|at| *at + TimeDelta::days(1) > now);
    let digits: Vec<u8> = phone.bytes().filter(u8::is_ascii_digit).collect();
    // Of a number with fewer nothing is good.
    if digits.last_chunk::<4>().is_some_and(|end| bool::from(end.as_slice().ct_eq(said.as_bytes()))) {
        return Verdict::Good;
    }
    standing.wrong_phone_at.push(now);
    let tries_left = PHONE_TRIES_A_DAY.saturating_sub(standing.wrong_phone_at.len()) as u32;
    if tries_left == 0 {
        standing.phone_locked_until = Some(now + TimeDelta::days(1));
        standing.wrong_phone_at.clear();
    }
    Verdict::Wrong { tries_left }
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn hash(salt: &str, code: &str) -> String {
    digest(&format!("{salt} {code}"))
}

pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIRM: Option<&str> = Some("confirm");
    const LOOK: Option<&str> = None;

    fn at(minutes: i64) -> Instant {
        "2026-03-05T00:00:00Z".parse::<Instant>().expect("an instant") + TimeDelta::minutes(minutes)
    }

    fn sent(minutes: i64) -> (ProofStanding, String) {
        let mut standing = ProofStanding::default();
        let new = NewCode::generate().expect("randomness");
        send(&mut standing, &new, at(minutes)).expect("the first");
        (standing, new.code.expose_secret().to_owned())
    }

    fn other_than(code: &str) -> &'static str {
        if code == "000000" { "000001" } else { "000000" }
    }

    #[test]
    fn a_code_is_good_for_one_act_and_only_for_a_while() {
        let (mut standing, code) = sent(0);
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(!serde_json::to_string(&standing).expect("JSON").contains(&code));
        let last = at(CODE_MINUTES - 1);
        let mut late = standing.clone();
        assert_eq!(check_code(&mut late, &code, CONFIRM, at(CODE_MINUTES)), Verdict::NoCode);
        assert_eq!(check_code(&mut standing, &code, CONFIRM, last), Verdict::Good);
        assert_eq!(check_code(&mut standing, &code, CONFIRM, last), Verdict::GoodBefore);
        assert_eq!(check_code(&mut standing, &code, Some("dispute"), last), Verdict::NoCode);
        assert_eq!(
            check_code(&mut standing, &code, LOOK, last),
            Verdict::NoCode,
            "nor is anything read with it"
        );
        assert_eq!(check_code(&mut standing, &code, CONFIRM, at(CODE_MINUTES)), Verdict::NoCode);
    }

    #[test]
    fn who_guesses_where_no_code_is_in_force_hears_one_thing_whatever_was_before() {
        let (mut used, code) = sent(0);
        assert_eq!(check_code(&mut used, &code, CONFIRM, at(1)), Verdict::Good);
        let (mut expired, _) = sent(-CODE_MINUTES);
        let mut never = ProofStanding::default();
        for _ in 0..=CODE_TRIES {
            for standing in [&mut used, &mut expired, &mut never] {
                let guess = other_than(&code);
                assert_eq!(check_code(standing, guess, CONFIRM, at(1)), Verdict::NoCode, "{standing:?}");
            }
        }
        let found_late = check_code(&mut used, &code, CONFIRM, at(1));
        assert_eq!(found_late, Verdict::NoCode, "five guesses are all that a used code hears, too");
    }

    #[test]
    fn reading_uses_nothing_up_and_gives_nobody_more_tries() {
        let (mut standing, code) = sent(0);
        for _ in 0..20 {
            assert_eq!(check_code(&mut standing, &code, LOOK, at(1)), Verdict::Good);
        }
        let mut guessed = standing.clone();
        for (tries_left, act) in (0..CODE_TRIES).rev().zip([LOOK, CONFIRM].into_iter().cycle()) {
            let wrong = check_code(&mut guessed, other_than(&code), act, at(1));
            assert_eq!(wrong, Verdict::Wrong { tries_left });
            let right = check_code(&mut guessed, &code, LOOK, at(1));
            let expected = if tries_left > 0 { Verdict::Good } else { Verdict::TooMany { until: None } };
            assert_eq!(right, expected, "a right one between two wrong ones gives no try back");
        }
        assert_eq!(check_code(&mut guessed, &code, CONFIRM, at(1)), Verdict::TooMany { until: None });
        assert_eq!(
            check_code(&mut standing, &code, CONFIRM, at(1)),
            Verdict::Good,
            "it was read with, not used"
        );
        assert_eq!(check_code(&mut standing, &code, LOOK, at(1)), Verdict::NoCode);
    }

    #[test]
    fn five_wrong_tries_end_a_code_and_a_new_one_ends_the_one_before() {
        let (mut standing, code) = sent(0);
        for tries_left in (0..CODE_TRIES).rev() {
            assert_eq!(
                check_code(&mut standing, other_than(&code), CONFIRM, at(1)),
                Verdict::Wrong { tries_left }
            );
        }
        assert_eq!(check_code(&mut standing, &code, CONFIRM, at(1)), Verdict::TooMany { until: None });
        let mut codes = Vec::new();
        for _ in 1..CODES_AN_HOUR {
            let new = NewCode::generate().expect("randomness");
            assert_eq!(send(&mut standing, &new, at(2)), Ok(at(2 + CODE_MINUTES)));
            codes.push(new.code.expose_secret().to_owned());
        }
        let new = NewCode::generate().expect("randomness");
        assert_eq!(send(&mut standing, &new, at(59)), Err(at(60)));
        let newest = codes.pop().expect("a code");
        for code in codes.iter().filter(|code| **code != newest) {
            assert!(matches!(check_code(&mut standing, code, CONFIRM, at(3)), Verdict::Wrong { .. }));
        }
        assert_eq!(check_code(&mut standing, &newest, CONFIRM, at(3)), Verdict::Good);
        assert_eq!(send(&mut standing, &new, at(60)), Ok(at(60 + CODE_MINUTES)));
    }

    #[test]
    fn five_wrong_ends_of_a_number_in_a_day_lock_it_for_a_day() {
        let mut standing = ProofStanding::default();
        let mut says =
            |said: &str, hours: i64| check_phone(&mut standing, "+86 138 0013-8000", said, at(hours * 60));
        assert_eq!(says("8000", 0), Verdict::Good);
        for tries_left in [4, 3, 2, 1] {
            assert_eq!(says("138000", 0), Verdict::Wrong { tries_left });
        }
        assert_eq!(says("8000", 1), Verdict::Good);
        assert_eq!(says("0000", 24), Verdict::Wrong { tries_left: 4 }, "yesterday's do not count");
        for tries_left in [3, 2, 1, 0] {
            assert_eq!(says("", 25), Verdict::Wrong { tries_left });
        }
        assert_eq!(says("8000", 48), Verdict::TooMany { until: Some(at(49 * 60)) });
        assert_eq!(says("8000", 49), Verdict::Good);
    }

    #[test]
    fn of_a_number_that_is_too_short_nothing_is_good() {
        for phone in ["", "800", "no number"] {
            let verdict = check_phone(&mut ProofStanding::default(), phone, "800", at(0));
            assert_eq!(verdict, Verdict::Wrong { tries_left: 4 }, "{phone}");
        }
    }
}
