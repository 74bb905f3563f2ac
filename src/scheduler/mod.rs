//! What happens by itself, and how often.
//!
//! Promise: a job never overlaps itself in one process; between daemons on one database
//! its work is shared, since each job claims what it does; a tick that is missed is made
//! up for by the next one, since jobs do what is due and not what the hour says. Stopping
//! waits for jobs under way, but not for ever: what they had claimed frees itself. A clock
//! that is set back stops nothing.
//!
//! Absent on purpose: jobs at a local time of day. Cron lines here are in UTC.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::flows::poll_carriers::foresee;
use crate::flows::reconcile::nightly;
use crate::flows::{
    Deps, act_on_order, ask_providers, book_departures, close_departures, disputes, forget_answers,
    import_network, learn_stage_times, replan, send_triggers, send_webhooks, shorten_waits, take_notices,
    take_pushes,
};
use crate::telemetry;

type Verb = fn(Deps) -> BoxFuture<'static, Result<(), String>>;

/// Name, cron line (seconds first), verb.
const JOBS: [(&str, &str, Verb); 18] = [
    ("pulse", "* * * * * *", |deps| {
        Box::pin(async move {
            deps.pulse.beat(deps.clock.wall());
            Ok(())
        })
    }),
    ("metrics_upkeep", "*/5 * * * * *", |_| {
        Box::pin(async {
            telemetry::upkeep();
            Ok(())
        })
    }),
    ("import_network", "*/5 * * * * *", |deps| {
        Box::pin(async move { import_network::run_due(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("book_departures", "*/2 * * * * *", |deps| {
        Box::pin(async move { book_departures::run_due(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("wake_orders", "* * * * * *", |deps| {
        Box::pin(async move { act_on_order::wake(&deps).await.map(drop).map_err(|error| error.to_string()) })
    }),
    ("remind_of_disputes", "25 * * * * *", |deps| {
        Box::pin(async move { disputes::remind(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("ask_again", "55 */10 * * * *", |deps| {
        Box::pin(async move { send_triggers::ask_again(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("read_keys", "40 * * * * *", |deps| {
        Box::pin(async move {
            ask_providers::read_keys(&deps).await;
            Ok(())
        })
    }),
    ("find_missed", "*/5 * * * * *", |deps| {
        Box::pin(async move { replan::find_missed(&deps).await.map(drop).map_err(|error| error.to_string()) })
    }),
    ("close_departures", "* * * * * *", |deps| {
        Box::pin(async move { close_departures::run_due(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("learn_stage_times", "20 * * * * *", |deps| {
        Box::pin(async move { learn_stage_times::run_due(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("shorten_waits", "*/20 * * * * *", |deps| {
        Box::pin(
            async move { shorten_waits::run_due(&deps).await.map(drop).map_err(|error| error.to_string()) },
        )
    }),
    ("forget_answers", "30 7 * * * *", |deps| {
        Box::pin(
            async move { forget_answers::run_due(&deps).await.map(drop).map_err(|error| error.to_string()) },
        )
    }),
    ("forget_pushes", "10 27 * * * *", |deps| {
        Box::pin(
            async move { take_pushes::forget_old(&deps).await.map(drop).map_err(|error| error.to_string()) },
        )
    }),
    ("forget_notices", "15 47 * * * *", |deps| {
        Box::pin(
            async move { take_notices::forget_old(&deps).await.map(drop).map_err(|error| error.to_string()) },
        )
    }),
    ("reconcile_escrow", "35 * * * * *", |deps| {
        Box::pin(async move { nightly::run_due(&deps).await.map_err(|error| error.to_string()) })
    }),
    ("forget_journeys", "20 37 * * * *", |deps| {
        Box::pin(async move { foresee::forget_old(&deps).await.map(drop).map_err(|error| error.to_string()) })
    }),
    ("forget_webhooks", "50 17 * * * *", |deps| {
        Box::pin(async move {
            send_webhooks::forget_old(&deps).await.map(drop).map_err(|error| error.to_string())
        })
    }),
];

pub struct Scheduler {
    cron: Arc<Mutex<JobScheduler>>,
    keeper: JoinHandle<()>,
    running: Vec<Arc<Semaphore>>,
}

/// How often the pulse is felt, and how often in vain until jobs begin anew.
const FEEL_PULSE: Duration = Duration::from_secs(1);
const IN_VAIN: u32 = 3;

impl Scheduler {
    pub async fn start(deps: &Deps) -> Result<Self, JobSchedulerError> {
        let running: Vec<_> = JOBS.iter().map(|_| Arc::new(Semaphore::new(1))).collect();
        let cron = Arc::new(Mutex::new(begin(deps, &running).await?));
        deps.pulse.beat(deps.clock.wall());
        let keeper = tokio::spawn(keep(Arc::clone(&cron), deps.clone(), running.clone()));
        Ok(Self { cron, keeper, running })
    }

    /// Starts nothing more and waits for what runs, `patience` at most.
    pub async fn stop(self, patience: Duration) {
        self.keeper.abort();
        if let Err(error) = self.cron.lock().await.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop cleanly");
        }
        let all_done = async {
            for job in &self.running {
                // Taken and kept: a job that is ticked once more finds no turn.
                if let Ok(turn) = job.acquire().await {
                    turn.forget();
                }
            }
        };
        if tokio::time::timeout(patience, all_done).await.is_err() {
            tracing::warn!("a job is still at work; what it claimed frees itself");
        }
    }
}

/// Ticks `JOBS`, each in its turn of `running`.
async fn begin(deps: &Deps, running: &[Arc<Semaphore>]) -> Result<JobScheduler, JobSchedulerError> {
    let cron = JobScheduler::new().await?;
    for ((name, line, verb), alone) in JOBS.into_iter().zip(running) {
        let (alone, deps) = (Arc::clone(alone), deps.clone());
        let job = Job::new_async(line, move |_, _| {
            let (alone, deps) = (Arc::clone(&alone), deps.clone());
            Box::pin(async move {
                // Still at it since the last tick.
                let Ok(_turn) = alone.try_acquire() else { return };
                if let Err(error) = verb(deps).await {
                    telemetry::job_failed(name);
                    tracing::error!(job = name, error, "a job failed; it will run again");
                }
            })
        })?;
        cron.add(job).await?;
    }
    cron.start().await?;
    Ok(cron)
}

/// Each job waits for the time of its next tick by the machine's clock. That is long to come when a job ticked while
/// the clock was ahead, were it for a moment. The pulse is a job like every other: where it stays away, all begin anew.
async fn keep(cron: Arc<Mutex<JobScheduler>>, deps: Deps, running: Vec<Arc<Semaphore>>) {
    shorten(&deps).await;
    let (mut felt, mut in_vain) = (deps.pulse.count(), 0);
    loop {
        tokio::time::sleep(FEEL_PULSE).await;
        let beats = deps.pulse.count();
        in_vain = if beats == felt { in_vain + 1 } else { 0 };
        felt = beats;
        if in_vain < IN_VAIN {
            continue;
        }
        tracing::warn!("jobs do not tick any more, as when the clock was set back; they begin anew");
        match begin(&deps, &running).await {
            Ok(fresh) => {
                in_vain = 0;
                let mut old = std::mem::replace(&mut *cron.lock().await, fresh);
                if let Err(error) = old.shutdown().await {
                    tracing::warn!(%error, "the scheduler did not stop cleanly");
                }
                shorten(&deps).await;
            }
            Err(error) => tracing::error!(%error, "jobs cannot begin anew; they will be tried again"),
        }
    }
}

/// What a wrong clock put off, ours among others.
async fn shorten(deps: &Deps) {
    if let Err(error) = shorten_waits::run_due(deps).await {
        tracing::error!(%error, "waits cannot be looked at; they will be in a moment");
    }
}
