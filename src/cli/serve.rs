use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::app;
use crate::clock::Clock;
use crate::config::Settings;
use crate::telemetry;

#[derive(Args)]
pub struct Serve {
    /// Refuse to start on a database of another schema instead of migrating it.
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        let settings = Arc::new(settings);
        // Signals are caught from the beginning: a stop during a long migration is a stop.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener = app::listen(&settings)?;
        let start = app::start(listener, settings, Clock::real(), telemetry::metrics()?, !self.no_migrate);
        let running = tokio::select! {
            running = start => running?,
            _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
            _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
        };
        tracing::info!(address = %running.address, "listening");
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to terminate"),
            _ = interrupt.recv() => tracing::info!("interrupted"),
        }
        running.stop().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
