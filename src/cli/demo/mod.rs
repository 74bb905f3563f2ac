//! A whole network on this machine: watch shipments travel until their merchants are paid.
//!
//! The daemon is the real one, with a SQLite database in a temporary folder. A carrier and
//! an escrow provider answer on loopback, in their real formats; merchants and hub staff
//! call the API as they would from outside. Only the clock is not real: it runs ahead.

mod shippers;
mod staff;
mod story;
mod world;

use std::process::ExitCode;

use clap::Args;

use self::world::World;
use crate::config::{Log, LogFormat};
use crate::telemetry;

#[derive(Args)]
pub struct Demo {
    /// How many shipments to send on their way.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    shipments: u32,
    /// Another seed is another world: other carriers' moods, other customs officers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the API listens; 8080, or any free port if that is taken, where it is left out.
    #[arg(long)]
    port: Option<u16>,
    /// Seconds that pass on the journey in each second.
    #[arg(long, default_value_t = 86_400.0, value_parser = speed)]
    speed: f64,
    /// End when everything is delivered; exit with 0 only if every trigger took effect exactly once.
    #[arg(long)]
    exit: bool,
}

/// Beyond a thousand days a second nobody sees anything.
fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "has to be a number".to_owned())?;
    if (1.0..=86_400_000.0).contains(&speed) {
        Ok(speed)
    } else {
        Err("has to be from 1 to 86400000".to_owned())
    }
}

impl Demo {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        // The sandbox cuts connections on purpose, and the server beneath it would complain.
        telemetry::log(&Log { level: "sampan=error".to_owned(), format: LogFormat::Pretty })?;
        let world = World::start(&self).await?;
        let ended = self.watch(&world).await;
        world.stop().await;
        ended
    }

    async fn watch(&self, world: &World) -> anyhow::Result<ExitCode> {
        let shipped = shippers::post_all(world, self.shipments, self.seed).await?;
        let mut story = story::Story::begin(world, &shipped, self.exit)?;
        let staff = tokio::spawn(staff::work(world.colleague(), shipped.itineraries(), self.seed));
        let ended = tokio::select! {
            ended = story.tell(world, staff) => ended?,
            _ = tokio::signal::ctrl_c() => {
                story.interrupted()?;
                return Ok(ExitCode::from(130));
            }
        };
        let good = story.summary(world, &ended).await?;
        if !self.exit {
            story.stay(world)?;
            tokio::signal::ctrl_c().await?;
        }
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
