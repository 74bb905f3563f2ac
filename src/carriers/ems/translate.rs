//! China Post's traces into our events.

use serde_json::value::RawValue;

use super::status::{codes, told};
use super::wire::{self, Trace};
use crate::carriers::discretion::{shown, without_phones};
use crate::carriers::json::{self, Object};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{
    Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Reading, Seen, beijing, excuses,
};
use crate::domain::event::{EventStatus, Happening};
use crate::outbound::Answer;

const DONE: &str = "00000";

/// Of an answer, of the list in it alone, or of a push that was opened.
pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one trace it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let Some(raw) = json::raw(&text) else { return without_body(answer) };
    let Some(body) = Object::of(Some(raw)).filter(|body| body.has("retCode")) else {
        return alone(raw, answer, gazetteer);
    };
    let (code, message) = (body.text("retCode"), body.text("retMsg"));
    // A number has lost the zeros before it.
    if code.trim_start_matches('0').is_empty() && !code.is_empty() {
        return answered(&body, answer, gazetteer);
    }
    let kind = excuses::kind(&message);
    Ok(Reading::failed(Failure::new(kind, code, without_phones(&message)).with_wait(answer)))
}

fn answered(body: &Object, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    if !answer.is_success() {
        return without_body(answer);
    }
    let Some(text) = body.get("retBody").and_then(json::unquoted).filter(|text| !text.trim().is_empty())
    else {
        return Ok(nothing());
    };
    let raw = json::raw(&text);
    Ok(match raw.and_then(wire::traces) {
        Some(traces) if traces.is_empty() => nothing(),
        Some(traces) => reading(&traces, gazetteer),
        None if raw.is_some_and(|raw| matches!(raw.get(), "null" | "{}")) => nothing(),
        None => Reading::failed(Failure::new(FailureKind::Unparsable, DONE, "the body cannot be read")),
    })
}

fn nothing() -> Reading {
    Reading::failed(Failure::new(FailureKind::NotFound, DONE, "there are no traces yet"))
}

/// Traces without an envelope. A list of other things is nothing of China Post's.
fn alone(raw: &RawValue, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let traces = wire::traces(raw).filter(|_| answer.is_success());
    let is_ours = |raw: &&RawValue| wire::trace(raw).is_some();
    let is_named = Object::of(Some(raw)).is_some_and(|body| body.has("responseItems"));
    match traces {
        Some(traces) if traces.is_empty() && is_named => Ok(nothing()),
        Some(traces) if traces.iter().any(is_ours) => Ok(reading(&traces, gazetteer)),
        _ => without_body(answer),
    }
}

fn reading(traces: &[&RawValue], gazetteer: &dyn Gazetteer) -> Reading {
    let mut reading = Reading::default();
    let only = only_number(traces);
    for raw in traces {
        let trace = wire::trace(raw).unwrap_or_default();
        let number = if trace.number.is_empty() { &only } else { &trace.number };
        let Ok(number) = number.parse() else {
            let failure = Failure::new(FailureKind::Unparsable, "", "a trace without a number");
            reading.failures.push(failure);
            continue;
        };
        let known = reading.packages.iter().position(|package| package.number == number);
        let at = known.unwrap_or_else(|| {
            let (also, seen, unreadable) = (Vec::new(), Vec::new(), Vec::new());
            reading.packages.push(Package { number, also, seen, unreadable });
            reading.packages.len() - 1
        });
        let package = &mut reading.packages[at];
        match happening(&trace, gazetteer) {
            // The same trace twice is one.
            Some(happening) if package.seen.iter().any(|seen| seen.happening == happening) => {}
            Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => package.unreadable.push(raw.get().to_owned()),
        }
    }
    for package in &mut reading.packages {
        name_what_is_taken_back(&mut package.seen);
        mark_what_came_back(&mut package.seen);
    }
    reading
}

/// Where all traces are of one number, it is also that of those which do not say.
fn only_number(traces: &[&RawValue]) -> String {
    let mut numbers: Vec<String> =
        traces.iter().filter_map(|raw| wire::trace(raw)).map(|trace| trace.number).collect();
    numbers.retain(|number| !number.is_empty());
    numbers.dedup();
    if let [only] = numbers.as_slice() { only.clone() } else { String::new() }
}

/// 304 takes back whichever of these came last before it.
const ASSIGNMENTS: [&str; 3] = ["303", "336", "345"];

fn name_what_is_taken_back(seen: &mut [Seen]) {
    for at in 0..seen.len() {
        let until = seen[at].happening.occurred.at;
        if seen[at].happening.code != "304" {
            continue;
        }
        let earlier = seen.iter().map(|seen| &seen.happening).filter(|other| other.occurred.at <= until);
        let meant = earlier.filter(|other| ASSIGNMENTS.contains(&other.code.as_str()));
        if let Some(meant) = meant.max_by_key(|other| other.occurred.at).map(|other| other.code.clone()) {
            seen[at].happening.cancels = Some(meant);
        }
    }
}

/// In the names of the operations that are done in other countries.
const ABROAD: &str = "境外";

fn happening(trace: &Trace, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let town = if trace.city.is_empty() { &trace.organisation } else { &trace.city };
    let row = codes().get(&trace.op_code);
    let mut place = beijing::place(&trace.province, town, gazetteer);
    if place.town.is_empty() && row.is_some_and(|row| row.meaning.contains(ABROAD)) {
        place.country.clear();
    }
    let told = told(trace);
    let status = told.status.unwrap_or(EventStatus::Unknown);
    let text = if trace.op_desc.is_empty() { &trace.op_name } else { &trace.op_desc };
    Some(Happening {
        status,
        delivered_to: told.delivered_to,
        occurred: beijing::occurred(&trace.op_time, &place, gazetteer)?,
        code: trace.op_code.clone(),
        description: shown(text, status, row),
        location: place.location(gazetteer),
        cancels: told.cancels,
    })
}
