//! Delivered when, to whom, under which policy → when the money may go.

use chrono::TimeDelta;

use super::acts::Standing;
use crate::domain::escrow::{ReleaseMode, ReleasePolicy};
use crate::domain::event::DeliveredTo;
use crate::domain::instant::Instant;

/// Until when a buyer can object; none: nobody waits for that.
pub fn window_ends_at(
    policy: &ReleasePolicy,
    standing: &Standing,
    delivered_at: Instant,
    to: impl IntoIterator<Item = Option<DeliveredTo>>,
) -> Option<Instant> {
    let waits = |to: Option<DeliveredTo>| {
        // What a carrier does not say, nobody knows.
        policy.wait_for_window.contains(&to.unwrap_or(DeliveredTo::Unspecified))
    };
    let has_window = match policy.release {
        ReleaseMode::OnDelivery => to.into_iter().any(waits),
        ReleaseMode::AfterWindow => true,
    };
    let days = policy.days + standing.extended_days.unwrap_or(0);
    has_window.then(|| delivered_at + TimeDelta::days(i64::from(days)))
}

/// When the money may go, as things stand.
pub fn due_at(
    policy: &ReleasePolicy,
    standing: &Standing,
    buyer_confirmed: bool,
    delivered_at: Instant,
    to: impl IntoIterator<Item = Option<DeliveredTo>>,
) -> Instant {
    let dwelt = delivered_at + TimeDelta::minutes(i64::from(policy.dwell_minutes));
    match window_ends_at(policy, standing, delivered_at, to) {
        Some(ends) if !buyer_confirmed => ends.max(dwelt),
        Some(_) | None => dwelt,
    }
}
