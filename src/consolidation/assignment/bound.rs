//! What any assignment costs at least, proved (a Lagrangean bound, Held and Karp).
//!
//! Pay each load some reward `u`, no more than it costs to leave it behind. Then leaving it behind costs at
//! least `u`, and so does carrying it, but for what a departure gains by carrying it: `u` less
//! its cost there. So any assignment costs at least the sum of all rewards, less the most that
//! each departure could gain if it could choose its loads alone, whatever the others do.
//!
//! What a departure can gain at most is for [`gain`](super::gain) to say. All that counts is done
//! in whole numbers; it is only the choice of rewards, of which any will do, that is not.
//!
//! With fewer numbers of units to choose from a departure gains less, and the bound is better, but only for
//! plans with these numbers. Where all there are are split into parts, any plan is in one of them,
//! so that the least of the parts' bounds holds for all ([`branch`]).
//!
//! Any rewards give a bound. The first are the cheapest fair shares, with which no departure
//! gains anything; then loads that several departures want get less, and those that none wants more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::gain::{ALL_WEIGHT, Offers, UNIT, most_gain};
use super::plan::Question;
use super::{Departure, Load};

/// How often a single number of units each is bounded again, with twice the rounds.
const TIMES_MAX: usize = 4;

/// By departure, the least and the most units it may use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub fn whole(departures: &[Departure]) -> Self {
        Self(departures.iter().map(|departure| (0, departure.units_max)).collect())
    }
}

/// What a bound is made from; any will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Terms {
    /// By load.
    rewards: Vec<i64>,
    /// By departure, how much of the measure it is filled by is weight.
    measures: Vec<u64>,
}

struct Bound {
    cost: u128,
    /// Those that gave it.
    terms: Terms,
    /// By departure, the units it used on average while the bound was improved, in thousandths.
    usage: Vec<u64>,
}

/// The best bound in `rounds` improvements; `known` is a cost that can be had.
pub fn lower_bound(question: &Question, known: u128, rounds: usize) -> u128 {
    let offers = Offers::new(question);
    let terms = fair_shares(question, &offers);
    raised(question, &offers, &Ranges::whole(question.departures), terms, known, rounds).cost
}

/// The same in `ranges`, from `terms` on.
fn raised(
    question: &Question,
    offers: &Offers,
    ranges: &Ranges,
    mut terms: Terms,
    known: u128,
    rounds: usize,
) -> Bound {
    let departures = question.departures;
    let mut best = Bound { cost: 0, terms: terms.clone(), usage: Vec::new() };
    let mut usage = vec![0_u64; departures.len()];
    let (mut scale, mut idle, mut done) = (1.0, 0, 0);
    while done < rounds {
        done += 1;
        // By load, how much of it is carried, in parts of a unit.
        let mut taken = vec![0_u64; question.loads.len()];
        let mut value: i128 = terms.rewards.iter().map(|reward| i128::from(*reward)).sum();
        let mut measures = terms.measures.clone();
        for (at, about) in departures.iter().enumerate() {
            let measure = &mut measures[at];
            let gain = most_gain((about, at), offers, &terms.rewards, *measure, ranges.0[at], &mut taken);
            value -= gain.net;
            usage[at] += u64::from(gain.units) * 1_000;
            *measure = fairer(*measure, gain.units, gain.used, scale);
        }
        let value = u128::try_from(value).unwrap_or(0);
        if value > best.cost {
            best.cost = value;
            best.terms.clone_from(&terms);
            idle = 0;
        } else {
            idle += 1;
        }
        if idle == 5 {
            (scale, idle) = (scale * 0.6, 0);
        }
        terms.measures = measures;
        let gap = known - value.min(known);
        if best.cost >= known || !improve(question, &mut terms.rewards, &taken, gap, scale) {
            break;
        }
    }
    best.usage = usage.iter().map(|units| units / done.max(1) as u64).collect();
    best
}

/// More of what does not fit into `units` by that alone.
fn fairer(measure: u64, units: u32, used: [f64; 2], scale: f64) -> u64 {
    let room = f64::from(units) * UNIT as f64;
    if used[0].max(used[1]) <= room {
        return measure;
    }
    let change = 0.3 * scale * (used[0] - used[1]) / room.max(1.0);
    (measure as f64 + ALL_WEIGHT as f64 * change.clamp(-1.0, 1.0)).clamp(0.0, ALL_WEIGHT as f64) as u64
}

