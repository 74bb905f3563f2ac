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
        let last = expected(plan).into_iter().rev().find_map(|(milestone, planned, _)| {
            timeline.reached.get(&milestone).map(|reached| *reached - planned)
        });
        last.unwrap_or_default().max(Duration::zero())
    });
    let earliest_at = plan.arrive_at + behind;
    Estimate { earliest_at, latest_at: earliest_at + SLACK }
}
