//! 17TRACK's answers into ours.

use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::event::{Fields, fields};

use super::wire::{self, Followed, Page};
use super::{failure, status};
use crate::carriers::codes::Codes;
use crate::carriers::merge::{by_number, doubt_deliveries, merged, of_carriers, whole};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{Failure, Gazetteer, NotAnAnswer, Package, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::outbound::Answer;

pub static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::embedded(include_str!("codes.csv")));

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let Some(page) = wire::page(&text) else { return without_body(answer) };
    let mut reading = Reading { packages: Vec::new(), failures: failures(&page, answer) };
    if answer.is_success() {
        add_packages(&mut reading, &page, gazetteer);
    } else if reading.failures.is_empty() {
        return without_body(answer);
    }
    Ok(reading)
}

/// Those that were taken have nothing to say yet; those that were taken before are as good.
pub fn registered(answer: &Answer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let Some(page) = wire::page(&text) else { return without_body(answer) };
    let mut failures = failures(&page, answer);
    failures.retain(|failure| failure.code != failure::ALREADY_REGISTERED);
    match failures.is_empty() && !answer.is_success() {
        true => without_body(answer),
        false => Ok(Reading { packages: Vec::new(), failures }),
    }
}

fn failures(page: &Page<'_>, answer: &Answer) -> Vec<Failure> {
    let whole = page.error.iter().map(|(code, message)| failure::failure(code, message).with_wait(answer));
    let of_numbers = page
        .rejected
        .iter()
        .map(|rejected| failure::failure(&rejected.code, &rejected.message).of(rejected.number.parse().ok()));
    whole.chain(of_numbers).collect()
}

fn add_packages(reading: &mut Reading, page: &Page<'_>, gazetteer: &dyn Gazetteer) {
    let entries = page.accepted.iter().map(|raw| wire::followed(raw));
    let what = "a number or what is said of it cannot be read";
    let (known, failures) = by_number(entries, |followed: &Followed<'_>| &followed.number, what);
    reading.failures.extend(failures);
    for (number, followed) in known {
        let package = package(number, &followed, gazetteer);
        if package.seen.is_empty() && package.unreadable.is_empty() && !page.is_stopped {
            let [coarse, fine] = &followed[0].status;
            let status = if fine.is_empty() { coarse } else { fine };
            reading.failures.push(failure::nothing_yet(status).of(Some(package.number)));
        } else {
            reading.packages.push(package);
        }
    }
}

/// All that is said of one number, however many carriers 17TRACK asks about it.
fn package(number: TrackingNumber, followed: &[Followed<'_>], gazetteer: &dyn Gazetteer) -> Package {
    let mut package = Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() };
    let mut said: Vec<(&str, Vec<Seen>)> = Vec::new();
    for followed in followed {
        let mut seen = views(followed, &mut package.unreadable, gazetteer);
        doubt_deliveries(&mut seen, &whole(followed.status.iter().map(String::as_str), status::of));
        said.push((&followed.carrier, seen));
    }
    package.seen = of_carriers(said);
    mark_what_came_back(&mut package.seen);
    package
}

/// The views of all carriers on the way, with the newest event where the lists do not have it.
fn views(followed: &Followed<'_>, unreadable: &mut Vec<String>, gazetteer: &dyn Gazetteer) -> Vec<Seen> {
    let mut views: Vec<Vec<Seen>> = Vec::new();
    for events in &followed.providers {
        let mut view = Vec::new();
        for raw in events {
            match seen(raw, gazetteer) {
                Some(seen) => view.push(seen),
                None => unreadable.push(raw.get().to_owned()),
            }
        }
        views.push(view);
    }
    // It has no fine word of its own, so it repeats an event whatever the two are called.
    let latest = followed.latest_event.and_then(|raw| seen(raw, gazetteer));
    let is_new = |latest: &Seen| {
        let at = latest.happening.occurred.at;
        !views.iter().flatten().any(|seen| seen.happening.occurred.at == at)
    };
    views.extend(latest.filter(is_new).map(|latest| vec![latest]));
    merged(views)
}

fn seen(raw: &RawValue, gazetteer: &dyn Gazetteer) -> Option<Seen> {
    let fields: Fields = fields(raw)?;
    Some(Seen { happening: status::happening(&fields, gazetteer)?, raw: raw.get().to_owned() })
}