fn fair_shares(question: &Question, offers: &Offers) -> Terms {
    let heavy = |at: usize| if question.is_heavy(at) { ALL_WEIGHT } else { 0 };
    let measures: Vec<u64> = (0..question.departures.len()).map(heavy).collect();
    let mut rewards: Vec<i64> = question.loads.iter().map(|load| load.left_behind_micros as i64).collect();
    for (departure, offers) in offers.by_departure.iter().enumerate() {
        let unit_cost = i128::from(question.departures[departure].unit_cost_micros);
        for offer in offers {
            let share = unit_cost * i128::from(offer.size(measures[departure])) / i128::from(UNIT);
            // A part may be many units, and the sum too large for 64 bits: then staying behind is cheaper.
            let fair = i64::try_from(share + i128::from(offer.cost)).unwrap_or(i64::MAX);
            rewards[offer.load] = rewards[offer.load].min(fair);
        }
    }
    Terms { rewards, measures }
}

/// A step towards rewards with which each load is carried once (Polyak); false where there is none.
fn improve(question: &Question, rewards: &mut [i64], taken: &[u64], gap: u128, scale: f64) -> bool {
    let missing = |taken: u64, reward: i64, load: &Load| {
        let missing = 1.0 - taken as f64 / UNIT as f64;
        // It may stay behind: then its reward is as high as it can be.
        if missing > 0.0 && reward >= load.left_behind_micros as i64 { 0.0 } else { missing }
    };
    let all = || question.loads.iter().zip(taken).enumerate();
    let norm: f64 =
        all().map(|(at, (load, taken))| missing(*taken, rewards[at], load)).map(|miss| miss * miss).sum();
    if norm == 0.0 {
        return false;
    }
    let step = scale * gap as f64 / norm;
    for (at, (load, taken)) in question.loads.iter().zip(taken).enumerate() {
        let change = step * missing(*taken, rewards[at], load);
        let highest = load.left_behind_micros as i64;
        rewards[at] = rewards[at].saturating_add(change as i64).min(highest).max(0);
    }
    true
}

/// A part of all there is, and what is known of it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    cost: Reverse<u128>,
    ranges: Ranges,
    usage: Vec<u64>,
    terms: Terms,
    /// How often it was bounded.
    times: usize,
}

impl Node {
    /// The departure to split, and the most units of the lower part.
    fn split(&self) -> Option<(usize, u32)> {
        let open = self.ranges.0.iter().enumerate().filter(|(_, range)| range.0 < range.1);
        let (at, range) = open.max_by_key(|(at, range)| {
            // What is used half of the time is undecided most.
            let part = self.usage[*at] % 1_000;
            (part.min(1_000 - part), Reverse(range.1 - range.0), Reverse(*at))
        })?;
        Some((at, ((self.usage[at] / 1_000) as u32).clamp(range.0, range.1 - 1)))
    }
}

/// The least bound over ranges of units that together cover all there are, after `nodes_max` branchings,
/// each on the worst range so far; never more than `known`.
pub fn branch(question: &Question, known: u128, nodes_max: usize, rounds: usize) -> u128 {
    let offers = Offers::new(question);
    // What holds for a range holds for all of its parts.
    let bounded = |ranges: Ranges, terms: Terms, at_least: u128, times: usize| {
        let bound = raised(question, &offers, &ranges, terms, known, rounds << times);
        let cost = Reverse(bound.cost.max(at_least));
        Node { cost, ranges, usage: bound.usage, terms: bound.terms, times }
    };
    let whole = Ranges::whole(question.departures);
    let mut open = BinaryHeap::from([bounded(whole, fair_shares(question, &offers), 0, 0)]);
    for _ in 0..nodes_max {
        let Some(node) = open.pop() else { return known };
        let cost = node.cost.0;
        if cost >= known {
            return known;
        }
        match node.split() {
            Some((at, middle)) => {
                let range = node.ranges.0[at];
                for part in [(range.0, middle), (middle + 1, range.1)] {
                    let mut ranges = node.ranges.clone();
                    ranges.0[at] = part;
                    open.push(bounded(ranges, node.terms.clone(), cost, 0));
                }
            }
            // Nothing is left to decide but which loads go: that takes more patience.
            None if node.times < TIMES_MAX => {
                open.push(bounded(node.ranges, node.terms, cost, node.times + 1));
            }
            None => return cost,
        }
    }
    open.peek().map_or(known, |node| node.cost.0.min(known))
}
