//! Hubs and lanes: from files into tables, from tables into memory.

use crate::domain::instant::Instant;
use crate::flows::{Deps, SharedNetwork};
use crate::routing::{BadNetwork, Network, RowError, read};
use crate::store::{Store, StoreError, network};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing was imported. Every bad row is in the list.
    #[error("{} rows are wrong; nothing was imported", .0.len())]
    Rows(Vec<RowError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub struct Imported {
    pub hubs: usize,
    pub lanes: usize,
    pub edition: i64,
}

/// Replaces the whole network, or nothing of it.
pub async fn import(
    store: &Store,
    hubs_csv: &str,
    lanes_csv: &str,
    now: Instant,
) -> Result<Imported, ImportError> {
    let (hubs, lanes) = read(hubs_csv, lanes_csv).map_err(ImportError::Rows)?;
    let (hub_count, lane_count) = (hubs.len(), lanes.len());
    let edition: Result<i64, StoreError> =
        store.write(move |tx| Box::pin(async move { network::replace(tx, &hubs, &lanes, now).await })).await;
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
pub async fn load(store: &Store) -> Result<SharedNetwork, LoadError> {
    let edition = network::edition(store.reader()).await?;
    let (hubs, lanes) = network::load(store.reader()).await?;
    Ok(SharedNetwork::new(edition, Network::new(hubs, lanes)?))
}

/// Takes a newer edition into memory, if there is one. The old one stays if the new one makes no sense.
pub async fn refresh(store: &Store, shared: &SharedNetwork) -> Result<bool, LoadError> {
    let edition = network::edition(store.reader()).await?;
    if edition == shared.edition() {
        return Ok(false);
    }
    let (hubs, lanes) = network::load(store.reader()).await?;
    shared.replace(edition, Network::new(hubs, lanes)?);
    Ok(true)
}

/// The job of the scheduler.
pub async fn run_due(deps: &Deps) -> Result<(), LoadError> {
    if refresh(&deps.store, &deps.network).await? {
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
