//! What a leg costs, how long its road takes, and what it emits.
//!
//! Everything is whole numbers: micrometres, minutes, grams, millionths of a dollar, milligrams. Only the
//! geodesic is a float, and it is rounded to the micrometre before anything is computed from it, so
//! that nothing is rounded twice that could be seen.

use geo::{Distance, Geodesic};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::config::{Co2eFactors, Mile};
use crate::domain::network::{Lane, TransportMode};
use crate::domain::place::Point;
use crate::domain::quantity::{Chargeable, Grams};

/// So much that a plan's legs can always be added up.
const LEG_MAX: i64 = i64::MAX / 16;

/// Longer than any horizon: what takes so long arrives never.
const MINUTES_MAX: u128 = 60 * 24 * 366 * 100;

/// On the ellipsoid (Karney), in micrometres.
pub fn distance_micrometres(a: Point, b: Point) -> u64 {
    (Geodesic.distance(geo::Point::new(a.lon, a.lat), geo::Point::new(b.lon, b.lat)) * 1e6).round() as u64
}

/// Kilometres with three places, as a plan shows them.
pub fn kilometres(micrometres: u64) -> f64 {
    ((micrometres + 500_000) / 1_000_000) as f64 / 1_000.0
}

/// Half up. A quotient that is too large is the largest there is.
fn divide(numerator: u128, denominator: u128) -> i64 {
    // A division of 128 bits takes as long as all else here together. The estimate is off by less than
    // one as long as the quotient has less than 50 bits, and the remainder tells by how much.
    let estimate = numerator as f64 / denominator as f64;
    if estimate < 1e15 && numerator < 1 << 126 {
        let quotient = estimate as i64;
        let twice_left = 2 * (numerator as i128 - i128::from(quotient) * denominator as i128);
        let denominator = denominator as i128;
        return match twice_left {
            left if left < -denominator => quotient - 1,
            left if left < denominator => quotient,
            left if left < 3 * denominator => quotient + 1,
            _ => quotient + 2,
        };
    }
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    let half_up = quotient + u128::from(remainder >= denominator - remainder);
    half_up.min(LEG_MAX as u128) as i64
}

/// Grams of CO₂ equivalent a tonne-kilometre, to a thousandth, by mode.
#[derive(Debug, Clone, Copy)]
pub struct Factors([u64; 4]);

impl Factors {
    pub fn new(factors: &Co2eFactors) -> Self {
        // The configuration has refused what is finer, negative or beyond reason.
        let thousandths =
            |mode: TransportMode| (factors.of(mode) * Decimal::ONE_THOUSAND).to_u64().unwrap_or(0);
        Self(
            [TransportMode::Air, TransportMode::Sea, TransportMode::Road, TransportMode::Rail]
                .map(thousandths),
        )
    }

    /// Milligrams: tonnes × kilometres × factor.
    pub fn line_haul(&self, lane: &Lane, weight: Grams) -> i64 {
        let factor = u128::from(self.0[lane.mode as usize]);
        divide(u128::from(weight.0) * u128::from(lane.distance_metres) * factor, 1_000_000_000)
    }
}

/// The road between an address and a hub, as configured: detour to a millionth, speed to a metre an hour.
#[derive(Debug, Clone)]
pub struct Road {
    detour_millionths: u64,
    metres_per_hour: u64,
    fixed_nanos: u64,
    /// Of a dollar, a kilometre of road.
    per_km_nanos: u64,
    per_kg_nanos: u64,
    factor_thousandths: u64,
}

/// A dollar has a thousand million of them.
fn nanos(dollars: Decimal) -> u64 {
    (dollars * Decimal::from(1_000_000_000)).to_u64().unwrap_or(0)
}

impl Road {
    pub fn new(mile: &Mile, factors: &Factors) -> Self {
        Self {
            detour_millionths: (mile.detour * 1e6).round() as u64,
            metres_per_hour: ((mile.speed_kmh * 1e3).round() as u64).max(1),
            fixed_nanos: nanos(mile.fixed),
            per_km_nanos: nanos(mile.per_km),
            per_kg_nanos: nanos(mile.per_kg),
            factor_thousandths: factors.0[TransportMode::Road as usize],
        }
    }

