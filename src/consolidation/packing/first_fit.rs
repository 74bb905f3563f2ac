//! First-fit decreasing, over a tree of the largest rooms: some n log n.

use std::collections::BTreeMap;

use super::problem::{Bag, Piece, Problem, Room};

/// Nodes looked at, and bags passed over for their classes, before a new bag is opened.
const VISITS_MAX: usize = 200;
const REFUSALS_MAX: usize = 100;
/// Bags opened last, the emptiest as a rule, that are looked at when the others took too long.
const NEWEST: usize = 50;

/// The best of several orders; the first that meets `bound` ends it.
pub fn best_of_orders(problem: &Problem, bound: usize) -> Vec<Bag> {
    let natural: Vec<u32> = (0..problem.pieces.len() as u32).collect();
    let mut best = first_fit(problem, &natural, Vec::new());
    let largest_share = |piece: &Piece| {
        let share = |value: u64, limit: u64| {
            u128::from(value) * u128::from(super::LARGEST) / u128::from(limit.max(1))
        };
        share(piece.weight, problem.empty.weight).max(share(piece.volume, problem.empty.volume))
    };
    let keys: [&dyn Fn(&Piece) -> u128; 3] =
        [&|piece| u128::from(piece.weight), &|piece| u128::from(piece.volume), &largest_share];
    for key in keys {
        if best.len() == bound {
            break;
        }
        let mut order = natural.clone();
        // Stable: what is equal stays in the order of its size.
        order.sort_by_cached_key(|piece| std::cmp::Reverse(key(problem.piece(*piece))));
        if order == natural {
            continue;
        }
        let other = first_fit(problem, &order, Vec::new());
        if other.len() < best.len() {
            best = other;
        }
    }
    best
}

/// The pieces of `order`, each into the first of `bags` that takes it, or into a new one.
pub fn first_fit(problem: &Problem, order: &[u32], mut bags: Vec<Bag>) -> Vec<Bag> {
    let mut tree = Tree::new(bags.len() + order.len(), problem.empty);
    for (index, bag) in bags.iter().enumerate() {
        tree.set(index, bag.room);
    }
    // By class, the bags at the beginning that it may not travel in, once and for all.
    let mut closed: BTreeMap<u32, usize> = BTreeMap::new();
    for index in order {
        let piece = problem.piece(*index);
        let mut from = if piece.is_wary { closed.get(&piece.class).copied().unwrap_or(0) } else { 0 };
        let mut refusals = 0;
        let chosen = loop {
            let newest = || bags.len().saturating_sub(NEWEST).max(from)..bags.len();
            let fits = |bag: &usize| bags[*bag].room.takes(piece);
            let Some(found) = tree.first(piece, from).or_else(|| newest().find(fits)) else {
                break bags.len();
            };
            if found == bags.len() {
                break found;
            }
            if problem.suits(piece, &bags[found].pieces) {
                break found;
            }
            if closed.get(&piece.class).copied().unwrap_or(0) == found {
                closed.insert(piece.class, found + 1);
            }
            refusals += 1;
            if refusals == REFUSALS_MAX {
                break bags.len();
            }
            from = found + 1;
        };
        if chosen == bags.len() {
            bags.push(problem.empty_bag());
        }
        bags[chosen].put(problem, *index);
        tree.set(chosen, bags[chosen].room);
    }
    bags
}

/// Of every bag, opened or not, its room; above each two, the larger of each measure.
struct Tree {
    leaves: usize,
    nodes: Vec<Room>,
}

impl Tree {
    fn new(bags: usize, empty: Room) -> Self {
        let leaves = bags.next_power_of_two();
        Self { leaves, nodes: vec![empty; 2 * leaves] }
    }

    fn set(&mut self, bag: usize, room: Room) {
        let mut node = self.leaves + bag;
        self.nodes[node] = room;
        while node > 1 {
            node /= 2;
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            self.nodes[node] = Room {
                weight: left.weight.max(right.weight),
                volume: left.volume.max(right.volume),
                size: left.size.max(right.size),
                count: left.count.max(right.count),
            };
        }
    }

    /// The first bag from `from` on that takes `piece`, none where it takes too long to find.
    fn first(&self, piece: &Piece, from: usize) -> Option<usize> {
        let mut visits = 0;
        self.search(piece, from, 1, self.leaves, &mut visits)
    }

    /// Below `node`, which has `width` leaves.
    fn search(
        &self,
        piece: &Piece,
        from: usize,
        node: usize,
        width: usize,
        visits: &mut usize,
    ) -> Option<usize> {
        *visits += 1;
        let first_leaf = node * width - self.leaves;
        if *visits > VISITS_MAX || first_leaf + width <= from || !self.nodes[node].takes(piece) {
            return None;
        }
        if width == 1 {
            return Some(first_leaf);
        }
        self.search(piece, from, 2 * node, width / 2, visits)
            .or_else(|| self.search(piece, from, 2 * node + 1, width / 2, visits))
    }
}
