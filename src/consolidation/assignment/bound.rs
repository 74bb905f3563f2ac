//! What any assignment costs at least, proved (a Lagrangean bound, Held and Karp).
//!
//! Pay each load some reward `u`, no more than it costs to leave it behind. Then leaving it behind costs at
//! least `u`, and so does carrying it, but for what a departure gains by carrying it: `u` less
//! its cost there. So any assignment costs at least the sum of all rewards, less the most that
//! each departure could gain if it could choose its loads alone, whatever the others do.
//!
//! The most that a departure gains with `k` units is at most what it gains if it fills them by
//! one measure alone, with parts of loads where needed, those that gain most per part of a unit
//! first (Dantzig); the units then have to be paid. Sizes are rounded down and gains up, so that the
//! bound holds to the last micro. Classes are left out, which only lowers it.
//!
//! Any rewards give a bound. The first are the cheapest fair shares, with which no departure
//! gains anything; then loads that several departures want get less, and those that none wants more.

use std::collections::BinaryHeap;

use super::plan::Question;
use super::{Departure, Load};

/// The parts that a unit is cut into.
const UNIT: u64 = 1 << 20;

/// By departure, the least and the most units it may use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub fn whole(departures: &[Departure]) -> Self {
        Self(departures.iter().map(|departure| (0, departure.units_max)).collect())
    }
}

pub struct Bound {
    pub cost: u128,
    /// By departure, the units it used on average while the bound was improved, in thousandths.
    usage: Vec<u64>,
}

/// Who may carry what, how large it is there in parts of a unit, and what it costs.
struct Offer {
    load: usize,
    size: u64,
    cost: i64,
}

/// The best bound in `rounds` improvements; `known` is a cost that can be had.
pub fn lower_bound(question: &Question, ranges: &Ranges, known: u128, rounds: usize) -> Bound {
    let offers: Vec<Vec<Offer>> =
        (0..question.departures.len()).map(|departure| offers(question, departure)).collect();
    let mut rewards = fair_shares(question, &offers);
    let mut best = Bound { cost: 0, usage: vec![0; offers.len()] };
    let mut usage = vec![0_u64; offers.len()];
    let mut scale = 1.0;
    let mut idle = 0;
    for round in 0..rounds {
        // By load, how much of it is carried, in parts of a unit.
        let mut taken = vec![0_u64; question.loads.len()];
        let mut value: i128 = rewards.iter().map(|reward| i128::from(*reward)).sum();
        for (departure, offers) in offers.iter().enumerate() {
            let about = &question.departures[departure];
            let (units, gain) = most_gain(about, offers, &rewards, ranges.0[departure], &mut taken);
            value -= gain;
            usage[departure] += u64::from(units) * 1_000;
        }
        let value = u128::try_from(value).unwrap_or(0);
        if value > best.cost {
            best.cost = value;
            idle = 0;
        } else {
            idle += 1;
        }
        if idle == 5 {
            (scale, idle) = (scale * 0.6, 0);
        }
        if best.cost >= known || !improve(question, &mut rewards, &taken, known - value.min(known), scale) {
            best.usage = usage.iter().map(|units| units / (round as u64 + 1)).collect();
            return best;
        }
    }
    best.usage = usage.iter().map(|units| units / rounds.max(1) as u64).collect();
    best
}

fn offers(question: &Question, departure: usize) -> Vec<Offer> {
    let about = &question.departures[departure];
    let carried: Vec<(usize, &Load, u64)> = question
        .loads
        .iter()
        .enumerate()
        .filter_map(|(load, about)| Some((load, about, question.cost(load, departure)?)))
        .collect();
    let part = |value: u64, whole: u64| (u128::from(value) * u128::from(UNIT) / u128::from(whole)) as u64;
    let by_weight = |load: &Load| part(load.weight_grams, about.unit_weight_grams);
    let by_volume = |load: &Load| part(load.volume_cm3, about.unit_volume_cm3);
    let total =
        |of: &dyn Fn(&Load) -> u64| carried.iter().map(|(_, load, _)| u128::from(of(load))).sum::<u128>();
    // Any mean of the two measures is kept to by what keeps to both: the one that all want more of.
    let weight_counts = total(&by_weight) >= total(&by_volume);
    carried
        .iter()
        .map(|(load, about, cost)| Offer {
            load: *load,
            size: if weight_counts { by_weight(about) } else { by_volume(about) },
            cost: *cost as i64,
        })
        .collect()
}

