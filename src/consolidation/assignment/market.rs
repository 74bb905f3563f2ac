//! What a choice of units costs about, found by prices.
//!
//! Once the units are fixed, and which kinds each departure takes, loads are small beside what they share, and
//! parts of loads may travel on different departures without the cost becoming much less than it can be. That
//! cost has a simple dual: every departure names a price for its weight and one for its volume, every load
//! goes where cost and price together are least, and what the prices of all units come to is taken off. Any
//! prices give less than any plan with these units costs; raising the prices where too much wants to go, and
//! lowering them where there is room, gives more and more. So a choice is turned down as soon as some
//! prices show that it costs more than is wanted, which takes a handful of steps for most.
//!
//! Whole loads leave some room at the end of what they fill: that is guessed, and taken off the units.

use super::kinds::Kinds;
use super::plan::Question;

/// Prices where there are no units.
const CLOSED: f64 = 1e30;
/// What is left empty, in mean loads; and in units at most.
const LEFT_EMPTY: f64 = 0.3;
const LEFT_EMPTY_MAX: f64 = 0.5;
/// How far above the best so far a value is aimed at first, how that grows when the best is bettered, and how it
/// falls when it was not, twice.
const REACH: f64 = 0.01;
const REACH_GROWS: f64 = 1.5;
const REACH_FALLS: f64 = 0.4;

pub struct Offer {
    pub departure: usize,
    pub cost: f64,
    /// Of a unit there, by weight and by volume.
    pub parts: [f64; 2],
}

/// What each departure has and takes, and what prices say about it.
#[derive(Clone)]
pub struct Stand {
    pub units: Vec<u32>,
    /// By departure, the kinds it takes, a company.
    pub takes: Vec<u64>,
    /// By departure, of a unit's weight and of its volume.
    pub prices: Vec<[f64; 2]>,
    /// The least that it costs, about.
    pub value: f64,
}

impl Stand {
    pub fn is_like(&self, other: &Self) -> bool {
        self.units == other.units && self.takes == other.takes
    }
}

/// Where a load goes at some prices.
#[derive(Clone, Copy)]
pub struct Way {
    /// Index of an offer; none where it stays behind.
    pub offer: Option<usize>,
    pub cost: f64,
    /// What it would cost elsewhere.
    pub second: f64,
}

pub struct Market<'a> {
    pub question: &'a Question<'a>,
    pub kinds: Kinds,
    /// Those of each load together.
    pub offers: Vec<Offer>,
    /// By load, where its offers end.
    ends: Vec<usize>,
    /// By departure, the loads that may go there, with their offers.
    pub wanted: Vec<Vec<(usize, usize)>>,
    pub unit_costs: Vec<f64>,
    /// By departure, what whole loads leave empty of its units.
    left_empty: Vec<f64>,
    /// The prices asked, by departure.
    charged: Vec<[f64; 2]>,
    /// Looks at a load or a departure that are left.
    budget: u64,
}

impl<'a> Market<'a> {
    pub fn new(question: &'a Question<'a>, budget: u64) -> Self {
        let departures = question.departures;
        let (mut offers, mut ends) = (Vec::new(), Vec::new());
        let mut wanted: Vec<Vec<(usize, usize)>> = vec![Vec::new(); departures.len()];
        for (at, (load, choices)) in question.loads.iter().zip(&question.choices).enumerate() {
            for choice in choices.iter().filter(|choice| choice.departure != question.behind()) {
                wanted[choice.departure].push((at, offers.len()));
                offers.push(Offer {
                    departure: choice.departure,
                    cost: choice.cost_micros as f64,
                    parts: departures[choice.departure].parts(load),
                });
            }
            ends.push(offers.len());
        }
        let left_empty = wanted.iter().map(|wanted| {
            let total: f64 = wanted.iter().map(|(_, at)| offers[*at].size()).sum();
            (LEFT_EMPTY * total / wanted.len().max(1) as f64).min(LEFT_EMPTY_MAX)
        });
        Self {
            question,
            kinds: Kinds::new(question),
            left_empty: left_empty.collect(),
            offers,
            ends,
            wanted,
            unit_costs: departures.iter().map(|departure| departure.unit_cost_micros as f64).collect(),
            charged: vec![[0.0; 2]; departures.len()],
            budget,
        }
    }

    pub fn offers_of(&self, load: usize) -> &[Offer] {
        &self.offers[self.begin_of(load)..self.ends[load]]
    }

