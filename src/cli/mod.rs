//! The command line, one file a command.
//!
//! Commands that only look or write a row work on the database by themselves, beside a
//! daemon that runs. What a program may read goes to standard output, the rest to
//! standard error, both by way of [`printing`].

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod audit;
mod demo;
mod detect;
mod escrow;
mod healthcheck;
mod merchant;
mod migrate;
mod network;
mod normalize;
mod operator;
mod outbox;
mod pack;
mod plan;
mod poll_plan;
mod printing;
mod sandbox;
mod serve;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app;
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::flows::Deps;
use crate::telemetry;
pub use printing::end;

/// Cross-border logistics and order tracking.
#[derive(Parser)]
#[command(name = "sampan", version, about, propagate_version = true)]
pub struct Cli {
    /// The configuration file; sampan.toml in the current folder where it is left out.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon.
    Serve(serve::Serve),
    /// Watch 50 shipments travel, with everything on this machine.
    Demo(demo::Demo),
    /// Run weeks of the daemon in seconds from a seed, over a network and a workload, and see what becomes of them.
    Simulate(simulate::Simulate),
    /// Bring the database to the schema of this version, or back.
    Migrate(migrate::Migrate),
    /// Plan pickup requests from standard input, one a line, over a network in files.
    Plan(plan::PlanRequests),
    /// Say whom to ask now, slot by slot, to a simulator on standard input and output.
    PollPlan(poll_plan::PollPlan),
    /// Load hubs and lanes.
    Network(network::Network),
    /// Create, list and suspend merchants, renew their keys and secrets.
    Merchant(merchant::Merchant),
    /// Create and revoke keys for the scanners of a hub.
    HubKey(merchant::HubKey),
    /// Create, list and revoke keys of those who cancel departures, close hubs, and refund and settle orders.
    OperatorKey(operator::OperatorKey),
    /// Look at shipments whose plan does not hold any more.
    Replan(operator::Replan),
    /// Look at triggers on their way, send them again, take them out.
    Outbox(outbox::Outbox),
    /// Compare what is held with what escrow providers say of it; list the orders that wait for a person.
    Escrow(escrow::Escrow),
    /// Check the audit chains, and the rows against them.
    Audit(audit::Audit),
    /// Put parcels into as few bags as possible: JSON from standard input to standard output.
    Pack,
    /// Read a carrier's raw answer from standard input, and say what it means.
    Normalize(normalize::Normalize),
    /// Say which carriers tracking numbers can belong to, as JSON, one a line.
    Detect(detect::Detect),
    /// Play the escrow provider or a carrier, to try a daemon against.
    Sandbox(sandbox::Sandbox),
    /// Ask a daemon on this machine whether it is ready; for containers.
    Healthcheck,
    /// Print every setting with its default and what it means.
    Defaults,
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.config.as_deref();
        match self.command {
            Command::Demo(demo) => demo.run().await,
            Command::Simulate(simulate) => simulate.run(),
            Command::Serve(serve) => serve.run(settings(config)?).await,
            Command::Migrate(migrate) => migrate.run(&settings(config)?).await,
            Command::Plan(plan) => plan.run(&settings(config)?),
            Command::PollPlan(poll_plan) => poll_plan.run(),
            Command::Network(network) => network.run(settings(config)?).await,
            Command::Merchant(merchant) => merchant.run(settings(config)?).await,
            Command::HubKey(hub_key) => hub_key.run(settings(config)?).await,
            Command::OperatorKey(operator_key) => operator_key.run(settings(config)?).await,
            Command::Replan(replan) => replan.run(settings(config)?).await,
            Command::Outbox(outbox) => outbox.run(settings(config)?).await,
            Command::Escrow(escrow) => escrow.run(settings(config)?).await,
            Command::Audit(audit) => audit.run(settings(config)?).await,
            Command::Pack => pack::run(),
            Command::Normalize(normalize) => normalize.run(),
            Command::Detect(detect) => detect.run(),
            Command::Sandbox(sandbox) => sandbox.run().await,
            Command::Healthcheck => healthcheck::run(&settings(config)?).await,
            Command::Defaults => {
                printing::to_stdout(format_args!("{}", config::DEFAULTS))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn settings(file: Option<&std::path::Path>) -> anyhow::Result<Settings> {
    let settings = config::load(file)?;
    telemetry::log(&settings.log)?;
    Ok(settings)
}

/// The parts a command works with, on a database of the right schema.
async fn build(settings: Settings) -> anyhow::Result<Deps> {
    Ok(app::build(Arc::new(settings), Clock::real()).await?)
}
