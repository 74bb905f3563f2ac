//! One bag less, again and again: the emptiest bags are taken apart, and what was in them is exchanged
//! with the other bags until it fits into one bag less than it came from.
//!
//! A walk, not a descent: what is left over may stay as large as it is, or grow a little. Most of all
//! that lets many bags that are exactly full be full in another way, until the rest happens to fit.

use super::super::effort::{Effort, Shuffler};
use super::first_fit::first_fit;
use super::problem::{Bag, Problem, Room};

/// Bags that are taken apart at once, in turn: with four, the parcels of three new bags are free to
/// change, which is what exact fits want; with fewer, there is less to look through.
const OPENED: [usize; 3] = [4, 3, 2];
/// More bags than this are improved in parts.
const WINDOW_MAX: usize = 1_000;
/// Bags in a part, how many of these are the emptiest of all, and the steps of an attempt in it.
const WINDOW: usize = 400;
const WINDOW_EMPTIEST: usize = 20;
const WINDOW_SLICE: u64 = 500_000;
/// Steps before an attempt is given up for another: a quarter of what is left, within these.
const SLICE_MIN: u64 = 100_000;
const SLICE_MAX: u64 = 40_000_000;
const STEPS_PER_SORTED_BAG: usize = 10;
/// What a step costs beside looking through the pool.
const STEPS_PER_STEP: usize = 6;
/// The pool may grow in one step of two to the power of this.
const RARE: u32 = 7;
/// Steps for one attempt to fit what is left over.
const FITTING_STEPS_MAX: u64 = 300;
/// More pieces than this are many enough for first fit to do as well.
const FITTED_DEEP_MAX: usize = 100;

/// `bags`, or fewer.
pub fn improve(problem: &Problem, mut bags: Vec<Bag>, bound: usize, effort: &mut Effort) -> Vec<Bag> {
    let mut shuffler = Shuffler::new(problem.pieces.len() as u64);
    let mut attempts = 0;
    while bags.len() > bound && !effort.is_spent() {
        // Emptiest first; stable, so that the same bags stay the same.
        bags.sort_by_key(|bag| std::cmp::Reverse(bag.room.size));
        effort.spend(bags.len() * STEPS_PER_SORTED_BAG);
        let window = if bags.len() > WINDOW_MAX { WINDOW } else { bags.len() };
        for at in WINDOW_EMPTIEST.min(window)..window {
            let other = at + shuffler.below(bags.len() - at);
            bags.swap(at, other);
        }
        let rest = bags.split_off(window);
        loop {
            let before = bags.len();
            let opened = OPENED[attempts % OPENED.len()].min(before - 1).max(1);
            let of_all = (effort.left() / 4).clamp(SLICE_MIN, SLICE_MAX);
            let mut slice = effort.take(if rest.is_empty() { of_all } else { WINDOW_SLICE });
            bags = Exchange::new(problem, bags, opened, &mut shuffler).run(&mut slice);
            effort.give_back(slice);
            if bags.len() == before {
                attempts += 1;
                break;
            }
            if bags.len() + rest.len() <= bound {
                break;
            }
            bags.sort_by_key(|bag| std::cmp::Reverse(bag.room.size));
        }
        bags.extend(rest);
    }
    bags
}

struct Exchange<'a> {
    problem: &'a Problem<'a>,
    shuffler: &'a mut Shuffler,
    /// As they were, should the attempt fail.
    before: Vec<Bag>,
    bags: Vec<Bag>,
    /// What is in no bag, largest first, which is ascending.
    pool: Vec<u32>,
    pool_size: u64,
    /// Empty bags that the pool may fill.
    spare: usize,
}

impl<'a> Exchange<'a> {
    /// Takes the first `opened` of `bags` apart.
    fn new(problem: &'a Problem<'a>, bags: Vec<Bag>, opened: usize, shuffler: &'a mut Shuffler) -> Self {
        let mut pool: Vec<u32> = bags[..opened].iter().flat_map(|bag| bag.pieces.iter().copied()).collect();
        pool.sort_unstable();
        let pool_size = pool.iter().map(|piece| problem.piece(*piece).size).sum();
        let rest = bags[opened..].to_vec();
        Self { problem, shuffler, before: bags, bags: rest, pool, pool_size, spare: opened - 1 }
    }

    fn run(mut self, effort: &mut Effort) -> Vec<Bag> {
        let mut is_new = true;
        while !effort.is_spent() {
            if is_new && let Some(fitted) = self.fit_pool(effort) {
                self.bags.extend(fitted);
                return self.bags;
            }
            is_new = self.step(effort);
        }
        self.before
    }

