use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::printing::say;
use crate::app;
use crate::config::Settings;
use crate::store::schema;

#[derive(Args)]
pub struct Migrate {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Apply what is missing; make the database where it is a file that is not there.
    Up,
    /// Take everything back, and every row with it.
    Down,
    /// Say what is applied and what is missing.
    Status,
}

impl Migrate {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        if !matches!(self.direction, Direction::Up) {
            app::expect_database(settings)?;
        }
        let url = &settings.database.url;
        let (done, word) = match self.direction {
            Direction::Up => (schema::up(url).await?, "applied"),
            Direction::Down => (schema::down(url).await?, "taken back"),
            Direction::Status => {
                for step in schema::status(url).await? {
                    say!("{:8} {}", if step.applied { "applied" } else { "missing" }, step.name)?;
                }
                return Ok(ExitCode::SUCCESS);
            }
        };
        for step in &done {
            say!("{word} {step}")?;
        }
        if done.is_empty() {
            say!("nothing to do")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