    /// Minutes: detour × distance / speed, up to the next one.
    pub fn minutes(&self, micrometres: u64) -> i64 {
        let way = u128::from(micrometres) * u128::from(self.detour_millionths) * 60;
        let minutes = way.div_ceil(1_000_000_000_000 * u128::from(self.metres_per_hour));
        minutes.min(MINUTES_MAX) as i64
    }

    /// Millionths of a dollar: fixed + per_km × detour × kilometres + per_kg × chargeable kilograms.
    pub fn cost(&self, micrometres: u64, chargeable: Chargeable) -> i64 {
        // In 1e-15 of a nanodollar: a millionth of the detour × 1e-9 km. A six-thousandth of a gram is a
        // six-millionth of a kilogram; a sixth of all makes it whole.
        let way = u128::from(self.per_km_nanos)
            .saturating_mul(u128::from(self.detour_millionths) * u128::from(micrometres))
            .saturating_mul(6);
        let weight = (u128::from(self.per_kg_nanos) * u128::from(chargeable.0)).saturating_mul(1_000_000_000);
        let fixed = u128::from(self.fixed_nanos) * 6_000_000_000_000_000;
        let total = way.saturating_add(weight).saturating_add(fixed);
        divide(total, 6_000_000_000_000_000_000).min(LEG_MAX)
    }

    /// Milligrams: tonnes × detour × kilometres × the road's factor.
    pub fn co2e(&self, micrometres: u64, weight: Grams) -> i64 {
        let tonne_way = u128::from(weight.0) * u128::from(micrometres);
        let factor = u128::from(self.detour_millionths) * u128::from(self.factor_thousandths);
        divide(tonne_way.saturating_mul(factor), 1_000_000_000_000_000_000_000).min(LEG_MAX)
    }
}

