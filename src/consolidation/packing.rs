//! Parcels into as few bags as possible.
//!
//! # Promise
//! [`pack`] puts every parcel into exactly one bag, or names every parcel that fits into none. No bag
//! exceeds its weight, volume or number of parcels, holds two groups (gateway, clearance, carrier of
//! the last mile), or classes that are [`Apart`]. With the bags comes a lower bound that is proved:
//! there is no way with fewer bags than that. Where both are equal, the answer is an optimum.
//!
//! # How
//! Each group by itself:
//! 1. construct: first-fit decreasing in several orders ([`first_fit`]), a given number of bags filled
//!    evenly ([`spread`]), bags completed as well as possible one after the other ([`completion`], the
//!    minimum bin slack of Gupta and Ho); the best of these is kept;
//! 2. improve: take the emptiest bags apart and exchange their parcels with those of other bags until
//!    what is left over fits into one bag less ([`exchange`], after the consistent neighbourhood
//!    search of Buljubašić and Vasquez);
//! 3. stop where the bound ([`bound`]) is met, or the budget is spent.
//!
//! # Budget
//! Effort is counted in steps, about one look at one parcel each: [`STEPS_PER_SQUARE`] times the square
//! of the number of parcels of a group, and over all groups no more than [`STEPS_MAX`]. Construction by
//! first fit, some n log n, is always done. 100,000 parcels take less than a second on one core.
//!
//! # Deliberately absent
//! Shapes: a bag is soft, and volumes add up. Bags of several kinds, costs of bags, an exact search.

mod bound;
mod completion;
mod exchange;
mod first_fit;
mod problem;
mod spread;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use super::apart::Apart;
use super::effort::Effort;
use problem::{Bag, Problem};

/// Four million for a hundred parcels.
const STEPS_PER_SQUARE: u64 = 400;
/// About a third of a second.
const STEPS_MAX: u64 = 60_000_000;
/// Parcels beyond which bags are not completed one after the other where several measures are
/// scarce: that spends much and finds little.
const COMPLETED_MAX: usize = 2_000;
/// The largest limit and parcel there is, so that sums of what is in a bag cannot overflow.
pub const LARGEST: u64 = 1 << 48;

/// What one bag takes at most. None is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub weight_grams: u64,
    pub volume_cm3: Option<u64>,
    pub parcels: Option<u32>,
}

/// A parcel, its group and class as numbers that the caller gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    pub weight_grams: u64,
    pub volume_cm3: u64,
    pub group: u32,
    pub class: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Indices of the items, ascending in each bag; the bags by their first item.
    pub bags: Vec<Vec<usize>>,
    /// No way needs fewer bags.
    pub lower_bound: usize,
}

/// Who asked has to change the question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotPack {
    #[error("a bag has to take between 1 and {LARGEST} of {0}")]
    Limit(Measure),
    #[error("{} parcels fit into no bag, the first is number {} by its {}", .0.len(), .0[0].item, .0[0].measure)]
    TooLarge(Vec<TooLarge>),
}

/// An item that exceeds an empty bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    pub item: usize,
    pub measure: Measure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Weight,
    Volume,
    Parcels,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "weight",
            Self::Volume => "volume",
            Self::Parcels => "parcels",
        })
    }
}

/// Bags for all `items`, or all the reasons why there are none. The same arguments give the same bags.
pub fn pack(items: &[Item], limits: &Limits, apart: &Apart) -> Result<Packed, CannotPack> {
    check(items, limits)?;
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        groups.entry(item.group).or_default().push(index);
    }
    let mut packed = Packed { bags: Vec::new(), lower_bound: 0 };
    for members in groups.values() {
        let problem = Problem::new(items, members, limits, apart);
        let bound = bound::lower_bound(&problem);
        packed.lower_bound += bound;
        for bag in solve(&problem, bound, budget(members.len(), items.len())) {
            let mut bag: Vec<usize> =
                bag.pieces.iter().map(|piece| problem.pieces[*piece as usize].item).collect();
            bag.sort_unstable();
            packed.bags.push(bag);
        }
    }
    packed.bags.sort_unstable_by_key(|bag| bag[0]);
    Ok(packed)
}

fn check(items: &[Item], limits: &Limits) -> Result<(), CannotPack> {
    let fine = |limit: u64| (1..=LARGEST).contains(&limit);
    if !fine(limits.weight_grams) {
        return Err(CannotPack::Limit(Measure::Weight));
    }
    if !limits.volume_cm3.is_none_or(fine) {
        return Err(CannotPack::Limit(Measure::Volume));
    }
    if limits.parcels == Some(0) {
        return Err(CannotPack::Limit(Measure::Parcels));
    }
    let mut too_large = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if item.weight_grams > limits.weight_grams {
            too_large.push(TooLarge { item: index, measure: Measure::Weight });
        }
        if limits.volume_cm3.is_some_and(|limit| item.volume_cm3 > limit) {
            too_large.push(TooLarge { item: index, measure: Measure::Volume });
        }
    }
    if too_large.is_empty() { Ok(()) } else { Err(CannotPack::TooLarge(too_large)) }
}

/// The steps of a group of `members` among `all`.
fn budget(members: usize, all: usize) -> Effort {
    let (members, all) = (members as u64, all as u64);
    let wanted = STEPS_PER_SQUARE.saturating_mul(members.saturating_mul(members));
    // Of what there is, as much as its share of the parcels.
    Effort::new(wanted.min((STEPS_MAX / all).saturating_mul(members)))
}

fn solve(problem: &Problem, bound: usize, mut effort: Effort) -> Vec<Bag> {
    let mut best = first_fit::best_of_orders(problem, bound);
    if best.len() > bound
        && let Some(other) = spread::best_of_targets(problem, bound, best.len())
    {
        best = other;
    }
    if best.len() > bound && (problem.pieces.len() <= COMPLETED_MAX || problem.has_one_measure()) {
        let mut slice = effort.take(effort.left() / 3);
        let other = completion::fill(problem, best.len(), &mut slice);
        effort.give_back(slice);
        if other.len() < best.len() {
            best = other;
        }
    }
    exchange::improve(problem, best, bound, &mut effort)
}
