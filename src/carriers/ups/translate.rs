//! UPS's packages and activities into ours.

use super::status::verdict;
use super::wire::{self, Fields};
use crate::carriers::json::Object;
use crate::carriers::moment::{Moment, moment, offset};
use crate::carriers::problem::{Problem, errors_alone};
use crate::carriers::reading::without_body;
use crate::carriers::wording::without_names;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{Happening, Occurred};
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let body = Object::body(&text).unwrap_or_default();
    if let Some(reading) = errors_alone(&wire::errors(&body), failure, &body, answer) {
        return Ok(reading);
    }
    let Some(shipments) = wire::shipments(&body).filter(|_| answer.is_success()) else {
        return without_body(answer);
    };
    let mut reading = Reading::default();
    for raw in shipments {
        match wire::shipment(raw) {
            Some(shipment) => add(&mut reading, &shipment, answer, gazetteer),
            None => reading.failures.push(Failure::unparsable("a shipment cannot be read")),
        }
    }
    Ok(reading)
}

fn add(reading: &mut Reading, shipment: &wire::Shipment<'_>, answer: &Answer, gazetteer: &dyn Gazetteer) {
    let asked: Option<TrackingNumber> = shipment.inquiry_number.parse().ok();
    let is_alone = shipment.packages.len() == 1;
    for raw in &shipment.packages {
        let package = wire::package(raw);
        match package.and_then(|package| translate(&package, asked.as_ref(), is_alone, gazetteer)) {
            Some(package) => reading.packages.push(package),
            None => reading.failures.push(Failure::unparsable("a package cannot be read")),
        }
    }
    // Beside packages a warning says nothing of where they are.
    if shipment.packages.is_empty() {
        let warnings = shipment.warnings.iter().map(|warning| failure(warning, answer).of(asked.clone()));
        reading.failures.extend(warnings);
    }
}

/// UPS numbers its errors by who has to act; the words are asked where the number is not known.
pub fn failure(problem: &Problem, answer: &Answer) -> Failure {
    let words = problem.message.to_lowercase();
    let says = |phrase: &str| words.contains(phrase);
    let known = match problem.code.to_ascii_uppercase().as_str() {
        "TW0001" => FailureKind::NotFound,
        "10429" => FailureKind::RateLimited,
        "10401" | "10403" => FailureKind::Auth,
        code if code.starts_with("2500") => FailureKind::Auth,
        code if code.starts_with("105") => FailureKind::CarrierDown,
        _ if says("not found") || says("no tracking information") => FailureKind::NotFound,
        _ if says("too many requests") || says("rate limit") => FailureKind::RateLimited,
        _ if says("authenti") || says("authoriz") || says("access token") => FailureKind::Auth,
        _ if says("unavailable") || says("internal server error") => FailureKind::CarrierDown,
        code if code.starts_with("TV") || says("invalid") => FailureKind::Invalid,
        _ if answer.status == 404 => FailureKind::NotFound,
        _ => return problem.failure(None, answer),
    };
    problem.failure(Some(known), answer)
}

/// A package that stands alone for the whole shipment also answers to the number that was asked about.
fn translate(
    package: &wire::Package<'_>,
    asked: Option<&TrackingNumber>,
    is_alone: bool,
    gazetteer: &dyn Gazetteer,
) -> Option<Package> {
    // `string` stands there where UPS shows its own examples.
    let has_digits = package.tracking_number.bytes().any(|byte| byte.is_ascii_digit());
    let own: Option<TrackingNumber> = package.tracking_number.parse().ok().filter(|_| has_digits);
    let number = own.or_else(|| asked.filter(|_| is_alone).cloned())?;
    let mut also: Vec<TrackingNumber> =
        package.alternate_numbers.iter().filter_map(|text| text.parse().ok()).collect();
    also.extend(asked.filter(|_| is_alone && package.package_count <= 1).cloned());
    also.retain(|other| *other != number);
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    let newest_delivery = newest_delivery(package);
    for (at, raw) in package.activity.iter().enumerate() {
        let fields = wire::fields(raw);
        let now = Some(package.current.as_str()).filter(|_| at == 0);
        let location = Some(package.location.as_str()).filter(|_| Some(at) == newest_delivery);
        match fields.and_then(|fields| happening(&fields, now, location, gazetteer)) {
            Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => unreadable.push(raw.get().to_owned()),
        }
    }
    Some(Package { number, also, seen, unreadable })
}

/// The one that the package's delivery information is about.
fn newest_delivery(package: &wire::Package<'_>) -> Option<usize> {
    let is_delivery =
        |raw: &&serde_json::value::RawValue| wire::fields(raw).is_some_and(|one| one.kind == "D");
    package.activity.iter().position(is_delivery)
}

fn happening(
    fields: &Fields,
    now: Option<&str>,
    location: Option<&str>,
    gazetteer: &dyn Gazetteer,
) -> Option<Happening> {
    let place = Place {
        country: fields.country.clone(),
        region: fields.region.clone(),
        town: fields.city.clone(),
        postal_code: fields.postal_code.clone(),
    };
    let verdict = verdict(fields, now, location);
    Some(Happening {
        status: verdict.status,
        delivered_to: verdict.delivered_to,
        occurred: occurred(fields, &place, gazetteer)?,
        code: if fields.code.is_empty() { fields.kind.clone() } else { fields.code.clone() },
        description: description(fields),
        location: place.location(gazetteer),
        cancels: verdict.cancels,
    })
}

fn description(fields: &Fields) -> String {
    let text = if fields.description.is_empty() { &fields.simplified } else { &fields.description };
    without_names(text)
}

/// UPS says the same time twice: by the clock of the place, and by that of Greenwich.
fn occurred(fields: &Fields, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let written = format!("{} {}", fields.date, fields.time).trim().to_owned();
    let local = iso(&fields.date, &fields.time).and_then(|text| moment(&text, &[]));
    let in_greenwich = iso(&fields.gmt_date, &fields.gmt_time).and_then(|text| moment(&(text + "Z"), &[]));
    let at_offset = || Some(local?.at_offset(offset(&fields.gmt_offset)?));
    let at: Moment = in_greenwich.or_else(at_offset).or(local)?;
    let written =
        if written.is_empty() { format!("{} {}", fields.gmt_date, fields.gmt_time) } else { written };
    Some(at.occurred(&written, place, gazetteer))
}

/// `20210210` and `71356` or `07:13:56` as `2021-02-10T07:13:56`.
fn iso(date: &str, time: &str) -> Option<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (date, time) = (digits(date), digits(time));
    let time = match time.len() {
        4 => format!("{time}00"),
        5 | 6 => format!("{time:0>6}"),
        _ => return None,
    };
    let date = (date.len() == 8).then_some(date)?;
    let (day, clock) = (format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]), &time[..2]);
    Some(format!("{day}T{clock}:{}:{}", &time[2..4], &time[4..]))
}
