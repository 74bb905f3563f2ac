//! Which departures to open, with how many units each, and for which kinds of loads.
//!
//! From a stand, every change of one departure is estimated (a unit more, a unit less, another company of
//! kinds), and every move of a unit to a departure near by: by the prices there are, which show what a change
//! costs at least; where a departure is opened, what its unit could save at most is taken off.
//! Those that promise most are looked at closely, with prices of their own. The best one is made, even if
//! it makes things worse, but no stand is had twice (tabu search, Glover), so that what is left
//! behind is not fallen back into.

use std::collections::BTreeSet;

use super::super::effort::Shuffler;
use super::market::{Market, Stand, Way};
use super::plan::Question;

/// Changes looked at closely before one is made, and the steps of the prices for each.
const CLOSELY: usize = 6;
const STEPS: usize = 24;
const FIRST_STEPS: usize = 3 * STEPS;
/// Where nothing was found to be best for so long, the search goes on from one of the best.
const PATIENCE: usize = 30;
/// What costs so much more than the best is not looked at.
const TOO_MUCH: f64 = 0.1;

#[derive(Clone, Copy)]
enum Change {
    /// What it takes from now on is named, too.
    More(usize, u64),
    Less(usize),
    Move {
        from: usize,
        to: usize,
        takes: u64,
    },
    Turn(usize, u64),
}

/// What a unit more costs, about, and what its departure takes then.
type More = (f64, u64);

struct Stands<'m, 'a> {
    market: &'m mut Market<'a>,
    /// By departure, those that some load could take instead.
    near: Vec<Vec<usize>>,
    seen: BTreeSet<(Vec<u32>, Vec<u64>)>,
    /// The best first, `most` of them at most.
    best: Vec<Stand>,
    most: usize,
}

/// The stands that cost least of those seen, best first, `most` at most; at least one. The budget of `market`
/// is spent on it.
pub fn best(market: &mut Market, most: usize) -> Vec<Stand> {
    let first = first(market);
    let seen = BTreeSet::from([(first.units.clone(), first.takes.clone())]);
    let near = near(market.question);
    let mut stands = Stands { market, near, seen, best: vec![first.clone()], most };
    let mut shuffler = Shuffler::new(1);
    let (mut stand, mut idle) = (first, 0);
    while !stands.market.is_spent() {
        let least = stands.best[0].value;
        let next = stands.next(&stand);
        idle = if stands.best[0].value < least { 0 } else { idle + 1 };
        stand = match next {
            Some(next) if idle < PATIENCE => next,
            Some(_) | None => {
                idle = 0;
                stands.best[shuffler.below(stands.best.len())].clone()
            }
        };
    }
    stands.best
}

/// Where every departure that anyone wants is open, and takes the company that wants it most.
fn first(market: &mut Market) -> Stand {
    let mut stand = market.fair();
    if let [only] = market.kinds.companies[..] {
        stand.takes.fill(only);
        market.raise(&mut stand, f64::INFINITY, FIRST_STEPS);
        return stand;
    }
    market.raise(&mut stand, f64::INFINITY, FIRST_STEPS);
    let ways = market.ways(&stand);
    for (takes, wanted) in stand.takes.iter_mut().zip(&market.wanted) {
        let wants = |company: &u64| -> f64 {
            let going = wanted.iter().filter(|(load, offer)| {
                ways[*load].offer == Some(*offer) && company & market.kinds.of_load[*load] != 0
            });
            going.map(|(_, offer)| market.offers[*offer].size()).sum()
        };
        let most = market.kinds.companies.iter().max_by(|a, b| wants(a).total_cmp(&wants(b)));
        *takes = most.copied().unwrap_or(u64::MAX);
    }
    stand.value = f64::NEG_INFINITY;
    market.raise(&mut stand, f64::INFINITY, FIRST_STEPS);
    stand
}

fn near(question: &Question) -> Vec<Vec<usize>> {
    let mut near = vec![BTreeSet::new(); question.departures.len()];
    for choices in &question.choices {
        let travelling = || {
            choices.iter().map(|choice| choice.departure).filter(|departure| *departure != question.behind())
        };
        for departure in travelling() {
            near[departure].extend(travelling().filter(|other| *other != departure));
        }
    }
    near.into_iter().map(|near| near.into_iter().collect()).collect()
}

impl Stands<'_, '_> {
    /// The best of the changes of `stand` that promise most; none if all were seen or cost too much.
    fn next(&mut self, stand: &Stand) -> Option<Stand> {
        let mut changes = self.changes(stand);
        self.market.spend(changes.len());
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut chosen: Option<Stand> = None;
        let mut looks = 0;
        for (estimate, change) in changes {
            let limit = match &chosen {
                Some(chosen) => chosen.value,
                None => self.best[0].value + TOO_MUCH * self.best[0].value.abs(),
            };
            if looks == CLOSELY || stand.value + estimate > limit {
                break;
            }
            let mut tried = changed(stand, change);
            if self.seen.contains(&(tried.units.clone(), tried.takes.clone())) {
                continue;
            }
            looks += 1;
            if !self.market.raise(&mut tried, limit, STEPS) {
                self.keep(&tried);
                chosen = Some(tried);
            }
        }
        if let Some(chosen) = &chosen {
            self.seen.insert((chosen.units.clone(), chosen.takes.clone()));
        }
        chosen
    }

    fn keep(&mut self, stand: &Stand) {
        if self.best.iter().all(|other| !other.is_like(stand)) {
            let at = self.best.partition_point(|other| other.value <= stand.value);
            self.best.insert(at, stand.clone());
            self.best.truncate(self.most);
        }
    }

