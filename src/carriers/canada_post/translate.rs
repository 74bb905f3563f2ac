//! Canada Post's events into ours.

use std::sync::LazyLock;

use chrono::TimeDelta;

use super::clocks;
use super::tree::{self, Element};
use super::wire::{self, Detail, Message, Occurrence};
use crate::carriers::codes::{Codes, Row};
use crate::carriers::moment::{Moment, moment};
use crate::carriers::names::described;
use crate::carriers::reading::without_body;
use crate::carriers::verdict::{agreed_by_row, beyond};
use crate::carriers::wording::{Meaning, meaning, recipient};
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen, french};
use crate::domain::event::{DeliveredTo, EventStatus, Happening, Occurred};
use crate::outbound::Answer;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let Some(root) = tree::parse(&text) else { return without_body(answer) };
    let failures = wire::messages(&root).iter().map(|message| failure(message, answer)).collect();
    let mut reading = Reading { packages: Vec::new(), failures };
    for detail in wire::details(&root).iter().filter(|_| answer.is_success()) {
        match detail.pin.parse() {
            Ok(number) => {
                let package = Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() };
                reading.packages.push(filled(package, detail, gazetteer));
            }
            Err(_) => {
                let message = "tracking details without a number";
                reading.failures.push(Failure::new(FailureKind::Unparsable, "", message));
            }
        }
    }
    if reading == Reading::default() { without_body(answer) } else { Ok(reading) }
}

fn filled(mut package: Package, detail: &Detail, gazetteer: &dyn Gazetteer) -> Package {
    for element in &detail.occurrences {
        match happening(element, gazetteer) {
            Some(happening) => package.seen.push(Seen { happening, raw: element.raw.to_owned() }),
            None => package.unreadable.push(element.raw.to_owned()),
        }
    }
    if detail.is_return {
        let happenings = package.seen.iter_mut().map(|seen| &mut seen.happening);
        for happening in happenings.filter(|one| one.status == EventStatus::Delivered) {
            (happening.status, happening.delivered_to) = (EventStatus::Returned, None);
        }
    }
    package
}

fn happening(element: &Element, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let event = wire::occurrence(element);
    let place = place(&event);
    let occurred = occurred(&event, &place, gazetteer)?;
    let (status, delivered_to) = status(&event);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: event.identifier.clone(),
        description: described(&event.description, row(&event)),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// A day without a time of day is nowhere in a timeline.
fn occurred(event: &Occurrence, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    if event.time.is_empty() {
        return None;
    }
    let read = moment(&format!("{}T{}", event.date, event.time), &[])?;
    let minutes = clocks::minutes_of(&event.time_zone, !place.country.is_empty());
    let moment = match (read, minutes) {
        (Moment::Local(local), Some(minutes)) => {
            Moment::Absolute(local.and_utc() - TimeDelta::minutes(minutes.into()))
        }
        (read, _) => read,
    };
    let written = format!("{} {} {}", event.date, event.time, event.time_zone);
    Some(moment.occurred(written.trim_end(), place, gazetteer))
}

const PROVINCES: [&str; 13] = ["AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"];
/// The states of the United States and its capital's district, by USPS' letters.
const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT \
                      NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY";

fn place(event: &Occurrence) -> Place {
    let province = event.province.to_ascii_uppercase();
    let country = if PROVINCES.contains(&province.as_str()) {
        "CA"
    } else if STATES.split_whitespace().any(|state| state == province) {
        "US"
    } else {
        ""
    };
    Place {
        country: country.into(),
        region: event.province.clone(),
        town: event.site.clone(),
        postal_code: String::new(),
    }
}

/// English, or French where nothing English is in it.
fn status(event: &Occurrence) -> (EventStatus, Option<DeliveredTo>) {
    let texts = [event.description.as_str()];
    let (meaning, told) = match meaning(&texts) {
        Meaning::Nothing => (french::meaning(texts[0]), french::recipient(texts[0])),
        english => (english, recipient(&texts)),
    };
    let row = row(event);
    agreed_by_row(row, beyond(row, &event.description, meaning), told)
}

fn row(event: &Occurrence) -> Option<&'static Row> {
    CODES.get(event.identifier.trim_start_matches('0'))
}

fn failure(message: &Message, answer: &Answer) -> Failure {
    Failure::new(kind(message, answer), &message.code, &message.description).with_wait(answer)
}

/// The codes are those of all services; 004 is the tracking service's for a number without history.
fn kind(message: &Message, answer: &Answer) -> FailureKind {
    let code = message.code.to_ascii_uppercase();
    let text = message.description.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["slm monitor", "throttl", "too many requests"]) {
        FailureKind::RateLimited
    } else if code == "E002"
        || code.starts_with("AA0")
        || matches!(answer.status, 401 | 403)
        || says(&["authentication", "not authorized", "unauthorized", "mobo"])
    {
        FailureKind::Auth
    } else if says(&["requested resource"]) {
        // There is no such address, whatever the number.
        FailureKind::Invalid
    } else if code == "004" || code == "4" || says(&["no pin history", "not found", "no match"]) {
        FailureKind::NotFound
    } else if says(&["system error", "unavailable", "backside", "internal"]) {
        FailureKind::CarrierDown
    } else if says(&["invalid", "not valid", "mandatory", "required", "must"]) {
        FailureKind::Invalid
    } else {
        let by_status = Failure::by_status(answer).map(|failure| failure.kind);
        let otherwise = if answer.status / 100 == 4 { FailureKind::Invalid } else { FailureKind::Unparsable };
        by_status.unwrap_or(otherwise)
    }
}
