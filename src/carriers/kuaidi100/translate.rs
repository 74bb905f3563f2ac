//! Kuaidi100's answers and pushes into ours.

use serde_json::value::RawValue;

use super::wire::{self, Page, fields};
use super::{company, failure, status};
use crate::carriers::merge::{doubt_deliveries, merged, whole};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventStatus, Happening};
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let mut reading = Reading::default();
    match wire::page(&text) {
        None => return without_body(answer),
        // Subscribed to: nothing is said of any parcel.
        Some(Page::Error { code, .. }) if code == failure::GOOD => {}
        Some(Page::Error { code, message, number }) => {
            let failure = failure::of_query(&code, &message).with_wait(answer);
            reading.failures.push(failure.of(number.parse().ok()));
        }
        Some(Page::Result(_) | Page::Push { .. }) if !answer.is_success() => return without_body(answer),
        Some(page) => {
            let mut doubts = Vec::from_iter(is_anothers(&page).then_some(EventStatus::Unknown));
            match &page {
                Page::Push { status, message, results, .. } => {
                    add_pushed(&mut reading, (status, message), results, gazetteer);
                    doubts.extend(whole_at_the_end(results));
                }
                Page::Result(_) | Page::Error { .. } => {
                    add(&mut reading, &page, (failure::NO_RESULT, ""), gazetteer);
                }
            }
            reading.packages.iter_mut().for_each(|package| doubt_deliveries(&mut package.seen, &doubts));
        }
    }
    Ok(reading)
}

/// A subscription ends for good with a signature (`shutdown`), and for now where nothing moves (`abort`).
fn add_pushed(reading: &mut Reading, nothing: (&str, &str), results: &[Page<'_>], gazetteer: &dyn Gazetteer) {
    for page in results {
        // The carrier at the other end often has nothing to add.
        let adds = matches!(page, Page::Result(result) if !result.events.is_empty());
        if adds || reading == &Reading::default() {
            add(reading, page, nothing, gazetteer);
        }
    }
    if reading == &Reading::default() {
        reading.failures.push(not_found(nothing));
    }
}

/// What the carrier in the country of destination says of the whole: it is the one that delivers.
fn whole_at_the_end(results: &[Page<'_>]) -> Vec<EventStatus> {
    match results {
        [_, Page::Result(result)] if !result.events.is_empty() => whole_of(result),
        _ => Vec::new(),
    }
}

pub fn subscribed(answer: &Answer) -> Result<Reading, NotAnAnswer> {
    match wire::page(&String::from_utf8_lossy(&answer.body)) {
        Some(Page::Error { code, message, .. }) => {
            let failures = failure::of_subscription(&code, &message);
            Ok(Reading { packages: Vec::new(), failures: failures.into_iter().collect() })
        }
        Some(Page::Result(_) | Page::Push { .. }) | None => without_body(answer),
    }
}

/// `nothing`: code and message where there is no event.
fn add(reading: &mut Reading, page: &Page<'_>, nothing: (&str, &str), gazetteer: &dyn Gazetteer) {
    let result = match page {
        Page::Result(result) => result,
        Page::Error { code, message, number } => {
            return reading.failures.push(failure::of_query(code, message).of(number.parse().ok()));
        }
        Page::Push { .. } => return,
    };
    let Ok(number) = result.number.parse::<TrackingNumber>() else {
        let failure = if result.events.is_empty() { not_found(nothing) } else { unreadable() };
        return reading.failures.push(failure);
    };
    if result.events.is_empty() {
        return reading.failures.push(not_found(nothing).of(Some(number)));
    }
    let (mut seen, unreadable) = events(result, gazetteer);
    doubt_deliveries(&mut seen, &whole_of(result));
    match reading.packages.iter_mut().find(|package| package.number == number) {
        Some(package) => {
            package.seen = merged(vec![std::mem::take(&mut package.seen), seen]);
            package.unreadable.extend(unreadable);
        }
        None => reading.packages.push(Package { number, also: Vec::new(), seen, unreadable }),
    }
    reading.packages.iter_mut().for_each(|package| mark_what_came_back(&mut package.seen));
}

fn whole_of(result: &wire::Result<'_>) -> Vec<EventStatus> {
    whole([result.state.as_str()], status::of)
}

/// What is another company's is another parcel under the same number.
fn is_anothers(page: &Page<'_>) -> bool {
    match page {
        Page::Result(result) => !company::is_of(&result.number, &result.company),
        Page::Push { results, is_other_company, .. } => {
            // Kuaidi100 found that the company was named wrong: so might be the parcel.
            *is_other_company || results.first().is_some_and(is_anothers)
        }
        Page::Error { .. } => false,
    }
}

fn not_found((code, message): (&str, &str)) -> Failure {
    Failure::new(FailureKind::NotFound, code, if message.is_empty() { "no event yet" } else { message })
}

fn unreadable() -> Failure {
    Failure::new(FailureKind::Unparsable, "", "there is no number with the events")
}

fn events(result: &wire::Result<'_>, gazetteer: &dyn Gazetteer) -> (Vec<Seen>, Vec<String>) {
    let read = |raw: &RawValue, state: Option<&str>| -> Option<Happening> {
        status::happening(&fields(raw)?, state, gazetteer)
    };
    let at = |raw: &RawValue| read(raw, None).map(|happening| happening.occurred.at);
    let newest = result.events.iter().filter_map(|raw| at(raw)).max();
    let mut is_told = false;
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    for raw in &result.events {
        let is_newest = !is_told && newest.is_some() && at(raw) == newest;
        is_told |= is_newest;
        let state = Some(result.state.as_str()).filter(|state| is_newest && !state.is_empty());
        match read(raw, state) {
            Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => unreadable.push(raw.get().to_owned()),
        }
    }
    (merged(vec![seen]), unreadable)
}
