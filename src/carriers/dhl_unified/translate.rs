//! DHL's events into ours.

use std::time::Duration;

use serde_json::value::RawValue;

use super::status::status;
use super::wire::{self, Fields, Shipment};
use crate::carriers::json::object;
use crate::carriers::moment::{is_same_time, moment};
use crate::carriers::reading::without_body;
use crate::carriers::wording::{Meaning, meaning, without_names};
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    // The gateway in front of DHL has a 404 of its own, for a wrong address; it is no problem of DHL's.
    if let Some(problem) = wire::problem(&text) {
        return Ok(Reading::failed(failure(&problem, answer.retry_after)));
    }
    match wire::page(&text).filter(|_| answer.is_success()) {
        Some(page) => page_of(&page, gazetteer),
        None => without_body(answer),
    }
}

fn failure(problem: &wire::Problem, retry_after: Option<Duration>) -> Failure {
    let code = problem.code();
    let kind = match code.as_str() {
        "404" => FailureKind::NotFound,
        "401" | "403" => FailureKind::Auth,
        "429" => FailureKind::RateLimited,
        "408" => FailureKind::CarrierDown,
        code if code.starts_with('5') => FailureKind::CarrierDown,
        code if code.starts_with('4') => FailureKind::Invalid,
        _ => FailureKind::Unparsable,
    };
    Failure { retry_after, ..Failure::new(kind, code, problem.message()) }
}

fn page_of(page: &wire::Page, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let mut reading = Reading::default();
    for raw in &page.shipments {
        match object::<Shipment>(Some(raw)) {
            Some(shipment) => reading.packages.extend(packages(&shipment, gazetteer)),
            None => {
                let message = "a shipment cannot be read";
                reading.failures.push(Failure::new(FailureKind::Unparsable, "", message));
            }
        }
    }
    Ok(reading)
}

/// The shipment as a whole, and each of its pieces where there are several.
fn packages(shipment: &Shipment, gazetteer: &dyn Gazetteer) -> Vec<Package> {
    let numbers = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<_>>();
    let pieces = shipment.piece_ids();
    let piece_numbers: Vec<TrackingNumber> = numbers(&pieces);
    let id = shipment.id().and_then(|id| id.parse().ok());
    // What is told of all at once is told of each.
    let all = Pieces { listed: &pieces, count: shipment.pieces_count() };
    let is_told_apart = pieces.len().max(all.count) > 1 && tells_pieces_apart(shipment);
    let mut packages = Vec::new();
    if let Some(number) = id.or_else(|| piece_numbers.first().cloned().filter(|_| !is_told_apart)) {
        let also = if is_told_apart { Vec::new() } else { piece_numbers.clone() };
        packages.push(package(number, also, shipment, &all, None, gazetteer));
    }
    for piece in piece_numbers.iter().filter(|_| is_told_apart) {
        packages.push(package(piece.clone(), Vec::new(), shipment, &Pieces::NONE, Some(piece), gazetteer));
    }
    packages
}

/// All that have to be handed over before the whole is.
struct Pieces<'p> {
    listed: &'p [String],
    count: usize,
}

impl Pieces<'_> {
    const NONE: Self = Self { listed: &[], count: 0 };

    fn are_all_among(&self, named: &[String]) -> bool {
        named.len() >= self.count && self.listed.iter().all(|piece| named.contains(piece))
    }
}

/// Some event names pieces, or the status tells of the whole what no event does.
fn tells_pieces_apart(shipment: &Shipment) -> bool {
    let events: Vec<Fields> = shipment.events().into_iter().filter_map(wire::fields).collect();
    let status = shipment.status.and_then(wire::fields);
    let is_known = |status: &Fields| events.iter().any(|event| is_same(event, status));
    events.iter().any(|event| !event.piece_ids.is_empty()) || status.is_some_and(|status| !is_known(&status))
}

fn is_same(event: &Fields, status: &Fields) -> bool {
    is_same_time(&event.timestamp, &status.timestamp)
        && event.status_code.eq_ignore_ascii_case(&status.status_code)
}

/// `piece`: the one that this is about.
fn package(
    number: TrackingNumber,
    also: Vec<TrackingNumber>,
    shipment: &Shipment,
    pieces: &Pieces,
    piece: Option<&TrackingNumber>,
    gazetteer: &dyn Gazetteer,
) -> Package {
    let (mut seen, mut unreadable, mut known) = (Vec::new(), Vec::new(), Vec::<Fields>::new());
    let mut keep = |raw: &RawValue, fields: Option<&Fields>| match fields
        .and_then(|fields| happening(fields, pieces, gazetteer))
    {
        Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
        None => unreadable.push(raw.get().to_owned()),
    };
    for raw in shipment.events() {
        let fields = wire::fields(raw);
        if piece.is_some_and(|piece| fields.as_ref().is_some_and(|fields| is_of_others(piece, fields))) {
            continue;
        }
        keep(raw, fields.as_ref());
        known.extend(fields);
    }
    // The shipment's status repeats its newest event, and rarely is all there is. It is
    // about the whole shipment, so it says nothing about one piece of several.
    if let Some(raw) = shipment.status.filter(|_| piece.is_none()) {
        let fields = wire::fields(raw);
        let is_known = |status: &Fields| known.iter().any(|event| is_same(event, status));
        if !fields.as_ref().is_some_and(is_known) {
            keep(raw, fields.as_ref());
        }
    }
    Package { number, also, seen, unreadable }
}

fn is_of_others(number: &TrackingNumber, fields: &Fields) -> bool {
    let same = |text: &String| text.parse().is_ok_and(|other: TrackingNumber| other == *number);
    !fields.piece_ids.is_empty() && !fields.piece_ids.iter().any(same)
}

fn happening(fields: &Fields, pieces: &Pieces, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let place = Place {
        country: fields.country_code.clone(),
        region: String::new(),
        town: fields.locality.clone(),
        postal_code: fields.postal_code.clone(),
    };
    let occurred = moment(&fields.timestamp, &[])?.occurred(&fields.timestamp, &place, gazetteer);
    let (status, delivered_to) = whole(status(fields), fields, pieces);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: fields.status_code.clone(),
        description: description(fields, status),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// One of a shipment's `pieces` that is handed over is not a shipment that is handed over.
fn whole(
    told: (EventStatus, Option<DeliveredTo>),
    fields: &Fields,
    pieces: &Pieces,
) -> (EventStatus, Option<DeliveredTo>) {
    let named = &fields.piece_ids;
    let some_only = !named.is_empty() && !pieces.are_all_among(named);
    if told.0 == EventStatus::Delivered && some_only { (EventStatus::Unknown, None) } else { told }
}

/// The longer text. In a delivery's, who signed is left out; a description that is no
/// sentence of DHL's can be a name as a whole.
fn description(fields: &Fields, status: EventStatus) -> String {
    let is_over = status == EventStatus::Delivered
        || fields.status_code.eq_ignore_ascii_case("delivered")
        || meaning(&[&fields.status]) == Meaning::Says(EventStatus::Delivered);
    let is_told_twice = !fields.status.is_empty();
    let says_nothing = meaning(&[&fields.description]) == Meaning::Nothing;
    let text = if fields.description.is_empty() || is_over && is_told_twice && says_nothing {
        &fields.status
    } else {
        &fields.description
    };
    without_names(text)
}
