use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::DateTime;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::network;
use super::printing::{output, remark};
use crate::config::Settings;
use crate::domain::instant::{Instant, cut, rfc3339};
use crate::domain::plan::{Alternative, Co2eMilligrams, Itinerary, Leg, Plan, UsdMicros};
use crate::domain::quantity::Chargeable;
use crate::escrow::registry::{self, Providers};
use crate::flows::read_pickup;
use crate::intake::FieldError;
use crate::routing::{self, Network, NoRoute, Planner};

/// Plans each request by itself over an empty network: nothing is booked, and no database is asked.
#[derive(Args)]
pub struct PlanRequests {
    /// The folder of hubs.csv and lanes.csv, and of closures.csv, holidays.csv, departures.csv if any.
    #[arg(long, value_name = "DIR")]
    network: PathBuf,
    /// The moment to plan at, such as 2026-03-02T00:00:00Z.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Instant,
    /// Also every way that no other beats in time, cost and emissions.
    #[arg(long)]
    pareto: bool,
}

fn instant(text: &str) -> Result<Instant, String> {
    let instant = DateTime::parse_from_rfc3339(text);
    instant
        .map(|instant| cut(instant.to_utc()))
        .map_err(|error| format!("{error}, such as 2026-03-02T00:00:00Z"))
}