    /// What may be changed, with what that costs, about.
    fn changes(&mut self, stand: &Stand) -> Vec<(f64, Change)> {
        let ways = self.market.ways(stand);
        let mut changes = Vec::new();
        let departures = 0..stand.units.len();
        let more: Vec<Option<More>> = departures.clone().map(|at| self.more(stand, at, &ways)).collect();
        for at in departures {
            changes.extend(more[at].map(|(estimate, takes)| (estimate, Change::More(at, takes))));
            let Some(freed) = self.less(stand, at, &ways) else { continue };
            changes.push((freed, Change::Less(at)));
            // Where it closes, its loads save most by what is opened instead.
            let without = (stand.units[at] == 1).then(|| self.without(at, &ways));
            for to in self.near[at].iter().copied() {
                let more = match &without {
                    Some(ways) if stand.units[to] == 0 => self.more(stand, to, ways),
                    Some(_) | None => more[to],
                };
                let moved = |(spent, takes)| (freed + spent, Change::Move { from: at, to, takes });
                changes.extend(more.map(moved));
            }
            let others = self.market.kinds.companies.iter().filter(|takes| **takes != stand.takes[at]);
            changes.extend(
                others.map(|takes| (self.turned(stand, at, *takes, &ways), Change::Turn(at, *takes))),
            );
        }
        self.spend(stand);
        changes
    }

    /// What looking for changes takes: each load is looked at wherever it may go, once for each company.
    fn spend(&mut self, stand: &Stand) {
        let opened = |from: usize| {
            let closed = self.near[from].iter().filter(|to| stand.units[**to] == 0);
            closed.map(|to| self.market.wanted[*to].len() / 2).sum::<usize>()
        };
        let closing = (0..stand.units.len()).filter(|from| stand.units[*from] == 1);
        let looks = closing.map(opened).sum::<usize>() + 4 * self.market.kinds.of_load.len();
        self.market.spend(looks * self.market.kinds.companies.len() + stand.units.len());
    }

    /// Where loads go if `departure` is closed, at least.
    fn without(&self, departure: usize, ways: &[Way]) -> Vec<Way> {
        let goes_there =
            |way: &Way| way.offer.is_some_and(|offer| self.market.offers[offer].departure == departure);
        let elsewhere = |way: &Way| if goes_there(way) { Way { cost: way.second, ..*way } } else { *way };
        ways.iter().map(elsewhere).collect()
    }

    /// Where nothing was open, it takes the company that saves most.
    fn more(&self, stand: &Stand, at: usize, ways: &[Way]) -> Option<More> {
        let units = stand.units[at];
        if units >= self.market.question.departures[at].units_max {
            return None;
        }
        if units > 0 {
            let [weight, volume] = stand.prices[at];
            return Some((self.market.unit_costs[at] - weight - volume, stand.takes[at]));
        }
        let opened = self.market.kinds.companies.iter().map(|takes| (self.opened(at, *takes, ways), *takes));
        opened.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// A first unit: its cost, less what loads save that fit into it, most per part first.
    fn opened(&self, at: usize, takes: u64, ways: &[Way]) -> f64 {
        let market = &*self.market;
        let saving = |(load, offer): &(usize, usize)| {
            let offer = &market.offers[*offer];
            let saving = ways[*load].cost - offer.cost;
            let is_taken = market.kinds.of_load[*load] & takes != 0;
            (is_taken && saving > 0.0).then(|| (saving, offer.size()))
        };
        let mut savings: Vec<(f64, f64)> = market.wanted[at].iter().filter_map(saving).collect();
        savings.sort_unstable_by(|a, b| (b.0 / b.1).total_cmp(&(a.0 / a.1)));
        let (mut room, mut cost) = (1.0 - market.left_empty(at), market.unit_costs[at]);
        for (saving, size) in savings {
            if size >= room {
                return cost - saving * room / size;
            }
            room -= size;
            cost -= saving;
        }
        cost
    }

    fn less(&self, stand: &Stand, at: usize, ways: &[Way]) -> Option<f64> {
        let [weight, volume] = stand.prices[at];
        let market = &*self.market;
        match stand.units[at] {
            0 => None,
            1 => {
                let going =
                    market.wanted[at].iter().filter(|(load, offer)| ways[*load].offer == Some(*offer));
                let lost: f64 = going.map(|(load, _)| ways[*load].second - ways[*load].cost).sum();
                Some(lost + market.room(stand, at) * (weight + volume) - market.unit_costs[at])
            }
            _ => Some(weight + volume - market.unit_costs[at]),
        }
    }

    /// What those lose who may not go there any more, less what those save who may from now on.
    fn turned(&self, stand: &Stand, at: usize, takes: u64, ways: &[Way]) -> f64 {
        let market = &*self.market;
        let change = |(load, offer): &(usize, usize)| {
            let (kind, way) = (market.kinds.of_load[*load], &ways[*load]);
            if kind & takes == 0 {
                if way.offer == Some(*offer) { way.second - way.cost } else { 0.0 }
            } else if kind & stand.takes[at] == 0 {
                (market.offers[*offer].at(stand.prices[at]) - way.cost).min(0.0)
            } else {
                0.0
            }
        };
        market.wanted[at].iter().map(change).sum()
    }
}

fn changed(stand: &Stand, change: Change) -> Stand {
    let mut changed = Stand { value: f64::NEG_INFINITY, ..stand.clone() };
    match change {
        Change::More(at, takes) => {
            changed.units[at] += 1;
            changed.takes[at] = takes;
        }
        Change::Less(at) => changed.units[at] -= 1,
        Change::Move { from, to, takes } => {
            changed.units[from] -= 1;
            changed.units[to] += 1;
            changed.takes[to] = takes;
        }
        Change::Turn(at, takes) => changed.takes[at] = takes,
    }
    changed
}
