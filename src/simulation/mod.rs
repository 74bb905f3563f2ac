//! Weeks of the real daemon in seconds, from a seed.
//!
//! Promise: what runs is the daemon's own code, in one thread, over a clock that is set, a database in memory and
//! a network in this process; the same seed, network and workload give the same trace, to the last digit of its
//! hash. After every step what it touched is held against what must always be true, once a simulated day all of it
//! is, and when the faults are over everything has to come to rest: what was delivered without trouble is
//! confirmed at the provider exactly once, and what was not delivered never is (see [`invariants`]).
//!
//! [`world`] is the daemon and what it stands on; [`workload`], what merchants ask for; [`steps`] come out of one
//! [`diary`]: what [`shippers`], [`staff`] and the [`last_mile`] do, and what the daemon does by itself, its [`jobs`];
//! [`outside`], whom the daemon calls: a [`carrier`], a [`provider`] and merchants' endpoints, in their real formats,
//! with the [`faults`] of a level; [`trace`] and [`report`], what is left of it.
//!
//! A daemon can end at any commit or call: its memory is dropped, the database stays, and it is built anew.
//! Absent on purpose: doors (bodies go to the flows that doors hand them to), several daemons on one database,
//! and what is learnt for polling, which a daemon does in its own time.

mod by_hand;
mod carrier;
mod diary;
mod faults;
mod invariants;
mod jobs;
mod last_mile;
mod money;
mod outside;
mod provider;
mod report;
mod shippers;
mod staff;
mod steps;
mod trace;
mod workload;
mod world;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::app::StartError;
use crate::flows::authenticate::AuthError;
use crate::flows::import_network::ImportError;
use crate::routing::NetworkFiles;
use crate::store::StoreError;
pub use faults::Level;
pub use report::{HubLoad, Refusal, Report};

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub seed: u64,
    /// While merchants post, staff work and things go wrong; what is under way then comes to its end.
    pub days: u32,
    pub shipments: u32,
    pub faults: Level,
}

/// Where it happens, and what is asked for.
#[derive(Clone, Copy)]
pub struct Scene<'s> {
    pub network: NetworkFiles<'s>,
    /// Bodies of pickup requests.
    pub pickups: &'s [Value],
    /// In which line of their file each of them stands; its place in the list where that is not said.
    pub lines: &'s [usize],
    /// Whether their dates are moved, so that they fill the days there are.
    pub is_spread: bool,
}

impl Scene<'_> {
    fn line(&self, place: usize) -> usize {
        self.lines.get(place).copied().unwrap_or(place + 1)
    }
}

/// What ended a simulation before its end.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Broken(String),
    #[error("the workload cannot be used: {0}")]
    Workload(String),
    #[error("the network cannot be imported: {0}")]
    Network(#[from] ImportError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] AuthError),
    #[error("{job}: {error}")]
    Job { job: &'static str, error: String },
    #[error("there is no runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Enough to see what happened, and to let it happen again.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub step: u64,
    pub trouble: Trouble,
    /// The last lines of the trace.
    pub last: Vec<String>,
}

/// Runs a simulation from its beginning to its end, on this thread.
pub fn run(options: &Options, scene: &Scene) -> Result<Report, Box<Failure>> {
    let seed = options.seed;
    let failed = |trouble| Box::new(Failure { seed, step: 0, trouble, last: Vec::new() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| failed(error.into()))?;
    runtime.block_on(async {
        let mut world = world::World::new(options, scene).await.map_err(failed)?;
        steps::begin(&mut world);
        match steps::go_on(&mut world, options.days).await {
            Ok(()) => Ok(world.report(options)),
            Err(trouble) => {
                let (step, last) = world.trace.last();
                Err(Box::new(Failure { seed, step, trouble, last }))
            }
        }
    })
}
