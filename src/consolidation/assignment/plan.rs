//! A question under work, and a plan for it that always keeps to what is allowed.

use std::collections::BTreeSet;

use super::{Apart, Choice, Departure, Load};

pub struct Question<'a> {
    pub loads: &'a [Load],
    pub departures: &'a [Departure],
    /// By load, where it may go: the choices it fits into alone, and last, to stay behind.
    pub choices: Vec<Vec<Choice>>,
    apart: &'a Apart,
    /// By load, whether the class of another is apart from its own.
    is_wary: Vec<bool>,
    /// By departure, whether all who want to go there fill more of it by weight than by volume.
    is_heavy: Vec<bool>,
}

impl<'a> Question<'a> {
    pub fn new(loads: &'a [Load], departures: &'a [Departure], apart: &'a Apart) -> Self {
        let classes: BTreeSet<u32> = loads.iter().map(|load| load.class).collect();
        let wary: BTreeSet<u32> = classes
            .iter()
            .copied()
            .filter(|class| apart.from(*class).any(|other| classes.contains(&other)))
            .collect();
        let stay = |load: &Load| Choice { departure: departures.len(), cost_micros: load.left_behind_micros };
        let fits = |load: &Load, choice: &Choice| {
            let departure = &departures[choice.departure];
            departure.takes(load.weight_grams, load.volume_cm3)
        };
        let choices = loads.iter().map(|load| {
            let fitting = load.choices.iter().copied().filter(|choice| fits(load, choice));
            fitting.chain([stay(load)]).collect()
        });
        let choices: Vec<Vec<Choice>> = choices.collect();
        let mut wanted = vec![(0.0, 0.0); departures.len()];
        for (load, choices) in loads.iter().zip(&choices) {
            for choice in choices.iter().filter(|choice| choice.departure < departures.len()) {
                let [weight, volume] = departures[choice.departure].parts(load);
                let wanted: &mut (f64, f64) = &mut wanted[choice.departure];
                *wanted = (wanted.0 + weight, wanted.1 + volume);
            }
        }
        Self {
            loads,
            departures,
            choices,
            is_heavy: wanted.into_iter().map(|(weight, volume)| weight >= volume).collect(),
            apart,
            is_wary: loads.iter().map(|load| wary.contains(&load.class)).collect(),
        }
    }

    /// The departure that stands for staying behind.
    pub fn behind(&self) -> usize {
        self.departures.len()
    }

    pub fn named(&self, departure: usize) -> Option<usize> {
        (departure != self.behind()).then_some(departure)
    }

    /// What `load` costs on `departure`, if it may go there.
    pub fn cost(&self, load: usize, departure: usize) -> Option<u64> {
        let found = self.choices[load].iter().find(|choice| choice.departure == departure);
        found.map(|choice| choice.cost_micros)
    }

    pub fn is_heavy(&self, departure: usize) -> bool {
        self.is_heavy[departure]
    }

    /// The classes that another that is there is apart from.
    pub fn wary_classes(&self) -> Vec<u32> {
        let wary = self.loads.iter().zip(&self.is_wary).filter(|(_, is_wary)| **is_wary);
        let classes: BTreeSet<u32> = wary.map(|(load, _)| load.class).collect();
        classes.into_iter().collect()
    }

    pub fn holds_apart(&self, class: u32, other: u32) -> bool {
        self.apart.holds(class, other)
    }

    pub fn are_apart(&self, one: usize, other: usize) -> bool {
        self.is_wary[one]
            && self.is_wary[other]
            && self.apart.holds(self.loads[one].class, self.loads[other].class)
    }
}

impl Departure {
    pub fn takes(&self, weight: u64, volume: u64) -> bool {
        let units = u64::from(self.units_max);
        weight <= self.unit_weight_grams * units && volume <= self.unit_volume_cm3 * units
    }

    /// Of a unit, by weight and by volume.
    pub fn parts(&self, load: &Load) -> [f64; 2] {
        [
            load.weight_grams as f64 / self.unit_weight_grams as f64,
            load.volume_cm3 as f64 / self.unit_volume_cm3 as f64,
        ]
    }