/// Millionths of a dollar: cost_per_kg × chargeable kilograms, and the fixed cost in the share of the
/// capacity that is taken.
pub fn line_haul(lane: &Lane, chargeable: Chargeable) -> i64 {
    // Over the common denominator 6,000,000 × capacity. The network's limits keep it within 127 bits
    // for anything below a hundred million tonnes.
    let capacity = u128::from(lane.capacity_grams);
    let rate = lane.cost_per_kg_micros.unsigned_abs() as u128 * capacity
        + lane.fixed_cost_micros.unsigned_abs() as u128 * 1_000;
    let cost = rate.saturating_mul(u128::from(chargeable.0));
    divide(cost, 1_000 * u128::from(Chargeable::PER_GRAM) * capacity).min(LEG_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{lane, settings};
    use super::*;

    fn mile(fixed: &str, per_km: &str, per_kg: &str) -> Mile {
        let decimal = |text: &str| text.parse().expect("a decimal of the test");
        let (fixed, per_km, per_kg) = (decimal(fixed), decimal(per_km), decimal(per_kg));
        Mile { detour: 1.3, speed_kmh: 50.0, fixed, per_km, per_kg }
    }

    fn factors() -> Factors {
        Factors::new(&settings("").co2e_grams_per_tonne_km)
    }

    const METRE: u64 = 1_000_000;

    fn grams(grams: u64) -> Chargeable {
        Chargeable(grams * Chargeable::PER_GRAM)
    }

    #[test]
    fn distances_are_those_of_the_ellipsoid() {
        // One degree of longitude on the equator is 111.319491 km, of latitude from it 110.574389 km.
        let point = |lat, lon| Point { lat, lon };
        assert_eq!(distance_micrometres(point(0.0, 0.0), point(0.0, 1.0)) / 1_000, 111_319_490);
        assert_eq!(distance_micrometres(point(0.0, 0.0), point(1.0, 0.0)) / 1_000, 110_574_388);
        assert_eq!(distance_micrometres(point(31.2, 121.4), point(31.2, 121.4)), 0);
        assert_eq!(kilometres(111_319_490_793), 111.319);
        assert_eq!(kilometres(999_500), 0.001);
    }

    #[test]
    fn a_road_takes_full_minutes_and_costs_what_its_three_parts_do() {
        let road = Road::new(&mile("2.50", "0.004", "0.15"), &factors());
        // 1.3 × 100 km / 50 km/h = 2 h 36 min; a micrometre more is a minute more.
        assert_eq!(road.minutes(100_000 * METRE), 156);
        assert_eq!(road.minutes(100_000 * METRE + 1), 157);
        assert_eq!(road.minutes(0), 0);
        // 2.50 + 0.004 × 1.3 × 100 + 0.15 × 2 = 3.32
        assert_eq!(road.cost(100_000 * METRE, grams(2_000)), 3_320_000);
        // 2.50 + 0.004 × 1.3 × 12.345 + 0.15 × 0.376 = 2.620594
        assert_eq!(road.cost(12_345 * METRE, grams(376)), 2_620_594);
        // Half a millionth goes up: 0.0005 × 0.001 = 0.0000005. A sixth of a milligram less does not.
        let half = Road::new(&mile("0", "0", "0.0005"), &factors());
        assert_eq!((half.cost(0, grams(1)), half.cost(0, Chargeable(5_999))), (1, 0));
        // 2 kg × 1.3 × 100 km × 137 g/tkm = 35.62 g
        assert_eq!(road.co2e(100_000 * METRE, Grams(2_000)), 35_620);
    }

    #[test]
    fn a_line_haul_pays_by_weight_and_for_its_share_of_the_departure() {
        let priced = |cost_per_kg_micros, fixed_cost_micros, capacity_grams| {
            let lane =
                Lane { cost_per_kg_micros, fixed_cost_micros, capacity_grams, ..lane("L1", "AA", "BB") };
            line_haul(&lane, grams(1_225))
        };
        // 2.76 × 1.225 + 274 × 1.225 / 4100 = 3.381 + 0.081865853… = 3.462866
        assert_eq!(priced(2_760_000, 274_000_000, 4_100_000), 3_462_866);
        // 1225 g at 0.000002 $/kg is 2.45 micros; exact halves go up: 20 × 1.225 = 24.5 → 25
        assert_eq!(priced(2, 0, 1_000), 2);
        assert_eq!(priced(20, 0, 1_000), 25);
        // 1.225 kg × 1,000 km × 1,036 g/tkm = 1,269.1 g
        assert_eq!(factors().line_haul(&lane("L1", "AA", "BB"), Grams(1_225)), 1_269_100);
    }

    #[test]
    fn figures_beyond_reason_neither_panic_nor_wrap() {
        let mile = Mile { detour: 1e300, speed_kmh: f64::MIN_POSITIVE, ..mile("1", "1", "1") };
        let road = Road::new(&mile, &factors());
        assert_eq!(road.cost(20_000_000 * METRE, Chargeable(u64::MAX)), LEG_MAX);
        assert_eq!(road.minutes(20_000_000 * METRE), MINUTES_MAX as i64);
        assert!(road.co2e(20_000_000 * METRE, Grams(u32::MAX)) > 0);
        assert!(line_haul(&lane("L1", "AA", "BB"), Chargeable(u64::MAX)) >= 0);
    }

    proptest! {
        #[test]
        fn dividing_is_rounding_half_up(quotient in 0_u64..1 << 58, denominator in 1_u64..1 << 60, share in 0_u64..=u64::MAX) {
            let (quotient, denominator) = (u128::from(quotient), u128::from(denominator));
            for remainder in [u128::from(share) % denominator, denominator / 2, denominator.div_ceil(2) % denominator, denominator - 1] {
                let up = u128::from(2 * remainder >= denominator);
                let expected = (quotient + up).min(LEG_MAX as u128) as i64;
                prop_assert_eq!(divide(quotient * denominator + remainder, denominator), expected);
            }
        }
    }
}