    fn begin_of(&self, load: usize) -> usize {
        load.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    pub fn is_spent(&self) -> bool {
        self.budget == 0
    }

    pub fn spend(&mut self, looks: usize) {
        self.budget = self.budget.saturating_sub(looks as u64);
    }

    /// As many units as want to be filled at fair prices, and every kind everywhere.
    pub fn fair(&mut self) -> Stand {
        let departures = self.question.departures;
        let mut stand = Stand {
            units: departures.iter().map(|departure| departure.units_max).collect(),
            takes: vec![u64::MAX; departures.len()],
            prices: self.unit_costs.iter().map(|cost| [cost * 0.2, cost * 0.8]).collect(),
            value: f64::NEG_INFINITY,
        };
        let mut used = vec![[0.0; 2]; departures.len()];
        let prices = stand.prices.clone();
        self.value(&stand, &prices, &mut used);
        for (at, [weight, volume]) in used.into_iter().enumerate() {
            let fill = weight.max(volume);
            let units = if fill > 0.0 { (fill + self.left_empty[at]).ceil() as u32 } else { 0 };
            stand.units[at] = units.min(departures[at].units_max);
        }
        stand
    }

    pub fn left_empty(&self, departure: usize) -> f64 {
        self.left_empty[departure]
    }

    /// Of the units that `stand` has at a departure, what loads can fill.
    pub fn room(&self, stand: &Stand, departure: usize) -> f64 {
        match stand.units[departure] {
            0 => 0.0,
            units => f64::from(units) - self.left_empty[departure],
        }
    }

    /// Where each load goes at the prices of `stand`.
    pub fn ways(&mut self, stand: &Stand) -> Vec<Way> {
        self.spend(self.ends.len());
        let way = |(load, behind): (usize, f64)| {
            let begin = self.begin_of(load);
            let mut way = Way { offer: None, cost: behind, second: behind };
            for (at, offer) in self.offers_of(load).iter().enumerate() {
                let takes = stand.takes[offer.departure] & self.kinds.of_load[load] != 0;
                if stand.units[offer.departure] == 0 || !takes {
                    continue;
                }
                let cost = offer.at(stand.prices[offer.departure]);
                if cost < way.cost {
                    way = Way { offer: Some(begin + at), cost, second: way.cost };
                } else if cost < way.second {
                    way.second = cost;
                }
            }
            way
        };
        let behind = self.question.loads.iter().map(|load| load.left_behind_micros as f64);
        behind.enumerate().map(way).collect()
    }

    /// Betters the prices of `stand` in `steps` steps; whether they show that it costs more than `limit`.
    pub fn raise(&mut self, stand: &mut Stand, limit: f64, steps: usize) -> bool {
        let mut prices = stand.prices.clone();
        let mut used = vec![[0.0; 2]; prices.len()];
        let (mut reach, mut idle) = (None, 0);
        for _ in 0..steps {
            self.spend(self.ends.len() + prices.len());
            let value = self.value(stand, &prices, &mut used);
            let mut beyond = match reach {
                // A little above the limit, or else the steps become too short.
                None if limit.is_finite() => {
                    (limit - value).clamp(0.0, 5.0 * REACH * value.abs()) + 0.2 * REACH * value.abs()
                }
                None => REACH * value.abs(),
                Some(beyond) if value > stand.value => beyond * REACH_GROWS,
                Some(beyond) => beyond,
            };
            if value > stand.value {
                idle = 0;
                stand.value = value;
                stand.prices.clone_from(&prices);
                if value > limit {
                    return true;
                }
            } else {
                idle += 1;
                if idle == 2 {
                    (beyond, idle) = (beyond * REACH_FALLS, 0);
                }
            }
            reach = Some(beyond);
            if !self.step(stand, &mut prices, &used, stand.value + beyond - value) {
                break;
            }
        }
        false
    }

    /// What any plan with the units of `stand` costs at least, by `prices`, and what wants to go where, in units.
    fn value(&mut self, stand: &Stand, prices: &[[f64; 2]], used: &mut [[f64; 2]]) -> f64 {
        used.fill([0.0; 2]);
        let mut value = 0.0;
        for (at, [weight, volume]) in prices.iter().enumerate() {
            let units = stand.units[at];
            value += f64::from(units) * self.unit_costs[at] - self.room(stand, at) * (weight + volume);
            self.charged[at] = if units == 0 { [CLOSED; 2] } else { [*weight, *volume] };
        }
        let mut begin = 0;
        for ((load, end), kind) in self.question.loads.iter().zip(&self.ends).zip(&self.kinds.of_load) {
            let mut least = load.left_behind_micros as f64;
            let mut goes = None;
            for offer in &self.offers[begin..*end] {
                let cost = offer.at(self.charged[offer.departure]);
                if cost < least && stand.takes[offer.departure] & kind != 0 {
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

    /// Prices go up where more is used than there is, and down where less, `gap` along the way (Polyak);
    /// false where nothing has to change.
    fn step(&self, stand: &Stand, prices: &mut [[f64; 2]], used: &[[f64; 2]], gap: f64) -> bool {
        let over = |at: usize, measure: usize, price: f64| {
            let over = used[at][measure] - self.room(stand, at);
            if stand.units[at] == 0 || (price <= 0.0 && over < 0.0) { 0.0 } else { over }
        };
        let all =
            || prices.iter().enumerate().flat_map(|(at, prices)| [(at, 0, prices[0]), (at, 1, prices[1])]);
        let norm: f64 = all()
            .map(|(at, measure, price)| {
                let over = over(at, measure, price);
                over * over
            })
            .sum();
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
}

impl Offer {
    #[inline]
    pub fn at(&self, [weight, volume]: [f64; 2]) -> f64 {
        self.cost + weight * self.parts[0] + volume * self.parts[1]
    }

    /// Of a unit, in the measure it fills more of.
    pub fn size(&self) -> f64 {
        self.parts[0].max(self.parts[1])
    }
}
