//! What deliveries teach about the next ones: samples are written with each delivery, added up here, and kept in
//! memory by every daemon.
//!
//! A crash before the commit of a batch leaves its samples where they were; after it, they are gone and counted.
//! A delivery that is taken back leaves its samples: what was reported once is one of many, and forgotten in time.

use std::collections::BTreeMap;

use super::Deps;
use crate::domain::instant::Instant;
use crate::domain::shipment::{Milestone, ShipmentStatus};
use crate::store::shipments::{self, Shipment};
use crate::store::stage_times::{self, StageTime};
use crate::store::{Store, StoreError, Tx};
use crate::tracking::{self, Histogram, StageTimes, Timeline};

/// Samples in one transaction: some hundred deliveries.
const BATCH: usize = 2_000;

/// Where a shipment has just been delivered, writes down what that teaches, in the transaction that says so.
pub async fn note(
    tx: &Tx,
    before: ShipmentStatus,
    shipment: &Shipment,
    timeline: &Timeline<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let Some(delivered_at) = timeline.delivered_at else { return Ok(()) };
    if before == ShipmentStatus::Delivered {
        return Ok(());
    }
    let plans = shipments::plans(tx, shipment.id).await?;
    let plans: Vec<_> = plans.iter().map(|planned| (planned.created_at, &planned.plan)).collect();
    let samples = tracking::samples(&plans, timeline);
    stage_times::insert_samples(tx, shipment.id, &samples, delivered_at, now).await
}

/// The job of the scheduler.
pub async fn run_due(deps: &Deps) -> Result<(), StoreError> {
    while !deps.stopping.has_begun() && add_up(deps).await? == BATCH {}
    refresh(deps).await
}

/// Adds up samples that wait, a batch at most. Says how many.
async fn add_up(deps: &Deps) -> Result<usize, StoreError> {
    let (now, half_life_days) = (deps.clock.now(), deps.settings.tracking.half_life_days);
    if !stage_times::are_waiting(deps.store.reader(), now).await? {
        return Ok(0);
    }
    deps.store.write(move |tx| Box::pin(async move { add_up_batch(tx, now, half_life_days).await })).await
}

async fn add_up_batch(tx: &Tx, now: Instant, half_life_days: u32) -> Result<usize, StoreError> {
    stage_times::hold(tx).await?;
    let samples = stage_times::take_samples(tx, now, BATCH).await?;
    let mut new: BTreeMap<(Milestone, String), Histogram> = BTreeMap::new();
    for (sample, delivered_at) in &samples {
        let one = Histogram::of(sample.residual_seconds, *delivered_at);
        add(&mut new, (sample.milestone, sample.group.clone()), one, half_life_days);
    }
    for (key, histogram) in stage_times::all(tx).await?.into_iter().map(from_row) {
        if new.contains_key(&key) {
            add(&mut new, key, histogram, half_life_days);
        }
    }
    let rows: Vec<_> = new.into_iter().map(to_row).collect();
    stage_times::save(tx, &rows).await?;
    Ok(samples.len())
}

type Key = (Milestone, String);

fn add(all: &mut BTreeMap<Key, Histogram>, key: Key, histogram: Histogram, half_life_days: u32) {
    match all.get_mut(&key) {
        Some(before) => before.merge(&histogram, half_life_days),
        None => drop(all.insert(key, histogram)),
    }
}

fn from_row(row: StageTime) -> (Key, Histogram) {
    ((row.milestone, row.group), Histogram::from_parts(row.weighed_on_day, row.weights))
}

fn to_row(((milestone, group), histogram): (Key, Histogram)) -> StageTime {
    let (weighed_on_day, weights) = histogram.parts();
    StageTime { milestone, group, weighed_on_day, weights }
}

/// What was learned until now, for a daemon that starts.
pub async fn load(store: &Store, half_life_days: u32, now: Instant) -> Result<StageTimes, StoreError> {
    let rows = stage_times::all(store.reader()).await?.into_iter().map(from_row);
    let rows = rows.map(|((milestone, group), histogram)| (milestone, group, histogram));
    Ok(StageTimes::new(rows, half_life_days, now))
}

/// Takes into memory what any daemon has added up, as it weighs today.
pub async fn refresh(deps: &Deps) -> Result<(), StoreError> {
    let learned = load(&deps.store, deps.settings.tracking.half_life_days, deps.clock.now()).await?;
    deps.stage_times.replace(learned);
    Ok(())
}
