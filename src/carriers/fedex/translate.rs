//! FedEx's results and scans into ours.

use std::cmp::Ordering;

use super::status::{code, status, to_whom};
use super::wire::{self, Complete, Fields, Problem, Shipment};
use crate::carriers::json::Object;
use crate::carriers::moment::{Moment, moment};
use crate::carriers::oauth::refusal;
use crate::carriers::reading::without_body;
use crate::carriers::wording::without_names;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventStatus, Happening};
use crate::domain::instant::Instant;
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let body = Object::body(&text).unwrap_or_default();
    let errors = wire::problems(&body, "errors");
    if !errors.is_empty() {
        let failures = errors.iter().map(|error| failure(error, answer)).collect();
        return Ok(Reading { packages: Vec::new(), failures });
    }
    if let Some(refusal) = refusal(&body) {
        return Ok(Reading::failed(refusal.with_wait(answer)));
    }
    let Some(output) = wire::output(&body).filter(|_| answer.is_success()) else {
        return without_body(answer);
    };
    let mut reading = Reading::default();
    for raw in output.list("completeTrackResults") {
        match wire::complete(raw) {
            Some(complete) => add(&mut reading, &complete, answer, gazetteer),
            None => reading.failures.push(cannot_be_read("a result cannot be read")),
        }
    }
    if reading == Reading::default() {
        let alerts = wire::alerts(&output);
        reading.failures.extend(alerts.iter().map(|alert| failure(alert, answer)));
    }
    Ok(reading)
}

fn cannot_be_read(what: &str) -> Failure {
    Failure::new(FailureKind::Unparsable, "", what)
}

/// FedEx's codes are words with full stops between them: `TRACKING.TRACKINGNUMBER.NOTFOUND`.
pub fn failure(problem: &Problem, answer: &Answer) -> Failure {
    let code = problem.code.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let kind = if says(&["NOTFOUND"]) {
        FailureKind::NotFound
    } else if says(&["AUTHORIZ", "AUTHENTI", "FORBIDDEN", "LOGIN"]) {
        FailureKind::Auth
    } else if says(&["TOO.MANY", "TOOMANY", "RATE.LIMIT", "RATELIMIT", "THROTTL", "QUOTA"]) {
        FailureKind::RateLimited
    } else if says(&["INTERNAL.SERVER", "UNAVAILABLE", "TIMEOUT", "SYSTEM.ERROR"]) {
        FailureKind::CarrierDown
    } else if says(&["INVALID", "EMPTY", "LIMITEXCEEDED", "TOOLONG", "UNIQUE", "BAD.REQUEST"]) {
        FailureKind::Invalid
    } else {
        match (Failure::by_status(answer), answer.status) {
            (Some(failure), _) => failure.kind,
            (None, 400..=499) => FailureKind::Invalid,
            (None, _) => FailureKind::Unparsable,
        }
    };
    Failure::new(kind, &problem.code, &problem.message).with_wait(answer)
}

fn add(reading: &mut Reading, complete: &Complete<'_>, answer: &Answer, gazetteer: &dyn Gazetteer) {
    let told = |shipment: &&Shipment<'_>| shipment.problems.is_empty() || !shipment.scan_events.is_empty();
    let latest = complete.results.iter().filter(told).max_by(|a, b| later(a, b));
    let of_result = || complete.results.iter().find_map(|shipment| shipment.tracking_number.parse().ok());
    let number: Option<TrackingNumber> = complete.tracking_number.parse().ok().or_else(of_result);
    let Some(number) = number else {
        reading.failures.push(cannot_be_read("a result is of no number"));
        return;
    };
    let of_whom = latest.map_or_else(|| complete.results.iter().collect(), |latest| vec![latest]);
    let mut known = Vec::new();
    for problem in of_whom.iter().flat_map(|shipment| &shipment.problems) {
        if !known.contains(&&problem.code) {
            known.push(&problem.code);
            reading.failures.push(failure(problem, answer).of(Some(number.clone())));
        }
    }
    if let Some(shipment) = latest {
        reading.packages.push(package(number, shipment, gazetteer));
    }
}

