//! When a shipment will be there, and when it was meant to be where.

use chrono::Duration;

use super::fold::Timeline;
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;
use crate::domain::plan::{LegKind, Plan};
use crate::domain::shipment::{Estimate, Milestone};

/// Where a milestone is reached, as far as a plan knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where<'p> {
    Pickup,
    Hub(&'p HubCode),
    Consignee,
}

/// The milestones that a plan foresees, when and where, in order.
pub fn expected(plan: &Plan) -> Vec<(Milestone, Instant, Where<'_>)> {
    let mut expected = Vec::with_capacity(8);
    let line_haul = || plan.legs.iter().filter(|leg| leg.kind == LegKind::LineHaul);
    if let Some(first) = plan.legs.iter().find(|leg| leg.kind == LegKind::FirstMile) {
        expected.push((Milestone::PickedUp, first.depart_at, Where::Pickup));
        expected.push((Milestone::AtOriginHub, first.arrive_at, Where::Hub(&plan.origin_hub)));
    }
    if let Some(first) = line_haul().next() {
        expected.push((Milestone::LineHaul, first.depart_at, Where::Hub(&plan.origin_hub)));
    }
    if let Some(last) = line_haul().next_back() {
        expected.push((Milestone::AtGateway, last.arrive_at, Where::Hub(&plan.gateway)));
        expected.push((Milestone::Customs, last.arrive_at, Where::Hub(&plan.gateway)));
    }
    expected.push((Milestone::LastMile, plan.ready_at_gateway_at, Where::Hub(&plan.gateway)));
    expected.push((Milestone::Delivered, plan.arrive_at, Where::Consignee));
    expected
}

/// A plan knows hours; couriers and consignees take their day.
const SLACK: Duration = Duration::hours(24);

/// The planned arrival, later by what the shipment is behind its plan. Being ahead of it
/// moves nothing: the departure that was planned is still to be waited for.
pub fn estimate(plan: &Plan, timeline: Option<&Timeline>) -> Estimate {
    let behind = timeline.map_or(Duration::zero(), |timeline| {
        // Customs may take its time within the hours that the plan allows for it.
        let measured = expected(plan).into_iter().filter(|(milestone, ..)| *milestone != Milestone::Customs);
        let last = measured.rev().find_map(|(milestone, planned, _)| {
            timeline.reached.get(&milestone).map(|reached| *reached - planned)
        });
        last.unwrap_or_default().max(Duration::zero())
    });
    let earliest_at = plan.arrive_at + behind;
    Estimate { earliest_at, latest_at: earliest_at + SLACK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;
    use crate::domain::network::TransportMode;
    use crate::domain::plan::{Co2eMilligrams, Leg, UsdMicros};
    use crate::domain::shipment::ShipmentStatus;

    fn hour(n: i64) -> Instant {
        from_micros(n * 3_600_000_000)
    }

    fn plan() -> Plan {
        let leg = |kind, from: &str, to: &str, depart: i64, arrive: i64| Leg {
            kind,
            from: from.into(),
            to: to.into(),
            mode: TransportMode::Air,
            lane: None,
            departure: None,
            depart_at: hour(depart),
            arrive_at: hour(arrive),
            distance_km: 1.0,
            cost: UsdMicros(0),
            co2e: Co2eMilligrams(0),
        };
        Plan {
            legs: vec![
                leg(LegKind::FirstMile, "pickup", "USLAX", 0, 2),
                leg(LegKind::LineHaul, "USLAX", "CNPVG", 20, 40),
                leg(LegKind::LastMile, "CNPVG", "consignee", 50, 60),
            ],
            origin_hub: "USLAX".parse().expect("a hub"),
            gateway: "CNPVG".parse().expect("a hub"),
            ready_at_gateway_at: hour(50),
            arrive_at: hour(60),
            cost: UsdMicros(0),
            co2e: Co2eMilligrams(0),
            promised_by: hour(100),
            reason: String::new(),
            alternatives: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    fn earliest(reached: &[(Milestone, i64)]) -> Instant {
        let timeline = Timeline {
            status: ShipmentStatus::Accepted,
            milestone: Milestone::Accepted,
            reached: reached.iter().map(|(milestone, at)| (*milestone, hour(*at))).collect(),
            delivered_at: None,
            parcels: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
        };
        estimate(&plan(), Some(&timeline)).earliest_at
    }

    #[test]
    fn the_estimate_moves_by_how_late_the_last_milestone_was() {
        assert_eq!(earliest(&[]), hour(60));
        assert_eq!(earliest(&[(Milestone::AtOriginHub, 1)]), hour(60));
        assert_eq!(earliest(&[(Milestone::AtOriginHub, 9), (Milestone::LineHaul, 20)]), hour(60));
        assert_eq!(earliest(&[(Milestone::LineHaul, 44)]), hour(84));
    }

    #[test]
    fn customs_may_use_the_hours_the_plan_allows_it() {
        assert_eq!(earliest(&[(Milestone::AtGateway, 40), (Milestone::Customs, 49)]), hour(60));
        assert_eq!(earliest(&[(Milestone::Customs, 49), (Milestone::LastMile, 53)]), hour(63));
    }
}
