//! What every adapter has to stand, on answers that were recorded from its carrier.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Adapter, FailureKind, Gazetteer, NotAnAnswer, Reading, Said, Spot};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::EventStatus;
use crate::domain::place::Country;
use crate::outbound::Answer;

pub struct Recorded {
    pub number: TrackingNumber,
    pub in_transit: &'static [u8],
    pub delivered: &'static [u8],
    /// Status and body.
    pub not_found: (u16, &'static [u8]),
    pub wrong_credentials: (u16, &'static [u8]),
    pub rate_limited: (u16, &'static [u8]),
}

/// Knows no place.
pub struct NoGazetteer;

impl Gazetteer for NoGazetteer {
    fn find(&self, _: Country, _: &str, _: &str, _: &str) -> Option<Spot> {
        None
    }
}

/// Says "delivered" in many ways, and is no carrier's.
const STRANGER: &[u8] = br#"{"result":{"status":"delivered","statusCode":"delivered","ok":[
    {"number":"7712345675","info":{"last":{"status":"Delivered"},"happenings":[
    {"at":"2026-03-05T13:45:00Z","stage":"Delivered","text":"Delivered"}]}}]}}"#;

pub fn check(adapter: &Adapter, recorded: &Recorded) {
    answers_mean_what_they_meant(adapter, recorded);
    errors_are_known_by_their_bodies(adapter, recorded);
    nothing_is_made_of_no_answer(adapter);
    cut_off_answers_tell_nothing(adapter, recorded);
    only_a_good_status_carries_events(adapter, recorded);
    anothers_events_are_not_ours(adapter, recorded);
    any_bytes_are_survived(adapter, recorded);
}

pub fn read(adapter: &Adapter, status: u16, body: &[u8]) -> Result<Reading, NotAnAnswer> {
    adapter.reading(&Answer { status, body: body.to_vec(), ..Answer::default() }, &NoGazetteer)
}

fn said(reading: &Result<Reading, NotAnAnswer>, number: &TrackingNumber) -> Option<Said> {
    reading.as_ref().ok().map(|reading| reading.about(number))
}

fn kind(said: Option<Said>) -> Option<FailureKind> {
    match said? {
        Said::Failed(failure) => Some(failure.kind),
        Said::Events { .. } => None,
    }
}

fn delivers(said: &Option<Said>) -> bool {
    let is_delivered = |status| status == EventStatus::Delivered;
    matches!(said, Some(Said::Events { seen, .. })
        if seen.iter().any(|seen| is_delivered(seen.happening.status)))
}

fn has_events(said: &Option<Said>) -> bool {
    matches!(said, Some(Said::Events { seen, .. }) if !seen.is_empty())
}

fn answers_mean_what_they_meant(adapter: &Adapter, recorded: &Recorded) {
    let read = |(status, body)| said(&read(adapter, status, body), &recorded.number);
    let in_transit = read((200, recorded.in_transit));
    assert!(has_events(&in_transit) && !delivers(&in_transit), "{in_transit:?}");
    let delivered = read((200, recorded.delivered));
    assert!(delivers(&delivered), "{delivered:?}");
    assert_eq!(kind(read(recorded.not_found)), Some(FailureKind::NotFound));
    assert_eq!(kind(read(recorded.wrong_credentials)), Some(FailureKind::Auth));
    assert_eq!(kind(read(recorded.rate_limited)), Some(FailureKind::RateLimited));
    assert_eq!(kind(read((503, b""))), Some(FailureKind::CarrierDown));
    assert_eq!(kind(read((401, b""))), Some(FailureKind::Auth));
    let Some(Said::Events { seen, unreadable }) = in_transit else { panic!("events") };
    let text = std::str::from_utf8(recorded.in_transit).expect("UTF-8");
    for seen in &seen {
        // Answers in answers are quoted once more.
        let quoted = serde_json::to_string(&seen.raw).expect("text");
        let kept = text.contains(&seen.raw) || text.contains(quoted.trim_matches('"'));
        assert!(kept, "an event keeps the text it came as: {}", seen.raw);
        let status = seen.happening.status;
        assert_eq!(status == EventStatus::Delivered, seen.happening.delivered_to.is_some());
    }
    assert_eq!(unreadable, Vec::<String>::new());
}

/// Whoever reads a body alone has to know an error when there is one.
fn errors_are_known_by_their_bodies(adapter: &Adapter, recorded: &Recorded) {
    let errors = [
        (recorded.not_found, FailureKind::NotFound),
        (recorded.wrong_credentials, FailureKind::Auth),
        (recorded.rate_limited, FailureKind::RateLimited),
    ];
    for ((_, body), expected) in errors.into_iter().filter(|((_, body), _)| !body.is_empty()) {
        let said = said(&read(adapter, 200, body), &recorded.number);
        assert_eq!(kind(said), Some(expected), "{}", String::from_utf8_lossy(body));
    }
}

