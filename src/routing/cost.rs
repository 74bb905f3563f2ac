//! What a leg costs and how long its road takes.
//!
//! Everything is whole numbers: metres, minutes, grams, millionths of a dollar. Only the geodesic is a
//! float, and it is rounded to the metre before anything is computed from it.

use chrono::TimeDelta;
use geo::{Distance, Geodesic};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::config;
use crate::domain::network::Lane;
use crate::domain::place::Point;
use crate::domain::plan::UsdMicros;
use crate::domain::quantity::Grams;

/// So much that a plan's legs can always be added up.
const COST_MICROS_MAX: i64 = i64::MAX / 16;

/// Longer than any horizon: what takes so long arrives never.
const MINUTES_MAX: u128 = 60 * 24 * 366 * 100;

/// On the ellipsoid (Karney), to the metre: the kilometres of a plan have three places.
pub fn distance_metres(a: Point, b: Point) -> u64 {
    Geodesic.distance(geo::Point::new(a.lon, a.lat), geo::Point::new(b.lon, b.lat)).round() as u64
}

/// The road between an address and a hub, as configured: detour to a millionth, speed to a metre an hour.
pub struct Road {
    detour_millionths: u64,
    metres_per_hour: u64,
    detour: Decimal,
    fixed: Decimal,
    per_km: Decimal,
    per_kg: Decimal,
}

impl Road {
    pub fn new(mile: &config::Mile) -> Self {
        // A cast from a float saturates, and the configuration has refused what is no number.
        let detour_millionths = (mile.detour * 1e6).round() as u64;
        Self {
            detour_millionths,
            metres_per_hour: ((mile.speed_kmh * 1e3).round() as u64).max(1),
            detour: Decimal::from_i128_with_scale(i128::from(detour_millionths), 6),
            fixed: mile.fixed,
            per_km: mile.per_km,
            per_kg: mile.per_kg,
        }
    }

    /// detour × distance / speed, up to the minute.
    pub fn duration(&self, metres: u64) -> TimeDelta {
        let millionths = u128::from(metres) * u128::from(self.detour_millionths) * 60;
        let minutes = millionths.div_ceil(1_000_000 * u128::from(self.metres_per_hour));
        TimeDelta::minutes(minutes.min(MINUTES_MAX) as i64)
    }

    /// fixed + per_km × detour × kilometres + per_kg × chargeable kilograms.
    pub fn cost(&self, metres: u64, chargeable: Grams) -> UsdMicros {
        let kilometres = Decimal::from_i128_with_scale(i128::from(metres), 3);
        let kilograms = Decimal::new(i64::from(chargeable.0), 3);
        let dollars = || {
            let by_way = self.per_km.checked_mul(self.detour)?.checked_mul(kilometres)?;
            let by_weight = self.per_kg.checked_mul(kilograms)?;
            self.fixed.checked_add(by_way)?.checked_add(by_weight)
        };
        dollars().and_then(micros).unwrap_or(UsdMicros(COST_MICROS_MAX))
    }
}

fn micros(dollars: Decimal) -> Option<UsdMicros> {
    let micros = dollars.checked_mul(Decimal::from(1_000_000))?;
    // Away from zero at the midpoint is half up, as no cost is negative.
    let micros = micros.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()?;
    Some(UsdMicros(micros.min(COST_MICROS_MAX)))
}

/// cost_per_kg × chargeable kilograms, and the fixed cost in the share of the capacity that is taken.
pub fn line_haul(lane: &Lane, chargeable: Grams) -> UsdMicros {
    // Over the common denominator 1000 × capacity. The network's limits keep it within an i128.
    let capacity = i128::from(lane.capacity_grams);
    let per_gram =
        i128::from(lane.cost_per_kg_micros) * capacity + i128::from(lane.fixed_cost_micros) * 1_000;
    let numerator = per_gram * i128::from(chargeable.0);
    let denominator = 1_000 * capacity;
    let half_up = (2 * numerator + denominator) / (2 * denominator);
    UsdMicros(half_up.min(i128::from(COST_MICROS_MAX)) as i64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::lane;
    use super::*;

    fn mile(fixed: &str, per_km: &str, per_kg: &str) -> config::Mile {
        let decimal = |text: &str| text.parse().expect("a decimal of the test");
        let (fixed, per_km, per_kg) = (decimal(fixed), decimal(per_km), decimal(per_kg));
        config::Mile { detour: 1.3, speed_kmh: 50.0, fixed, per_km, per_kg }
    }

    #[test]
    fn distances_are_those_of_the_ellipsoid() {
        // One degree of longitude on the equator is 111.319 km, of latitude from it 110.574 km.
        let point = |lat, lon| Point { lat, lon };
        assert_eq!(distance_metres(point(0.0, 0.0), point(0.0, 1.0)), 111_319);
        assert_eq!(distance_metres(point(0.0, 0.0), point(1.0, 0.0)), 110_574);
        assert_eq!(distance_metres(point(31.2, 121.4), point(31.2, 121.4)), 0);
    }

    #[test]
    fn a_road_takes_full_minutes_and_costs_what_its_three_parts_do() {
        let road = Road::new(&mile("2.50", "0.004", "0.15"));
        // 1.3 × 100 km / 50 km/h = 2 h 36 min; a metre more is a minute more.
        assert_eq!(road.duration(100_000), TimeDelta::minutes(156));
        assert_eq!(road.duration(100_001), TimeDelta::minutes(157));
        assert_eq!(road.duration(0), TimeDelta::zero());
        // 2.50 + 0.004 × 1.3 × 100 + 0.15 × 2 = 3.32
        assert_eq!(road.cost(100_000, Grams(2_000)), UsdMicros(3_320_000));
        // 2.50 + 0.004 × 1.3 × 12.345 + 0.15 × 0.376 = 2.620594
        assert_eq!(road.cost(12_345, Grams(376)), UsdMicros(2_620_594));
        // Half a millionth goes up: 0.0005 × 0.001 = 0.0000005.
        assert_eq!(Road::new(&mile("0", "0", "0.0005")).cost(0, Grams(1)), UsdMicros(1));
    }

    #[test]
    fn a_line_haul_pays_by_weight_and_for_its_share_of_the_departure() {
        let priced = |cost_per_kg_micros, fixed_cost_micros, capacity_grams| {
            let lane =
                Lane { cost_per_kg_micros, fixed_cost_micros, capacity_grams, ..lane("L1", "AA", "BB") };
            line_haul(&lane, Grams(1_225))
        };
        // 2.76 × 1.225 + 274 × 1.225 / 4100 = 3.381 + 0.081865853… = 3.462866
        assert_eq!(priced(2_760_000, 274_000_000, 4_100_000), UsdMicros(3_462_866));
        // 1225 g at 0.0004 $/kg is 490 micros; exact halves go up: 0.000002 × 1.225 = 2.45 → 2
        assert_eq!(priced(2, 0, 1_000), UsdMicros(2));
        // 1.225 × 0.00002 / 0.049 … = 24.5 → 25
        assert_eq!(priced(20, 0, 1_000), UsdMicros(25));
    }

    #[test]
    fn figures_beyond_reason_neither_panic_nor_wrap() {
        let road = Road::new(&config::Mile {
            detour: 1e300,
            speed_kmh: f64::MIN_POSITIVE,
            ..mile("79228162514264337593543950335", "1", "1")
        });
        assert_eq!(road.cost(20_000_000, Grams(u32::MAX)), UsdMicros(COST_MICROS_MAX));
        assert_eq!(road.duration(20_000_000), TimeDelta::minutes(MINUTES_MAX as i64));
    }
}
