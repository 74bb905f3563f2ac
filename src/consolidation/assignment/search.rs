//! A good plan: units are chosen by prices, loads put where there is room, and then moved about.

use super::super::effort::Shuffler;
use super::market::{Market, Stand};
use super::plan::{Move, Plan, Question};
use super::{Choice, Load};

/// Moves between two attempts to close a unit.
const MOVES_PER_CLOSING: u64 = 1_000;
/// Looks at a load while units are chosen, for every move.
const LOOKS_PER_MOVE: u64 = 4;
/// So many of the best choices of units are tried with whole loads.
const STANDS: usize = 4;
/// Parts of the first tolerance: a change of units changes more than a load's move, and where they are chosen,
/// less has to be tolerated.
const UNITS_TOLERANCE: f64 = 5.0;
const SETTLED_TOLERANCE: f64 = 0.2;
/// The tolerance falls this often, to a five-hundredth in all.
const STAGES: u64 = 200;
const FALL: f64 = 0.969_4;

/// The best plan found in about `moves` moves.
pub fn search<'a>(question: &'a Question<'a>, moves: u64) -> Plan<'a> {
    let greedy = by_regret(question, &Stand::fair(question));
    if question.loads.is_empty() || question.departures.is_empty() {
        return greedy;
    }
    let tolerance = first_tolerance(question);
    let first = anneal(question, greedy, moves / 20, tolerance);
    let units = (0..question.departures.len()).map(|departure| first.units(departure)).collect();
    let mut market = Market::new(question, LOOKS_PER_MOVE * moves);
    let stands = market.best(units, UNITS_TOLERANCE * tolerance, STANDS);
    let each = moves * 2 / 5 / stands.len() as u64;
    let plans = stands
        .iter()
        .map(|stand| anneal(question, by_regret(question, stand), each, SETTLED_TOLERANCE * tolerance));
    // The first of equals.
    plans.fold(first, |best, plan| if plan.cost() < best.cost() { plan } else { best })
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

/// The load that loses most by not getting its best choice at the prices of `stand` goes first; each takes the
/// best that has room in the units there. What is left then goes where it costs least.
fn by_regret<'a>(question: &'a Question<'a>, stand: &Stand) -> Plan<'a> {
    let mut plan = Plan::nobody_travels(question);
    let mut order: Vec<Wish> = (0..question.loads.len()).map(|load| wish(question, stand, load)).collect();
    order.sort_by_key(|wish| (std::cmp::Reverse(wish.regret), wish.load));
    let mut late = Vec::new();
    for wish in &order {
        // To stay behind is where it is, and no move.
        let travelling = wish.choices.iter().take_while(|choice| choice.departure != question.behind());
        let with_room = travelling
            .filter(|choice| plan.units_with(wish.load, choice.departure) <= stand.units[choice.departure]);
        let shift = with_room.filter_map(|choice| plan.shift(wish.load, choice, 1.0)).next();
        match shift {
            Some(shift) => plan.make(&shift),
            None => late.push(wish.load),
        }
    }
    for load in late {
        if let Some(shift) = plan.cheapest_shift(load).filter(|shift| shift.cost < 0) {
            plan.make(&shift);
        }
    }
    plan
}

fn wish(question: &Question, stand: &Stand, load: usize) -> Wish {
    let priced = |choice: &Choice| {
        let charged = question.departures.get(choice.departure).map_or(0.0, |departure| {
            let [weight, volume] = departure.parts(&question.loads[load]);
            let prices = stand.prices[choice.departure];
            weight * prices[0] + volume * prices[1]
        });
        (choice.cost_micros as f64 + charged).min(1e18) as u64
    };
    let is_open = |choice: &&Choice| stand.units.get(choice.departure).is_none_or(|units| *units > 0);
    let open = question.choices[load].iter().filter(is_open);
    let mut costs: Vec<(u64, Choice)> = open.map(|choice| (priced(choice), *choice)).collect();
    costs.sort_by_key(|(cost, choice)| (*cost, choice.departure));
    let regret = costs.get(1).map_or(0, |second| second.0 - costs[0].0);
    Wish { load, regret, choices: costs.into_iter().map(|(_, choice)| choice).collect() }
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