fn nothing_is_made_of_no_answer(adapter: &Adapter) {
    let ten_megabytes = |byte| vec![byte; 10_000_000];
    let deep = |front: &[u8], byte| [front.to_vec(), ten_megabytes(byte)].concat();
    let bodies = [
        b"".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"<html><body>Down for maintenance</body></html>".to_vec(),
        STRANGER.to_vec(),
        ten_megabytes(b' '),
        ten_megabytes(b'['),
        ten_megabytes(0xff),
        deep(b"{\"shipments\":", b'['),
        deep(b"<?xml version=\"1.0\"?>", b'<'),
    ];
    for body in bodies {
        let reading = read(adapter, 200, &body);
        let body = String::from_utf8_lossy(&body[..body.len().min(80)]);
        assert!(reading.is_err(), "{body}: {reading:?}");
    }
}

fn cut_off_answers_tell_nothing(adapter: &Adapter, recorded: &Recorded) {
    for body in [recorded.in_transit, recorded.delivered] {
        for end in 0..body.trim_ascii_end().len() {
            let reading = read(adapter, 200, &body[..end]);
            assert!(reading.is_err(), "cut at {end}: {reading:?}");
        }
    }
}

fn only_a_good_status_carries_events(adapter: &Adapter, recorded: &Recorded) {
    for status in (100..1000).filter(|status| !(200..300).contains(status)) {
        for body in [recorded.delivered, recorded.not_found.1, b""] {
            assert!(!has_events(&said(&read(adapter, status, body), &recorded.number)), "{status}");
        }
    }
}

fn anothers_events_are_not_ours(adapter: &Adapter, recorded: &Recorded) {
    let other = format!("{}0", recorded.number).parse().expect("a number");
    assert!(!has_events(&said(&read(adapter, 200, recorded.delivered), &other)));
}

fn any_bytes_are_survived(adapter: &Adapter, recorded: &Recorded) {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let garbage = (prop_oneof![Just(200), any::<u16>()], bytes);
    runner
        .run(&garbage, |(status, body)| {
            prop_assert!(!has_events(&said(&read(adapter, status, &body), &recorded.number)));
            Ok(())
        })
        .expect("garbage tells nothing");
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20);
    runner
        .run(&changes, |changes| {
            let mut body = recorded.in_transit.to_vec();
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            prop_assert!(!delivers(&said(&read(adapter, 200, &body), &recorded.number)));
            Ok(())
        })
        .expect("a damaged answer delivers nothing");
}

/// One line an event, then one an error: what a person would check a reading by.
pub fn summary(reading: &Result<Reading, NotAnAnswer>) -> String {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return format!("no answer: {error}"),
    };
    let mut lines = Vec::new();
    for package in &reading.packages {
        let also: Vec<_> = package.also.iter().map(ToString::to_string).collect();
        lines.push(format!("= {} {}", package.number, also.join(" ")).trim_end().to_owned());
        for seen in &package.seen {
            let (happening, location) = (&seen.happening, &seen.happening.location);
            let to = happening.delivered_to.map_or(String::new(), |to| format!(" to {to}"));
            let cancels =
                happening.cancels.as_ref().map_or(String::new(), |code| format!(" | cancels {code}"));
            lines.push(format!(
                "{}{to} | {} from {} by {} | {} | {} | {:?} {:?} {:?} | {} bytes{cancels}",
                happening.status,
                crate::domain::instant::rfc3339(happening.occurred.at),
                happening.occurred.local_time,
                happening.occurred.offset_source,
                happening.code,
                happening.description,
                location.country.as_deref().unwrap_or_default(),
                location.place.as_deref().unwrap_or_default(),
                location.postal_code.as_deref().unwrap_or_default(),
                seen.raw.len(),
            ));
        }
        let short = |raw: &String| raw.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.extend(package.unreadable.iter().map(|raw| format!("unreadable | {}", short(raw))));
    }
    for failure in &reading.failures {
        let number = failure.number.as_ref().map(ToString::to_string).unwrap_or_default();
        lines.push(format!("! {number} {} {} | {}", failure.kind, failure.code, failure.message));
    }
    lines.join("\n")
}

/// A value of JSON as carriers have them: documented, of another type, or strange.
pub fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    const TEXTS: &[&str] =
        &["", "80", "704", "30", "2026-03-04 10:00:00", "已签收", "Delivered", "SF1234567890123", "true"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!([1, "80", null])),
        Just(json!({"opCode": "80"})),
    ]
}

/// An object with some of these fields, of any values.
pub fn object_of(names: &'static [&'static str]) -> impl Strategy<Value = serde_json::Value> {
    let values = proptest::collection::vec(proptest::option::of(any_json()), names.len());
    values.prop_map(move |values| {
        let fields = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        serde_json::Value::Object(fields.collect())
    })
}

/// A recorded answer, by the adapter's folder and its file.
macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $path)).as_slice()
    };
}
pub(crate) use fixture;
