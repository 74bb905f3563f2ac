//! Which loads get along: kinds, and companies of kinds.
//!
//! Loads are of one kind where the same classes are apart from theirs because their class is the same; all
//! whose class is apart from none are of one kind, too. A company is a set of kinds that get along, to which no
//! other kind could be added. Whatever a departure carries is part of some company.

use super::plan::Question;

/// Of more classes that are apart from others, not all companies are listed.
const LISTED_MAX: usize = 6;
/// Of still more, all loads are taken for one kind.
const TOLD_APART_MAX: usize = 63;

#[derive(Debug, Clone)]
pub struct Kinds {
    /// By load, a single bit.
    pub of_load: Vec<u64>,
    /// Some of the companies, each kind in one of them.
    pub companies: Vec<u64>,
    /// Whether there are no others.
    pub are_all: bool,
}

impl Kinds {
    pub fn new(question: &Question) -> Self {
        let wary = question.wary_classes();
        if wary.len() > TOLD_APART_MAX {
            return Self { of_load: vec![1; question.loads.len()], companies: vec![1], are_all: false };
        }
        let others = 1_u64 << wary.len();
        let bit = |class: u32| wary.iter().position(|one| *one == class).map_or(others, |at| 1 << at);
        // By kind, those it does not get along with; a class that is apart from itself is no matter of kinds.
        let foes: Vec<u64> = wary
            .iter()
            .map(|class| {
                let apart =
                    wary.iter().filter(|other| *other != class && question.holds_apart(*class, **other));
                apart.fold(0, |foes, other| foes | bit(*other))
            })
            .collect();
        let are_all = wary.len() <= LISTED_MAX;
        let mut companies = if are_all { all(&foes) } else { some(&foes) };
        companies.sort_unstable();
        companies.dedup();
        Self {
            of_load: question.loads.iter().map(|load| bit(load.class)).collect(),
            companies: companies.into_iter().map(|company| company | others).collect(),
            are_all,
        }
    }
}

/// Every set of kinds in which each is that gets along with the rest, and no other.
fn all(foes: &[u64]) -> Vec<u64> {
    let is_whole =
        |company: &u64| (0..foes.len()).all(|at| (company >> at & 1 == 1) == (company & foes[at] == 0));
    (0..1 << foes.len()).filter(is_whole).collect()
}

/// By kind, one that it is in.
fn some(foes: &[u64]) -> Vec<u64> {
    let around = |first: usize| {
        let order = (first..foes.len()).chain(0..first);
        order.fold(0, |company: u64, at| if company & foes[at] == 0 { company | 1 << at } else { company })
    };
    (0..foes.len()).map(around).collect()
}
