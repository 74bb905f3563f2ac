//! Recorded answers and what they normalise to.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, NoGazetteer, fixture, summary};
use crate::carriers::{Failure, FailureKind, NotAnAnswer, Reading, Registry, Said};
use crate::config;
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;
use crate::outbound::Answer;

const NUMBER: &str = "7712345675";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

fn about(number: &str, body: &[u8]) -> Said {
    read(body).expect("an answer").about(&number.parse().expect("a number"))
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("dhl_unified/in_transit.json"));
    snapshot("delivered", fixture!("dhl_unified/delivered.json"));
    snapshot("delivered_to_neighbour", fixture!("dhl_unified/delivered_to_neighbour.json"));
    snapshot("returned", fixture!("dhl_unified/returned.json"));
    snapshot("several_shipments", fixture!("dhl_unified/several_shipments.json"));
    snapshot("odd", fixture!("dhl_unified/odd.json"));
}

#[test]
fn a_piece_has_only_its_own_events_and_a_shipment_only_whole_deliveries() {
    insta::assert_snapshot!("pieces", summary(&read(fixture!("dhl_unified/pieces.json"))));
}

#[test]
fn the_newest_event_is_not_told_twice() {
    let Said::Events { seen, .. } = about(NUMBER, fixture!("dhl_unified/in_transit.json")) else {
        panic!("events")
    };
    assert_eq!(seen.len(), 7, "the shipment's status repeats its newest event");
}

#[test]
fn no_shipment_of_that_number_is_not_found_unless_one_could_not_be_read() {
    let kind = |body: &[u8]| match about(NUMBER, body) {
        Said::Failed(failure) => Some(failure.kind),
        Said::Events { .. } => None,
    };
    assert_eq!(kind(br#"{"shipments":[]}"#), Some(FailureKind::NotFound));
    assert_eq!(kind(br#"{"shipments":[{"id":"7712345670"}]}"#), Some(FailureKind::NotFound));
    let strange = br#"{"shipments":[{"id":"7712345670"},["7712345675"]]}"#;
    assert_eq!(kind(strange), Some(FailureKind::Unparsable));
}

#[test]
fn who_signed_stays_in_the_raw_event() {
    for words in ["Delivered - Signed for by: JESSICA", "Left with neighbour JESSICA", "JESSICA"] {
        let body = format!(
            r#"{{"shipments":[{{"id":{NUMBER},"events":[{{"timestamp":"2026-03-05T13:45:00Z",
            "statusCode":"delivered","status":"DELIVERED","description":"{words}"}}]}}]}}"#
        );
        let Said::Events { seen, .. } = about(NUMBER, body.as_bytes()) else { panic!("events") };
        assert_eq!(seen[0].happening.status.as_str(), "delivered");
        assert!(!seen[0].happening.description.contains("JESSICA") && seen[0].raw.contains("JESSICA"));
    }
}

#[test]
fn a_byte_that_is_no_text_costs_one_event_its_wording_and_the_others_nothing() {
    let body = fixture!("dhl_unified/in_transit.json").to_vec();
    let at = body.windows(11).rposition(|words| words == b"Shipment pi").expect("a pickup");
    let mut spoilt = body.clone();
    spoilt[at] = 0xff;
    let (whole, spoilt) = (summary(&read(&body)), summary(&read(&spoilt)));
    let differ = whole.lines().zip(spoilt.lines()).filter(|(a, b)| a != b).count();
    assert_eq!((whole.lines().count(), spoilt.lines().count(), differ), (8, 8, 1));
}

#[test]
fn the_question_names_the_number_the_language_and_the_division() {
    let url = |service: &str| {
        let keys = format!("base_url = \"https://x\"\napi_key = \"k3y\"\nservice = \"{service}\"");
        let settings = config::defaults_with(&format!("[carriers.dhl_unified]\n{keys}")).expect("settings");
        let registry = Registry::new(&settings.carriers, false).expect("valid carriers");
        let account = &registry.accounts(&"dhl_unified".parse().expect("a code"))[0];
        let number = "JD01-46".parse().expect("a number");
        let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: None };
        let request = account.abilities.track.request(&[Question { number, phone_tail: None }], &occasion);
        assert!(request.headers.contains(&("DHL-API-Key", "k3y".into())));
        request.url
    };
    let expected = "https://x/track/shipments?trackingNumber=JD01-46&language=en";
    assert_eq!(url(""), expected);
    assert_eq!(url("parcel-de"), format!("{expected}&service=parcel-de"));
    assert_eq!(url("a&b"), format!("{expected}&service=a%26b"));
}

