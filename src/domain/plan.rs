//! A plan: the legs a shipment will take, when, for how much, and why this way.
//!
//! Kept as JSON beside the shipment, shown to the merchant, compared with what
//! really happens. Making one is the business of `routing`.

use serde::{Deserialize, Serialize};

use super::instant::Instant;
use super::network::{DepartureId, HubCode, LaneId, TransportMode};
use super::text::words;

words! {
    LegKind { FirstMile = "first_mile", LineHaul = "line_haul", LastMile = "last_mile" }
}

/// Millionths of a US dollar: what a leg costs, fine enough to add up by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsdMicros(pub i64);

impl UsdMicros {
    /// In dollars and cents, half up.
    pub fn dollars(self) -> String {
        let cents = (self.0 + 5_000).div_euclid(10_000);
        format!("{}.{:02}", cents / 100, cents % 100)
    }
}

impl std::ops::Add for UsdMicros {
    type Output = UsdMicros;

    fn add(self, other: UsdMicros) -> UsdMicros {
        UsdMicros(self.0 + other.0)
    }
}

impl std::iter::Sum for UsdMicros {
    fn sum<I: Iterator<Item = UsdMicros>>(costs: I) -> UsdMicros {
        costs.fold(UsdMicros::default(), |total, cost| total + cost)
    }
}

/// Milligrams of CO₂ equivalent, well to wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Co2eMilligrams(pub i64);

impl Co2eMilligrams {
    /// Half up, for people.
    pub fn grams(self) -> i64 {
        (self.0 + 500).div_euclid(1_000)
    }
}

impl std::ops::Add for Co2eMilligrams {
    type Output = Co2eMilligrams;

    fn add(self, other: Co2eMilligrams) -> Co2eMilligrams {
        Co2eMilligrams(self.0 + other.0)
    }
}

impl std::iter::Sum for Co2eMilligrams {
    fn sum<I: Iterator<Item = Co2eMilligrams>>(masses: I) -> Co2eMilligrams {
        masses.fold(Co2eMilligrams::default(), |total, mass| total + mass)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    pub kind: LegKind,
    /// A hub's code; `pickup` where the first mile begins.
    pub from: String,
    /// A hub's code; `consignee` where the last mile ends.
    pub to: String,
    pub mode: TransportMode,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lane: Option<LaneId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub departure: Option<DepartureId>,
    pub depart_at: Instant,
    pub arrive_at: Instant,
    /// As the crow flies on the road, as the lane says on a line-haul.
    pub distance_km: f64,
    pub cost: UsdMicros,
    #[serde(default)]
    pub co2e: Co2eMilligrams,
}

/// One way from where the goods are to the consignee's door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Itinerary {
    pub legs: Vec<Leg>,
    /// When customs is expected to have released it, and the last mile to begin.
    pub ready_at_gateway_at: Instant,
    pub arrive_at: Instant,
    pub cost: UsdMicros,
    pub co2e: Co2eMilligrams,
}

/// A way that was considered and turned down, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    pub via: Vec<HubCode>,
    pub arrive_at: Instant,
    pub cost: UsdMicros,
    #[serde(default)]
    pub co2e: Co2eMilligrams,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub legs: Vec<Leg>,
    pub origin_hub: HubCode,
    pub gateway: HubCode,
    /// When customs is expected to have released it, and the last mile to begin.
    pub ready_at_gateway_at: Instant,
    pub arrive_at: Instant,
    pub cost: UsdMicros,
    #[serde(default)]
    pub co2e: Co2eMilligrams,
    /// Until when the service promises delivery.
    pub promised_by: Instant,
    /// Why this way, in a sentence.
    pub reason: String,
    pub alternatives: Vec<Alternative>,
    /// What was not even considered, and why: full departures, lanes that do not take the goods.
    #[serde(default)]
    pub passed_over: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_in_cents_half_up() {
        assert_eq!(UsdMicros(12_345_678).dollars(), "12.35");
        assert_eq!(UsdMicros(4_999).dollars(), "0.00");
        assert_eq!(UsdMicros(5_000).dollars(), "0.01");
        assert_eq!([499, 500, 1_499].map(|mass| Co2eMilligrams(mass).grams()), [0, 1, 1]);
    }
}
