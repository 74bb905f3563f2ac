//! Australia Post's events into ours.

use serde_json::value::RawValue;

use super::descriptions;
use super::wire::{self, Article, Event, Problem, Tracked};
use crate::carriers::moment::moment;
use crate::carriers::names::described;
use crate::carriers::reading::without_body;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventStatus, Happening};
use crate::outbound::Answer;

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let Some(page) = wire::page(&text) else { return without_body(answer) };
    let mut reading = Reading::default();
    reading.failures.extend(page.problems.iter().map(|problem| failure(problem, answer)));
    let is_silent = page.results.is_none();
    for raw in page.results.unwrap_or_default() {
        take(raw, answer, gazetteer, &mut reading);
    }
    let is_nothing = reading == Reading::default();
    if is_nothing && (is_silent || !answer.is_success()) { without_body(answer) } else { Ok(reading) }
}

fn take(raw: &RawValue, answer: &Answer, gazetteer: &dyn Gazetteer, reading: &mut Reading) {
    let unparsable = |message| Failure::new(FailureKind::Unparsable, "", message);
    let Some(tracked) = wire::tracked(raw) else {
        return reading.failures.push(unparsable("a result cannot be read"));
    };
    let number: Option<TrackingNumber> = tracked.number.parse().ok();
    if !tracked.problems.is_empty() {
        let failures = tracked.problems.iter().map(|problem| failure(problem, answer));
        reading.failures.extend(failures.map(|failure| failure.of(number.clone())));
        return;
    }
    if !answer.is_success() {
        return;
    }
    let packages = packages(number, &tracked, gazetteer);
    if packages.is_empty() {
        reading.failures.push(unparsable("a result without a number"));
    }
    reading.packages.extend(packages);
}

/// One article is what was asked about. Several are packages of their own, beside the whole.
fn packages(number: Option<TrackingNumber>, tracked: &Tracked, gazetteer: &dyn Gazetteer) -> Vec<Package> {
    let mut articles: Vec<Package> = Vec::new();
    for article in &tracked.articles {
        let own = article.number.parse().ok().or_else(|| number.clone());
        articles.extend(own.map(|own| package(own, article, &tracked.status, gazetteer)));
    }
    let Some(number) = number else { return articles };
    // Where the consignment speaks, an article of its number need not.
    let is_silent = |article: &Package| article.seen.is_empty() && article.unreadable.is_empty();
    articles.retain(|article| tracked.events.is_empty() || article.number != number || !is_silent(article));
    match articles.as_slice() {
        [] => vec![whole(number, &[], tracked, gazetteer)],
        [article] if tracked.items_count <= 1 && (tracked.events.is_empty() || article.number == number) => {
            let also = Some(article.number.clone()).filter(|own| *own != number).into_iter().collect();
            let seen = doubted(article.seen.clone(), may_be_delivered(&tracked.status));
            vec![Package { number, also, seen, unreadable: article.unreadable.clone() }]
        }
        several => {
            let whole = whole(number, several, tracked, gazetteer);
            // Two of one number would be found as one.
            let others = several.iter().filter(|article| article.number != whole.number).cloned();
            let others: Vec<_> = others.collect();
            [vec![whole], others].concat()
        }
    }
}

/// A consignment, told by its own events or by those of its articles.
fn whole(
    number: TrackingNumber,
    articles: &[Package],
    tracked: &Tracked,
    gazetteer: &dyn Gazetteer,
) -> Package {
    let own = Article {
        number: String::new(),
        status: tracked.consignment_status.clone(),
        events: tracked.events.clone(),
    };
    let mut whole = package(number, &own, &tracked.status, gazetteer);
    if whole.seen.is_empty() {
        whole.seen = articles.iter().flat_map(|article| article.seen.clone()).collect();
    }
    let is_delivered = |package: &Package| package.status().status == EventStatus::Delivered;
    let are_all = articles.iter().all(is_delivered) && tracked.items_count <= articles.len().max(1);
    whole.seen = doubted(whole.seen, are_all && may_be_delivered(&tracked.status));
    whole
}

/// One of several that is handed over is not all of them.
fn doubted(seen: Vec<Seen>, is_whole: bool) -> Vec<Seen> {
    seen.into_iter().map(|seen| if is_whole { seen } else { undelivered(seen) }).collect()
}

fn undelivered(mut seen: Seen) -> Seen {
    if seen.happening.status == EventStatus::Delivered {
        (seen.happening.status, seen.happening.delivered_to) = (EventStatus::Unknown, None);
    }
    seen
}

