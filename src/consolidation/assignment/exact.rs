//! The best plan there is, for a handful of loads: everything is tried that could still be best.
//!
//! A plan costs at least what its loads cost where they go, with a fair share of a unit each: units are whole,
//! and no fewer than the loads fill by weight or by volume. So where some loads have their place, what those
//! pay with their shares, and the least that each of the others pays with its share, is the least that any
//! such plan costs; and so are what they pay with whole units, and the least that the others pay without.

use super::plan::{Plan, Question};
use super::{Choice, Load};

/// Where more are asked about, not even a part of the answers can be tried.
pub const LOADS_MAX: usize = 16;

struct Trial<'a> {
    question: &'a Question<'a>,
    /// Largest first.
    order: Vec<usize>,
    /// By place in the order, what those from there on pay at least, with their shares and without, and what
    /// they pay if they stay behind.
    rest: Vec<[u128; 3]>,
    plan: Plan<'a>,
    best: Plan<'a>,
    nodes: u64,
}

/// A plan no dearer than `known`, and whether nothing costs less; that is not known if `nodes` were too few.
pub fn exact<'a>(question: &'a Question<'a>, known: Plan<'a>, nodes: u64) -> (Plan<'a>, bool) {
    let mut order: Vec<usize> = (0..question.loads.len()).collect();
    let largest = |load: usize| {
        question.choices[load].iter().map(|choice| share(question, load, choice)).max().unwrap_or(0)
    };
    order.sort_by_key(|load| (std::cmp::Reverse(largest(*load)), *load));
    let mut rest = vec![[0; 3]; order.len() + 1];
    for (at, load) in order.iter().enumerate().rev() {
        let pays = |choice: &Choice| u128::from(choice.cost_micros);
        let shares = |choice: &Choice| pays(choice) + share(question, *load, choice);
        // To stay behind is always a choice.
        let least = |of: &dyn Fn(&Choice) -> u128| question.choices[*load].iter().map(of).min().unwrap_or(0);
        let [shared, alone, behind] = rest[at + 1];
        let left_behind = u128::from(question.loads[*load].left_behind_micros);
        rest[at] = [shared + least(&shares), alone + least(&pays), behind + left_behind];
    }
    let plan = Plan::nobody_travels(question);
    let mut trial = Trial { question, order, rest, plan, best: known, nodes };
    trial.place(0, 0);
    (trial.best, trial.nodes > 0)
}

/// What a load's part of a unit costs, rounded down, in the measure that all want more of. Either measure
/// would do, as long as it is the same for all.
fn share(question: &Question, load: usize, choice: &Choice) -> u128 {
    question.departures.get(choice.departure).map_or(0, |departure| {
        let Load { weight_grams, volume_cm3, .. } = question.loads[load];
        let part = |value: u64, unit: u64| {
            u128::from(value) * u128::from(departure.unit_cost_micros) / u128::from(unit)
        };
        if question.is_heavy(choice.departure) {
            part(weight_grams, departure.unit_weight_grams)
        } else {
            part(volume_cm3, departure.unit_volume_cm3)
        }
    })
}

impl Trial<'_> {
    /// Tries all places for the loads from `at` on; `paid` is what those before pay, with their shares.
    fn place(&mut self, at: usize, paid: u128) {
        self.nodes = self.nodes.saturating_sub(1);
        let [shared, alone, behind] = self.rest[at];
        let least = (paid + shared).max(self.plan.cost() - behind + alone);
        if self.nodes == 0 || least >= self.best.cost() {
            return;
        }
        let Some(load) = self.order.get(at).copied() else {
            self.best.clone_from(&self.plan);
            return;
        };
        let question = self.question;
        let stays = u128::from(question.loads[load].left_behind_micros);
        for choice in &question.choices[load] {
            if choice.departure == question.behind() {
                self.place(at + 1, paid + stays);
            } else if let Some(shift) = self.plan.shift(load, choice, 0.0) {
                let back = shift.back(question.behind());
                self.plan.make(&shift);
                self.place(at + 1, paid + u128::from(choice.cost_micros) + share(question, load, choice));
                self.plan.make(&back);
            }
        }
    }
}
