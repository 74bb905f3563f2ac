//! FedEx's results and scans into ours.

use std::cmp::Ordering;

use super::status::{code, status, to_whom};
use super::wire::{self, Complete, Fields, Shipment};
use crate::carriers::json::Object;
use crate::carriers::moment::{Moment, moment};
use crate::carriers::problem::{Problem, errors_alone};
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
    if let Some(reading) = errors_alone(&wire::problems(&body, "errors"), failure, &body, answer) {
        return Ok(reading);
    }
    let Some(output) = wire::output(&body).filter(|_| answer.is_success()) else {
        return without_body(answer);
    };
    let mut reading = Reading::default();
    for raw in output.list("completeTrackResults") {
        match wire::complete(raw) {
            Some(complete) => add(&mut reading, &complete, answer, gazetteer),
            None => reading.failures.push(Failure::unparsable("a result cannot be read")),
        }
    }
    if reading == Reading::default() {
        let alerts = wire::alerts(&output);
        reading.failures.extend(alerts.iter().map(|alert| failure(alert, answer)));
    }
    Ok(reading)
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
        return problem.failure(None, answer);
    };
    problem.failure(Some(kind), answer)
}

fn add(reading: &mut Reading, complete: &Complete<'_>, answer: &Answer, gazetteer: &dyn Gazetteer) {
    let of_result = || complete.results.iter().find_map(|shipment| shipment.tracking_number.parse().ok());
    let number: Option<TrackingNumber> = complete.tracking_number.parse().ok().or_else(of_result);
    let Some(number) = number else {
        reading.failures.push(Failure::unparsable("a result is of no number"));
        return;
    };
    let is_own = |shipment: &&Shipment<'_>| {
        let own = &shipment.tracking_number;
        own.is_empty() || own.parse().is_ok_and(|own: TrackingNumber| own == number)
    };
    let (own, others): (Vec<_>, Vec<_>) = complete.results.iter().partition(is_own);
    if !others.is_empty() {
        reading.failures.push(Failure::unparsable("a result is of another number").of(Some(number.clone())));
    }
    let is_told = |one: &&Shipment<'_>| one.problems.is_empty() || !one.scan_events.is_empty();
    let told: Vec<_> = own.iter().copied().filter(is_told).collect();
    let meant = latest(&told);
    let of_whom = if meant.is_empty() { &own } else { &meant };
    let mut known = Vec::new();
    for problem in of_whom.iter().flat_map(|shipment| &shipment.problems) {
        if !known.contains(&&problem.code) {
            known.push(&problem.code);
            reading.failures.push(failure(problem, answer).of(Some(number.clone())));
        }
    }
    let packages: Vec<_> = meant.iter().map(|one| package(number.clone(), one, gazetteer)).collect();
    let packages: Vec<_> = packages.iter().collect();
    if !packages.is_empty() {
        reading.packages.push(Package::of_several(number, &packages));
    }
}

/// The last of the shipments that bore the number; several where nobody says which of them was.
fn latest<'s, 'a>(shipments: &[&'s Shipment<'a>]) -> Vec<&'s Shipment<'a>> {
    let Some(last) = shipments.iter().copied().max_by(|a, b| later(a, b)) else { return Vec::new() };
    shipments.iter().copied().filter(|one| later(one, last) == Ordering::Equal).collect()
}

/// Which of two shipments of the same number is the later one: by the day that its key begins with, else by the
/// day when it was shipped. A number is not given out again so soon that hours would tell.
fn later(a: &Shipment<'_>, b: &Shipment<'_>) -> Ordering {
    match (key_day(a), key_day(b)) {
        (Some(a), Some(b)) if a.len() == b.len() => a.cmp(b),
        (_, _) => {
            let day = |shipment| shipped_at(shipment).map(|at| at.date_naive());
            day(a).cmp(&day(b))
        }
    }
}

/// The count of days, without the digits behind it: those are a sequence within the day.
fn key_day<'s>(shipment: &'s Shipment<'_>) -> Option<&'s str> {
    const SEQUENCE_DIGITS: usize = 3;
    let count = shipment.unique_id.split('~').next()?;
    let is_count = count.len() > SEQUENCE_DIGITS && count.bytes().all(|byte| byte.is_ascii_digit());
    is_count.then(|| &count[..count.len() - SEQUENCE_DIGITS])
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
