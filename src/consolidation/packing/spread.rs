//! A number of bags filled evenly: each parcel, largest first, into one of the roomiest.
//!
//! What first fit does badly: where the number of parcels or a second measure is scarce, it puts the
//! large parcels together and then has bags full of small ones that are light.

use std::collections::BTreeSet;

use super::first_fit::first_fit;
use super::problem::{Bag, Piece, Problem, Room};

/// Bags that are looked at for a piece, and of those that take it, how many are compared.
const ROOMIEST: usize = 30;
const COMPARED: usize = 6;
/// Numbers of bags that are tried.
const TARGETS: usize = 2;

/// Bags for all pieces, as close above `bound` as a few attempts come; `most` is what is known to do.
pub fn best_of_targets(problem: &Problem, bound: usize, most: usize) -> Option<Vec<Bag>> {
    let mut best: Option<Vec<Bag>> = None;
    let (mut target, mut known) = (bound, most);
    for _ in 0..TARGETS {
        let bags = spread(problem, target);
        if bags.len() < known {
            known = bags.len();
            best = Some(bags);
        }
        // As a rule, the more bags there are to begin with, the fewer have to be opened later.
        if known <= target + 1 {
            break;
        }
        target += (known - target) / 3 + 1;
    }
    best
}

fn spread(problem: &Problem, target: usize) -> Vec<Bag> {
    let mut bags = vec![problem.empty_bag(); target];
    let mut by_room: BTreeSet<(u64, usize)> = (0..target).map(|bag| (problem.empty.size, bag)).collect();
    let mut left_over = Vec::new();
    for index in 0..problem.pieces.len() as u32 {
        let piece = problem.piece(index);
        let roomiest = by_room.iter().rev().take(ROOMIEST).map(|(_, bag)| *bag);
        let fitting =
            roomiest.filter(|bag| bags[*bag].room.takes(piece) && problem.suits(piece, &bags[*bag].pieces));
        let scored = fitting.take(COMPARED).map(|bag| (scarcest_share(problem, bags[bag].room, piece), bag));
        // Shares are finite, so that they compare; of equals, the roomier.
        let Some((_, chosen)) = scored.reduce(|best, other| if other.0 > best.0 { other } else { best })
        else {
            left_over.push(index);
            continue;
        };
        by_room.remove(&(bags[chosen].room.size, chosen));
        bags[chosen].put(problem, index);
        if bags[chosen].room.count > 0 {
            by_room.insert((bags[chosen].room.size, chosen));
        }
    }
    bags.retain(|bag| !bag.pieces.is_empty());
    first_fit(problem, &left_over, bags)
}

/// What would be left beside `piece`, of the measure of which the smallest share is left.
fn scarcest_share(problem: &Problem, room: Room, piece: &Piece) -> f64 {
    let (left, whole) = (room.less(piece), problem.empty);
    let share = |left: u64, whole: u64| left as f64 / whole.max(1) as f64;
    let by_volume = if whole.volume == 0 { 1.0 } else { share(left.volume, whole.volume) };
    share(left.weight, whole.weight).min(by_volume).min(share(u64::from(left.count), u64::from(whole.count)))
}
