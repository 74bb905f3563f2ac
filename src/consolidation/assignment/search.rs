//! A good plan: regret first, then shifts, swaps and ejections under a tolerance that falls.

use super::super::effort::Shuffler;
use super::plan::{Move, Plan, Question};
use super::{Choice, Load};

/// Moves between two attempts to close a unit.
const MOVES_PER_CLOSING: u64 = 1_000;
/// The tolerance falls this often, to a five-hundredth in all.
const STAGES: u64 = 200;
const FALL: f64 = 0.969_4;

/// The best plan found in `moves` moves.
pub fn search<'a>(question: &'a Question<'a>, moves: u64) -> Plan<'a> {
    let begun = by_regret(question);
    if question.loads.is_empty() || question.departures.is_empty() {
        begun
    } else {
        anneal(question, begun, moves)
    }
}

/// A load's part of a unit, in the measure it fills more of.
fn share(question: &Question, load: &Load, choice: &Choice) -> f64 {
    question.departures.get(choice.departure).map_or(0.0, |departure| {
        let by_weight = load.weight_grams as f64 / departure.unit_weight_grams as f64;
        by_weight.max(load.volume_cm3 as f64 / departure.unit_volume_cm3 as f64)
            * departure.unit_cost_micros as f64
    })
}

struct Wish {
    load: usize,
    /// What it loses by its second choice.
    regret: u64,
    /// Best first.
    choices: Vec<Choice>,
}

/// The load that loses most by not getting its best choice goes first; each takes the best that still has room.
fn by_regret<'a>(question: &'a Question<'a>) -> Plan<'a> {
    let mut plan = Plan::nobody_travels(question);
    let fair = |load: usize, choice: &Choice| {
        (choice.cost_micros as f64 + share(question, &question.loads[load], choice)).min(1e18) as u64
    };
    let mut order: Vec<Wish> = (0..question.loads.len())
        .map(|load| {
            let mut costs: Vec<(u64, Choice)> =
                question.choices[load].iter().map(|choice| (fair(load, choice), *choice)).collect();
            costs.sort_by_key(|(cost, choice)| (*cost, choice.departure));
            let regret = costs.get(1).map_or(0, |second| second.0 - costs[0].0);
            Wish { load, regret, choices: costs.into_iter().map(|(_, choice)| choice).collect() }
        })
        .collect();
    order.sort_by_key(|wish| (std::cmp::Reverse(wish.regret), wish.load));
    for wish in order {
        // To stay behind is where it is, and no move.
        for choice in wish.choices.iter().take_while(|choice| choice.departure != question.behind()) {
            if let Some(shift) = plan.shift(wish.load, choice, 1.0) {
                plan.make(&shift);
                break;
            }
        }
    }
    plan
}

fn anneal<'a>(question: &'a Question<'a>, mut plan: Plan<'a>, moves: u64) -> Plan<'a> {
    let mut best = plan.clone();
    let mut shuffler = Shuffler::new(0);
    let mut tolerance = first_tolerance(question);
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
    let loads = question.loads.len();
    let one = shuffler.below(loads);
    let choice_of = |load: usize, shuffler: &mut Shuffler| {
        let choices = &question.choices[load];
        choices[shuffler.below(choices.len())]
    };
    match shuffler.below(8) {
        0 | 1 => plan.swap(one, shuffler.below(loads), curved),
        2 | 3 => {
            let other = shuffler.below(loads);
            plan.eject(one, other, &choice_of(other, shuffler), curved)
        }
        _ => plan.shift(one, &choice_of(one, shuffler), curved),
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
fn rare(shuffler: &mut Shuffler) -> f64 {
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
