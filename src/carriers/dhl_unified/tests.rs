//! Recorded answers and what they normalise to.

use std::fmt::Write;
use std::time::Duration;

use super::*;
use crate::carriers::{Seen, contract};
use crate::config::defaults_with;

const NUMBER: &str = "7712345675";

fn adapter(changes: &str) -> DhlUnified {
    let changes = format!("[carriers.dhl_unified]\napi_key = \"k3y\"\n{changes}");
    let settings = defaults_with(&changes).expect("valid settings");
    DhlUnified::new(&settings.carriers.dhl_unified).expect("an adapter")
}

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dhl_unified/", $name)).as_slice()
    };
}

fn read(number: &str, body: &[u8]) -> Reading {
    let answer = Answer { status: 200, retry_after: None, body: body.to_vec() };
    adapter("").read(&number.parse().expect("a number"), &answer)
}

/// One line an event: what a person would check it by.
fn summary(reading: &Reading) -> String {
    let Reading::Events { seen, unreadable } = reading else { return format!("{reading:?}") };
    let mut text = String::new();
    for Seen { happening, raw } in seen {
        let to = happening.delivered_to.map_or(String::new(), |to| format!(" to {to}"));
        let occurred = &happening.occurred;
        let location = &happening.location;
        writeln!(
            text,
            "{}{to} | {} from {} by {} | {} | {} | {:?} {:?} {:?} | {} bytes",
            happening.status,
            crate::domain::instant::rfc3339(occurred.at),
            occurred.local_time,
            occurred.offset_source,
            happening.code,
            happening.description,
            location.country.as_deref().unwrap_or_default(),
            location.place.as_deref().unwrap_or_default(),
            location.postal_code.as_deref().unwrap_or_default(),
            raw.len()
        )
        .expect("memory");
    }
    for raw in unreadable {
        let short: String = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(text, "unreadable | {short}").expect("memory");
    }
    text
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(NUMBER, body)));
    snapshot("in_transit", fixture!("in_transit.json"));
    snapshot("delivered", fixture!("delivered.json"));
    snapshot("delivered_to_neighbour", fixture!("delivered_to_neighbour.json"));
    snapshot("returned", fixture!("returned.json"));
    snapshot("several_shipments", fixture!("several_shipments.json"));
    snapshot("odd", fixture!("odd.json"));
}

#[test]
fn a_piece_has_only_its_own_events_and_a_shipment_only_whole_deliveries() {
    insta::assert_snapshot!("pieces_by_shipment", summary(&read(NUMBER, fixture!("pieces.json"))));
    insta::assert_snapshot!("piece_1", summary(&read("JD014600000000000001", fixture!("pieces.json"))));
    insta::assert_snapshot!("piece_2", summary(&read("JD014600000000000002", fixture!("pieces.json"))));
}

#[test]
fn an_event_keeps_the_text_it_came_as() {
    let body = std::str::from_utf8(fixture!("in_transit.json")).expect("UTF-8");
    let Reading::Events { seen, .. } = read(NUMBER, body.as_bytes()) else { panic!("events") };
    for Seen { raw, .. } in &seen {
        assert!(body.contains(raw.as_str()));
    }
    assert_eq!(seen.len(), 7, "the shipment's status repeats its newest event");
}

#[test]
fn no_shipment_of_that_number_is_not_found_unless_one_could_not_be_read() {
    assert_eq!(read(NUMBER, br#"{"shipments":[]}"#), Reading::NotFound);
    assert_eq!(read(NUMBER, br#"{"shipments":[{"id":"7712345670"}]}"#), Reading::NotFound);
    let strange = read(NUMBER, br#"{"shipments":[{"id":"7712345670"},["7712345675"]]}"#);
    assert!(matches!(strange, Reading::Unparsable { .. }));
}

#[test]
fn who_signed_stays_in_the_raw_event() {
    for words in ["Delivered - Signed for by: JESSICA", "Left with neighbour JESSICA", "JESSICA"] {
        let body = format!(
            r#"{{"shipments":[{{"id":{NUMBER},"events":[{{"timestamp":"2026-03-05T13:45:00Z",
            "statusCode":"delivered","status":"DELIVERED","description":"{words}"}}]}}]}}"#
        );
        let Reading::Events { seen, .. } = read(NUMBER, body.as_bytes()) else { panic!("events") };
        assert_eq!(seen[0].happening.status.as_str(), "delivered");
        assert!(!seen[0].happening.description.contains("JESSICA") && seen[0].raw.contains("JESSICA"));
    }
}

#[test]
fn a_byte_that_is_no_text_costs_one_event_its_wording_and_the_others_nothing() {
    let body = fixture!("in_transit.json").to_vec();
    let at = body.windows(11).rposition(|words| words == b"Shipment pi").expect("a pickup");
    let mut spoilt = body.clone();
    spoilt[at] = 0xff;
    let (whole, spoilt) = (summary(&read(NUMBER, &body)), summary(&read(NUMBER, &spoilt)));
    let differ = whole.lines().zip(spoilt.lines()).filter(|(a, b)| a != b).count();
    assert_eq!((whole.lines().count(), spoilt.lines().count(), differ), (7, 7, 1));
}

#[test]
fn the_question_names_the_number_the_language_and_the_division() {
    let number = "JD01-46".parse().expect("a number");
    let request = adapter("").request(&number);
    assert_eq!(request.url, "https://api-eu.dhl.com/track/shipments?trackingNumber=JD01-46&language=en");
    assert!(request.headers.contains(&("DHL-API-Key", "k3y".into())));
    let request = adapter("base_url = \"https://x/\"\nservice = \"parcel de&x\"").request(&number);
    assert_eq!(
        request.url,
        "https://x/track/shipments?trackingNumber=JD01-46&language=en&service=parcel%20de%26x"
    );
}

#[test]
fn a_404_without_dhls_problem_is_a_wrong_address_and_not_a_missing_shipment() {
    let answer = |status, body: &[u8]| {
        let answer = Answer { status, retry_after: None, body: body.to_vec() };
        adapter("").read(&NUMBER.parse().expect("a number"), &answer)
    };
    assert_eq!(answer(404, fixture!("not_found.json")), Reading::NotFound);
    for body in [b"".as_slice(), b"<html>404</html>", b"[404, \"Not Found\"]"] {
        assert!(matches!(answer(404, body), Reading::Unparsable { .. }));
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &adapter(""),
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("in_transit.json"),
            delivered: fixture!("delivered.json"),
            not_found: (404, fixture!("not_found.json")),
            wrong_credentials: (401, fixture!("wrong_key.json")),
            rate_limited: (429, fixture!("rate_limited.json")),
        },
    );
    let retry_after = Some(Duration::from_secs(7));
    let later = |status| {
        let answer = Answer { status, retry_after, body: Vec::new() };
        adapter("").read(&NUMBER.parse().expect("a number"), &answer)
    };
    assert_eq!(later(429), Reading::RateLimited { retry_after });
    let reason = "DHL answered 503".to_owned();
    assert_eq!(later(503), Reading::CarrierDown { reason, retry_after });
}
