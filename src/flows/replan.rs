//! Plans that do not hold any more are made anew, from where the parcels are.
//!
//! Who learns of something that may break plans queues the shipments concerned, in its own transaction:
//! a departure is cancelled, a hub is closed, a network replaced, a clearance changed, a parcel scanned where
//! or when it was not meant to be, a cut-off passes. This takes them from the queue in batches:
//!
//! claim (a lease, committed) → load → [`decide`] and plan in memory → one transaction.
//!
//! In that transaction are the rooms given back and booked, the new plans (the old ones stay, each with its
//! reason), the estimates, the audit, what merchants are told, and the end of the rows in the queue; or nothing
//! of it. So a crash at any point leaves the old plan with its bookings and the row in the queue, whose lease ends
//! by itself, or the new plan with its own and no row. What was changed between loading and that
//! transaction, or asked for again, is left in the queue: it is looked at as it is then. A plan is only ever
//! saved under the edition of the network that it was made on.
//!
//! Where a departure has become full meanwhile, the batch is planned again, and after a few rounds in
//! halves. What there is no way for keeps its plan and what it has booked; its merchant is told once, and it is
//! tried again, soon at first and then less often, and at once when the network changes.

pub mod decide;
mod load;
mod missed;
mod plan;
mod save;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinError;

use self::load::Case;
use self::plan::Outcome;
use super::import_network::LoadError;
use super::{Deps, SideBySide, book_departures, import_network};
use crate::domain::failure::Class;
use crate::domain::instant::Instant;
use crate::domain::network::DepartureId;
use crate::faults;
use crate::store::replans::{self, Waiting};
use crate::store::{StoreError, network};
pub use missed::find_missed;
pub use watch::{off_plan, queue};

#[derive(Debug, thiserror::Error)]
pub enum ReplanError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Network(#[from] LoadError),
    #[error("departure {0} has become full")]
    Full(DepartureId),
    #[error("a new network came into force meanwhile")]
    NewEdition,
    #[error("the planning broke off: {0}")]
    Broken(#[from] JoinError),
}

impl ReplanError {
    pub fn class(&self) -> Class {
        match self {
            ReplanError::Store(error) | ReplanError::Network(LoadError::Store(error)) => error.class(),
            ReplanError::Full(_) | ReplanError::NewEdition => Class::Retry,
            ReplanError::Network(LoadError::Bad(_)) | ReplanError::Broken(_) => Class::Bug,
        }
    }
}

/// Shipments that are planned and saved together.
const BATCH: usize = 128;
/// How long nobody else takes a batch.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);
/// So often a batch is planned again before it is halved.
const ROUNDS: usize = 4;
/// When one is looked at again that found every departure just taken, and one that cannot be read.
const SOON: TimeDelta = TimeDelta::seconds(5);
pub(super) const MUCH_LATER: TimeDelta = TimeDelta::hours(6);
/// How long the worker sleeps when nobody rings.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs until `stop` says so, and finishes what is under way.
pub async fn work(deps: Deps, mut stop: tokio::sync::watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = run_due(&deps).await {
            tracing::error!(%error, "shipments could not be planned anew; they will be looked at again");
        }
        tokio::select! {
            () = deps.replan_bell.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
}

/// A batch that was claimed and planned, on the network of `edition`.
struct Batch {
    waiting: Vec<Waiting>,
    planned: Result<Planned, ReplanError>,
}

struct Planned {
    edition: i64,
    now: Instant,
    all: Arc<Vec<(Case, Outcome)>>,
}

/// Looks at all that is due. Says how many shipments have a new plan.
pub async fn run_due(deps: &Deps) -> Result<u64, ReplanError> {
    let mut replanned = 0;
    let mut next = claim_and_plan(deps).await?;
    while let Some(batch) = next {
        // While one batch is written the next one is read and planned.
        let (saved, following) = match deps.side_by_side {
            SideBySide::AsWanted => tokio::join!(save_batch(deps, batch), claim_and_plan(deps)),
            SideBySide::OneByOne => (save_batch(deps, batch).await, claim_and_plan(deps).await),
        };
        match saved {
            Ok(saved) => replanned += saved,
            Err(error) => {
                if let Ok(Some(following)) = following {
                    give_up(deps, following).await;
                }
                return Err(error);
            }
        }
        next = following?;
    }
    Ok(replanned)
}

/// A batch that nobody will save: what the planner was told of it is looked up, and somebody else may have it
/// at once. Where that fails, its claim ends by itself.
async fn give_up(deps: &Deps, Batch { waiting, planned }: Batch) {
    if let Ok(planned) = &planned
        && let Err(error) = forget(deps, planned).await
    {
        tracing::warn!(%error, "the planner takes departures for fuller than they are until they are booked");
    }
    let freed: Result<(), StoreError> = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let Some(first) = waiting.first() else { return Ok(()) };
                let ids: Vec<_> = waiting.iter().map(|waiting| waiting.shipment).collect();
                replans::free(tx, &ids, first.claimed_until).await
            })
        })
        .await;
    if let Err(error) = freed {
        tracing::warn!(%error, "shipments that were claimed are taken up when their claim ends");
    }
}