    fn charge(&self, carried: Carried) -> Charge {
        let units = |value: u64, unit: u64| value.div_ceil(unit);
        let by_weight = carried.weight as f64 / self.unit_weight_grams as f64;
        let by_volume = carried.volume as f64 / self.unit_volume_cm3 as f64;
        let fill = by_weight.max(by_volume);
        let last = fill - fill.floor();
        Charge {
            units: units(carried.weight, self.unit_weight_grams)
                .max(units(carried.volume, self.unit_volume_cm3)),
            curve: (fill.floor() + last * (2.0 - last)) * self.unit_cost_micros as f64,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Charge {
    units: u64,
    /// What the units cost where the last one is charged by `x (2 - x)` of its fill `x`.
    curve: f64,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Carried {
    pub weight: u64,
    pub volume: u64,
}

impl Carried {
    fn with(self, load: &Load) -> Self {
        Self { weight: self.weight + load.weight_grams, volume: self.volume + load.volume_cm3 }
    }

    fn without(self, load: &Load) -> Self {
        Self { weight: self.weight - load.weight_grams, volume: self.volume - load.volume_cm3 }
    }
}

/// One or two loads that change departures, and what that changes.
pub struct Move {
    changes: [Option<(usize, usize)>; 2],
    /// In what is really paid.
    pub cost: i64,
    /// In what the search looks at.
    pub energy: f64,
}

impl Move {
    /// For a shift from `departure`: the one that undoes it.
    pub fn back(&self, departure: usize) -> Self {
        let changes = self.changes.map(|change| change.map(|(load, _)| (load, departure)));
        Self { changes, cost: -self.cost, energy: -self.energy }
    }
}

#[derive(Clone)]
pub struct Plan<'a> {
    question: &'a Question<'a>,
    place: Vec<usize>,
    /// By load, what it costs where it is.
    paid: Vec<u64>,
    carried: Vec<Carried>,
    /// By departure, what is needed and charged for what it carries.
    charged: Vec<Charge>,
    members: Vec<Vec<usize>>,
    cost: i128,
}

impl<'a> Plan<'a> {
    /// Everything stays behind.
    pub fn nobody_travels(question: &'a Question<'a>) -> Self {
        let behind = question.behind();
        Self {
            question,
            place: vec![behind; question.loads.len()],
            paid: question.loads.iter().map(|load| load.left_behind_micros).collect(),
            carried: vec![Carried::default(); behind],
            charged: vec![Charge::default(); behind],
            members: vec![Vec::new(); behind],
            cost: question.loads.iter().map(|load| i128::from(load.left_behind_micros)).sum(),
        }
    }

    pub fn cost(&self) -> u128 {
        self.cost.unsigned_abs()
    }

    pub fn departure_of(&self, load: usize) -> usize {
        self.place[load]
    }

    pub fn units(&self, departure: usize) -> u32 {
        self.charged[departure].units as u32
    }

    /// The units that `departure` needs if it carries `load`, too.
    pub fn units_with(&self, load: usize, departure: usize) -> u32 {
        let after = self.carried[departure].with(&self.question.loads[load]);
        self.question.departures[departure].charge(after).units as u32
    }

    /// What changes if `load` goes to `choice`; none if it may not. Of a unit that is begun, the share `curved`
    /// is charged by a concave curve.
    pub fn shift(&self, load: usize, choice: &Choice, curved: f64) -> Option<Move> {
        let (from, to) = (self.place[load], choice.departure);
        if from == to || !self.suits(load, to, None) {
            return None;
        }
        let cost = choice.cost_micros as i64 - self.paid[load] as i64;
        let mut delta = Delta { plan: self, curved, cost, energy: cost as f64 };
        delta.change(from, None, Some(load))?;
        delta.change(to, Some(load), None)?;
        Some(Move { changes: [Some((load, to)), None], cost: delta.cost, energy: delta.energy })
    }

    /// What changes if two loads take each other's places.
    pub fn swap(&self, one: usize, other: usize, curved: f64) -> Option<Move> {
        let (from, to) = (self.place[one], self.place[other]);
        if from == to {
            return None;
        }
        let question = self.question;
        let after = question.cost(one, to)? as i64 + question.cost(other, from)? as i64;
        let cost = after - self.paid[one] as i64 - self.paid[other] as i64;
        let mut delta = Delta { plan: self, curved, cost, energy: cost as f64 };
        delta.change(from, Some(other), Some(one))?;
        delta.change(to, Some(one), Some(other))?;
        if !self.suits(one, to, Some(other)) || !self.suits(other, from, Some(one)) {
            return None;
        }
        Some(Move { changes: [Some((one, to)), Some((other, from))], cost: delta.cost, energy: delta.energy })
    }

    /// What changes if `load` takes the place of `other`, which goes to `choice`, neither its own place nor
    /// that of `load`.
    pub fn eject(&self, load: usize, other: usize, choice: &Choice, curved: f64) -> Option<Move> {
        let (from, to, away) = (self.place[load], self.place[other], choice.departure);
        if from == to || away == from || away == to {
            return None;
        }
        let after = self.question.cost(load, to)? as i64 + choice.cost_micros as i64;
        let cost = after - self.paid[load] as i64 - self.paid[other] as i64;
        let mut delta = Delta { plan: self, curved, cost, energy: cost as f64 };
        delta.change(from, None, Some(load))?;
        delta.change(to, Some(load), Some(other))?;
        delta.change(away, Some(other), None)?;
        if !self.suits(load, to, Some(other)) || !self.suits(other, away, None) {
            return None;
        }
        Some(Move {
            changes: [Some((load, to)), Some((other, away))],
            cost: delta.cost,
            energy: delta.energy,
        })
    }

    /// What travels on `departure`; nothing does where it stays behind.
    pub fn members(&self, departure: usize) -> &[usize] {
        self.members.get(departure).map_or(&[], Vec::as_slice)
    }

    pub fn shift_to(&self, load: usize, departure: usize) -> Option<Move> {
        let choice = self.question.choices[load].iter().find(|choice| choice.departure == departure)?;
        self.shift(load, choice, 0.0)
    }

    /// The shift of `load` to another place that costs least in what is really paid.
    pub fn cheapest_shift(&self, load: usize) -> Option<Move> {
        let shifts = self.question.choices[load].iter().filter_map(|choice| self.shift(load, choice, 0.0));
        shifts.min_by_key(|shift| shift.cost)
    }

    fn suits(&self, load: usize, departure: usize, but: Option<usize>) -> bool {
        departure == self.question.behind()
            || !self.question.is_wary[load]
            || !self.members[departure]
                .iter()
                .any(|member| Some(*member) != but && self.question.are_apart(load, *member))
    }

    pub fn make(&mut self, chosen: &Move) {
        let behind = self.question.behind();
        for (load, to) in chosen.changes.iter().flatten().copied() {
            let from = self.place[load];
            let about = &self.question.loads[load];
            if from != behind {
                self.carried[from] = self.carried[from].without(about);
                self.members[from].retain(|member| *member != load);
            }
            if to != behind {
                self.carried[to] = self.carried[to].with(about);
                self.members[to].push(load);
            }
            self.place[load] = to;
            // A move is made of choices of its loads.
            self.paid[load] = self.question.cost(load, to).unwrap_or(self.paid[load]);
            for departure in [from, to].into_iter().filter(|departure| *departure != behind) {
                let about = &self.question.departures[departure];
                self.charged[departure] = about.charge(self.carried[departure]);
            }
        }
        self.cost += i128::from(chosen.cost);
    }
}

struct Delta<'a> {
    plan: &'a Plan<'a>,
    curved: f64,
    cost: i64,
    energy: f64,
}

impl Delta<'_> {
    /// None if the departure cannot take it.
    fn change(&mut self, departure: usize, added: Option<usize>, removed: Option<usize>) -> Option<()> {
        let question = self.plan.question;
        let Some(about) = question.departures.get(departure) else { return Some(()) };
        let mut after = self.plan.carried[departure];
        if let Some(removed) = removed {
            after = after.without(&question.loads[removed]);
        }
        if let Some(added) = added {
            after = after.with(&question.loads[added]);
        }
        if !about.takes(after.weight, after.volume) {
            return None;
        }
        let before = &self.plan.charged[departure];
        let after = about.charge(after);
        let cost = (after.units as i64 - before.units as i64) * about.unit_cost_micros as i64;
        self.cost += cost;
        self.energy += (1.0 - self.curved) * cost as f64 + self.curved * (after.curve - before.curve);
        Some(())
    }
}
