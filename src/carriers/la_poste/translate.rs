//! La Poste's events into ours.

use std::sync::LazyLock;

use super::wire::{self, Entry, Event, Problem, Shipment};
use crate::carriers::codes::Codes;
use crate::carriers::moment::moment;
use crate::carriers::reading::without_body;
use crate::carriers::tongues::{meaning, recipient};
use crate::carriers::verdict::{agreed_by_row, beyond, mark_what_came_back};
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen, french};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};
use crate::outbound::Answer;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let Some(entries) = wire::page(&text) else { return without_body(answer) };
    let unparsable = |message| Failure::new(FailureKind::Unparsable, "", message);
    let (mut reading, mut is_strange) = (Reading::default(), true);
    for entry in entries {
        is_strange &= matches!(entry, Entry::Stranger);
        match entry {
            Entry::Shipment(_) if !answer.is_success() => {}
            Entry::Shipment(shipment) => match shipment.number.parse() {
                Ok(number) => reading.packages.push(package(number, &shipment, gazetteer)),
                Err(_) => reading.failures.push(unparsable("a shipment without a number")),
            },
            Entry::Problem(problem) => reading.failures.push(failure(&problem, answer)),
            Entry::Nothing { number } => {
                let failure = unparsable("an answer without a shipment");
                reading.failures.push(failure.of(number.parse().ok()));
            }
            Entry::Stranger => reading.failures.push(unparsable("an entry cannot be read")),
        }
    }
    if is_strange || reading == Reading::default() { without_body(answer) } else { Ok(reading) }
}

fn package(number: TrackingNumber, shipment: &Shipment, gazetteer: &dyn Gazetteer) -> Package {
    let mut package = Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() };
    for raw in &shipment.events {
        match wire::event(raw).and_then(|event| happening(&event, shipment, gazetteer)) {
            Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => package.unreadable.push(raw.get().to_owned()),
        }
    }
    mark_what_came_back(&mut package.seen);
    package
}

fn happening(event: &Event, shipment: &Shipment, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    // An event names no place; what never left France happened there.
    let is_french = shipment.countries.iter().all(|country| country.eq_ignore_ascii_case("FR"));
    let country = if is_french { "FR" } else { "" };
    let place = Place { country: country.to_owned(), ..Place::default() };
    let occurred = moment(&event.date, &[])?.occurred(&event.date, &place, gazetteer);
    let (status, delivered_to) = status(event, shipment.is_open);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: event.code.clone(),
        description: french::without_names(&event.label),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// What is delivered is final. Labels are French, or English where La Poste has no other.
fn status(event: &Event, is_open: bool) -> (EventStatus, Option<DeliveredTo>) {
    let row = CODES.get(&event.code.to_ascii_uppercase());
    let (words, told) = (meaning(&[&event.label]), recipient(&[&event.label]));
    let (status, to) = agreed_by_row(row, beyond(row, &event.label, words), told);
    if status == EventStatus::Delivered && is_open { (EventStatus::Unknown, None) } else { (status, to) }
}

fn failure(problem: &Problem, answer: &Answer) -> Failure {
    let kind = if problem.is_of_gateway { gateways(problem, answer) } else { own(problem, answer) };
    let failure = Failure::new(kind, &problem.code, &problem.message).of(problem.number.parse().ok());
    failure.with_wait(answer)
}

/// By La Poste's `returnCode`.
fn own(problem: &Problem, answer: &Answer) -> FailureKind {
    match problem.code.as_str() {
        // Nothing is known of it, or not yet.
        "104" | "105" | "404" => FailureKind::NotFound,
        "400" => FailureKind::Invalid,
        "401" | "403" => FailureKind::Auth,
        "429" => FailureKind::RateLimited,
        "408" => FailureKind::CarrierDown,
        code if code.starts_with('5') && code.len() == 3 => FailureKind::CarrierDown,
        _ => otherwise(answer),
    }
}

/// By the words that the gateway has for codes. It knows paths, and no numbers.
fn gateways(problem: &Problem, answer: &Answer) -> FailureKind {
    let text = format!("{} {}", problem.code, problem.message).to_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["UNAUTHORIZED", "FORBIDDEN", "APP_KEY", "401", "403"]) {
        FailureKind::Auth
    } else if says(&["TOO_MANY", "TOO MANY", "QUOTA", "RATE_LIMIT", "RATE LIMIT", "429"]) {
        FailureKind::RateLimited
    } else if says(&["UNAVAILABLE", "INTERNAL", "TIMEOUT", "GATEWAY", "500", "502", "503", "504"]) {
        FailureKind::CarrierDown
    } else if says(&["NOT_FOUND", "BAD_REQUEST", "INVALID", "400", "404"]) {
        FailureKind::Invalid
    } else {
        otherwise(answer)
    }
}

fn otherwise(answer: &Answer) -> FailureKind {
    let by_status = Failure::by_status(answer).map(|failure| failure.kind);
    by_status.unwrap_or(if answer.status / 100 == 4 { FailureKind::Invalid } else { FailureKind::Unparsable })
}
