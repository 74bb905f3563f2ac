//! Whom to ask now, slot by slot, by the policy that the daemon polls by: no configuration, no
//! database, no carrier. A simulator writes what it found out and reads whom to ask about next.

mod reading;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::printing::{output, remark};
use crate::polling::policy::{Bounds, DAY, Guess, History, Model, Parcel, Planner, Stage};
use reading::{Known, Mistake, New, Slot};

const BOUNDS: Bounds = Bounds { shortest: 5, longest: 10 * DAY };

/// Answers each slot of five minutes, a JSON line each, with the parcels to ask about.
#[derive(Args)]
pub struct PollPlan {
    /// Finished parcels to learn from beforehand, a JSON line each.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// The codes of scans, with what is held of each before anything was seen: hours to the next scan, and
/// hours from there to the delivery. Rough on purpose.
const STAGES: [(&str, i32, i32); 9] = [
    ("INFO", 24, 240),
    ("PICKED_UP", 24, 192),
    ("HUB_IN", 24, 168),
    ("HUB_OUT", 36, 144),
    ("IN_FLIGHT", 96, 72),
    ("CUSTOMS", 24, 60),
    ("DOMESTIC", 24, 36),
    ("AT_STATION", 18, 6),
    ("OUT_FOR_DELIVERY", 8, 2),
];
const DELIVERED: &str = "DELIVERED";

impl PollPlan {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut known = Known::default();
        let mut model = Model::new(STAGES.map(guess).to_vec());
        if let Some(path) = &self.history
            && let Err(mistake) = learn(path, &mut known, &mut model)?
        {
            remark!("{}: {mistake}; nothing was planned", path.display());
            return Ok(ExitCode::FAILURE);
        }
        match plan(std::io::stdin().lock(), output(), known, model)? {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(mistake) => {
                remark!("{mistake}; the plan ends here");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn guess((_, to_next, then_to_delivery): (&str, i32, i32)) -> Guess {
    Guess { to_next: to_next * 60, then_to_delivery: then_to_delivery * 60 }
}

fn learn(path: &Path, known: &mut Known, model: &mut Model) -> anyhow::Result<Result<(), Mistake>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(|| format!("cannot read {}", path.display()))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let parcel = match known.finished(&line) {
            Ok(parcel) => parcel,
            Err(mistake) => return Ok(Err(mistake.on(number))),
        };
        let scans = &parcel.answer.scans;
        let delivered = parcel.answer.delivered;
        model.learn(&History { class: parcel.class, scans, delivered, promised: None }, None);
    }
    model.settle();
    Ok(Ok(()))
}

/// A line out for each line in, at once: whoever reads it waits for it.
fn plan(
    input: impl BufRead,
    mut out: impl Write,
    mut known: Known,
    model: Model,
) -> anyhow::Result<Result<(), Mistake>> {
    let mut model = Some(model);
    let mut planner = None;
    let mut before = None;
    for (number, line) in (1..).zip(input.lines()) {
        let line = line.context("cannot read standard input")?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let slot = match known.slot(&line, before) {
            Ok(slot) => slot,
            Err(mistake) => return Ok(Err(mistake.on(number))),
        };
        before = Some(slot.now);
        // The first slot says when the plan begins.
        if let Some(model) = model.take() {
            planner = Some(Planner::new(model, BOUNDS, slot.now));
        }
        let Some(planner) = planner.as_mut() else { continue };
        let asked = match take(planner, &slot, &mut known) {
            Ok(()) => planner.pick(slot.now, slot.budget),
            Err(mistake) => return Ok(Err(mistake.on(number))),
        };
        let asked: Vec<Value> = asked.into_iter().map(|id| known.name(id)).collect();
        let mut line = serde_json::to_vec(&json!({ "poll": asked }))?;
        line.push(b'\n');
        out.write_all(&line).and_then(|()| out.flush()).context("cannot write to standard output")?;
    }
    Ok(Ok(()))
}

fn take(planner: &mut Planner, slot: &Slot, known: &mut Known) -> Result<(), Mistake> {
    let mut delivered = HashSet::new();
    for (at, result) in slot.results.iter().enumerate() {
        // A line that says it twice.
        if delivered.contains(&result.id) {
            continue;
        }
        let answer = &result.answer;
        planner
            .answer(result.id, &answer.scans, answer.delivered, slot.now)
            .map_err(|why| Mistake::new(format!("results[{at}].id"), &why.to_string()))?;
        if answer.delivered.is_some() {
            known.forget(result.id);
            delivered.insert(result.id);
        }
    }
    for (at, new) in slot.new.iter().enumerate() {
        planner
            .add(new.id, &announced(new), slot.now)
            .map_err(|why| Mistake::new(format!("new[{at}].id"), &why.to_string()))?;
    }
    Ok(())
}

/// Nothing is known of it but that it was announced.
fn announced(new: &New) -> Parcel {
    Parcel { class: new.class, stage: Stage(0), since: new.created, looked: new.created, promised: None }
}