fn shipment(details: Value, status: Value, events: Value) -> Value {
    json!({"shipments": [{"id": NUMBER, "status": status, "details": details, "events": events}]})
}

fn event(timestamp: &str, code: &str, pieces: &[&str]) -> Value {
    json!({"timestamp": timestamp, "statusCode": code, "status": code, "pieceIds": pieces})
}

#[test]
fn the_newest_event_is_one_however_its_time_is_written_twice() {
    for (status, newest) in [
        ("2026-03-05T13:45:00Z", "2026-03-05T13:45:00"),
        ("2026-03-05T13:45:00", "2026-03-05T13:45:00+08:00"),
        ("2026-03-05T13:45:00Z", "2026-03-05T21:45:00+08:00"),
    ] {
        let (status, newest) = (event(status, "delivered", &[]), event(newest, "DELIVERED", &[]));
        let body = shipment(json!({}), status, json!([newest])).to_string();
        let packages = read(body.as_bytes()).expect("an answer").packages;
        assert_eq!((packages.len(), packages[0].seen.len()), (1, 1), "{body}");
    }
}

#[test]
fn a_piece_of_more_than_are_listed_is_not_the_whole() {
    let told = |count: Value, listed: Value, named: &[&str]| {
        let newest = event("2026-03-05T13:45:00Z", "delivered", named);
        let details = json!({"totalNumberOfPieces": count, "pieceIds": listed});
        let body = shipment(details, json!(null), json!([newest])).to_string();
        let Said::Events { seen, .. } = about(NUMBER, body.as_bytes()) else { panic!("events") };
        seen[0].happening.status.as_str()
    };
    assert_eq!(told(json!(3), json!(["JD01"]), &["JD01"]), "unknown");
    assert_eq!(told(json!("2"), json!(null), &["JD01"]), "unknown");
    assert_eq!(told(json!(1), json!(["JD01"]), &["JD01"]), "delivered");
    assert_eq!(told(json!(null), json!(["JD01"]), &["JD01"]), "delivered");
    assert_eq!(told(json!(2), json!(["JD01"]), &["JD01", "JD02"]), "delivered");
    assert_eq!(told(json!(3), json!(["JD01"]), &[]), "delivered");
}

#[test]
fn of_two_divisions_with_the_same_digits_both_have_to_deliver() {
    let shipment = |service: &str, code: &str| {
        let events = json!([event("2026-03-05T13:45:00Z", code, &[])]);
        json!({"id": NUMBER, "service": service, "events": events})
    };
    let delivers = |one: Value, other: Value| {
        let body = json!({"shipments": [one, other]}).to_string();
        let Said::Events { seen, .. } = about(NUMBER, body.as_bytes()) else { panic!("events") };
        seen.iter().any(|seen| seen.happening.status == EventStatus::Delivered)
    };
    assert!(!delivers(shipment("freight", "delivered"), shipment("express", "transit")));
    assert!(delivers(shipment("freight", "delivered"), shipment("express", "delivered")));
}

#[test]
fn a_404_without_dhls_problem_is_a_wrong_address_and_not_a_missing_shipment() {
    for body in [b"".as_slice(), b"<html>404</html>", b"[404, \"Not Found\"]"] {
        assert!(contract::read(&ADAPTER, 404, body).is_err());
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    assert!(status::CODES.get("delivered").is_some());
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("dhl_unified/in_transit.json"),
            delivered: fixture!("dhl_unified/delivered.json"),
            not_found: (404, fixture!("dhl_unified/not_found.json")),
            wrong_credentials: (401, fixture!("dhl_unified/wrong_key.json")),
            rate_limited: (429, fixture!("dhl_unified/rate_limited.json")),
        },
    );
    let retry_after = Some(Duration::from_secs(7));
    let answer = Answer { status: 429, retry_after, ..Answer::default() };
    let reading = ADAPTER.reading(&answer, &NoGazetteer).expect("an answer");
    let expected = Failure::new(FailureKind::RateLimited, "429", "answered with status 429");
    assert_eq!(reading.failures, [Failure { retry_after, ..expected }]);
}