    /// Exchanges up to two pieces of some bag with up to two of the pool; whether anything changed.
    fn step(&mut self, effort: &mut Effort) -> bool {
        if self.bags.is_empty() {
            *effort = Effort::new(0);
            return false;
        }
        let at = self.shuffler.below(self.bags.len());
        let outs = self.choose_outs(at);
        let problem = self.problem;
        let bag = &mut self.bags[at];
        // What goes out stands last.
        let staying = bag.pieces.len() - outs;
        let room = bag.pieces[staying..].iter().fold(bag.room, |room, out| room.more(problem.piece(*out)));
        let out_size = room.size - bag.room.size;
        effort.spend(STEPS_PER_STEP + self.pool.len());
        let tolerance = self.tolerance();
        let Some(ins) = self.best_ins(&room, at, staying) else { return false };
        if ins.size + tolerance < out_size {
            return false;
        }
        let bag = &mut self.bags[at];
        let outs = bag.pieces.split_off(staying);
        bag.room = room;
        for piece in std::iter::once(ins.first).chain(ins.second) {
            bag.put(problem, piece);
            self.pool.retain(|other| *other != piece);
        }
        for piece in outs {
            let place = self.pool.partition_point(|other| *other < piece);
            self.pool.insert(place, piece);
        }
        self.pool_size = self.pool_size + out_size - ins.size;
        true
    }

    /// None, one or two pieces of a bag, which are moved to its end; how many.
    fn choose_outs(&mut self, at: usize) -> usize {
        let pieces = &mut self.bags[at].pieces;
        let wanted = match self.shuffler.below(8) {
            0 => 0,
            1..4 => 1,
            _ => 2,
        };
        let outs = pieces.len().min(wanted);
        for out in 0..outs {
            let last = pieces.len() - 1 - out;
            pieces.swap(last, self.shuffler.below(last + 1));
        }
        outs
    }

    /// How much the pool may grow in this step: usually nothing, rarely much.
    fn tolerance(&mut self) -> u64 {
        let rare = self.shuffler.next().trailing_zeros();
        if rare < RARE { 0 } else { self.problem.empty.size / 1_000 * u64::from(rare - RARE + 1) }
    }

    /// The one or two pieces of the pool that fill `room` best beside the first `staying` pieces of a bag;
    /// any of several that are equal, but not the same as went out.
    fn best_ins(&mut self, room: &Room, at: usize, staying: usize) -> Option<Ins> {
        let problem = self.problem;
        let (company, outs) = self.bags[at].pieces.split_at(staying);
        let is_out = |piece: u32| outs.iter().any(|out| problem.piece(*out).is_like(problem.piece(piece)));
        let mut best: Option<Ins> = None;
        let mut equals = 0;
        // The first of the pool that fits beside the piece before it: as pieces get smaller, it gets larger.
        let mut partner = self.pool.len();
        for (at, first) in self.pool.iter().enumerate() {
            let piece = problem.piece(*first);
            if !room.takes(piece) || !problem.suits(piece, company) {
                continue;
            }
            let left = room.less(piece);
            while partner > 0 && problem.piece(self.pool[partner - 1]).size <= left.size {
                partner -= 1;
            }
            let fits = |other: &&u32| {
                let other = problem.piece(**other);
                left.takes(other) && problem.suits(other, company) && !problem.are_apart(piece, other)
            };
            let from = partner.max(at + 1);
            let second =
                self.pool.get(from..).and_then(|rest| rest.iter().take(PARTNERS_MAX).find(fits)).copied();
            let size = piece.size + second.map_or(0, |second| problem.piece(second).size);
            let most = best.as_ref().map_or(0, |ins| ins.size);
            if best.is_some() && size < most || is_out(*first) && second.is_none_or(is_out) {
                continue;
            }
            equals = if size > most { 1 } else { equals + 1 };
            if equals == 1 || self.shuffler.below(equals) == 0 {
                best = Some(Ins { first: *first, second, size });
            }
        }
        best
    }

    /// The spare bags filled with the whole pool, if a short search finds how.
    fn fit_pool(&self, effort: &mut Effort) -> Option<Vec<Bag>> {
        let problem = self.problem;
        if self.pool_size > problem.empty.size * self.spare as u64 {
            return None;
        }
        let mut spare = vec![problem.empty_bag(); self.spare];
        if self.pool.len() > FITTED_DEEP_MAX {
            effort.spend(self.pool.len() * STEPS_PER_SORTED_BAG);
            let fitted = first_fit(problem, &self.pool, spare);
            return (fitted.len() == self.spare).then_some(fitted);
        }
        let mut looks = effort.take(FITTING_STEPS_MAX);
        let fitted = fit(problem, &self.pool, &mut spare, &mut looks);
        effort.give_back(looks);
        fitted.then_some(spare)
    }
}

/// What goes into a bag.
struct Ins {
    first: u32,
    second: Option<u32>,
    size: u64,
}

/// Partners that fit by their size and are looked at for the rest.
const PARTNERS_MAX: usize = 6;

/// All of `pieces` into `bags`, depth first; as deep as there are pieces.
fn fit(problem: &Problem, pieces: &[u32], bags: &mut [Bag], looks: &mut Effort) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return true };
    for at in 0..bags.len() {
        looks.spend(1);
        if looks.is_spent() {
            return false;
        }
        // Of bags with nothing in them, one is as good as another.
        let is_repeat = at > 0 && bags[at].pieces.is_empty() && bags[at - 1].pieces.is_empty();
        let takes = bags[at].room.takes(problem.piece(*piece));
        if is_repeat || !takes || !problem.suits(problem.piece(*piece), &bags[at].pieces) {
            continue;
        }
        bags[at].put(problem, *piece);
        if fit(problem, rest, bags, looks) {
            return true;
        }
        bags[at].pieces.pop();
        bags[at].room = bags[at].room.more(problem.piece(*piece));
    }
    false
}
