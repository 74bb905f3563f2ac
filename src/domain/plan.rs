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
    pub distance_km: f64,
    pub cost: UsdMicros,
}

/// A way that was considered and turned down, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    pub via: Vec<HubCode>,
    pub arrive_at: Instant,
    pub cost: UsdMicros,
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
    /// Until when the service promises delivery.
    pub promised_by: Instant,
    /// Why this way, in a sentence.
    pub reason: String,
    pub alternatives: Vec<Alternative>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_in_cents_half_up() {
        assert_eq!(UsdMicros(12_345_678).dollars(), "12.35");
        assert_eq!(UsdMicros(4_999).dollars(), "0.00");
        assert_eq!(UsdMicros(5_000).dollars(), "0.01");
    }
}
