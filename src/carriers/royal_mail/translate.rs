//! Royal Mail's events into ours.

use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::wire::{self, Event, Piece, Problem, Summary};
use crate::carriers::codes::{Codes, Row};
use crate::carriers::moment::{Moment, is_same_time, moment};
use crate::carriers::names::described;
use crate::carriers::reading::without_body;
use crate::carriers::verdict::{agreed_by_row, beyond};
use crate::carriers::wording::{meaning, recipient};
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};
use crate::outbound::Answer;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let Some(page) = wire::page(&text) else { return without_body(answer) };
    let mut reading = Reading::default();
    for problem in &page.problems {
        reading.failures.push(failure(problem).with_wait(answer));
    }
    match page.pieces {
        None if reading.failures.is_empty() => return without_body(answer),
        None => {}
        Some(pieces) => {
            for raw in pieces {
                take(raw, answer, gazetteer, &mut reading);
            }
            // What is left of the pieces under a status that is no success is nothing.
            if reading == Reading::default() && !answer.is_success() {
                return without_body(answer);
            }
        }
    }
    Ok(reading)
}

fn take(raw: &RawValue, answer: &Answer, gazetteer: &dyn Gazetteer, reading: &mut Reading) {
    let unparsable = |message| Failure::new(FailureKind::Unparsable, "", message);
    let Some(piece) = wire::piece(raw) else {
        return reading.failures.push(unparsable("a mail piece cannot be read"));
    };
    let mut numbers = numbers(&piece).into_iter();
    let number = numbers.next();
    if !piece.problems.is_empty() {
        let failures = piece.problems.iter().map(|problem| failure(problem).with_wait(answer));
        reading.failures.extend(failures.map(|failure| failure.of(number.clone())));
        return;
    }
    match number {
        _ if !answer.is_success() => {}
        None => reading.failures.push(unparsable("a mail piece without a number")),
        Some(number) => reading.packages.push(package(number, numbers.collect(), &piece, gazetteer)),
    }
}

/// The piece's own first, each once.
fn numbers(piece: &Piece) -> Vec<TrackingNumber> {
    let barcodes = piece.summary.iter().flat_map(|summary| &summary.barcodes);
    let mut numbers: Vec<TrackingNumber> = Vec::new();
    for number in [&piece.id].into_iter().chain(barcodes).filter_map(|text| text.parse().ok()) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

fn package(
    number: TrackingNumber,
    also: Vec<TrackingNumber>,
    piece: &Piece,
    gazetteer: &dyn Gazetteer,
) -> Package {
    let place = |event: &Event| Place {
        country: country(piece.summary.as_ref()).to_owned(),
        town: event.location.clone(),
        ..Place::default()
    };
    let mut package = Package { number, also, seen: Vec::new(), unreadable: Vec::new() };
    let events: Vec<_> = piece.events.iter().map(|raw| (*raw, wire::event(raw))).collect();
    let summary = piece.summary.as_ref();
    let last = summary.filter(|summary| !summary.last.code.is_empty());
    let repeated = last.and_then(|summary| {
        events.iter().position(|(_, event)| event.as_ref().is_some_and(|event| is_same(event, &summary.last)))
    });
    // Where it repeats none, it is still about where the piece is now.
    let meant = repeated.or_else(|| newest(&events));
    for (at, (raw, event)) in events.iter().enumerate() {
        let category = summary.filter(|_| Some(at) == meant).map_or("", |summary| &summary.category);
        let told = |event: &Event| happening(event, category, &place(event), gazetteer);
        keep(&mut package, raw, event.as_ref().and_then(told));
    }
    // The summary repeats the newest event, or is all there is.
    if let Some(summary) = last.filter(|_| repeated.is_none()) {
        let told = happening(&summary.last, &summary.category, &place(&summary.last), gazetteer);
        keep(&mut package, summary.raw, told);
    }
    package
}

fn keep(package: &mut Package, raw: &RawValue, happening: Option<Happening>) {
    match happening {
        Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
        None => package.unreadable.push(raw.get().to_owned()),
    }
}

fn is_same(event: &Event, last: &Event) -> bool {
    is_same_time(&event.time, &last.time) && event.code.eq_ignore_ascii_case(&last.code)
}

fn newest(events: &[(&RawValue, Option<Event>)]) -> Option<usize> {
    let at = |event: &Option<Event>| match moment(&event.as_ref()?.time, &[])? {
        Moment::Absolute(at) => Some(at),
        Moment::Local(at) => Some(at.and_utc()),
    };
    let timed = events.iter().enumerate().filter_map(|(place, (_, event))| Some((at(event)?, place)));
    // Of those at one instant, the one that stands first.
    timed.max_by_key(|(at, place)| (*at, std::cmp::Reverse(*place))).map(|(_, place)| place)
}

/// What never left the country happened in it; an event names none.
fn country(summary: Option<&Summary>) -> &'static str {
    let is_british = |code: &String| ["GBR", "GB"].iter().any(|known| code.eq_ignore_ascii_case(known));
    if summary.is_some_and(|summary| summary.countries.iter().all(is_british)) { "GB" } else { "" }
}

