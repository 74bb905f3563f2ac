//! Which departures to open, and with how many units each: found by prices.
//!
//! Once the units are fixed, loads are small beside what they share, and parts of loads may travel on
//! different departures without the cost becoming much less than it can be. That cost has a simple dual: every
//! departure names a price for its weight and one for its volume, every load goes where cost and price
//! together are least, and what the prices of all units come to is taken off. Any prices give
//! less than any plan with these units costs; raising the prices where too much wants to go, and lowering
//! them where there is room, gives more and more. So a change of units is turned down as soon as some
//! prices show that it costs more than is tolerated, which takes a handful of steps for most.

use std::collections::BTreeSet;

use super::super::effort::Shuffler;
use super::plan::Question;
use super::search::rare;

/// Steps of the prices until a change of units is believed in.
const STEPS: usize = 40;
/// Prices where there are no units.
const CLOSED: f64 = 1e30;

struct Offer {
    departure: usize,
    cost: f64,
    /// Of a unit there, by weight and by volume.
    parts: [f64; 2],
}

/// How many units each departure has, and what prices say about it.
#[derive(Clone)]
pub struct Stand {
    pub units: Vec<u32>,
    /// By departure, of a unit's weight and of its volume.
    pub prices: Vec<[f64; 2]>,
    /// No plan with these units costs less.
    pub value: f64,
}

impl Stand {
    /// Every departure has all units it may have, at the price of a fair share.
    pub fn fair(question: &Question) -> Self {
        let departures = question.departures;
        Self {
            units: departures.iter().map(|departure| departure.units_max).collect(),
            prices: departures.iter().map(|departure| [0.0, departure.unit_cost_micros as f64]).collect(),
            value: f64::NEG_INFINITY,
        }
    }
}

pub struct Market<'a> {
    question: &'a Question<'a>,
    /// Those of each load together; they end where `ends` says.
    offers: Vec<Offer>,
    ends: Vec<usize>,
    /// The prices asked, by departure.
    charged: Vec<[f64; 2]>,
    unit_costs: Vec<f64>,
    /// By departure, those that some load could take instead.
    near: Vec<Vec<usize>>,
    /// Looks at a load that are left.
    budget: u64,
}

impl<'a> Market<'a> {
    pub fn new(question: &'a Question<'a>, budget: u64) -> Self {
        let departures = question.departures;
        let mut near = vec![BTreeSet::new(); departures.len()];
        let (mut offers, mut ends) = (Vec::new(), Vec::new());
        for (load, choices) in question.loads.iter().zip(&question.choices) {
            let travelling = || choices.iter().filter(|choice| choice.departure != question.behind());
            for choice in travelling() {
                near[choice.departure].extend(travelling().map(|other| other.departure));
            }
            let offer = |choice: &super::Choice| Offer {
                departure: choice.departure,
                cost: choice.cost_micros as f64,
                parts: departures[choice.departure].parts(load),
            };
            offers.extend(travelling().map(offer));
            ends.push(offers.len());
        }
        for (departure, near) in near.iter_mut().enumerate() {
            near.remove(&departure);
        }
        let near = near.into_iter().map(|near| near.into_iter().collect()).collect();
        let unit_costs = departures.iter().map(|departure| departure.unit_cost_micros as f64).collect();
        let charged = vec![[0.0; 2]; departures.len()];
        Self { question, offers, ends, charged, unit_costs, near, budget }
    }

    /// The stands that cost least of those seen, best first, `most` at most, begun from `units`. Changes are
    /// tried until the budget is spent, and tolerated ever less.
    pub fn best(&mut self, units: Vec<u32>, tolerance: f64, most: usize) -> Vec<Stand> {
        let prices = self.unit_costs.iter().map(|cost| [cost * 0.2, cost * 0.8]).collect();
        let mut stand = Stand { units, prices, value: f64::NEG_INFINITY };
        let whole = self.budget.max(1) as f64;
        self.raise(&mut stand, f64::INFINITY, 5 * STEPS);
        let mut best = vec![stand.clone()];
        let mut shuffler = Shuffler::new(1);
        while self.budget > 0 {
            let Some(mut tried) = self.changed(&stand, &mut shuffler) else {
                self.budget -= 1;
                continue;
            };
            let left = self.budget as f64 / whole;
            let limit = stand.value + tolerance * left * left * rare(&mut shuffler);
            // The second time with long steps again.
            if self.raise(&mut tried, limit, STEPS) || self.raise(&mut tried, limit, STEPS) {
                continue;
            }
            if best.iter().all(|other| other.units != tried.units) {
                best.push(tried.clone());
                best.sort_by(|a, b| a.value.total_cmp(&b.value));
                best.truncate(most);
            }
            stand = tried;
        }
        best
    }

