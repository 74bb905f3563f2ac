mod processors;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::network;
use super::printing::{remark, say};
use crate::clock::Clock;
use crate::config::{Log, LogFormat};
use crate::routing;
use crate::sandbox::sample;
use crate::simulation::{self, Failure, Level, Options, Report, Scene};
use crate::telemetry;

/// Of the bundled bodies, as many as a month of a small forwarder.
const SHIPMENTS: u32 = 500;

#[derive(Args)]
pub struct Simulate {
    /// Another seed is another month: other people, other faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, from this one on.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// Begins with no further seed after so many seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// Fewer seeds in that time are a failure.
    #[arg(long, value_name = "N", default_value_t = 1)]
    at_least: u64,
    /// Days in which something happens; what is under way then comes to its end.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
    days: u32,
    /// 500 of the bundled bodies where it is left out, or each line of the workload once.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    shipments: Option<u32>,
    /// How much goes wrong.
    #[arg(long, value_enum, default_value_t = Faults::Some)]
    faults: Faults,
    /// The folder of hubs.csv and lanes.csv, and of closures.csv, holidays.csv, departures.csv if any; the bundled
    /// sample network where it is left out.
    #[arg(long, value_name = "DIR")]
    network: Option<PathBuf>,
    /// Bodies of pickup requests, one a line, with their own dates; the bundled ones where it is left out.
    #[arg(long, value_name = "FILE")]
    workload: Option<PathBuf>,
    /// One JSON object a seed.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Faults {
    /// People are late and customs look; nothing fails and nothing is lost.
    None,
    Some,
    Many,
}

impl From<Faults> for Level {
    fn from(faults: Faults) -> Self {
        match faults {
            Faults::None => Level::None,
            Faults::Some => Level::Some,
            Faults::Many => Level::Many,
        }
    }
}

impl Simulate {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        // Faults that are meant are logged as those that are not.
        telemetry::log(&Log { level: "off".to_owned(), format: LogFormat::Pretty })?;
        let texts = self.network.as_deref().map(network::read).transpose()?;
        let network = match &texts {
            Some(texts) => network::files(texts),
            None => sample::files(),
        };
        if let Err(errors) = routing::read(network) {
            errors.iter().for_each(|error| remark!("{error}"));
            remark!("{} mistakes; nothing was simulated", errors.len());
            return Ok(ExitCode::FAILURE);
        }
        let (lines, pickups): (Vec<_>, Vec<_>) = read_pickups(self.workload.as_deref())?.into_iter().unzip();
        let scene = Scene { network, pickups: &pickups, lines: &lines, is_spread: self.workload.is_none() };
        let shipments = self.shipments(pickups.len());
        let is_good = self.run_all(&scene, shipments)?;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// One seed at a time for each processor; the first failure ends it.
    fn run_all(&self, scene: &Scene, shipments: u32) -> io::Result<bool> {
        let (next, done, has_failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let clock = Clock::real();
        let begun_at = clock.wall();
        let over_at = self.seconds.map(|seconds| begun_at + TimeDelta::seconds(i64::from(seconds)));
        let is_over = || over_at.is_some_and(|over_at| clock.wall() >= over_at);
        let output = Mutex::new(Ok(()));
        let work = &|| {
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= self.seeds || has_failed.load(Ordering::Relaxed) || (nth > 0 && is_over()) {
                    return;
                }
                let seed = self.seed.wrapping_add(nth);
                let (days, faults) = (self.days, self.faults.into());
                let outcome = simulation::run(&Options { seed, days, shipments, faults }, scene);
                let mut said = output.lock().unwrap_or_else(PoisonError::into_inner);
                if said.is_err() {
                    return;
                }
                match outcome {
                    Ok(report) => {
                        done.fetch_add(1, Ordering::Relaxed);
                        *said = self.tell(&report);
                    }
                    Err(failure) => {
                        has_failed.store(true, Ordering::Relaxed);
                        self.complain(&failure, shipments);
                    }
                }
            }
        };
        thread::scope(|scope| {
            for (processor, _) in processors::all().into_iter().zip(0..self.seeds) {
                scope.spawn(move || {
                    processor.stay();
                    work();
                });
            }
        });
        output.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        let done = done.into_inner();
        if self.seeds > 1 && !self.json {
            let seconds = (clock.wall() - begun_at).num_seconds();
            say!("{done} of {} seeds in {seconds} s", self.seeds)?;
        }
        let is_enough = done >= self.at_least.min(self.seeds);
        if !has_failed.load(Ordering::Relaxed) && !is_enough {
            remark!("{done} seeds are too few: {} were wanted", self.at_least);
        }
        Ok(is_enough && !has_failed.into_inner())
    }

    fn tell(&self, report: &Report) -> io::Result<()> {
        if self.json {
            say!("{}", serde_json::to_string(report).unwrap_or_default())
        } else if self.seeds > 1 {
            let Report { seed, accepted, delivered, steps, trace, restarts, .. } = report;
            say!(
                "seed {seed}: {delivered} of {accepted} delivered, {steps} steps, {restarts} restarts, {trace}"
            )
        } else {
            say!("{report}")
        }
    }

    fn shipments(&self, lines: usize) -> u32 {
        let of_a_workload = self.workload.is_some().then(|| u32::try_from(lines).unwrap_or(u32::MAX));
        self.shipments.or(of_a_workload).unwrap_or(SHIPMENTS)
    }

    fn complain(&self, failure: &Failure, shipments: u32) {
        let Failure { seed, step, trouble, last } = failure;
        last.iter().for_each(|line| remark!("  {line}"));
        remark!("seed {seed}, step {step}: {trouble}");
        let faults = self.faults.to_possible_value();
        let faults = faults.as_ref().map_or("some", |value| value.get_name());
        let days = self.days;
        let of = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" --{name} {}", path.display())).unwrap_or_default()
        };
        let (network, workload) = (of("network", &self.network), of("workload", &self.workload));
        remark!(
            "again: sampan simulate --seed {seed} --days {days} --shipments {shipments} --faults {faults}{network}{workload}"
        );
    }
}

/// Each with the line that it stands in.
fn read_pickups(file: Option<&Path>) -> anyhow::Result<Vec<(usize, Value)>> {
    let text = match file {
        None => sample::PICKUPS.to_owned(),
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line)| {
        let body = serde_json::from_str(line).with_context(|| format!("line {number} is not JSON"))?;
        Ok((number, body))
    };
    lines.map(read).collect()
}
