//! How many bags any packing needs, proved.
//!
//! The largest of: the bound L2 of Martello and Toth and the dual feasible functions of Fekete and
//! Schepers on weight, volume and size, each of which any packing keeps to; the number of parcels over
//! what a bag takes; and, where classes are apart, the sum of these over classes that are all
//! apart from each other, as no bag holds two of them.

use super::problem::{Piece, Problem};

/// The functions of Fekete and Schepers that are tried.
const FUNCTIONS: u64 = 12;
/// Classes that are tried for a clique, those that need the most bags first.
const CLIQUE_MAX: usize = 200;

pub fn lower_bound(problem: &Problem) -> usize {
    let all: Vec<&Piece> = problem.pieces.iter().collect();
    let whole = of_pieces(problem, &all);
    if problem.has_classes_apart() { whole.max(of_classes(problem)) } else { whole }
}

fn of_pieces(problem: &Problem, pieces: &[&Piece]) -> usize {
    let empty = problem.empty;
    let values = |of: fn(&Piece) -> u64| {
        let mut values: Vec<u64> = pieces.iter().map(|piece| of(piece)).collect();
        values.sort_unstable_by(|a, b| b.cmp(a));
        values
    };
    let measures = [
        (values(|piece| piece.weight), empty.weight),
        (values(|piece| piece.volume), empty.volume),
        (values(|piece| piece.size), empty.size),
    ];
    let by_count = pieces.len().div_ceil(empty.count as usize);
    measures.iter().fold(by_count, |most, (values, limit)| {
        most.max(martello_toth(values, *limit)).max(fekete_schepers(values, *limit))
    })
}

/// L2 over `values`, largest first. For every threshold up to half of `limit`, those above `limit` less
/// the threshold are alone but for what is below it; those above a half need a bag each; and
/// what these leave is filled by the rest down to the threshold, be it cut into pieces.
fn martello_toth(values: &[u64], limit: u64) -> usize {
    let mut sums = vec![0_u128];
    for value in values {
        sums.push(sums[sums.len() - 1] + u128::from(*value));
    }
    if sums[values.len()] == 0 {
        return usize::from(!values.is_empty());
    }
    let over_half = values.partition_point(|value| *value > limit / 2);
    let mut most = 0;
    let mut at = over_half;
    loop {
        // The values from `at` on that are equal to the threshold; beyond the last, threshold 0.
        let threshold = values.get(at).copied().unwrap_or(0);
        let end = at + values[at..].partition_point(|value| *value == threshold);
        let alone = values.partition_point(|value| *value > limit - threshold);
        let room = (over_half - alone) as u128 * u128::from(limit) - (sums[over_half] - sums[alone]);
        let rest = (sums[end] - sums[over_half]).saturating_sub(room);
        most = most.max(over_half + rest.div_ceil(u128::from(limit)) as usize);
        if end == values.len() {
            return most;
        }
        at = end;
    }
}

/// With k + 1 copies of a value, what `u` makes of them never exceeds what it makes of a bag.
fn fekete_schepers(values: &[u64], limit: u64) -> usize {
    if limit == 0 {
        return 0;
    }
    let of_function = |k: u64| {
        // No limit is much above 2^50, so that a few copies do not overflow.
        let made = values.iter().map(|value| {
            let copies = value * (k + 1);
            u128::from(if copies.is_multiple_of(limit) { value * k } else { copies / limit * limit })
        });
        made.sum::<u128>().div_ceil(u128::from(limit) * u128::from(k)) as usize
    };
    (1..=FUNCTIONS).map(of_function).max().unwrap_or(0)
}

fn of_classes(problem: &Problem) -> usize {
    let mut pieces: Vec<&Piece> = problem.pieces.iter().filter(|piece| piece.is_wary).collect();
    pieces.sort_by_key(|piece| piece.class);
    let by_class = pieces.chunk_by(|a, b| a.class == b.class);
    let mut needed: Vec<(usize, &Piece)> = by_class
        .map(|members| {
            let alone = problem.are_apart(members[0], members[0]);
            (if alone { members.len() } else { of_pieces(problem, members) }, members[0])
        })
        .collect();
    // Stable: of what needs as many bags, the first by class.
    needed.sort_by_key(|(bags, _)| std::cmp::Reverse(*bags));
    let mut clique: Vec<(usize, &Piece)> = Vec::new();
    for (bags, class) in needed.into_iter().take(CLIQUE_MAX) {
        if clique.iter().all(|(_, member)| problem.are_apart(class, member)) {
            clique.push((bags, class));
        }
    }
    clique.iter().map(|(bags, _)| bags).sum()
}
