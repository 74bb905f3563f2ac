//! DHL's events into ours.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::status::status;
use super::wire::{self, Fields, Shipment};
use super::wording::{Meaning, meaning};
use crate::carriers::{Reading, Seen, zones};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventLocation, EventStatus, Happening, Occurred, OffsetSource};
use crate::domain::instant::{Instant, cut};

/// What follows these words is a person's name: it stays in the raw event, and nowhere else.
const NAMES_FOLLOW: &[&str] =
    &["signed for by", "signed by", "received by", "accepted by", "neighbour", "neighbor"];

/// The body of a `200`, as far as it is about `number`.
pub fn page(number: &TrackingNumber, body: &[u8]) -> Reading {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(body);
    let Some(page) = wire::page(&text) else {
        return unparsable("the body is not in DHL's format".to_owned());
    };
    let mut strange = 0;
    for raw in &page.shipments {
        match wire::object::<Shipment>(Some(raw)) {
            Some(shipment) if is_asked_for(number, &shipment) => return shipment_events(number, &shipment),
            Some(_) => {}
            None => strange += 1,
        }
    }
    if strange > 0 { unparsable(format!("{strange} shipments cannot be read")) } else { Reading::NotFound }
}

fn unparsable(reason: String) -> Reading {
    Reading::Unparsable { reason }
}

fn same(number: &TrackingNumber, text: &str) -> bool {
    text.parse().is_ok_and(|other: TrackingNumber| other == *number)
}

/// The same digits can be another division's shipment, and then it has another id.
fn is_asked_for(number: &TrackingNumber, shipment: &Shipment) -> bool {
    let by_id = shipment.id().is_some_and(|id| same(number, &id));
    by_id || shipment.piece_ids().iter().any(|piece| same(number, piece))
}

fn shipment_events(number: &TrackingNumber, shipment: &Shipment) -> Reading {
    let mut pieces = shipment.piece_ids();
    let is_piece = pieces.len() > 1 && pieces.iter().any(|piece| same(number, piece));
    if is_piece {
        pieces.clear();
    }
    let (mut seen, mut unreadable, mut known) = (Vec::new(), Vec::new(), Vec::new());
    let mut keep = |raw: &RawValue, fields: Option<Fields>| match fields
        .and_then(|fields| happening(&fields, &pieces))
    {
        Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
        None => unreadable.push(raw.get().to_owned()),
    };
    for raw in shipment.events() {
        let fields = wire::fields(raw);
        if let Some(fields) = &fields {
            if is_piece && is_of_others(number, fields) {
                continue;
            }
            known.push((fields.timestamp.clone(), fields.status_code.clone()));
        }
        keep(raw, fields);
    }
    // The shipment's status repeats its newest event, and rarely is all there is. It is
    // about the whole shipment, so it says nothing about one piece of several.
    if let Some(raw) = shipment.status.filter(|_| !is_piece) {
        let fields = wire::fields(raw);
        let is_known = |fields: &Fields| {
            known.iter().any(|(at, code)| *at == fields.timestamp && *code == fields.status_code)
        };
        if !fields.as_ref().is_some_and(is_known) {
            keep(raw, fields);
        }
    }
    Reading::Events { seen, unreadable }
}

fn is_of_others(number: &TrackingNumber, fields: &Fields) -> bool {
    !fields.piece_ids.is_empty() && !fields.piece_ids.iter().any(|piece| same(number, piece))
}

fn happening(fields: &Fields, pieces: &[String]) -> Option<Happening> {
    let location = EventLocation {
        country: non_empty(&fields.country_code.to_ascii_uppercase()),
        place: non_empty(&fields.locality),
        postal_code: non_empty(&fields.postal_code),
    };
    let occurred = occurred(&fields.timestamp, &location)?;
    let (status, delivered_to) = whole(status(fields), fields, pieces);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: fields.status_code.clone(),
        description: description(fields, status),
        location,
    })
}

/// One of a shipment's `pieces` that is handed over is not a shipment that is handed over.
fn whole(
    told: (EventStatus, Option<DeliveredTo>),
    fields: &Fields,
    pieces: &[String],
) -> (EventStatus, Option<DeliveredTo>) {
    let named = &fields.piece_ids;
    let some_only = !named.is_empty() && pieces.iter().any(|piece| !named.contains(piece));
    if told.0 == EventStatus::Delivered && some_only { (EventStatus::Unknown, None) } else { told }
}

/// The longer text. In a delivery's, who signed is left out; a description that is no
/// sentence of DHL's can be a name as a whole.
fn description(fields: &Fields, status: EventStatus) -> String {
    let is_over = status == EventStatus::Delivered || fields.status_code.eq_ignore_ascii_case("delivered");
    let is_told_twice = !fields.status.is_empty();
    let says_nothing = meaning(&[&fields.description]) == Meaning::Nothing;
    let text = if fields.description.is_empty() || is_over && is_told_twice && says_nothing {
        &fields.status
    } else {
        &fields.description
    };
    without_names(text)
}

fn without_names(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    let end = NAMES_FOLLOW.iter().filter_map(|words| small.find(words).map(|at| at + words.len())).min();
    text[..end.unwrap_or(text.len())].to_owned()
}

fn non_empty(text: &str) -> Option<String> {
    if text.is_empty() { None } else { Some(text.to_owned()) }
}

/// A time without an offset was read from a clock on the wall of the place.
fn occurred(timestamp: &str, location: &EventLocation) -> Option<Occurred> {
    let (at, offset_source) = match with_offset(timestamp) {
        Some(at) => (at, OffsetSource::Carrier),
        None => {
            let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(timestamp, form).ok())
                .filter(|local| is_plausible(local.year()))?;
            let zone = location
                .country
                .as_deref()
                .and_then(|country| zones::zone_of(country.parse().ok()?, location.place.as_deref()));
            zone.and_then(|(zone, source)| Some((instant_of(local, zone)?, source)))
                .unwrap_or((local.and_utc(), OffsetSource::AssumedUtc))
        }
    };
    Some(Occurred { at: cut(at), local_time: timestamp.to_owned(), offset_source })
}

fn with_offset(timestamp: &str) -> Option<Instant> {
    let at = DateTime::parse_from_rfc3339(timestamp)
        .or_else(|_| DateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    is_plausible(at.year()).then(|| at.to_utc())
}

/// Outside of these years it is a mistake, and no database's calendar need reach it.
fn is_plausible(year: i32) -> bool {
    (1990..2200).contains(&year)
}

/// Of an hour that came twice, the first; an hour that was skipped is counted on from before the gap.
fn instant_of(local: NaiveDateTime, zone: Tz) -> Option<Instant> {
    let hour = TimeDelta::hours(1);
    zone.from_local_datetime(&local)
        .earliest()
        .or_else(|| Some(zone.from_local_datetime(&(local - hour)).earliest()? + hour))
        .map(|at| at.to_utc())
}
