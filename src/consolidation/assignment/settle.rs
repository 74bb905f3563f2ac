//! Where loads go once the units are chosen: near the least cost that these units allow.
//!
//! What a unit costs is paid already, so that only what the loads pay counts, and whether they fit. Loads begin
//! where cost and price are least, and are moved and swapped at random, changes that cost more than a
//! tolerance that falls left out. More than fits may be put somewhere meanwhile, at a charge that
//! rises from what more units would cost to ten times that: a way between two plans that both fit
//! mostly leads through some that do not. What does not fit at the end goes wherever that costs least.

use super::super::effort::Shuffler;
use super::market::{Market, Stand};
use super::plan::{Plan, Question};
use super::search::rare;

/// Over these, the tolerance falls to a hundredth, and the charge rises to ten times what it was.
const STAGES: u64 = 100;
const FALL: f64 = 0.954_993;
const RISE: f64 = 1.023_293;
/// Nowhere is it charged less than this part of what the dearest unit costs.
const LEAST_CHARGE: f64 = 0.1;

/// Somewhere a load may go.
#[derive(Clone, Copy)]
struct Place {
    departure: usize,
    cost: f64,
    /// Of a unit there.
    parts: [f64; 2],
}

struct Settling {
    /// Those of each load together, the last of them to stay behind.
    places: Vec<Place>,
    /// By load, where its places begin; and at last, where they end.
    begins: Vec<usize>,
    /// By load, the place it has, and where it stands among the members there.
    taken: Vec<usize>,
    position: Vec<usize>,
    /// By departure, and last, staying behind: who is there, what they fill, what there is, and what a
    /// unit more is charged.
    members: Vec<Vec<usize>>,
    fill: Vec<[f64; 2]>,
    room: Vec<f64>,
    charge: Vec<f64>,
}

/// A plan with the units of `stand`, or not many more, after about `moves` moves; `tolerance` is the first.
pub fn settle<'a>(market: &Market<'a>, stand: &Stand, moves: u64, mut tolerance: f64) -> Plan<'a> {
    let mut settling = Settling::new(market, stand);
    let mut shuffler = Shuffler::new(0);
    let mut rise = 1.0;
    for _ in 0..STAGES {
        for _ in 0..moves / STAGES {
            settling.attempt(&mut shuffler, tolerance, rise);
        }
        tolerance *= FALL;
        rise *= RISE;
    }
    settling.plan(market.question, stand)
}

impl Settling {
    fn new(market: &Market, stand: &Stand) -> Self {
        let question = market.question;
        let (mut places, mut begins) = (Vec::new(), vec![0]);
        for (load, kind) in market.kinds.of_load.iter().enumerate() {
            let is_open = |departure: usize| stand.units[departure] > 0 && stand.takes[departure] & kind != 0;
            let open = market.offers_of(load).iter().filter(|offer| is_open(offer.departure));
            places.extend(open.map(|offer| Place {
                departure: offer.departure,
                cost: offer.cost,
                parts: offer.parts,
            }));
            let cost = question.loads[load].left_behind_micros as f64;
            places.push(Place { departure: question.behind(), cost, parts: [0.0; 2] });
            begins.push(places.len());
        }
        let dearest = market.unit_costs.iter().copied().fold(1.0, f64::max);
        let charge =
            |(cost, prices): (&f64, &[f64; 2])| cost.max(prices[0] + prices[1]).max(LEAST_CHARGE * dearest);
        let (loads, departures) = (question.loads.len(), question.departures.len());
        let mut settling = Self {
            places,
            begins,
            taken: vec![0; loads],
            position: vec![0; loads],
            members: vec![Vec::new(); departures + 1],
            fill: vec![[0.0; 2]; departures + 1],
            room: stand.units.iter().map(|units| f64::from(*units)).chain([0.0]).collect(),
            charge: market.unit_costs.iter().zip(&stand.prices).map(charge).chain([0.0]).collect(),
        };
        for load in 0..loads {
            let cheapest = settling.cheapest(load, stand);
            settling.join(load, cheapest);
        }
        settling
    }

