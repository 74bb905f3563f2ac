//! Bags completed one after the other, each as well as a short search can.
//!
//! The largest parcel that is left opens a bag; a depth-first search over the others, largest first,
//! fills it as far as possible (minimum bin slack, Gupta and Ho, with the first piece fixed
//! as Fleszar and Hindi do). The number of looks for each bag is limited.

use super::super::effort::Effort;
use super::problem::{Bag, Problem, Room};

const STEPS_PER_BAG_MAX: u64 = 20_000;
/// A binary search and a walk.
const STEPS_PER_LOOK: usize = 4;
/// Pieces in a row that fit by their size and by nothing else, before there is none.
const REFUSALS_MAX: usize = 100;

/// Bags for all pieces, the search for each limited so that `effort` lasts for about `bags` of them.
pub fn fill(problem: &Problem, bags: usize, effort: &mut Effort) -> Vec<Bag> {
    let looks = (effort.left() / bags.max(1) as u64).min(STEPS_PER_BAG_MAX);
    let mut left = Left::new(problem);
    let mut filled = Vec::new();
    while let Some(first) = left.next(0) {
        let chosen = complete(&mut left, first, looks, effort);
        let mut bag = problem.empty_bag();
        for piece in chosen {
            bag.put(problem, piece);
            left.remove(piece as usize);
        }
        filled.push(bag);
    }
    filled
}

/// The fullest bag found that begins with `first`.
fn complete(left: &mut Left, first: usize, looks: u64, effort: &mut Effort) -> Vec<u32> {
    let problem = left.problem;
    let mut looks = effort.take(looks);
    let mut chosen = vec![first as u32];
    let mut room = problem.empty.less(&problem.pieces[first]);
    let mut best = chosen.clone();
    let mut best_room = room.size;
    let mut from = first + 1;
    loop {
        while let Some(next) = left.next_that_fits(from, &room, &chosen, &mut looks) {
            chosen.push(next as u32);
            room = room.less(&problem.pieces[next]);
            from = next + 1;
        }
        if room.size < best_room || best.len() == 1 && chosen.len() > 1 {
            looks.spend(chosen.len());
            best_room = room.size;
            best.clone_from(&chosen);
        }
        // The first piece stays; what stood last gives way to the next that is not like it.
        if best_room == 0 || looks.is_spent() || chosen.len() == 1 {
            break;
        }
        if let Some(last) = chosen.pop() {
            room = room.more(problem.piece(last));
            // A smaller piece alone leaves more room than this one did: it has to leave enough for another.
            let enough = room.size.saturating_sub(left.smallest_size());
            let behind = problem.pieces.partition_point(|piece| piece.size > enough);
            from = left.after_its_like[last as usize].max(behind);
        }
    }
    effort.give_back(looks);
    best
}

/// The pieces that are in no bag yet, largest first.
struct Left<'a> {
    problem: &'a Problem<'a>,
    /// A piece that is left points to itself, any other to one behind it, on the way to the next.
    forward: Vec<usize>,
    /// The first piece behind a piece that is not like it.
    after_its_like: Vec<usize>,
    removed: Vec<bool>,
    /// The last piece that is left.
    last: usize,
}

impl<'a> Left<'a> {
    fn new(problem: &'a Problem<'a>) -> Self {
        let pieces = &problem.pieces;
        let mut after_its_like: Vec<usize> = (1..=pieces.len()).collect();
        for index in (1..pieces.len()).rev() {
            if pieces[index].is_like(&pieces[index - 1]) {
                after_its_like[index - 1] = after_its_like[index];
            }
        }
        let forward = (0..=pieces.len()).collect();
        Self { problem, forward, after_its_like, removed: vec![false; pieces.len()], last: pieces.len() - 1 }
    }

    fn remove(&mut self, piece: usize) {
        self.forward[piece] = piece + 1;
        self.removed[piece] = true;
        while self.last > 0 && self.removed[self.last] {
            self.last -= 1;
        }
    }

    fn smallest_size(&self) -> u64 {
        self.problem.pieces[self.last].size
    }

    fn next(&mut self, from: usize) -> Option<usize> {
        let mut at = from;
        while self.forward[at] != at {
            // Halved whenever it is walked, the way stays short.
            let next = self.forward[self.forward[at]];
            self.forward[at] = next;
            at = next;
        }
        (at < self.problem.pieces.len()).then_some(at)
    }

    fn next_that_fits(
        &mut self,
        from: usize,
        room: &Room,
        company: &[u32],
        looks: &mut Effort,
    ) -> Option<usize> {
        let pieces = &self.problem.pieces;
        let mut from = from + pieces[from..].partition_point(|piece| piece.size > room.size);
        for _ in 0..REFUSALS_MAX {
            looks.spend(STEPS_PER_LOOK);
            let next = self.next(from)?;
            if room.takes(&pieces[next]) && self.problem.suits(&pieces[next], company) {
                return Some(next);
            }
            from = self.after_its_like[next];
        }
        None
    }
}
