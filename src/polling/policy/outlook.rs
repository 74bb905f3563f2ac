//! What may happen to a parcel after its last look, as weighted points in time.

use super::local_time::{DAY, LocalMinute};
use super::model::{AtStage, Class, Guess, Model, Stage};
use super::samples::Pool;

/// All that the policy has to know of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel {
    pub class: Class,
    pub stage: Stage,
    /// When the last scan that showed was made.
    pub since: LocalMinute,
    pub looked: LocalMinute,
    /// The delivery as the carrier promises or estimates it.
    pub promised: Option<LocalMinute>,
}

/// What is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    NextScan,
    Delivery,
}

/// n samples have a say of n / (n + DOUBT) in what the narrower groups leave over.
const DOUBT: f32 = 10.0;
/// What is left over and not worth asking a wider group about.
const LITTLE: f32 = 0.04;
/// Points that the guess is spread over.
const GUESSES: u8 = 16;

/// Gives `take` the times at which it may happen, in minutes after the last look, each with its weight;
/// the weights add up to about one.
///
/// Those of the same class that came at nearly the same time of the day are asked first, then those of
/// about that time, of any time, of any class, and last the guess. Of each group only those count
/// that were still at the stage for as long as this one is known to have been. The longer it has been
/// there, the less the hour of its coming says, and the wider `nearly` is.
pub(super) fn foretell(model: &Model, parcel: &Parcel, of: Of, mut take: impl FnMut(i32, f32)) {
    let stage = usize::from(parcel.stage.0);
    let Some((guess, together)) = model.guesses.get(stage).zip(model.together.get(stage)) else { return };
    let own = model.classes.get(usize::from(parcel.class.0)).and_then(|stages| stages.get(stage));
    let age = parcel.looked.since(parcel.since).max(0);
    let reaches = [60 + age / 12, 240 + age / 4, DAY / 2].map(|reach| reach.min(DAY / 2));
    let view = View { clock: parcel.since.clock(), look: parcel.looked.since(parcel.since.midnight()) };
    let mut left = 1.0;
    if let Some(own) = own {
        left = view.ask(pool(own, of), &reaches, left, &mut take);
    }
    if left > LITTLE {
        left = view.ask(pool(together, of), &reaches[1..2], left, &mut take);
    }
    if left > LITTLE {
        guessed(guess, age, of, |minutes| take(minutes, left / f32::from(GUESSES)));
    }
}

fn pool(at: &AtStage, of: Of) -> &Pool {
    match of {
        Of::NextScan => &at.stays,
        Of::Delivery => &at.journeys,
    }
}

/// A parcel as a pool sees it, in minutes from the midnight before its last scan.
struct View {
    clock: i32,
    look: i32,
}

impl View {
    /// Asks rings of wider and wider reach, and returns what they leave over of `left`.
    fn ask(&self, pool: &Pool, reaches: &[i32], mut left: f32, take: &mut impl FnMut(i32, f32)) -> f32 {
        let is_like = |sample_left: i32| sample_left > self.look;
        // What a sample of a ring counts in the group of that reach. A group holds the rings inside it.
        let mut weights = [0.0_f32; 3];
        let (mut count, mut beyond) = (0_u16, -1);
        for (weight, reach) in weights.iter_mut().zip(reaches) {
            if left <= LITTLE {
                break;
            }
            pool.around(self.clock, beyond, *reach, |sample, shift| {
                count += u16::from(is_like(sample.left.saturating_add(shift)));
            });
            beyond = *reach;
            if count > 0 {
                let count = f32::from(count);
                *weight = left / (count + DOUBT);
                left -= *weight * count;
            }
        }
        let mut beyond = -1;
        for (ring, reach) in reaches.iter().enumerate() {
            let weight: f32 = weights[ring..].iter().sum();
            if weight <= 0.0 {
                break;
            }
            pool.around(self.clock, beyond, *reach, |sample, shift| {
                if is_like(sample.left.saturating_add(shift)) {
                    take(sample.ended.saturating_add(shift).saturating_sub(self.look), weight);
                }
            });
            beyond = *reach;
        }
        left
    }
}

/// Log-logistic, and of no age: who has waited long is guessed to wait as long again.
fn guessed(guess: &Guess, age: i32, of: Of, mut take: impl FnMut(i32)) {
    for at in 0..GUESSES {
        let odds = f32::from(2 * at + 1) / f32::from(2 * (GUESSES - at) - 1);
        let next = guess.to_next.max(age) as f32 * odds;
        let minutes = match of {
            Of::NextScan => next,
            Of::Delivery => next + guess.then_to_delivery as f32 * odds,
        };
        take((minutes as i32).saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{History, Scan};
    use super::*;

    fn model() -> Model {
        Model::new(vec![Guess { to_next: DAY, then_to_delivery: DAY }])
    }

    fn delivered(model: &mut Model, came: i32, after: i32) {
        let scans = [Scan { stage: Stage(0), at: LocalMinute(came) }];
        let delivered = Some(LocalMinute(came + after));
        model.learn(&History { class: Class(0), scans: &scans, delivered, promised: None }, None);
    }

    fn points(model: &Model, class: u16, came: i32, looked: i32) -> Vec<(i32, f32)> {
        let parcel = Parcel {
            class: Class(class),
            stage: Stage(0),
            since: LocalMinute(came),
            looked: LocalMinute(looked),
            promised: None,
        };
        let mut points = Vec::new();
        foretell(model, &parcel, Of::Delivery, |minutes, weight| points.push((minutes, weight)));
        points
    }

    fn weight_within(points: &[(i32, f32)], minutes: i32) -> f32 {
        points.iter().filter(|point| point.0 <= minutes).map(|point| point.1).sum()
    }

    #[test]
    fn all_that_may_happen_lies_ahead_and_weighs_one() {
        let mut model = model();
        for parcels in [0, 1, 10, 500] {
            (0..parcels).for_each(|at| delivered(&mut model, at * 97 % DAY, 300 + at * 41 % 2_000));
            for looked in [800, 1_000, 2_000, 9_000] {
                let points = points(&model, 0, 800, looked);
                let total = weight_within(&points, i32::MAX);
                assert!((total - 1.0).abs() < LITTLE + 0.001, "{total}");
                assert!(points.iter().all(|(minutes, _)| *minutes > 0));
            }
        }
    }

    #[test]
    fn those_who_came_at_the_same_hour_say_more_than_the_others() {
        let mut model = model();
        for day in 0..100 {
            delivered(&mut model, day * DAY + 600, 120);
            delivered(&mut model, day * DAY + 1_200, 900);
        }
        assert!(weight_within(&points(&model, 0, 610, 610), 200) > 0.8);
        assert!(weight_within(&points(&model, 0, 1_190, 1_190), 200) < 0.2);
    }

    #[test]
    fn who_was_looked_at_without_a_change_is_compared_with_those_who_took_longer() {
        let mut model = model();
        for day in 0..100 {
            delivered(&mut model, day * DAY + 600, if day % 4 == 0 { 1_500 } else { 120 });
        }
        assert!(weight_within(&points(&model, 0, 600, 600), 130) > 0.6);
        let later = points(&model, 0, 600, 800);
        assert!(weight_within(&later, 1_200) < 0.2 && weight_within(&later, 1_310) > 0.6);
    }

    #[test]
    fn a_class_nobody_has_seen_learns_from_the_others() {
        let mut model = model();
        (0..200).for_each(|day| delivered(&mut model, day * DAY + 600, 120));
        assert!(weight_within(&points(&model, 7, 600, 600), 130) > 0.8);
    }
}
