//! What a carrier's answer says, in our words, for whoever wonders.
//!
//! It is read as the daemon reads it; nobody is asked, and nothing is kept.

use std::io::{Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::printing::{output, remark};
use crate::carriers::{ADAPTERS, Failure, FailureKind, Package, Reading, Registry};
use crate::domain::event::{DeliveredTo, EventLocation, EventStatus, OffsetSource};
use crate::domain::instant::rfc3339;
use crate::flows::gazetteer::Embedded;
use crate::outbound::Answer;

#[derive(Args)]
pub struct Normalize {
    /// Whose answer it is, such as dhl_unified.
    #[arg(long, value_name = "NAME")]
    carrier: String,
    /// The status that it came with.
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    status: u16,
}

/// What is no answer of that carrier.
const NO_ANSWER: u8 = 2;

#[derive(Serialize)]
struct Normalized<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<&'r str>,
    status: EventStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_to: Option<DeliveredTo>,
    events: Vec<Event<'r>>,
    errors: Vec<Error<'r>>,
}

#[derive(Serialize)]
struct Event<'r> {
    occurred_at: String,
    local_time: &'r str,
    offset_source: OffsetSource,
    status: EventStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_to: Option<DeliveredTo>,
    carrier_code: &'r str,
    /// The code of the earlier event that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancels: Option<&'r str>,
    description: &'r str,
    location: &'r EventLocation,
}

#[derive(Serialize)]
struct Error<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<&'r str>,
    code: &'r str,
    message: &'r str,
    kind: FailureKind,
}

impl Normalize {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Some(adapter) = Registry::adapter(&self.carrier) else {
            let known: Vec<_> = ADAPTERS.iter().map(|adapter| adapter.code).collect();
            remark!("--carrier: {:?} is not known; there are: {}", self.carrier, known.join(", "));
            return Ok(ExitCode::from(NO_ANSWER));
        };
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).context("standard input cannot be read")?;
        let answer = Answer { status: self.status, body, ..Answer::default() };
        match adapter.reading(&answer, &Embedded) {
            Ok(reading) => {
                let line = format!("{}\n", written(&reading)?);
                output().write_all(line.as_bytes()).context("standard output cannot be written")?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                remark!("this is no answer of {}: {error}", adapter.name);
                Ok(ExitCode::from(NO_ANSWER))
            }
        }
    }
}

/// One object where the answer is about one number or none, else a list.
fn written(reading: &Reading) -> serde_json::Result<String> {
    let mut all: Vec<_> = reading.packages.iter().map(of_package).collect();
    for failure in &reading.failures {
        let number = failure.number.as_ref().map(|number| number.as_str());
        let own = all.iter_mut().find(|one| number.is_none() || one.tracking_number == number);
        match own {
            Some(one) => one.errors.push(error(failure)),
            None => all.push(Normalized { errors: vec![error(failure)], ..nothing(number) }),
        }
    }
    match all.as_slice() {
        [] => serde_json::to_string(&nothing(None)),
        [one] => serde_json::to_string(one),
        several => serde_json::to_string(several),
    }
}

fn nothing(tracking_number: Option<&str>) -> Normalized<'_> {
    let (delivered_at, delivered_to) = (None, None);
    let (events, errors) = (Vec::new(), Vec::new());
    Normalized { tracking_number, status: EventStatus::Unknown, delivered_at, delivered_to, events, errors }
}

fn of_package(package: &Package) -> Normalized<'_> {
    let mut events: Vec<_> = package.seen.iter().map(|seen| &seen.happening).collect();
    events.sort_by_key(|happening| happening.occurred.at);
    let events = events.into_iter().map(|happening| Event {
        occurred_at: rfc3339(happening.occurred.at),
        local_time: &happening.occurred.local_time,
        offset_source: happening.occurred.offset_source,
        status: happening.status,
        delivered_to: happening.delivered_to,
        carrier_code: &happening.code,
        cancels: happening.cancels.as_deref(),
        description: &happening.description,
        location: &happening.location,
    });
    let unreadable = package.unreadable.iter().map(|_| Error {
        tracking_number: Some(package.number.as_str()),
        code: "",
        message: "an event without a time that can be read",
        kind: FailureKind::Unparsable,
    });
    let status = package.status();
    Normalized {
        tracking_number: Some(package.number.as_str()),
        status: status.status,
        delivered_at: status.delivered.map(|delivered| rfc3339(delivered.occurred.at)),
        delivered_to: status.delivered.and_then(|delivered| delivered.delivered_to),
        events: events.collect(),
        errors: unreadable.collect(),
    }
}

fn error(failure: &Failure) -> Error<'_> {
    Error {
        tracking_number: failure.number.as_ref().map(|number| number.as_str()),
        code: &failure.code,
        message: &failure.message,
        kind: failure.kind,
    }
}
