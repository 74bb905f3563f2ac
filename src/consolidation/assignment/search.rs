//! A good plan: units are chosen by prices, loads put where they fit, and then moved about.

use super::super::effort::Shuffler;
use super::market::{Market, Stand};
use super::plan::{Move, Plan, Question};
use super::settle::settle;
use super::stands;
use super::{Choice, Load};

/// Moves between two attempts to close a unit.
const MOVES_PER_CLOSING: u64 = 1_000;
/// Of the choices of units, so many are settled; of them, the best so many again, and the best once more. What
/// prices say is not all there is to say: loads are whole.
const SETTLED: [usize; 3] = [12, 3, 1];
/// Parts of the first tolerance: what is chosen by price and what is settled needs little to get better.
const SETTLING_TOLERANCE: f64 = 0.1;
const SETTLED_TOLERANCE: f64 = 0.2;
/// The tolerance falls this often, to a five-hundredth in all.
const STAGES: u64 = 200;
const FALL: f64 = 0.969_4;

/// The best plan found in about `moves` moves.
pub fn search<'a>(question: &'a Question<'a>, moves: u64) -> Plan<'a> {
    let nobody = Plan::nobody_travels(question);
    if question.loads.is_empty() || question.departures.is_empty() {
        return nobody;
    }
    let tolerance = first_tolerance(question);
    let mut market = Market::new(question, moves);
    let stands = stands::best(&mut market, SETTLED[0]);
    let mut plans: Vec<(Plan, &Stand)> = stands.iter().map(|stand| (nobody.clone(), stand)).collect();
    for (most, moves) in SETTLED.into_iter().zip([moves / 4, moves / 8, moves / 8]) {
        plans.truncate(most);
        let each = moves / plans.len() as u64;
        for (plan, stand) in &mut plans {
            let settled = settle(&market, stand, each, SETTLING_TOLERANCE * tolerance);
            if settled.cost() < plan.cost() {
                *plan = settled;
            }
        }
        // The first of equals.
        plans.sort_by_key(|(plan, _)| plan.cost());
    }
    // There is always a stand.
    let best = plans.into_iter().next().map_or(nobody, |(plan, _)| plan);
    anneal(question, best, moves / 10, SETTLED_TOLERANCE * tolerance)
}

/// A load's part of a unit, in the measure it fills more of.
fn share(question: &Question, load: &Load, choice: &Choice) -> f64 {
    question.departures.get(choice.departure).map_or(0.0, |departure| {
        let [weight, volume] = departure.parts(load);
        weight.max(volume) * departure.unit_cost_micros as f64
    })
}

/// Shifts, swaps and ejections at random, those that cost more than a tolerance that falls left out.
fn anneal<'a>(question: &'a Question<'a>, mut plan: Plan<'a>, moves: u64, mut tolerance: f64) -> Plan<'a> {
    let mut best = plan.clone();
    let mut shuffler = Shuffler::new(0);
    for stage in 0..STAGES {
        // Curved at first, as it is paid in the last fifth.
        let curved = (1.0 - 1.25 * stage as f64 / STAGES as f64).max(0.0);
        let mut left = moves / STAGES;
        while left > 0 {
            let round = left.min(MOVES_PER_CLOSING);
            for _ in 0..round {
                let tried = random_move(question, &plan, curved, &mut shuffler);
                let tolerated = |energy: f64, shuffler| energy <= 0.0 || energy < tolerance * rare(shuffler);
                if let Some(tried) = tried.filter(|tried| tolerated(tried.energy, &mut shuffler)) {
                    plan.make(&tried);
                }
            }
            left -= round;
            let departure = shuffler.below(question.departures.len());
            let tolerated = tolerance * rare(&mut shuffler);
            close(&mut plan, departure, tolerated);
            if plan.cost() < best.cost() {
                best.clone_from(&plan);
            }
        }
        tolerance *= FALL;
    }
    best
}

fn random_move(question: &Question, plan: &Plan, curved: f64, shuffler: &mut Shuffler) -> Option<Move> {
    let one = shuffler.below(question.loads.len());
    let choice_of = |load: usize, shuffler: &mut Shuffler| {
        let choices = &question.choices[load];
        choices[shuffler.below(choices.len())]
    };
    let choice = choice_of(one, shuffler);
    let kind = shuffler.below(8);
    if kind >= 4 {
        return plan.shift(one, &choice, curved);
    }
    // One that is where the first could go makes way.
    let members = plan.members(choice.departure);
    if members.is_empty() {
        return None;
    }
    let other = members[shuffler.below(members.len())];
    if kind < 2 {
        plan.swap(one, other, curved)
    } else {
        plan.eject(one, other, &choice_of(other, shuffler), curved)
    }
}

/// Makes `departure` need a unit less, its loads going wherever that costs least; undone if that makes the
/// plan dearer by more than `tolerated`. No single shift finds this: only the last one pays.
fn close(plan: &mut Plan, departure: usize, tolerated: f64) {
    let units = plan.units(departure);
    let before = plan.cost();
    let mut leaving: Vec<(i64, usize)> = plan
        .members(departure)
        .iter()
        .map(|load| (plan.cheapest_shift(*load).map_or(i64::MAX, |shift| shift.cost), *load))
        .collect();
    leaving.sort_unstable();
    let mut left = Vec::new();
    for (_, load) in leaving {
        if plan.units(departure) < units {
            break;
        }
        if let Some(shift) = plan.cheapest_shift(load) {
            plan.make(&shift);
            left.push(load);
        }
    }
    if plan.units(departure) < units && plan.cost() as f64 - before as f64 <= tolerated {
        return;
    }
    // Backwards, each comes back into what was there when it left.
    for load in left.into_iter().rev() {
        if let Some(back) = plan.shift_to(load, departure) {
            plan.make(&back);
        }
    }
}

/// About exponentially distributed: the logarithm to base 2 of a random number, straight between powers.
pub fn rare(shuffler: &mut Shuffler) -> f64 {
    let random = shuffler.next() | 1;
    let halvings = random.leading_zeros();
    // The 32 bits behind the first one that is set.
    let fraction = ((random << halvings << 1) >> 32) as f64 / 4_294_967_296.0;
    f64::from(halvings) + 1.0 - fraction
}

/// A fifth of what a load's move changes, on average.
fn first_tolerance(question: &Question) -> f64 {
    let change = |(load, choices): (&Load, &Vec<Choice>)| {
        let travelling = choices.split_last().map_or(&[][..], |(_, travelling)| travelling);
        let costs = || travelling.iter().map(|choice| choice.cost_micros as f64);
        let spread = costs().fold(0.0, f64::max) - costs().fold(f64::INFINITY, f64::min).min(1e18);
        let shares = travelling.iter().map(|choice| share(question, load, choice)).fold(0.0, f64::max);
        spread.max(0.0) + shares
    };
    let total: f64 = question.loads.iter().zip(&question.choices).map(change).sum();
    0.2 * total / question.loads.len() as f64
}
