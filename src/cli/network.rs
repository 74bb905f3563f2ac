use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::printing::{remark, say};
use crate::app;
use crate::clock::Clock;
use crate::config::Settings;
use crate::flows::import_network::{self, ImportError};
use crate::routing::NetworkFiles;

#[derive(Args)]
pub struct Network {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Put the hubs.csv and lanes.csv of a folder in the place of the network there is, with its
    /// closures.csv, holidays.csv and departures.csv where it has any.
    Import { dir: PathBuf },
    /// Write the bundled sample network into a folder: illustrative hubs and lanes, to begin with.
    Sample { dir: PathBuf },
}

impl Network {
    pub async fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::Import { dir } => import(&dir, settings).await,
            Verb::Sample { dir } => sample(&dir),
        }
    }
}

async fn import(dir: &Path, settings: Settings) -> anyhow::Result<ExitCode> {
    let texts = read(dir)?;
    // Without the network that is there: it may be what is to be mended.
    let store = app::connect(&settings).await?;
    match import_network::import(&store, files(&texts), Clock::real().now()).await {
        Ok(imported) => {
            say!(
                "imported {} hubs and {} lanes as edition {}; a running daemon takes them over within seconds",
                imported.hubs,
                imported.lanes,
                imported.edition
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportError::Rows(errors)) => {
            for error in &errors {
                remark!("{error}");
            }
            remark!("{} mistakes; nothing was imported", errors.len());
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

/// The files of a network in `dir`; those that may be missing are empty then.
pub fn read(dir: &Path) -> anyhow::Result<[String; 5]> {
    let read = |(name, is_needed): (&str, bool)| {
        let file = dir.join(name);
        match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_needed => Ok(String::new()),
            text => text.with_context(|| format!("cannot read {}", file.display())),
        }
    };
    let [hubs, lanes, closures, holidays, departures] = NetworkFiles::NAMES.map(read);
    Ok([hubs?, lanes?, closures?, holidays?, departures?])
}

pub fn files(texts: &[String; 5]) -> NetworkFiles<'_> {
    NetworkFiles::from(texts.each_ref().map(String::as_str))
}

fn sample(dir: &Path) -> anyhow::Result<ExitCode> {
    use crate::sandbox::sample::{HUBS_CSV, LANES_CSV};
    std::fs::create_dir_all(dir)?;
    for (name, text) in [("hubs.csv", HUBS_CSV), ("lanes.csv", LANES_CSV)] {
        let file = dir.join(name);
        // Somebody's own network is not overwritten.
        let mut new =
            std::fs::File::create_new(&file).with_context(|| format!("cannot create {}", file.display()))?;
        std::io::Write::write_all(&mut new, text.as_bytes())?;
        say!("wrote {}", file.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