impl PlanRequests {
    pub fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let texts = network::read(&self.network)?;
        let (hubs, lanes, calendar) = match routing::read(network::files(&texts)) {
            Ok(read) => read,
            Err(errors) => {
                errors.iter().for_each(|error| remark!("{error}"));
                remark!("{} mistakes; nothing was planned", errors.len());
                return Ok(ExitCode::FAILURE);
            }
        };
        let network = Network::new(hubs, lanes, &calendar).context("the network makes no sense")?;
        let mut routing = settings.routing.clone();
        if self.pareto {
            // Whoever wants them all wants to know of all why not.
            routing.alternatives_max = usize::MAX;
        }
        let planner = Planner::new(Arc::new(network), routing);
        let line_bytes_max = settings.http.body_bytes_max;
        let mut out = std::io::BufWriter::new(output());
        let mut all_good = true;
        let mut input = std::io::stdin().lock();
        while let Some(line) =
            next_line(&mut input, line_bytes_max).context("standard input cannot be read")?
        {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = self.answer(&planner, &line, line_bytes_max);
            all_good &= answer.get("error").is_none();
            serde_json::to_writer(&mut out, &answer).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn answer(&self, planner: &Planner, line: &[u8], line_bytes_max: usize) -> Value {
        let body = match read_line(line, line_bytes_max) {
            Ok(body) => body,
            Err(reason) => return refusal(&Value::Null, "not_json", &reason, Vec::new()),
        };
        let reference = &body["reference"];
        let wrong = |fields: Vec<FieldError>| {
            refusal(reference, "fields", &format!("{} fields are wrong", fields.len()), fields)
        };
        let request = match read_pickup::read(&body, self.at, &registry::NAMES, &Providers::default()) {
            Ok(request) => request,
            Err(fields) => return wrong(fields),
        };
        let ask = match read_pickup::ask(&request) {
            Ok((_, ask)) => ask,
            Err(fields) => return wrong(fields),
        };
        let planned = if self.pareto {
            planner.plan_with_pareto(&ask, self.at)
        } else {
            planner.plan(&ask, self.at).map(|plan| routing::Planned { plan, pareto: Vec::new() })
        };
        match planned {
            Ok(planned) => self.plan_line(reference, &planned, ask.chargeable),
            Err(reason) => self.no_route_line(planner, &ask, reference, &reason),
        }
    }

    fn plan_line(&self, reference: &Value, planned: &routing::Planned, chargeable: Chargeable) -> Value {
        let plan = &planned.plan;
        let turned_down = plan.alternatives.iter().map(RejectedView::from);
        let left_out = plan.passed_over.iter().map(|reason| RejectedView::without_way(reason));
        let rejected: Vec<_> = turned_down.chain(left_out).collect();
        let mut line = json!({
            "reference": reference, "choice": ItineraryView::of_plan(plan, chargeable), "rejected": rejected,
        });
        if self.pareto {
            line["pareto"] = json!(pareto(&planned.pareto, chargeable));
        }
        line
    }

    /// Where a promise cannot be kept, the ways that there are say what could be bought instead.
    fn no_route_line(
        &self,
        planner: &Planner,
        ask: &routing::Ask,
        reference: &Value,
        reason: &NoRoute,
    ) -> Value {
        let mut line = refusal(reference, "no_route", &reason.to_string(), Vec::new());
        line["choice"] = Value::Null;
        line["rejected"] = json!([RejectedView::without_way(&reason.to_string())]);
        if self.pareto {
            let ways = planner.pareto(ask, self.at).unwrap_or_default();
            line["pareto"] = json!(pareto(&ways, ask.chargeable));
        }
        line
    }
}

/// The next line, of one that is too long the beginning; none at the end.
fn next_line(input: &mut impl BufRead, bytes_max: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.by_ref().take(bytes_max as u64 + 2).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() > bytes_max {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn read_line(line: &[u8], bytes_max: usize) -> Result<Value, String> {
    if line.trim_ascii_end().len() > bytes_max {
        return Err(format!("the line is longer than {bytes_max} bytes"));
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

fn refusal(reference: &Value, code: &str, detail: &str, fields: Vec<FieldError>) -> Value {
    json!({"reference": reference, "error": {"code": code, "detail": detail, "fields": fields}})
}

fn pareto(ways: &[Itinerary], chargeable: Chargeable) -> Vec<ItineraryView<'_>> {
    ways.iter()
        .map(|way| ItineraryView::new(&way.legs, way.arrive_at, way.cost, way.co2e, chargeable))
        .collect()
}

#[derive(Serialize)]
struct Usd {
    amount: String,
    currency: &'static str,
}

fn usd(cost: UsdMicros) -> Usd {
    Usd { amount: cost.dollars(), currency: "USD" }
}

#[derive(Serialize)]
struct LegView<'p> {
    kind: &'static str,
    from: &'p str,
    to: &'p str,
    mode: &'static str,
    lane: Option<&'p str>,
    departure: Option<String>,
    depart_at: String,
    arrive_at: String,
    distance_km: f64,
    cost: Usd,
    /// As it is counted, to the millionth of a dollar and the milligram.
    cost_micros: i64,
    co2e_milligrams: i64,
}

impl<'p> From<&'p Leg> for LegView<'p> {
    fn from(leg: &'p Leg) -> Self {
        Self {
            kind: leg.kind.as_str(),
            from: &leg.from,
            to: &leg.to,
            mode: leg.mode.as_str(),
            lane: leg.lane.as_ref().map(|lane| lane.as_str()),
            departure: leg.departure.as_ref().map(ToString::to_string),
            depart_at: rfc3339(leg.depart_at),
            arrive_at: rfc3339(leg.arrive_at),
            distance_km: leg.distance_km,
            cost: usd(leg.cost),
            cost_micros: leg.cost.0,
            co2e_milligrams: leg.co2e.0,
        }
    }
}

#[derive(Serialize)]
struct ItineraryView<'p> {
    legs: Vec<LegView<'p>>,
    arrive_at: String,
    cost: Usd,
    co2e_grams: i64,
    chargeable_grams: u64,
    cost_micros: i64,
    co2e_milligrams: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'p str>,
}

impl<'p> ItineraryView<'p> {
    fn new(
        legs: &'p [Leg],
        arrive_at: Instant,
        cost: UsdMicros,
        co2e: Co2eMilligrams,
        chargeable: Chargeable,
    ) -> Self {
        Self {
            legs: legs.iter().map(LegView::from).collect(),
            arrive_at: rfc3339(arrive_at),
            cost: usd(cost),
            co2e_grams: co2e.grams(),
            chargeable_grams: chargeable.grams(),
            cost_micros: cost.0,
            co2e_milligrams: co2e.0,
            promised_by: None,
            reason: None,
        }
    }

    fn of_plan(plan: &'p Plan, chargeable: Chargeable) -> Self {
        Self {
            promised_by: Some(rfc3339(plan.promised_by)),
            reason: Some(&plan.reason),
            ..Self::new(&plan.legs, plan.arrive_at, plan.cost, plan.co2e, chargeable)
        }
    }
}

/// A way that was turned down, or a kind of way that was not even looked at.
#[derive(Serialize)]
struct RejectedView<'p> {
    reason: &'p str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrive_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    co2e_grams: Option<i64>,
}

impl<'p> RejectedView<'p> {
    fn without_way(reason: &'p str) -> Self {
        Self { reason, via: Vec::new(), arrive_at: None, cost: None, co2e_grams: None }
    }
}

impl<'p> From<&'p Alternative> for RejectedView<'p> {
    fn from(other: &'p Alternative) -> Self {
        Self {
            reason: &other.reason,
            via: other.via.iter().map(|hub| hub.as_str()).collect(),
            arrive_at: Some(rfc3339(other.arrive_at)),
            cost: Some(usd(other.cost)),
            co2e_grams: Some(other.co2e.grams()),
        }
    }
}
