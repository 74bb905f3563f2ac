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

/// Cubic centimetres that count as one kilogram (IATA's usual air divisor).
const CM3_PER_CHARGEABLE_KG: u64 = 6_000;

impl SizeMm {
    pub fn cubic_mm(self) -> u64 {
        self.0.iter().map(|side| u64::from(*side)).product()
    }
}

/// What a parcel is charged for: its weight, or its volume where that counts for more,
/// up to the next gram.
pub fn chargeable(weight: Grams, size: SizeMm) -> Grams {
    // mm³ / 1000 = cm³, cm³ / 6000 = kg, kg × 1000 = g: the thousands cancel.
    let by_volume = size.cubic_mm().div_ceil(CM3_PER_CHARGEABLE_KG);
    Grams(weight.0.max(u32::try_from(by_volume).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_box_is_charged_by_its_volume() {
        // 30 × 20 × 10 cm = 6,000 cm³ = 1 kg.
        let size = SizeMm([300, 200, 100]);
        assert_eq!(chargeable(Grams(400), size), Grams(1_000));
        assert_eq!(chargeable(Grams(1_400), size), Grams(1_400));
        assert_eq!(chargeable(Grams(0), SizeMm([301, 200, 100])), Grams(1_004));
    }
}