fn happening(event: &Event, category: &str, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let occurred = moment(&event.time, &[])?.occurred(&event.time, place, gazetteer);
    let (status, delivered_to) = status(event, category);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: event.code.clone(),
        description: described(&event.name, row(event)),
        location: place.location(gazetteer),
        cancels: None,
    })
}

fn row(event: &Event) -> Option<&'static Row> {
    CODES.get(&event.code.to_ascii_uppercase())
}

/// `category`: the summary's, where it speaks of this event.
fn status(event: &Event, category: &str) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [event.name.as_str()];
    let row = row(event);
    let (status, to) = agreed_by_row(row, beyond(row, &event.name, meaning(&texts)), recipient(&texts));
    let is_delivered = ["", "DELIVERED", "COLLECTED"].iter().any(|word| category.eq_ignore_ascii_case(word));
    if status == EventStatus::Delivered && !is_delivered {
        (EventStatus::Unknown, None)
    } else {
        (status, to)
    }
}

fn failure(problem: &Problem) -> Failure {
    let code = if problem.code.is_empty() { &problem.http_code } else { &problem.code };
    Failure::new(kind(problem), code, &problem.message)
}

/// Royal Mail's own code first: a `404` can be a barcode that nobody knows, or a wrong address.
fn kind(problem: &Problem) -> FailureKind {
    let by_code = match problem.code.to_ascii_uppercase().as_str() {
        // No such barcode; no events of it, or none yet; they are too old.
        "E1142" | "E1144" | "E1145" | "E1283" | "E1284" => Some(FailureKind::NotFound),
        "E0003" => Some(FailureKind::Auth),
        _ => None,
    };
    by_code.or_else(|| by_http_code(problem)).unwrap_or_else(|| {
        match problem.code.to_ascii_uppercase().as_str() {
            "E0010" => FailureKind::RateLimited,
            "E0000" | "E0005" | "E0009" => FailureKind::CarrierDown,
            "E0001" | "E0004" => FailureKind::Invalid,
            _ => by_words(&problem.message),
        }
    })
}

fn by_http_code(problem: &Problem) -> Option<FailureKind> {
    match problem.http_code.as_str() {
        "401" | "403" => Some(FailureKind::Auth),
        "429" => Some(FailureKind::RateLimited),
        // Royal Mail names what it did not find; the gateway has no such path.
        "404" if !problem.code.is_empty() => Some(FailureKind::NotFound),
        "408" => Some(FailureKind::CarrierDown),
        code if code.starts_with('5') && code.len() == 3 => Some(FailureKind::CarrierDown),
        code if code.starts_with('4') && code.len() == 3 => Some(FailureKind::Invalid),
        _ => None,
    }
}

/// Where nothing but words is left.
fn by_words(message: &str) -> FailureKind {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["recognised", "not found", "cannot be located"]) {
        FailureKind::NotFound
    } else if says(&["too many", "rate limit", "quota"]) {
        FailureKind::RateLimited
    } else if says(&["client id", "unauthor", "forbidden", "credential"]) {
        FailureKind::Auth
    } else {
        FailureKind::Unparsable
    }
}
