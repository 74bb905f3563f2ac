//! What scans say about plans.

use super::decide::{Decision, Known, decide};
use crate::domain::event::ScanKind;
use crate::domain::instant::Instant;
use crate::flows::advance::Advanced;
use crate::routing::Network;
use crate::store::replans::{self, Cause};
use crate::store::{StoreError, Tx};

/// Why a shipment's plan does not hold after what was just recorded. Asks nobody.
pub fn off_plan(network: &Network, advanced: &Advanced, horizon_days: u32, now: Instant) -> Option<String> {
    let known = Known {
        plan: advanced.plan.as_ref()?,
        clearance: advanced.shipment.clearance,
        pickup_until: advanced.shipment.pickup.until,
        places: &advanced.places,
        left_behind: &[],
        cancelled: &[],
    };
    let horizon = chrono::TimeDelta::days(i64::from(horizon_days));
    match decide(network, &known, horizon, now) {
        Decision::Anew(anew) => Some(anew.why),
        Decision::StillHolds | Decision::Nothing | Decision::Abandoned => None,
    }
}

/// Queues a shipment that a scan showed to be late or elsewhere, in the scan's transaction. True: then
/// [`crate::flows::Deps::replan_bell`] wants to be rung after the commit.
pub async fn queue(
    tx: &Tx,
    advanced: &Advanced,
    kind: ScanKind,
    why: Option<String>,
    (by, now, wall): (&str, Instant, Instant),
) -> Result<bool, StoreError> {
    let tells = matches!(
        kind,
        ScanKind::Received
            | ScanKind::Arrived
            | ScanKind::Unpacked
            | ScanKind::Departed
            | ScanKind::Offloaded
            | ScanKind::CustomsPresented
            | ScanKind::CustomsHeld
            | ScanKind::CustomsReleased
    );
    let Some(why) = why.filter(|_| tells) else { return Ok(false) };
    replans::request_check(tx, &[advanced.shipment.id], &Cause::new(why, by), now, wall).await?;
    Ok(true)
}