/// Which of two shipments of the same number is the later one: by the day that its key begins with, else by
/// when it was shipped, else by what was heard of it last.
fn later(a: &Shipment<'_>, b: &Shipment<'_>) -> Ordering {
    let day = |shipment: &Shipment<'_>| shipment.unique_id.split('~').next().unwrap_or_default().to_owned();
    let (day_a, day_b) = (day(a), day(b));
    let is_count = |day: &str| !day.is_empty() && day.bytes().all(|byte| byte.is_ascii_digit());
    if day_a.len() == day_b.len() && is_count(&day_a) && is_count(&day_b) && day_a != day_b {
        return day_a.cmp(&day_b);
    }
    (shipped_at(a), heard_at(a).max()).cmp(&(shipped_at(b), heard_at(b).max()))
}

fn shipped_at(shipment: &Shipment<'_>) -> Option<Instant> {
    let date = |kind: &str| shipment.dates.iter().find(|(known, _)| known == kind);
    let said = ["SHIP", "ACTUAL_PICKUP", "ACTUAL_TENDER"].iter().find_map(|kind| instant(&date(kind)?.1));
    said.or_else(|| heard_at(shipment).min())
}

fn heard_at(shipment: &Shipment<'_>) -> impl Iterator<Item = Instant> {
    let dates = shipment.scan_events.iter().filter_map(|raw| wire::fields(raw));
    dates.filter_map(|fields| instant(&fields.date))
}

/// Near enough to tell one year's shipment from another's.
fn instant(text: &str) -> Option<Instant> {
    match moment(text, &[])? {
        Moment::Absolute(at) => Some(at),
        Moment::Local(at) => Some(at.and_utc()),
    }
}

fn package(number: TrackingNumber, shipment: &Shipment<'_>, gazetteer: &dyn Gazetteer) -> Package {
    let events: Vec<_> = shipment.scan_events.iter().map(|raw| (*raw, wire::fields(raw))).collect();
    let at = |fields: &Option<Fields>| fields.as_ref().and_then(|fields| instant(&fields.date));
    let newest = events.iter().filter_map(|(_, fields)| at(fields)).max();
    let deliveries = events.iter().filter(|(_, fields)| fields.as_ref().is_some_and(|one| code(one) == "DL"));
    let newest_delivery = deliveries.filter_map(|(_, fields)| at(fields)).max();
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    for (raw, fields) in &events {
        let at = at(fields);
        let latest_code = if at == newest { shipment.latest_code.as_str() } else { "" };
        let delivery = Some(shipment).filter(|_| at == newest_delivery);
        match fields.as_ref().and_then(|fields| happening(fields, latest_code, delivery, gazetteer)) {
            Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => unreadable.push(raw.get().to_owned()),
        }
    }
    Package { number, also: Vec::new(), seen, unreadable }
}

fn happening(
    fields: &Fields,
    latest_code: &str,
    delivery: Option<&Shipment<'_>>,
    gazetteer: &dyn Gazetteer,
) -> Option<Happening> {
    let place = Place {
        country: fields.country.clone(),
        region: fields.region.clone(),
        town: fields.city.clone(),
        postal_code: fields.postal_code.clone(),
    };
    let status = status(fields, latest_code);
    Some(Happening {
        status,
        delivered_to: (status == EventStatus::Delivered).then(|| to_whom(fields, delivery)),
        occurred: moment(&fields.date, &[])?.occurred(&fields.date, &place, gazetteer),
        code: code(fields).to_owned(),
        description: description(fields),
        location: place.location(gazetteer),
        cancels: None,
    })
}

fn description(fields: &Fields) -> String {
    let what = if fields.description.is_empty() { &fields.derived_status } else { &fields.description };
    let whole = match fields.exception.as_str() {
        "" => what.clone(),
        why if what.is_empty() => why.to_owned(),
        why => format!("{what}: {why}"),
    };
    without_names(&whole)
}