async fn claim_and_plan(deps: &Deps) -> Result<Option<Batch>, ReplanError> {
    if deps.stopping.has_begun() {
        return Ok(None);
    }
    // Most of the time there is nothing, and nobody is held up by asking.
    if !replans::is_due(deps.store.reader(), deps.clock.wall()).await? {
        return Ok(None);
    }
    let wall = deps.clock.wall();
    let waiting: Vec<Waiting> = deps
        .store
        .write(move |tx| Box::pin(async move { replans::claim(tx, wall, wall + LEASE, BATCH).await }))
        .await?;
    faults::reached("replan.claimed");
    if waiting.is_empty() {
        return Ok(None);
    }
    let planned = make(deps, &waiting).await;
    Ok(Some(Batch { waiting, planned }))
}

/// Loads and plans. Nothing is written.
async fn make(deps: &Deps, waiting: &[Waiting]) -> Result<Planned, ReplanError> {
    let db = deps.store.reader();
    // Who was asked for after a change plans on what was changed.
    if network::edition(db).await? != deps.network.edition() {
        import_network::refresh(deps).await?;
    }
    let (edition, planner) = deps.network.edition_and_planner();
    let cases = load::load(db, waiting).await?;
    let now = deps.clock.now();
    let (settings, learned) = (deps.settings.routing.clone(), deps.stage_times.current());
    // Planning keeps a processor busy: not one that answers callers.
    let all =
        tokio::task::spawn_blocking(move || plan::all(&planner, &settings, &learned, cases, now)).await?;
    Ok(Planned { edition, now, all: Arc::new(all) })
}

/// Saves a batch, whatever it takes. Says how many shipments have a new plan.
async fn save_batch(deps: &Deps, batch: Batch) -> Result<u64, ReplanError> {
    let mut replanned = 0;
    let mut parts = vec![(batch.waiting, Some(batch.planned), 0)];
    while let Some((waiting, planned, round)) = parts.pop() {
        let planned = match planned {
            Some(planned) => planned,
            None => make(deps, &waiting).await,
        };
        let error = match planned {
            Ok(planned) => match save::save(deps, &planned).await {
                Ok(saved) => {
                    replanned += saved;
                    continue;
                }
                Err(error) => {
                    forget(deps, &planned).await?;
                    error
                }
            },
            Err(error) => error,
        };
        match (&error, error.class()) {
            (ReplanError::Store(StoreError::Unavailable(_)), _) => return Err(error),
            (_, Class::Retry) if round + 1 < ROUNDS => parts.push((waiting, None, round + 1)),
            _ if waiting.len() > 1 => {
                let (one, other) = waiting.split_at(waiting.len() / 2);
                parts.extend([(other.to_vec(), None, 0), (one.to_vec(), None, 0)]);
            }
            (_, class) => set_aside(deps, waiting, class, &error).await?,
        }
    }
    Ok(replanned)
}

/// What was told to the planner of a batch that was not saved.
async fn forget(deps: &Deps, planned: &Planned) -> Result<(), StoreError> {
    let planner = deps.network.planner();
    let departures = planned.all.iter().flat_map(|(_, outcome)| outcome.departures());
    book_departures::look_at(deps.store.reader(), &planner, departures).await
}

async fn set_aside(
    deps: &Deps,
    waiting: Vec<Waiting>,
    class: Class,
    error: &ReplanError,
) -> Result<(), StoreError> {
    let after = match class {
        Class::Retry | Class::Conflict | Class::OutcomeUnknown => SOON,
        Class::Caller | Class::NotFound | Class::Bug => {
            let shipment = waiting.first().map(|waiting| waiting.shipment.to_string());
            tracing::error!(%error, shipment, "a shipment cannot be planned anew; it is set aside");
            MUCH_LATER
        }
    };
    let (problem, next_attempt_at) = (error.to_string(), deps.clock.wall() + after);
    deps.store
        .write(move |tx| {
            Box::pin(async move {
                for one in &waiting {
                    let claim = (one.shipment, one.claimed_until);
                    replans::postpone(tx, claim, next_attempt_at, one.attempts, &problem).await?;
                }
                Ok(())
            })
        })
        .await
}
