//! When a shipment will be there, and when it was meant to be where.

use std::collections::BTreeMap;

use chrono::Duration;

use super::fold::Timeline;
use super::learned::StageTimes;
use crate::domain::event::{ScanKind, TrackingEvent, carrier_named};
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;
use crate::domain::plan::{LegKind, Plan};
use crate::domain::shipment::{Estimate, Milestone, ShipmentStatus, StageSample};

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

/// When a shipment will be there, by its plan, its events, what was learned of others, and that it is not there
/// `now`. Of one that is delivered this says nothing.
pub fn estimate(plan: &Plan, timeline: Option<&Timeline>, learned: &StageTimes, now: Instant) -> Estimate {
    let standing = match timeline {
        Some(timeline) => standing(plan, &timeline.reached, timeline.milestone, carrier(timeline)),
        None => standing(plan, &BTreeMap::new(), Milestone::Accepted, String::new()),
    };
    learned.window(standing.milestone, &standing.group, standing.due_at, now)
}

/// The window to show at `now`: as it was estimated, until it begins without a delivery. Of what is not coming any
/// more, or is there, as it was estimated last.
pub fn still_estimated(
    estimated: Estimate,
    plan: &Plan,
    timeline: &Timeline,
    learned: &StageTimes,
    now: Instant,
) -> Estimate {
    if !is_overtaken(estimated, timeline.status, now) {
        return estimated;
    }
    estimate(plan, Some(timeline), learned, now)
}

/// Whether a window has begun without the delivery that somebody waits for.
pub fn is_overtaken(estimated: Estimate, status: ShipmentStatus, now: Instant) -> bool {
    status.is_under_way() && now > estimated.earliest_at
}

/// What there is to learn from a delivery: one sample for each milestone whose time is known, by the plan that was in
/// force then. `plans` are those the shipment has had, with the time since when, newest first.
pub fn samples(plans: &[(Instant, &Plan)], timeline: &Timeline) -> Vec<StageSample> {
    let Some(delivered_at) = timeline.delivered_at else { return Vec::new() };
    let sample = |(milestone, at): (&Milestone, &Instant)| {
        let (_, plan) = plans.iter().find(|(since, _)| since <= at).or(plans.last())?;
        let before: BTreeMap<_, _> = timeline.reached.range(..=*milestone).map(|(m, at)| (*m, *at)).collect();
        let standing = standing(plan, &before, *milestone, carrier(timeline));
        let residual_seconds = (delivered_at - standing.due_at).num_seconds();
        Some(StageSample { milestone: *milestone, group: standing.group, residual_seconds })
    };
    timeline.reached.range(..Milestone::Delivered).filter_map(sample).collect()
}

/// Where a shipment stands against its plan.
struct Standing {
    milestone: Milestone,
    /// Whose doing the rest of the way is, as far as it is known.
    group: String,
    /// The planned arrival, later by what the shipment is behind its plan.
    due_at: Instant,
}

fn standing(
    plan: &Plan,
    reached: &BTreeMap<Milestone, Instant>,
    milestone: Milestone,
    carrier: String,
) -> Standing {
    let group = if milestone < Milestone::LastMile { way_in(plan) } else { carrier };
    let due_at = match (milestone, reached.get(&milestone)) {
        // A courier's round has an hour of its own, whatever was planned.
        (Milestone::OutForDelivery, Some(at)) => *at,
        _ => plan.arrive_at + behind(plan, reached),
    };
    Standing { milestone, group, due_at }
}

/// Being ahead of a plan moves nothing: the departure that was planned is still to be waited for.
fn behind(plan: &Plan, reached: &BTreeMap<Milestone, Instant>) -> Duration {
    let expected = expected(plan);
    let depart_at =
        expected.iter().find(|(milestone, ..)| *milestone == Milestone::LineHaul).map(|(_, at, _)| *at);
    let mut behind = Duration::zero();
    for (milestone, planned, _) in &expected {
        let Some(at) = reached.get(milestone) else { continue };
        let late_by = |deadline: Instant| (*at - deadline).max(Duration::zero());
        behind = match milestone {
            // What waits for a departure is late once that has left.
            Milestone::PickedUp | Milestone::AtOriginHub => late_by(depart_at.unwrap_or(*planned)),
            // Customs may take its time within the hours that the plan allows for it.
            Milestone::Customs => behind.max(late_by(plan.ready_at_gateway_at)),
            Milestone::Accepted
            | Milestone::PickupScheduled
            | Milestone::Consolidated
            | Milestone::LineHaul
            | Milestone::AtGateway
            | Milestone::LastMile
            | Milestone::OutForDelivery
            | Milestone::Delivered => late_by(*planned),
        };
    }
    behind
}