fn fair_shares(question: &Question, offers: &[Vec<Offer>]) -> Vec<i64> {
    let mut rewards: Vec<i64> = question.loads.iter().map(|load| load.left_behind_micros as i64).collect();
    for (departure, offers) in offers.iter().enumerate() {
        let unit_cost = i128::from(question.departures[departure].unit_cost_micros);
        for offer in offers {
            let share = unit_cost * i128::from(offer.size) / i128::from(UNIT);
            // A part may be many units, and the sum too large for 64 bits: then staying behind is cheaper.
            let fair = i64::try_from(share + i128::from(offer.cost)).unwrap_or(i64::MAX);
            rewards[offer.load] = rewards[offer.load].min(fair);
        }
    }
    rewards
}

/// The number of units in `range` with the most gain, and that; what it carries is added to `taken`.
fn most_gain(
    departure: &Departure,
    offers: &[Offer],
    rewards: &[i64],
    range: (u32, u32),
    taken: &mut [u64],
) -> (u32, i128) {
    let gain_of = |offer: &Offer| rewards[offer.load] - offer.cost;
    let mut wanted: Vec<&Offer> = offers.iter().filter(|offer| gain_of(offer) > 0).collect();
    // Most per part first; what has no size before all.
    wanted.sort_unstable_by(|a, b| {
        let left = i128::from(gain_of(a)) * i128::from(b.size);
        let right = i128::from(gain_of(b)) * i128::from(a.size);
        right.cmp(&left).then(a.size.cmp(&b.size)).then(a.load.cmp(&b.load))
    });
    let unit_cost = i128::from(departure.unit_cost_micros);
    let mut best: Option<(u32, i128, usize, u64)> = None;
    let (mut at, mut part, mut gained) = (0, 0_u64, 0_i128);
    for units in 0..=range.1 {
        // Fill one unit more, from the part of the load where the last one ended.
        let mut room = if units == 0 { 0 } else { UNIT };
        while let Some(offer) = wanted.get(at) {
            let used = (offer.size - part).min(room);
            part += used;
            room -= used;
            if part < offer.size {
                break;
            }
            gained += i128::from(gain_of(offer));
            (at, part) = (at + 1, 0);
        }
        let begun = wanted.get(at).map_or(0, |offer| {
            let size = i128::from(offer.size.max(1));
            // Rounded up; nothing here is negative.
            (i128::from(gain_of(offer)) * i128::from(part) + size - 1) / size
        });
        let net = gained + begun - unit_cost * i128::from(units);
        if units >= range.0 && best.is_none_or(|best| net > best.1) {
            best = Some((units, net, at, part));
        }
        if at == wanted.len() && units >= range.0 {
            break;
        }
    }
    let Some((units, net, whole, part)) = best else { return (0, 0) };
    for offer in &wanted[..whole] {
        taken[offer.load] += UNIT;
    }
    if let Some(offer) = wanted.get(whole).filter(|offer| offer.size > 0) {
        taken[offer.load] += (u128::from(part) * u128::from(UNIT) / u128::from(offer.size)) as u64;
    }
    (units, net)
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
        rewards[at] = (rewards[at] + change as i64).min(highest).max(0);
    }
    true
}

/// The least bound over ranges of units that together cover all there are, after `nodes_max` branchings,
/// each on the worst range so far; never more than `known`.
pub fn branch(question: &Question, known: u128, nodes_max: usize, rounds: usize) -> u128 {
    // What holds for a range holds for all of its parts.
    let bound_of = |ranges: Ranges, at_least: u128| {
        let bound = lower_bound(question, &ranges, known, rounds);
        (std::cmp::Reverse(bound.cost.max(at_least)), ranges, bound.usage)
    };
    let mut open = BinaryHeap::from([bound_of(Ranges::whole(question.departures), 0)]);
    for _ in 0..nodes_max {
        let Some((std::cmp::Reverse(cost), ranges, usage)) = open.pop() else { return known };
        let split =
            ranges.0.iter().enumerate().filter(|(_, range)| range.0 < range.1).max_by_key(|(at, range)| {
                // What is used half of the time is undecided most.
                let part = usage[*at] % 1_000;
                (part.min(1_000 - part), std::cmp::Reverse(range.1 - range.0), std::cmp::Reverse(*at))
            });
        let (false, Some((at, range))) = (cost >= known, split) else {
            return cost.min(known);
        };
        let middle = ((usage[at] / 1_000) as u32).clamp(range.0, range.1 - 1);
        for part in [(range.0, middle), (middle + 1, range.1)] {
            let mut ranges = ranges.clone();
            ranges.0[at] = part;
            open.push(bound_of(ranges, cost));
        }
    }
    open.peek().map_or(known, |(cost, ..)| cost.0.min(known))
}
