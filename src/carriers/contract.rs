//! What every adapter has to stand, on answers that were recorded from its carrier.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Reading, Track};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::EventStatus;
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

/// An aggregator's answer that says "delivered" in many ways, and is no carrier's of ours.
const STRANGER: &[u8] = br#"{"code":0,"data":{"status":"delivered","statusCode":"delivered","accepted":[
    {"number":"7712345675","track_info":{"latest_status":{"status":"Delivered"},"events":[
    {"time_iso":"2026-03-05T13:45:00Z","stage":"Delivered","description":"Delivered"}]}}]}}"#;

pub fn check(adapter: &dyn Track, recorded: &Recorded) {
    answers_mean_what_they_meant(adapter, recorded);
    nothing_is_made_of_no_answer(adapter, recorded);
    cut_off_answers_tell_nothing(adapter, recorded);
    only_a_good_status_carries_events(adapter, recorded);
    anothers_events_are_not_ours(adapter, recorded);
    any_bytes_are_survived(adapter, recorded);
}

fn read(adapter: &dyn Track, number: &TrackingNumber, status: u16, body: &[u8]) -> Reading {
    adapter.read(number, &Answer { status, retry_after: None, body: body.to_vec() })
}

fn delivers(reading: &Reading) -> bool {
    match reading {
        Reading::Events { seen, .. } => {
            seen.iter().any(|seen| seen.happening.status == EventStatus::Delivered)
        }
        Reading::NotFound
        | Reading::RateLimited { .. }
        | Reading::Refused { .. }
        | Reading::CarrierDown { .. }
        | Reading::Unparsable { .. } => false,
    }
}

fn has_events(reading: &Reading) -> bool {
    matches!(reading, Reading::Events { seen, .. } if !seen.is_empty())
}

fn answers_mean_what_they_meant(adapter: &dyn Track, recorded: &Recorded) {
    let read = |(status, body)| read(adapter, &recorded.number, status, body);
    let in_transit = read((200, recorded.in_transit));
    assert!(has_events(&in_transit) && !delivers(&in_transit));
    assert!(delivers(&read((200, recorded.delivered))));
    assert_eq!(read(recorded.not_found), Reading::NotFound);
    assert!(matches!(read(recorded.wrong_credentials), Reading::Refused { .. }));
    assert!(matches!(read(recorded.rate_limited), Reading::RateLimited { .. }));
    assert!(matches!(read((503, b"")), Reading::CarrierDown { .. }));
    let Reading::Events { seen, unreadable } = in_transit else { panic!("events") };
    let text = std::str::from_utf8(recorded.in_transit).expect("UTF-8");
    assert!(seen.iter().all(|seen| text.contains(&seen.raw)), "an event keeps the text it came as");
    assert_eq!(unreadable, Vec::<String>::new());
}

fn nothing_is_made_of_no_answer(adapter: &dyn Track, recorded: &Recorded) {
    let ten_megabytes = |byte| vec![byte; 10_000_000];
    let deep = [b"{\"shipments\":".to_vec(), ten_megabytes(b'[')].concat();
    let bodies = [
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        STRANGER.to_vec(),
        ten_megabytes(b' '),
    ];
    for body in bodies.into_iter().chain([ten_megabytes(b'['), ten_megabytes(0xff), deep]) {
        let reading = read(adapter, &recorded.number, 200, &body);
        assert!(matches!(reading, Reading::Unparsable { .. }), "{reading:?}");
    }
}

fn cut_off_answers_tell_nothing(adapter: &dyn Track, recorded: &Recorded) {
    for body in [recorded.in_transit, recorded.delivered] {
        for end in 0..body.trim_ascii_end().len() {
            let reading = read(adapter, &recorded.number, 200, &body[..end]);
            assert!(matches!(reading, Reading::Unparsable { .. }), "cut at {end}: {reading:?}");
        }
    }
}

fn only_a_good_status_carries_events(adapter: &dyn Track, recorded: &Recorded) {
    for status in (100..1000).filter(|status| !(200..300).contains(status)) {
        for body in [recorded.delivered, recorded.not_found.1, b""] {
            assert!(!has_events(&read(adapter, &recorded.number, status, body)), "{status}");
        }
    }
}

fn anothers_events_are_not_ours(adapter: &dyn Track, recorded: &Recorded) {
    let other = format!("{}0", recorded.number).parse().expect("a number");
    assert!(!has_events(&read(adapter, &other, 200, recorded.delivered)));
}

fn any_bytes_are_survived(adapter: &dyn Track, recorded: &Recorded) {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let garbage = (prop_oneof![Just(200), any::<u16>()], bytes);
    runner
        .run(&garbage, |(status, body)| {
            prop_assert!(!has_events(&read(adapter, &recorded.number, status, &body)));
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
            prop_assert!(!delivers(&read(adapter, &recorded.number, 200, &body)));
            Ok(())
        })
        .expect("a damaged answer delivers nothing");
}
