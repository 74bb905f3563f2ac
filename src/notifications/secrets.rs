//! What an endpoint's messages are signed with, now and while its secret is replaced.
//!
//! Every secret that is in force signs every message, so that a receiver that knows any of
//! them is never in doubt. A new one ends those before it after an overlap; an overlap of
//! nothing ends them at once.

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::domain::instant::Instant;
use crate::domain::webhook::SigningSecret;

/// Secrets of one endpoint at the same time. More than two, since who never got the answer to a rotation rotates
/// again, and still signs with the first.
pub const SECRETS_MAX: usize = 5;

/// `new` becomes the current one; the others end within `overlap`, the oldest at once where there are too many.
pub fn rotate(
    kept: &[SigningSecret],
    new: SecretString,
    overlap: TimeDelta,
    wall: Instant,
) -> Vec<SigningSecret> {
    let end = wall + overlap;
    let ending = |secret: &SigningSecret| {
        let until = secret.until.map_or(end, |until| until.min(end));
        (until > wall).then(|| SigningSecret { secret: secret.secret.clone(), until: Some(until) })
    };
    let mut all = vec![SigningSecret { secret: new, until: None }];
    all.extend(kept.iter().filter_map(ending).take(SECRETS_MAX - 1));
    all
}

/// The current one first.
pub fn in_force(kept: &[SigningSecret], wall: Instant) -> impl Iterator<Item = &SecretString> {
    kept.iter().filter(move |secret| secret.until.is_none_or(|until| until > wall)).map(|kept| &kept.secret)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::domain::instant::from_micros;

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    fn first() -> Vec<SigningSecret> {
        vec![SigningSecret { secret: "0".to_owned().into(), until: None }]
    }

    fn good(kept: &[SigningSecret], seconds: i64) -> Vec<String> {
        in_force(kept, at(seconds)).map(|secret| secret.expose_secret().to_owned()).collect()
    }

    #[test]
    fn for_a_day_both_sign_and_then_the_new_one_alone() {
        let kept = rotate(&first(), "1".to_owned().into(), TimeDelta::hours(24), at(0));
        assert_eq!(good(&kept, 86_399), ["1", "0"]);
        assert_eq!(good(&kept, 86_400), ["1"]);
    }

    #[test]
    fn without_an_overlap_no_earlier_one_is_good_any_more() {
        let twice = rotate(&first(), "1".to_owned().into(), TimeDelta::hours(24), at(0));
        let leaked = rotate(&twice, "2".to_owned().into(), TimeDelta::zero(), at(60));
        assert_eq!(good(&leaked, 60), ["2"]);
    }

    #[test]
    fn who_rotates_again_because_no_answer_came_still_signs_with_what_the_receiver_has() {
        let mut kept = first();
        for (new, second) in [("1", 10), ("2", 20), ("3", 30), ("4", 40)] {
            kept = rotate(&kept, new.to_owned().into(), TimeDelta::hours(24), at(second));
            assert!(good(&kept, second).contains(&"0".to_owned()));
        }
        kept = rotate(&kept, "5".to_owned().into(), TimeDelta::hours(24), at(50));
        assert_eq!(good(&kept, 50), ["5", "4", "3", "2", "1"]);
    }

    proptest! {
        #[test]
        fn the_newest_is_always_good_and_none_outlives_its_overlap(
            rotations in proptest::collection::vec((0_i64..100, 0_i64..50), 1..12),
            later in 0_i64..200,
        ) {
            let (mut kept, mut now, mut ends) = (first(), 0, vec![i64::MAX]);
            for (number, (wait, overlap)) in rotations.iter().enumerate() {
                now += wait;
                let new = (number + 1).to_string().into();
                kept = rotate(&kept, new, TimeDelta::seconds(*overlap), at(now));
                ends.iter_mut().for_each(|end| *end = (*end).min(now + overlap));
                ends.push(i64::MAX);
                prop_assert!(kept.len() <= SECRETS_MAX);
            }
            let good = good(&kept, now + later);
            prop_assert_eq!(good.first(), Some(&rotations.len().to_string()));
            let alive = |secret: &String| secret.parse().is_ok_and(|number: usize| ends[number] > now + later);
            prop_assert!(good.iter().all(alive));
            let expected = ends.iter().filter(|end| **end > now + later).count();
            prop_assert_eq!(good.len(), expected.min(SECRETS_MAX), "only the oldest are left out");
        }
    }
}
