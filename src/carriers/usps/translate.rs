//! USPS's events into ours.

use super::countries;
use super::status::{status, to_whom};
use super::wire::{self, Fields, Page};
use crate::carriers::json::Object;
use crate::carriers::moment::{Moment, moment, offset, on_the_wall};
use crate::carriers::problem::{Problem, errors_alone};
use crate::carriers::reading::without_body;
use crate::carriers::wording::without_names;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventStatus, Happening, Occurred};
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let body = Object::body(&text).unwrap_or_default();
    let number: Option<TrackingNumber> = body.text("trackingNumber").parse().ok();
    let is_error = |problem: &Problem| !problem.says_nothing() || wire::page(&body).is_none();
    let problems: Vec<_> = wire::problem(&body).filter(is_error).into_iter().collect();
    let of_number = |problem: &Problem, answer: &Answer| failure(problem, answer).of(number.clone());
    if let Some(reading) = errors_alone(&problems, of_number, &body, answer) {
        return Ok(reading);
    }
    match wire::page(&body).filter(|_| answer.is_success()) {
        Some(page) => Ok(reading(&page, gazetteer)),
        None => without_body(answer),
    }
}

/// What the older interface called "not found" and "no status yet": negative numbers that still come through.
const NOT_FOUND: [&str; 3] = ["-2147219283", "-2147219284", "-2147219302"];

pub fn failure(problem: &Problem, answer: &Answer) -> Failure {
    let words = problem.message.to_lowercase();
    let says = |phrase: &str| words.contains(phrase);
    let known = match problem.code.as_str() {
        "404" => FailureKind::NotFound,
        code if NOT_FOUND.contains(&code) => FailureKind::NotFound,
        "401" | "403" => FailureKind::Auth,
        "429" => FailureKind::RateLimited,
        "408" => FailureKind::CarrierDown,
        code if code.len() == 3 && code.starts_with('5') => FailureKind::CarrierDown,
        _ if says("not yet available") || says("not available for this item") => FailureKind::NotFound,
        code if code.len() == 3 && code.starts_with('4') => FailureKind::Invalid,
        _ if says("not found") => FailureKind::NotFound,
        _ if says("quota") || says("rate limit") || says("too many") => FailureKind::RateLimited,
        _ if says("invalid") => FailureKind::Invalid,
        _ if answer.status == 404 => FailureKind::NotFound,
        _ => return problem.failure(None, answer),
    };
    problem.failure(Some(known), answer)
}

fn reading(page: &Page<'_>, gazetteer: &dyn Gazetteer) -> Reading {
    let Ok(number) = page.tracking_number.parse() else {
        return Reading::failed(Failure::unparsable("the answer is of no number"));
    };
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    for (at, raw) in page.events.iter().enumerate() {
        let category = if at == 0 { page.category.as_str() } else { "" };
        match wire::fields(raw).and_then(|fields| happening(&fields, page, category, gazetteer)) {
            Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => unreadable.push(raw.get().to_owned()),
        }
    }
    Reading { packages: vec![Package { number, also: Vec::new(), seen, unreadable }], failures: Vec::new() }
}

fn happening(
    fields: &Fields,
    page: &Page<'_>,
    category: &str,
    gazetteer: &dyn Gazetteer,
) -> Option<Happening> {
    // At home USPS names no country.
    let country = match fields.country.as_str() {
        "" => "US".to_owned(),
        name => countries::code(name),
    };
    let place = Place {
        country,
        region: fields.region.clone(),
        town: fields.city.clone(),
        postal_code: fields.postal_code.clone(),
    };
    // Handed over where it was posted, and not where it goes.
    let came_back = page.origin.as_ref().is_some_and(|origin| *origin == fields.postal_code);
    let status = match status(fields, category) {
        EventStatus::Delivered if came_back => EventStatus::Returned,
        status => status,
    };
    Some(Happening {
        status,
        delivered_to: (status == EventStatus::Delivered).then(|| to_whom(fields)),
        occurred: occurred(fields, &place, gazetteer)?,
        code: fields.code.clone(),
        description: without_names(&fields.kind),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// The place's own time, and beside it that of Greenwich or the distance to it.
fn occurred(fields: &Fields, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let local = on_the_wall(&fields.timestamp);
    let in_greenwich = moment(&fields.gmt_timestamp, &[]).map(|at| match at {
        Moment::Absolute(_) => at,
        Moment::Local(at) => Moment::Absolute(at.and_utc()),
    });
    let at_offset = || Some(local?.at_offset(offset(&fields.gmt_offset)?));
    let at = in_greenwich.or_else(at_offset).or(local)?;
    let written = if fields.timestamp.is_empty() { &fields.gmt_timestamp } else { &fields.timestamp };
    Some(at.occurred(written, place, gazetteer))
}
