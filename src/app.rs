//! Builds every part once, starts it, and stops it in the right order.
//!
//! Starting: the port first (so that two daemons don't both migrate and one then fails),
//! the schema, the network, the doors. Stopping: no new request, no new job, no new
//! trigger or message to a merchant; what is under way is finished, for as long as the
//! configuration says; then the database is let go. What could not be finished is in the
//! database.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::carriers::Registry;
use crate::clock::Clock;
use crate::config::{ConfigError, Settings};
use crate::consolidation::terms::{BadTerms, Terms};
use crate::escrow::registry::Providers;
use crate::flows::ask_carriers::Asker;
use crate::flows::ask_providers::Passes;
use crate::flows::bell::{self, Bells};
use crate::flows::close_departures::Setbacks;
use crate::flows::import_network::{self, LoadError};
use crate::flows::poll_carriers::{Foreseen, Lines};
use crate::flows::{
    Cutoffs, Deps, InFlight, Pulse, SharedStageTimes, SideBySide, Stopping, learn_stage_times, poll_carriers,
    replan, send_triggers, send_webhooks, take_notices, take_pushes,
};
use crate::http;
use crate::outbound::Outbound;
use crate::scheduler::Scheduler;
use crate::store::{Backend, Store, StoreError, missing_file, schema};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("database: {0}")]
    Store(#[from] StoreError),
    #[error(
        "the database's schema is not that of this version: run `sampan migrate up`, or start without --no-migrate"
    )]
    NotMigrated,
    #[error(
        "there is no database at {}; `sampan migrate up` makes one there, `database.url` of sampan.toml says where it is",
        .0.display()
    )]
    NoDatabase(PathBuf),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Network(#[from] LoadError),
    #[error("the keys of the escrow providers cannot be read: {0}")]
    Keys(String),
    #[error(transparent)]
    Consolidation(#[from] BadTerms),
    #[error("the HTTP client cannot be built: {0}")]
    Outbound(String),
    #[error("the scheduler cannot be started: {0}")]
    Scheduler(String),
    #[error("the HTTP server cannot be started: {0}")]
    Server(std::io::Error),
}

/// A daemon that runs.
pub struct Running {
    pub address: SocketAddr,
    pub deps: Deps,
    server: actix_web::dev::ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    scheduler: Scheduler,
    stop: watch::Sender<bool>,
    sender: JoinHandle<()>,
    teller: JoinHandle<()>,
    replanner: JoinHandle<()>,
    poller: JoinHandle<()>,
    reader: JoinHandle<()>,
    listener: JoinHandle<()>,
}

/// The port that a configuration names.
pub fn listen(settings: &Settings) -> Result<TcpListener, StartError> {
    let address = settings.http.listen;
    TcpListener::bind(address).map_err(|error| StartError::Listen { address, error })
}

/// Whoever is in the wrong folder is told so, and leaves no empty database behind.
pub fn expect_database(settings: &Settings) -> Result<(), StartError> {
    missing_file(&settings.database.url).map_or(Ok(()), |path| Err(StartError::NoDatabase(path)))
}

/// A database of the right schema, whatever is in it.
pub async fn connect(settings: &Settings) -> Result<Store, StartError> {
    expect_database(settings)?;
    let store = Store::connect(&settings.database.url, settings.database.connections_max).await?;
    if schema::is_current(&store).await? { Ok(store) } else { Err(StartError::NotMigrated) }
}

/// Every part but the doors: what a command needs that works on the database alone.
pub async fn build(settings: Arc<Settings>, clock: Clock) -> Result<Deps, StartError> {
    let store = connect(&settings).await?;
    let outbound =
        Outbound::new(&settings.outbound).map_err(|error| StartError::Outbound(error.to_string()))?;
    assemble(settings, clock, store, outbound).await
}

/// The same, over a database and a way out that are there already.
pub async fn assemble(
    settings: Arc<Settings>,
    clock: Clock,
    store: Store,
    outbound: Outbound,
) -> Result<Deps, StartError> {
    let network = import_network::load(&store, &settings.routing, clock.now()).await?;
    let half_life_days = settings.tracking.half_life_days;
    let learned = learn_stage_times::load(&store, half_life_days, clock.now()).await?;
    let escrow = settings.escrow.clone();
    let providers = tokio::task::spawn_blocking(move || Providers::open(&escrow)).await;
    let providers = providers.map_err(|error| StartError::Keys(error.to_string()))??;
    let consolidation = Arc::new(Terms::from_config(&settings)?);
    let bells = Bells::new(&store);
    Ok(Deps {
        clock,
        consolidation,
        store,
        asker: Asker::new(outbound.clone()),
        outbound,
        network,
        stage_times: SharedStageTimes::new(learned),
        carriers: Registry::new(&settings.carriers, settings.outbound.allow_private_addresses)?,
        providers,
        passes: Passes::default(),
        outbox_bell: bells.triggers.clone(),
        webhook_bell: bells.messages.clone(),
        bells,
        push_bell: Arc::new(Notify::new()),
        notice_bell: Arc::new(Notify::new()),
        replan_bell: Arc::new(Notify::new()),
        cutoffs: Cutoffs::default(),
        in_flight: InFlight::default(),
        pulse: Pulse::default(),
        lines: Lines::default(),
        foreseen: Foreseen::new(&settings.polling),
        setbacks: Setbacks::default(),
        stopping: Stopping::default(),
        side_by_side: SideBySide::default(),
        settings,
    })
}

pub async fn start(
    listener: TcpListener,
    settings: Arc<Settings>,
    clock: Clock,
    metrics: PrometheusHandle,
    migrate: bool,
) -> Result<Running, StartError> {
    if migrate {
        for step in schema::up(&settings.database.url).await? {
            tracing::info!(step, "migrated");
        }
    }
    let deps = build(settings, clock).await?;
    if deps.network.current().is_empty() {
        tracing::warn!(
            "the network is empty, pickups are refused: load hubs.csv and lanes.csv with `sampan network import DIR`"
        );
    }
    if deps.providers.is_empty() {
        tracing::warn!("no escrow provider is configured: triggers wait in the outbox until one is");
    }
    if deps.consolidation.is_within_a_company {
        tracing::warn!(
            "consolidation.sscc_company_prefix is empty: bags get numbers that mean something in your own hubs only"
        );
    }
    let address = listener.local_addr().map_err(StartError::Server)?;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = http::serve(listener, deps.clone(), metrics, workers).map_err(StartError::Server)?;
    let scheduler =
        Scheduler::start(&deps).await.map_err(|error| StartError::Scheduler(error.to_string()))?;
    let (stop, stopped) = watch::channel(false);
    let sender = tokio::spawn(send_triggers::work(deps.clone(), stopped.clone()));
    let teller = tokio::spawn(send_webhooks::work(deps.clone(), stopped.clone()));
    let replanner = tokio::spawn(replan::work(deps.clone(), stopped.clone()));
    let poller = tokio::spawn(poll_carriers::work(deps.clone(), stopped.clone()));
    let reader = tokio::spawn(take_pushes::work(deps.clone(), stopped.clone()));
    let listening = tokio::spawn(take_notices::work(deps.clone(), stopped.clone()));
    if deps.store.backend() == Backend::Postgres {
        tokio::spawn(bell::listen(deps.bells.clone(), deps.settings.database.url.clone(), stopped));
    }
    let (handle, serving) = (server.handle(), tokio::spawn(server));
    Ok(Running {
        address,
        deps,
        server: handle,
        serving,
        scheduler,
        stop,
        sender,
        teller,
        replanner,
        poller,
        reader,
        listener: listening,
    })
}

impl Running {
    /// Finishes what is under way and lets go of everything.
    pub async fn stop(mut self) {
        let patience = Duration::from_secs(self.deps.settings.http.shutdown_seconds);
        self.deps.stopping.begin();
        self.stop.send_replace(true);
        let sender = tokio::time::timeout(patience, self.sender);
        let teller = tokio::time::timeout(patience, &mut self.teller);
        let replanner = tokio::time::timeout(patience, self.replanner);
        let poller = tokio::time::timeout(patience, self.poller);
        let reader = tokio::time::timeout(patience, self.reader);
        let listener = tokio::time::timeout(patience, self.listener);
        let (server, scheduler) = (self.server.stop(true), self.scheduler.stop(patience));
        let (_, _, sender, teller, replanner, poller, reader, listener) =
            tokio::join!(server, scheduler, sender, teller, replanner, poller, reader, listener);
        if listener.is_err() {
            tracing::warn!("what escrow providers sent is still being taken in; it will be taken in again");
        }
        if reader.is_err() {
            tracing::warn!("what carriers sent is still being taken in; it will be taken in again");
        }
        if poller.is_err() {
            tracing::warn!("a carrier is still being asked; it will be asked again");
        }
        if replanner.is_err() {
            tracing::warn!("plans are still being made; what was claimed frees itself");
        }
        if sender.is_err() {
            tracing::warn!("a trigger is still on its way; it will be sent again under its key");
        }
        if teller.is_err() {
            tracing::warn!("a merchant is still being told; it will be told again under the same id");
            self.teller.abort();
        }
        if let Ok(Err(error)) = self.serving.await {
            tracing::warn!(%error, "the server did not stop cleanly");
        }
        self.deps.store.close().await;
    }
}

#[cfg(test)]
mod tests;