    fn cheapest(&self, load: usize, stand: &Stand) -> usize {
        let priced = |at: &usize| {
            let place = &self.places[*at];
            let [weight, volume] = stand.prices.get(place.departure).copied().unwrap_or_default();
            place.cost + weight * place.parts[0] + volume * place.parts[1]
        };
        let (begin, end) = (self.begins[load], self.begins[load + 1]);
        (begin..end).min_by(|a, b| priced(a).total_cmp(&priced(b))).unwrap_or(begin)
    }

    fn join(&mut self, load: usize, at: usize) {
        let Place { departure, parts, .. } = self.places[at];
        self.taken[load] = at;
        self.position[load] = self.members[departure].len();
        self.members[departure].push(load);
        self.fill[departure][0] += parts[0];
        self.fill[departure][1] += parts[1];
    }

    fn leave(&mut self, load: usize) {
        let Place { departure, parts, .. } = self.places[self.taken[load]];
        let position = self.position[load];
        self.members[departure].swap_remove(position);
        if let Some(moved) = self.members[departure].get(position) {
            self.position[*moved] = position;
        }
        self.fill[departure][0] -= parts[0];
        self.fill[departure][1] -= parts[1];
    }

    /// What is charged more if `departure` gets `added` and loses `removed`.
    #[inline]
    fn charged(&self, departure: usize, added: [f64; 2], removed: [f64; 2]) -> f64 {
        let room = self.room[departure];
        let over = |measure: usize| {
            let fill = self.fill[departure][measure];
            (fill + added[measure] - removed[measure] - room).max(0.0) - (fill - room).max(0.0)
        };
        (over(0) + over(1)) * self.charge[departure]
    }

    /// Moves a load, or lets two take each other's places, if that is tolerated.
    fn attempt(&mut self, shuffler: &mut Shuffler, tolerance: f64, rise: f64) {
        let load = shuffler.below(self.taken.len());
        let (begin, end) = (self.begins[load], self.begins[load + 1]);
        let (from, to) = (self.taken[load], begin + shuffler.below(end - begin));
        if from == to {
            return;
        }
        let (left, entered) = (self.places[from], self.places[to]);
        let others = &self.members[entered.departure];
        if others.is_empty() || shuffler.below(2) == 0 {
            let charged = self.charged(left.departure, [0.0; 2], left.parts)
                + self.charged(entered.departure, entered.parts, [0.0; 2]);
            if is_tolerated(entered.cost - left.cost + rise * charged, tolerance, shuffler) {
                self.leave(load);
                self.join(load, to);
            }
            return;
        }
        let other = others[shuffler.below(others.len())];
        let mut theirs = self.begins[other]..self.begins[other + 1];
        let Some(back) = theirs.find(|at| self.places[*at].departure == left.departure) else { return };
        let (gone, come) = (self.places[self.taken[other]], self.places[back]);
        let charged = self.charged(left.departure, come.parts, left.parts)
            + self.charged(entered.departure, entered.parts, gone.parts);
        let cost = entered.cost - left.cost + come.cost - gone.cost;
        if is_tolerated(cost + rise * charged, tolerance, shuffler) {
            self.leave(load);
            self.leave(other);
            self.join(load, to);
            self.join(other, back);
        }
    }

    /// The largest go first, and what does not fit into the units of `stand` last.
    fn plan<'a>(&self, question: &'a Question<'a>, stand: &Stand) -> Plan<'a> {
        let mut plan = Plan::nobody_travels(question);
        let mut order: Vec<usize> = (0..self.taken.len()).collect();
        let size = |load: usize| {
            let [weight, volume] = self.places[self.taken[load]].parts;
            weight.max(volume)
        };
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        let mut late = Vec::new();
        for load in order {
            let departure = self.places[self.taken[load]].departure;
            let fits =
                departure != question.behind() && plan.units_with(load, departure) <= stand.units[departure];
            match plan.shift_to(load, departure).filter(|_| fits) {
                Some(shift) => plan.make(&shift),
                None => late.push(load),
            }
        }
        for load in late {
            if let Some(shift) = plan.cheapest_shift(load).filter(|shift| shift.cost < 0) {
                plan.make(&shift);
            }
        }
        plan
    }
}

#[inline]
fn is_tolerated(cost: f64, tolerance: f64, shuffler: &mut Shuffler) -> bool {
    cost <= 0.0 || cost < tolerance * rare(shuffler)
}