    /// One unit more, one less, or one moved to a departure near by.
    fn changed(&self, stand: &Stand, shuffler: &mut Shuffler) -> Option<Stand> {
        let departure = shuffler.below(stand.units.len());
        let has_room = |at: usize| stand.units[at] < self.question.departures[at].units_max;
        let mut units = stand.units.clone();
        match shuffler.below(4) {
            0 if has_room(departure) => units[departure] += 1,
            1 if units[departure] > 0 => units[departure] -= 1,
            2 | 3 if units[departure] > 0 && !self.near[departure].is_empty() => {
                let near = &self.near[departure];
                let to = near[shuffler.below(near.len())];
                if !has_room(to) {
                    return None;
                }
                units[departure] -= 1;
                units[to] += 1;
            }
            _ => return None,
        }
        Some(Stand { units, prices: stand.prices.clone(), value: f64::NEG_INFINITY })
    }

    /// Betters the prices of `stand` in `steps` steps; whether they show that it costs more than `limit`.
    fn raise(&mut self, stand: &mut Stand, limit: f64, steps: usize) -> bool {
        let mut prices = stand.prices.clone();
        let mut used = vec![[0.0; 2]; prices.len()];
        let (mut scale, mut idle) = (1.0, 0);
        for _ in 0..steps {
            self.budget = self.budget.saturating_sub(self.ends.len() as u64);
            let value = self.value(&stand.units, &prices, &mut used);
            if value > stand.value {
                idle = 0;
                stand.value = value;
                stand.prices.clone_from(&prices);
                if value > limit {
                    return true;
                }
            } else {
                idle += 1;
                if idle == 3 {
                    (scale, idle) = (scale * 0.5, 0);
                }
            }
            // A little above what can be had, or else the steps become too short.
            let aim = if limit.is_finite() {
                limit + 0.002 * limit.abs()
            } else {
                stand.value + 0.01 * stand.value.abs()
            };
            if !step(&stand.units, &mut prices, &used, scale * (aim - value)) {
                break;
            }
        }
        false
    }

    /// What any plan with `units` costs at least, by `prices`, and what wants to go where, parts of units.
    fn value(&mut self, units: &[u32], prices: &[[f64; 2]], used: &mut [[f64; 2]]) -> f64 {
        used.fill([0.0; 2]);
        let mut value = 0.0;
        for ((units, prices), cost) in units.iter().zip(prices).zip(&self.unit_costs) {
            value += f64::from(*units) * (cost - prices[0] - prices[1]);
        }
        for ((charged, prices), units) in self.charged.iter_mut().zip(prices).zip(units) {
            *charged = if *units == 0 { [CLOSED; 2] } else { *prices };
        }
        let mut begin = 0;
        for (load, end) in self.question.loads.iter().zip(&self.ends) {
            let mut least = load.left_behind_micros as f64;
            let mut goes = None;
            for offer in &self.offers[begin..*end] {
                let [weight, volume] = self.charged[offer.departure];
                let cost = offer.cost + weight * offer.parts[0] + volume * offer.parts[1];
                if cost < least {
                    (least, goes) = (cost, Some(offer));
                }
            }
            value += least;
            if let Some(offer) = goes {
                used[offer.departure][0] += offer.parts[0];
                used[offer.departure][1] += offer.parts[1];
            }
            begin = *end;
        }
        value
    }
}

/// Prices go up where more is used than there is, and down where less, `gap` along the way (Polyak);
/// false where nothing has to change.
fn step(units: &[u32], prices: &mut [[f64; 2]], used: &[[f64; 2]], gap: f64) -> bool {
    let over = |at: usize, measure: usize, price: f64| {
        let over = used[at][measure] - f64::from(units[at]);
        if units[at] == 0 || (price <= 0.0 && over < 0.0) { 0.0 } else { over }
    };
    let all = || prices.iter().enumerate().flat_map(|(at, prices)| [(at, 0, prices[0]), (at, 1, prices[1])]);
    let norm: f64 = all().map(|(at, measure, price)| over(at, measure, price).powi(2)).sum();
    if norm == 0.0 {
        return false;
    }
    let length = gap / norm;
    for (at, prices) in prices.iter_mut().enumerate() {
        for (measure, price) in prices.iter_mut().enumerate() {
            *price = (*price + length * over(at, measure, *price)).max(0.0);
        }
    }
    true
}
