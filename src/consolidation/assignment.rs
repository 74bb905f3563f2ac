//! Who goes on which departure, where several are in reach.
//!
//! # Promise
//! [`assign`] puts each load onto one of the departures it can take, or leaves it behind at the price
//! that was named for that, so that the whole costs little: what each load costs where it goes, and
//! for every unit (a container, a ULD) that a departure needs, the cost of the unit. No departure
//! uses more units than it has, or carries classes that are [`Apart`]. With it comes a lower
//! bound that is proved: nothing costs less.
//!
//! # Model
//! A departure needs as many units as its weight or its volume fills, whichever is more. How loads
//! share units among themselves is left out: a unit is filled to the last gram, and a load may lie
//! half in one and half in another. Loads are small beside units; [`packing`](super::packing) has bags.
//!
//! # How
//! What matters most is which departures are opened, with how many units, and for which classes: that is
//! searched first ([`stands`]), each choice judged by prices ([`market`]). The best of them are settled: loads are
//! moved and swapped at random, ever more choosily, until they fit into these units ([`settle`]).
//! The best plan is bettered by shifts, swaps and ejections that may change units, too ([`search`]). While
//! that goes on, a unit that is begun is charged by a concave curve instead of at once, so that it
//! pays to empty it long before it is empty; and now and then a departure is made to do with a unit less, be
//! it dear at first. For a handful of loads, all that could be better is tried after that ([`exact`]).
//!
//! # Budget
//! [`MOVES_PER_SQUARE`] times the square of the number of loads, and [`MOVES_MAX`] at most, are about
//! what is tried: some 30 milliseconds for 300 loads. The same question has the same answer everywhere.
//!
//! # Deliberately absent
//! Reserving anything; what a departure already carries (hand in what is left of it); pairs of loads
//! that want to stay together.

mod bound;
mod exact;
mod gain;
mod kinds;
mod market;
mod plan;
mod search;
mod settle;
mod stands;

#[cfg(test)]
mod tests;

use super::apart::Apart;
use plan::Question;

const MOVES_PER_SQUARE: u64 = 12;
const MOVES_MIN: u64 = 120_000;
const MOVES_MAX: u64 = 10_000_000;
/// Beginnings of plans that are tried where there are few loads.
const EXACT_NODES: u64 = 100_000;
/// Improvements of the bound that are tried.
const BOUND_ROUNDS: usize = 80;

/// No weight, volume or cost is larger than this, so that sums and products stay exact.
pub const LARGEST: u64 = 1 << 44;
/// And no departure has more units.
pub const UNITS_MAX: u32 = 1 << 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub weight_grams: u64,
    pub volume_cm3: u64,
    pub class: u32,
    /// The departures that arrive within its deadline, each once.
    pub choices: Vec<Choice>,
    /// What it costs to leave it behind.
    pub left_behind_micros: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Index of a departure.
    pub departure: usize,
    /// Beside its part of the units.
    pub cost_micros: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub unit_weight_grams: u64,
    pub unit_volume_cm3: u64,
    pub units_max: u32,
    pub unit_cost_micros: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// By load, the departure it goes on, none where it is left behind.
    pub departures: Vec<Option<usize>>,
    /// By departure, the units it uses.
    pub units: Vec<u32>,
    pub cost_micros: u128,
    /// Nothing costs less.
    pub lower_bound_micros: u128,
}

/// Who asked has to change the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotAssign {
    #[error("load {load} names departure {departure}, which is not there or was named before")]
    Choice { load: usize, departure: usize },
    #[error("load {load} has a weight, volume or cost above {LARGEST}")]
    Load { load: usize },
    #[error(
        "departure {departure} has a unit that takes nothing, more than {UNITS_MAX} units, or a number above {LARGEST}"
    )]
    Departure { departure: usize },
}

/// Where every load goes. The same arguments give the same answer.
pub fn assign(loads: &[Load], departures: &[Departure], apart: &Apart) -> Result<Assigned, CannotAssign> {
    check(loads, departures)?;
    let question = Question::new(loads, departures, apart);
    let count = loads.len() as u64;
    let moves = count.saturating_mul(count).saturating_mul(MOVES_PER_SQUARE).clamp(MOVES_MIN, MOVES_MAX);
    let mut found = search::search(&question, moves);
    let mut is_best = false;
    if loads.len() <= exact::LOADS_MAX {
        (found, is_best) = exact::exact(&question, found, EXACT_NODES);
    }
    let lower_bound_micros =
        if is_best { found.cost() } else { bound::lower_bound(&question, found.cost(), BOUND_ROUNDS) };
    Ok(Assigned {
        departures: (0..loads.len()).map(|load| question.named(found.departure_of(load))).collect(),
        units: (0..departures.len()).map(|departure| found.units(departure)).collect(),
        cost_micros: found.cost(),
        lower_bound_micros,
    })
}

/// A lower bound that is better than the one of [`assign`], as far as `nodes_max` branchings on the
/// numbers of units go: for whoever wants to know how good `known_micros`, a cost that can be had, is.
pub fn prove(
    loads: &[Load],
    departures: &[Departure],
    apart: &Apart,
    known_micros: u128,
    nodes_max: usize,
) -> Result<u128, CannotAssign> {
    check(loads, departures)?;
    let question = Question::new(loads, departures, apart);
    Ok(bound::branch(&question, known_micros, nodes_max, BOUND_ROUNDS))
}

fn check(loads: &[Load], departures: &[Departure]) -> Result<(), CannotAssign> {
    for (index, departure) in departures.iter().enumerate() {
        let unit = [departure.unit_weight_grams, departure.unit_volume_cm3];
        let fine = unit.iter().all(|limit| (1..=LARGEST).contains(limit));
        if !fine || departure.units_max > UNITS_MAX || departure.unit_cost_micros > LARGEST {
            return Err(CannotAssign::Departure { departure: index });
        }
    }
    for (index, load) in loads.iter().enumerate() {
        let costs = load.choices.iter().map(|choice| choice.cost_micros);
        let mut numbers = costs.chain([load.weight_grams, load.volume_cm3, load.left_behind_micros]);
        if numbers.any(|number| number > LARGEST) {
            return Err(CannotAssign::Load { load: index });
        }
        let mut named: Vec<usize> = load.choices.iter().map(|choice| choice.departure).collect();
        named.sort_unstable();
        let twice = named.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        if let Some(departure) = twice.or(named.last().copied().filter(|last| *last >= departures.len())) {
            return Err(CannotAssign::Choice { load: index, departure });
        }
    }
    Ok(())
}
