//! AfterShip's answers and pushes into ours.

use serde_json::value::RawValue;

use super::wire::{self, Page, Tracked, fields};
use super::{failure, status};
use crate::carriers::merge::{by_number, doubt_deliveries, merged, of_carriers, whole};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::EventStatus;
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one event it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let mut reading = Reading::default();
    match wire::page(&text) {
        Some(Page::Said { code, message, trackings }) if !failure::is_good(&code) => {
            reading.failures.push(failed(&code, &message, &trackings, answer));
        }
        Some(Page::Said { trackings, .. } | Page::Pushed { trackings }) if answer.is_success() => {
            add_packages(&mut reading, &trackings, gazetteer);
        }
        Some(Page::Said { .. } | Page::Pushed { .. }) | None => return without_body(answer),
    }
    Ok(reading)
}

/// What was created has nothing to say yet; what was there before is as good.
pub fn created(answer: &Answer) -> Result<Reading, NotAnAnswer> {
    match wire::page(&String::from_utf8_lossy(&answer.body)) {
        Some(Page::Said { code, .. }) if failure::is_good(&code) || code == failure::EXISTS => {
            Ok(Reading::default())
        }
        Some(Page::Said { code, message, trackings }) => {
            Ok(Reading::failed(failed(&code, &message, &trackings, answer)))
        }
        Some(Page::Pushed { .. }) | None => without_body(answer),
    }
}

fn failed(code: &str, message: &str, trackings: &[&RawValue], answer: &Answer) -> Failure {
    let meant = trackings.first().and_then(|raw| wire::tracked(raw));
    let number = meant.and_then(|tracked| tracked.number.parse().ok());
    failure::failure(code, message).with_wait(answer).of(number)
}

fn add_packages(reading: &mut Reading, trackings: &[&RawValue], gazetteer: &dyn Gazetteer) {
    let entries = trackings.iter().map(|raw| wire::tracked(raw));
    let what = "a tracking or its number cannot be read";
    let (known, failures) = by_number(entries, |tracked: &Tracked<'_>| &tracked.number, what);
    reading.failures.extend(failures);
    for (number, tracked) in known {
        let package = package(number, &tracked, gazetteer);
        if package.seen.is_empty() && package.unreadable.is_empty() {
            let Tracked { tag, subtag, .. } = &tracked[0];
            let code = [subtag, tag].into_iter().find(|word| !word.is_empty());
            // Something has to stand here: a number without a word is one that was never created.
            let code = code.map_or("Pending", String::as_str);
            let failure = Failure::new(FailureKind::NotFound, code, "no checkpoint yet");
            reading.failures.push(failure.of(Some(package.number)));
        } else {
            reading.packages.push(package);
        }
    }
}

/// All that is said of one number, however many carriers it was created for.
fn package(number: TrackingNumber, tracked: &[Tracked<'_>], gazetteer: &dyn Gazetteer) -> Package {
    let mut package = Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() };
    let mut said: Vec<(&str, Vec<Seen>)> = Vec::new();
    for tracked in tracked {
        let mut seen = views(tracked, &mut package.unreadable, gazetteer);
        let mut whole = whole([tracked.tag.as_str(), tracked.subtag.as_str()], status::of);
        whole.extend(tracked.is_returned.then_some(EventStatus::Returned));
        doubt_deliveries(&mut seen, &whole);
        said.push((&tracked.slug, seen));
    }
    package.seen = of_carriers(said);
    mark_what_came_back(&mut package.seen);
    package
}

/// The views of the carriers on the way: each checkpoint says whose it is.
fn views(tracked: &Tracked<'_>, unreadable: &mut Vec<String>, gazetteer: &dyn Gazetteer) -> Vec<Seen> {
    let mut views: Vec<(String, Vec<Seen>)> = Vec::new();
    for raw in &tracked.checkpoints {
        let fields = fields(raw);
        let happening = fields.as_ref().and_then(|fields| status::happening(fields, gazetteer));
        let (Some(fields), Some(happening)) = (fields, happening) else {
            unreadable.push(raw.get().to_owned());
            continue;
        };
        let seen = Seen { happening, raw: raw.get().to_owned() };
        match views.iter_mut().find(|(slug, _)| *slug == fields.slug) {
            Some((_, view)) => view.push(seen),
            None => views.push((fields.slug, vec![seen])),
        }
    }
    merged(views.into_iter().map(|(_, seen)| seen).collect())
}
