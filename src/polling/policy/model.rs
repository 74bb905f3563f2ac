//! What is known of stages, by class of parcel, and how it is learnt.

use serde::{Deserialize, Serialize};

use super::calendar::{Promises, Weekdays};
use super::local_time::LocalMinute;
use super::samples::{Pool, Sample};

/// Parcels that travel alike: a lane and its carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Class(pub u16);

/// What the last scan said, as an index into the [`Guess`]es of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stage(pub u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    pub stage: Stage,
    pub at: LocalMinute,
}

/// A parcel's scans in the order of their times, without its delivery.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    pub class: Class,
    pub scans: &'a [Scan],
    pub delivered: Option<LocalMinute>,
    pub promised: Option<LocalMinute>,
}

/// What is held of a stage before anything was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// Medians, in minutes: to the next scan, and from there to the delivery.
    pub to_next: i32,
    pub then_to_delivery: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct AtStage {
    /// Stays that ended, of all parcels: when does the next scan show?
    pub stays: Pool,
    /// Stays of the delivered ones: when is it delivered?
    pub journeys: Pool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub(super) guesses: Vec<Guess>,
    pub(super) classes: Vec<Vec<AtStage>>,
    /// Of every class.
    pub(super) together: Vec<AtStage>,
    pub(super) weekdays: Weekdays,
    pub(super) promises: Promises,
}

impl Model {
    /// One guess a stage; a stage without one is not learnt about.
    pub fn new(guesses: Vec<Guess>) -> Model {
        let together = guesses.iter().map(|_| AtStage::default()).collect();
        Model {
            guesses,
            classes: Vec::new(),
            together,
            weekdays: Weekdays::default(),
            promises: Promises::default(),
        }
    }

    /// Takes in what is new in `history` since it was last learnt from, at `known_to`: stays that ended
    /// since then and, of a delivered parcel, the whole of it. Said twice it counts twice.
    pub fn learn(&mut self, history: &History<'_>, known_to: Option<LocalMinute>) {
        let scans = history.scans;
        let ends = scans.iter().skip(1).map(|scan| scan.at).chain(history.delivered);
        for (scan, left) in scans.iter().zip(ends) {
            // What a carrier adds after a delivery is no stay before it.
            let left = history.delivered.map_or(left, |delivered| left.min(delivered));
            // Scans that show up together leave nobody time to look between them.
            if left <= scan.at || usize::from(scan.stage.0) >= self.guesses.len() {
                continue;
            }
            if known_to.is_none_or(|known_to| left > known_to) {
                let sample = Sample::new(scan.at, left, left);
                self.at(history.class, scan.stage).for_each(|at| at.stays.put(sample, left.day()));
            }
            if let Some(delivered) = history.delivered {
                let sample = Sample::new(scan.at, left, delivered);
                self.at(history.class, scan.stage).for_each(|at| at.journeys.put(sample, delivered.day()));
            }
        }
        if let Some(delivered) = history.delivered {
            self.weekdays.learn(delivered);
            if let Some(promised) = history.promised {
                self.promises.learn(promised, delivered);
            }
        }
    }

    /// Where a stage of this class is kept, and where the stage of all classes is.
    fn at(&mut self, class: Class, stage: Stage) -> impl Iterator<Item = &mut AtStage> {
        let (class, stage) = (usize::from(class.0), usize::from(stage.0));
        if self.classes.len() <= class {
            self.classes.resize_with(class + 1, Vec::new);
        }
        let own = &mut self.classes[class];
        if own.is_empty() {
            own.resize_with(self.guesses.len(), AtStage::default);
        }
        own.get_mut(stage).into_iter().chain(self.together.get_mut(stage))
    }

    /// What was learnt so far has other dates than what comes: a history read beforehand.
    pub fn settle(&mut self) {
        self.weekdays.settle();
        for at in self.classes.iter_mut().flatten().chain(&mut self.together) {
            at.stays.forget_dates();
            at.journeys.forget_dates();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::local_time::DAY;
    use super::*;

    fn scan(stage: u8, at: i32) -> Scan {
        Scan { stage: Stage(stage), at: LocalMinute(at) }
    }

    fn empty() -> Model {
        Model::new(vec![Guess { to_next: DAY, then_to_delivery: DAY }; 3])
    }

    #[test]
    fn a_parcel_on_its_way_is_learnt_from_once_however_often_it_is_looked_at() {
        let scans = [scan(0, 100), scan(1, 700), scan(2, 1_500)];
        let history = |scans, delivered| History { class: Class(0), scans, delivered, promised: None };
        let mut bit_by_bit = empty();
        bit_by_bit.learn(&history(&scans[..1], None), Some(LocalMinute(100)));
        bit_by_bit.learn(&history(&scans[..2], None), Some(LocalMinute(300)));
        bit_by_bit.learn(&history(&scans[..2], None), Some(LocalMinute(800)));
        bit_by_bit.learn(&history(&scans, Some(LocalMinute(2_000))), Some(LocalMinute(900)));
        let mut at_once = empty();
        at_once.learn(&history(&scans, Some(LocalMinute(2_000))), None);
        assert_eq!(bit_by_bit, at_once);
    }

    #[test]
    fn scans_that_showed_up_together_are_not_taken_for_stays() {
        let mut model = empty();
        let scans = [scan(0, 100), scan(1, 700), scan(1, 700)];
        model.learn(
            &History { class: Class(0), scans: &scans, delivered: Some(LocalMinute(700)), promised: None },
            None,
        );
        assert_eq!(model.classes[0][1], AtStage::default());
    }

    #[test]
    fn a_stage_or_a_class_nobody_named_does_no_harm() {
        let mut model = empty();
        let scans = [scan(200, 100), scan(1, 700)];
        model.learn(&History { class: Class(9), scans: &scans, delivered: None, promised: None }, None);
        assert_eq!(model.together, empty().together);
    }

    #[test]
    fn a_model_survives_being_written_down() {
        let mut model = empty();
        let scans = [scan(0, 100), scan(1, 700)];
        model.learn(
            &History { class: Class(2), scans: &scans, delivered: Some(LocalMinute(900)), promised: None },
            None,
        );
        let written = serde_json::to_string(&model).expect("a table");
        assert_eq!(serde_json::from_str::<Model>(&written).expect("the same"), model);
    }
}
