//! Weights and sizes.

use serde::{Deserialize, Serialize};

/// Whole grams. A parcel heavier than two thousand tonnes is a mistake elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grams(pub u32);

/// Length, width and height in millimetres, as the merchant gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SizeMm(pub [u32; 3]);

/// What a parcel or a shipment is charged for, in six-thousandths of a gram: one per cubic millimetre,
/// as 6,000 cm³ count as one kilogram (IATA's usual air divisor). So fine, nothing is rounded
/// before a cost is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Chargeable(pub u64);

impl Chargeable {
    /// Units in a gram.
    pub const PER_GRAM: u64 = 6_000;

    /// A parcel's weight, or its volume where that counts for more.
    pub fn of(weight: Grams, size: SizeMm) -> Chargeable {
        Chargeable(size.cubic_mm().max(u64::from(weight.0) * Self::PER_GRAM))
    }

    /// Half up, for people.
    pub fn grams(self) -> u64 {
        (self.0 + Self::PER_GRAM / 2) / Self::PER_GRAM
    }
}

impl std::iter::Sum for Chargeable {
    fn sum<I: Iterator<Item = Chargeable>>(parcels: I) -> Chargeable {
        Chargeable(parcels.fold(0, |total, parcel| total.saturating_add(parcel.0)))
    }
}

impl SizeMm {
    pub fn cubic_mm(self) -> u64 {
        self.0.iter().map(|side| u64::from(*side)).product()
    }

    /// Up to the next cubic centimetre: what a departure has to have room for.
    pub fn cubic_cm(self) -> u64 {
        self.cubic_mm().div_ceil(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_box_is_charged_by_its_volume() {
        // 30 × 20 × 10 cm = 6,000 cm³ = 1 kg.
        let size = SizeMm([300, 200, 100]);
        assert_eq!(Chargeable::of(Grams(400), size).grams(), 1_000);
        assert_eq!(Chargeable::of(Grams(1_400), size).grams(), 1_400);
        // 6,020 cm³ are 1,003 g and a third.
        let third = Chargeable::of(Grams(0), SizeMm([301, 200, 100]));
        assert_eq!((third.0, third.grams()), (6_020_000, 1_003));
        assert_eq!([third, third].into_iter().sum::<Chargeable>().grams(), 2_007);
    }
}
