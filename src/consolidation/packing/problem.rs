//! One group: its parcels as pieces, largest first, and what is left in a bag.

use std::collections::BTreeSet;

use super::{Apart, Item, Limits};

/// A parcel under packing. What no limit looks at is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub weight: u64,
    pub volume: u64,
    /// A sum of weight, volume and number, each multiplied by a factor of the problem. As each of the
    /// three has to fit, so has their sum; where one alone is limited, its fitting is enough.
    pub size: u64,
    pub class: u32,
    /// Whether a class of this group is apart from this one's.
    pub is_wary: bool,
    pub item: usize,
}

impl Piece {
    /// Whether one can stand in for the other anywhere.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.weight, self.volume, self.size) == (other.weight, other.volume, other.size)
            && self.class == other.class
    }
}

/// What a bag still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub weight: u64,
    pub volume: u64,
    pub size: u64,
    pub count: u32,
}

impl Room {
    pub fn takes(&self, piece: &Piece) -> bool {
        self.count > 0
            && piece.size <= self.size
            && piece.weight <= self.weight
            && piece.volume <= self.volume
    }

    /// Without `piece`, which it takes.
    pub fn less(self, piece: &Piece) -> Self {
        Self {
            weight: self.weight - piece.weight,
            volume: self.volume - piece.volume,
            size: self.size - piece.size,
            count: self.count - 1,
        }
    }

    pub fn more(self, piece: &Piece) -> Self {
        Self {
            weight: self.weight + piece.weight,
            volume: self.volume + piece.volume,
            size: self.size + piece.size,
            count: self.count + 1,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Bag {
    pub room: Room,
    /// Indices into the pieces of the problem.
    pub pieces: Vec<u32>,
}

pub struct Problem<'a> {
    /// Largest first.
    pub pieces: Vec<Piece>,
    pub empty: Room,
    apart: &'a Apart,
}

impl<'a> Problem<'a> {
    pub fn new(items: &[Item], members: &[usize], limits: &Limits, apart: &'a Apart) -> Self {
        let classes: BTreeSet<u32> = members.iter().map(|index| items[*index].class).collect();
        let wary: BTreeSet<u32> = classes
            .iter()
            .copied()
            .filter(|class| apart.from(*class).any(|other| classes.contains(&other)))
            .collect();
        let mut pieces: Vec<Piece> = members
            .iter()
            .map(|index| Piece {
                weight: items[*index].weight_grams,
                volume: limits.volume_cm3.map_or(0, |_| items[*index].volume_cm3),
                size: 0,
                class: items[*index].class,
                is_wary: wary.contains(&items[*index].class),
                item: *index,
            })
            .collect();
        let factors = Factors::of(&pieces, limits);
        for piece in &mut pieces {
            piece.size = factors.size(piece.weight, piece.volume, 1);
        }
        pieces.sort_unstable_by_key(|piece| {
            std::cmp::Reverse((piece.size, piece.weight, piece.volume, piece.class, usize::MAX - piece.item))
        });
        let count = limits.parcels.unwrap_or(u32::MAX);
        let volume = limits.volume_cm3.unwrap_or(0);
        let size = factors.size(limits.weight_grams, volume, u64::from(count));
        Self { pieces, empty: Room { weight: limits.weight_grams, volume, size, count }, apart }
    }

    pub fn piece(&self, index: u32) -> &Piece {
        &self.pieces[index as usize]
    }

    pub fn are_apart(&self, one: &Piece, other: &Piece) -> bool {
        one.is_wary && other.is_wary && self.apart.holds(one.class, other.class)
    }

    /// Whether `piece` may travel with all of `company`.
    pub fn suits(&self, piece: &Piece, company: &[u32]) -> bool {
        !piece.is_wary || !company.iter().any(|other| self.are_apart(piece, self.piece(*other)))
    }

    /// Whether weight alone makes the size.
    pub fn has_one_measure(&self) -> bool {
        self.pieces.iter().all(|piece| piece.size == piece.weight)
    }

    pub fn has_classes_apart(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_wary)
    }

    pub fn empty_bag(&self) -> Bag {
        Bag { room: self.empty, pieces: Vec::new() }
    }
}

impl Bag {
    pub fn put(&mut self, problem: &Problem, piece: u32) {
        self.room = self.room.less(problem.piece(piece));
        self.pieces.push(piece);
    }
}

/// A bag's share of a measure that is as scarce as any is cut into 2^40 parts.
const WHOLE_BITS: u32 = 40;

/// How much a gram, a cubic centimetre and a parcel count for in a size.
struct Factors {
    weight: u64,
    volume: u64,
    count: u64,
}

impl Factors {
    /// What is scarcer counts for more: each measure by the bags that it alone would need, and what needs
    /// less than half of the bags of the scarcest not at all.
    fn of(pieces: &[Piece], limits: &Limits) -> Self {
        // In thousandths of a bag.
        let needed = |total: u128, limit: u64| (total * 1_000).div_ceil(u128::from(limit.max(1)));
        let total = |of: fn(&Piece) -> u64| pieces.iter().map(|piece| u128::from(of(piece))).sum::<u128>();
        let count = limits.parcels.map_or(0, u64::from);
        let volume = limits.volume_cm3.unwrap_or(0);
        let by_weight = needed(total(|piece| piece.weight), limits.weight_grams);
        let by_volume = if volume == 0 { 0 } else { needed(total(|piece| piece.volume), volume) };
        let by_count = if count == 0 { 0 } else { needed(pieces.len() as u128, count) };
        let most = by_weight.max(by_volume).max(by_count).max(1);
        if by_weight * 2 >= most && by_volume * 2 < most && by_count * 2 < most {
            return Self { weight: 1, volume: 0, count: 0 };
        }
        let factor = |needed: u128, limit: u64| {
            if needed * 2 < most {
                return 0;
            }
            let factor = (needed << WHOLE_BITS) / (most * u128::from(limit));
            // Not more than 2^40, as it is a share of that.
            (factor as u64).max(1)
        };
        Self {
            weight: factor(by_weight, limits.weight_grams),
            volume: factor(by_volume, volume),
            count: factor(by_count, count),
        }
    }

    fn size(&self, weight: u64, volume: u64, count: u64) -> u64 {
        self.weight * weight + self.volume * volume + self.count * count
    }
}