/// Where it enters China, and how it gets there: `CNPVG air`.
fn way_in(plan: &Plan) -> String {
    let last = plan.legs.iter().rfind(|leg| leg.kind == LegKind::LineHaul);
    last.map_or_else(|| plan.gateway.to_string(), |leg| format!("{} {}", plan.gateway, leg.mode))
}

/// Who has the last mile; of several, the last one who took some of it over. Empty where nobody said.
fn carrier(timeline: &Timeline) -> String {
    let handed_to = |event: &&TrackingEvent| match event.scan {
        Some(ScanKind::HandedOver) => carrier_named(&event.raw),
        Some(_) | None => None,
    };
    let last = timeline.events.iter().rev().find_map(handed_to);
    last.map(|carrier| carrier.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;
    use crate::domain::network::TransportMode;
    use crate::domain::plan::{Co2eMilligrams, Leg, UsdMicros};

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

    fn timeline(reached: &[(Milestone, i64)]) -> Timeline<'static> {
        let milestone = reached.last().map_or(Milestone::Accepted, |(milestone, _)| *milestone);
        Timeline {
            status: milestone.into(),
            milestone,
            reached: reached.iter().map(|(milestone, at)| (*milestone, hour(*at))).collect(),
            delivered_at: None,
            parcels: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
        }
    }

    /// With nothing learned, long before.
    fn earliest(reached: &[(Milestone, i64)]) -> Instant {
        let long_before = hour(-1_000);
        estimate(&plan(), Some(&timeline(reached)), &StageTimes::default(), long_before).earliest_at
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

    #[test]
    fn what_waits_for_a_departure_is_late_once_that_has_left() {
        assert_eq!(earliest(&[(Milestone::PickedUp, 5), (Milestone::AtOriginHub, 19)]), hour(60));
        assert_eq!(earliest(&[(Milestone::AtOriginHub, 26)]), hour(66));
    }

    #[test]
    fn a_round_counts_from_its_own_beginning() {
        assert_eq!(earliest(&[(Milestone::LastMile, 50), (Milestone::OutForDelivery, 90)]), hour(90));
        assert_eq!(earliest(&[(Milestone::LastMile, 50), (Milestone::OutForDelivery, 55)]), hour(55));
    }

    #[test]
    fn a_delivery_teaches_by_the_plan_of_its_time() {
        let (old, new) = (plan(), Plan { arrive_at: hour(90), ..plan() });
        let reached = [
            (Milestone::Accepted, -2),
            (Milestone::LineHaul, 44),
            (Milestone::LastMile, 70),
            (Milestone::Delivered, 100),
        ];
        let delivered = Timeline { delivered_at: Some(hour(100)), ..timeline(&reached) };
        let learned = samples(&[(hour(45), &new), (hour(-2), &old)], &delivered);
        let learned: Vec<_> =
            learned.iter().map(|s| (s.milestone, s.group.as_str(), s.residual_seconds / 3_600)).collect();
        assert_eq!(
            learned,
            [
                (Milestone::Accepted, "CNPVG air", 40),
                // A day late when it left: due at 84.
                (Milestone::LineHaul, "CNPVG air", 16),
                // By the new plan, 20 hours late: due at 110.
                (Milestone::LastMile, "", -10),
            ]
        );
        assert_eq!(samples(&[(hour(0), &old)], &timeline(&reached)), []);
    }

    #[test]
    fn a_window_stays_until_it_begins_and_ends_with_its_purpose() {
        let (plan, learned) = (plan(), StageTimes::default());
        let on_its_way = timeline(&[(Milestone::LineHaul, 20)]);
        let shown = |timeline: &Timeline, now| {
            let estimated = Estimate { earliest_at: hour(60), latest_at: hour(84) };
            still_estimated(estimated, &plan, timeline, &learned, hour(now)).earliest_at
        };
        assert_eq!(shown(&on_its_way, 59), hour(60));
        assert!(shown(&on_its_way, 70) > hour(70));
        let lost = Timeline { status: ShipmentStatus::Lost, ..timeline(&[(Milestone::LineHaul, 20)]) };
        assert_eq!(shown(&lost, 70), hour(60), "nobody waits for it");
    }
}
