//! Hubs, lanes and their calendar: from files into tables, from tables into memory.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{book_departures, hold_departures};
use crate::clock::Clock;
use crate::config;
use crate::domain::instant::Instant;
use crate::flows::{Deps, SharedNetwork};
use crate::routing::{BadNetwork, Network, NetworkFiles, Planner, RowError, read};
use crate::store::replans::Cause;
use crate::store::{Store, StoreError, network, replans};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing was imported. Every bad row is in the list.
    #[error("{} rows are wrong; nothing was imported", .0.len())]
    Rows(Vec<RowError>),
    #[error("the network makes no sense, and nothing was imported: {0}")]
    Bad(#[from] BadNetwork),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub struct Imported {
    pub hubs: usize,
    pub lanes: usize,
    pub edition: i64,
}

/// Whose departure was longer ago than this has arrived.
const LONGEST_TRANSIT: TimeDelta = TimeDelta::days(90);

/// Replaces the whole network, or nothing of it. Whatever is planned on departures to come is looked at again.
pub async fn import(store: &Store, files: NetworkFiles<'_>, now: Instant) -> Result<Imported, ImportError> {
    let (hubs, lanes, calendar) = read(files).map_err(ImportError::Rows)?;
    let (hub_count, lane_count) = (hubs.len(), lanes.len());
    // What no daemon could start with is not written.
    Network::new(hubs.clone(), lanes.clone(), &calendar)?;
    let edition: Result<i64, StoreError> = store
        .write(move |tx| {
            Box::pin(async move {
                let edition = network::replace(tx, &hubs, &lanes, &calendar, now).await?;
                // What is over the sea since before them has its next departure among them.
                let cause = Cause::of_our_own("");
                let wall = Clock::real().wall();
                hold_departures::hold(tx, now - LONGEST_TRANSIT, &cause, (now, wall)).await?;
                replans::request_all_open(tx, now - LONGEST_TRANSIT, &cause, now).await?;
                replans::wake(tx).await?;
                Ok(edition)
            })
        })
        .await;
    Ok(Imported { hubs: hub_count, lanes: lane_count, edition: edition? })
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Tables that were changed by hand.
    #[error("the network in the database makes no sense: {0}")]
    Bad(#[from] BadNetwork),
}

/// The edition in force, for a daemon that starts.
pub async fn load(
    store: &Store,
    settings: &config::Routing,
    now: Instant,
) -> Result<SharedNetwork, LoadError> {
    let (edition, planner) = planner(store, settings, now).await?;
    Ok(SharedNetwork::new(edition, planner))
}

/// All of one edition, whatever is imported meanwhile.
async fn planner(
    store: &Store,
    settings: &config::Routing,
    now: Instant,
) -> Result<(i64, Planner), LoadError> {
    let snapshot = store.snapshot().await?;
    let edition = network::edition(&*snapshot).await?;
    let (hubs, lanes, calendar) = network::load(&*snapshot).await?;
    drop(snapshot);
    let planner = Planner::new(Arc::new(Network::new(hubs, lanes, &calendar)?), settings.clone());
    book_departures::tell_all(store.reader(), &planner, now).await?;
    Ok((edition, planner))
}

/// Takes a newer edition into memory, if there is one. The old one stays if the new one makes no sense.
pub async fn refresh(deps: &Deps) -> Result<bool, LoadError> {
    if network::edition(deps.store.reader()).await? == deps.network.edition() {
        return Ok(false);
    }
    let (edition, planner) = planner(&deps.store, &deps.settings.routing, deps.clock.now()).await?;
    deps.network.replace(edition, planner);
    Ok(true)
}

/// The job of the scheduler.
pub async fn run_due(deps: &Deps) -> Result<(), LoadError> {
    if refresh(deps).await? {
        let network = deps.network.current();
        tracing::info!(
            edition = deps.network.edition(),
            hubs = network.hubs().len(),
            lanes = network.lanes().len(),
            "a new network is in force"
        );
    }
    Ok(())
}