/// `status`: of all that the number stands for.
fn package(number: TrackingNumber, article: &Article, status: &str, gazetteer: &dyn Gazetteer) -> Package {
    let mut package = Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() };
    let is_delivered = [&article.status, status].into_iter().any(is_delivered);
    for raw in &article.events {
        match wire::event(raw).and_then(|event| happening(&event, is_delivered, gazetteer)) {
            Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => package.unreadable.push(raw.get().to_owned()),
        }
    }
    package.seen = doubted(package.seen, may_be_delivered(&article.status));
    package
}

fn is_delivered(status: &str) -> bool {
    ["delivered", "delivered in full"].contains(&descriptions::words(status).as_str())
}

/// Whether the status beside the events leaves room for a delivery among them.
fn may_be_delivered(status: &str) -> bool {
    let open = ["", "unknown", "track items for detailed delivery information"];
    is_delivered(status) || open.contains(&descriptions::words(status).as_str())
}

fn happening(event: &Event, is_delivered: bool, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let place = place(&event.location);
    let occurred = moment(&event.date, &[])?.occurred(&event.date, &place, gazetteer);
    let verdict = descriptions::verdict(&event.description);
    let (status, delivered_to) = match verdict.status {
        EventStatus::Delivered if verdict.is_ambiguous && !is_delivered => (EventStatus::Unknown, None),
        status => (status, verdict.delivered_to),
    };
    let description = described(&event.description, verdict.row);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        // There are none but in the table.
        code: verdict.row.map_or_else(|| description.clone(), |row| row.meaning.clone()),
        description,
        location: place.location(gazetteer),
        cancels: None,
    })
}

const STATES: [&str; 8] = ["ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"];

/// `KEW VIC`, `KEW VIC 3101`, `CHICAGO (US)`, `NZ`; anything else is a town of nowhere.
fn place(text: &str) -> Place {
    let is_capitals = |text: &str| text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
    let abroad = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    if let Some((town, country)) = abroad.filter(|(_, country)| is_capitals(country)) {
        return Place { country: country.into(), town: town.into(), ..Place::default() };
    }
    if is_capitals(text) && !STATES.contains(&text) {
        return Place { country: text.into(), ..Place::default() };
    }
    let is_postcode = |text: &str| text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_digit());
    let cut = text.rsplit_once(' ').filter(|(_, last)| is_postcode(last));
    let (rest, postal_code) = cut.unwrap_or((text, ""));
    let (town, region) = rest.rsplit_once(' ').unwrap_or(("", rest));
    if STATES.contains(&region.to_ascii_uppercase().as_str()) {
        return Place {
            country: "AU".into(),
            region: region.into(),
            town: town.into(),
            postal_code: postal_code.into(),
        };
    }
    Place { town: text.into(), ..Place::default() }
}

fn failure(problem: &Problem, answer: &Answer) -> Failure {
    let code = if problem.code.is_empty() { &problem.name } else { &problem.code };
    let message = if problem.message.is_empty() { &problem.name } else { &problem.message };
    Failure::new(kind(problem, answer), code, message).with_wait(answer)
}

fn kind(problem: &Problem, answer: &Answer) -> FailureKind {
    match problem.code.to_ascii_uppercase().as_str() {
        // Not found; not trackable; one of them not found.
        "ESB-10001" | "ESB-10002" | "51104" => FailureKind::NotFound,
        "ESB-20010" | "ESB-20050" => FailureKind::CarrierDown,
        // No number, too many of them (TOO_MANY_AP_TRACKING_IDS), or of two kinds.
        "51100" | "51101" | "51102" | "51103" => FailureKind::Invalid,
        "API_001" | "401" | "403" => FailureKind::Auth,
        "API_002" | "429" => FailureKind::RateLimited,
        _ => by_words(problem)
            .or_else(|| Failure::by_status(answer).map(|failure| failure.kind))
            .unwrap_or(if answer.status / 100 == 4 { FailureKind::Invalid } else { FailureKind::Unparsable }),
    }
}

fn by_words(problem: &Problem) -> Option<FailureKind> {
    let text = descriptions::words(&format!("{} {} {}", problem.code, problem.name, problem.message));
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["too many requests", "rate limit", "quota", "throttl"]) {
        Some(FailureKind::RateLimited)
    } else if says(&["unauthori", "forbidden", "credential", "authenticat", "access denied", "api key"]) {
        Some(FailureKind::Auth)
    } else if says(&["invalid tracking id", "not found", "could not be found"]) {
        Some(FailureKind::NotFound)
    } else if says(&["system error", "internal", "unavailable", "timeout"]) {
        Some(FailureKind::CarrierDown)
    } else if says(&["invalid", "missing", "must"]) {
        Some(FailureKind::Invalid)
    } else {
        None
    }
}
