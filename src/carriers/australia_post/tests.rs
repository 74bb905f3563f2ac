//! Recorded answers and what they normalise to.

use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading, Said, shaken};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "33ABC000012301000931504";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("australia_post/in_transit.json"));
    snapshot("delivered", fixture!("australia_post/delivered.json"));
    snapshot("batch", fixture!("australia_post/batch.json"));
    snapshot("consignment", fixture!("australia_post/consignment.json"));
    snapshot("odd", fixture!("australia_post/odd.json"));
}

#[test]
fn a_consignment_is_delivered_when_every_article_of_it_is() {
    let reading = read(fixture!("australia_post/consignment.json")).expect("an answer");
    let status = |number: &str| {
        let number = number.parse().expect("a number");
        let package = reading.packages.iter().find(|package| package.number == number);
        package.expect("a package").status().status
    };
    assert_eq!(status("33ABC0000123"), EventStatus::OutForDelivery);
    assert_eq!(status("33ABC000012301000931501"), EventStatus::Delivered);
    assert_eq!(status("33ABC000012301000931502"), EventStatus::OutForDelivery);
    assert_eq!(status("33ABC0000124"), EventStatus::Delivered);
    assert_eq!(status("33ABC0000125"), EventStatus::Unknown, "one article of three is listed");
    assert_eq!(status("33ABC0000126"), EventStatus::Delivered, "only the consignment has events");
}

#[test]
fn collected_is_a_delivery_only_of_an_item_that_is_delivered() {
    let status = |item: &str, whole: &str| {
        let body = format!(
            r#"{{"tracking_results":[{{"tracking_id":"{NUMBER}","status":"{whole}","trackable_items":[{{
            "article_id":"{NUMBER}","status":"{item}","events":[{{"date":"2026-03-04T10:45:00+11:00",
            "description":"Item collected","location":"KEW VIC"}}]}}]}}]}}"#
        );
        read(body.as_bytes()).expect("an answer").packages[0].seen[0].happening.status
    };
    assert_eq!(status("", ""), EventStatus::Unknown);
    assert_eq!(status("In transit", ""), EventStatus::Unknown);
    assert_eq!(status("Delivered", ""), EventStatus::Delivered);
    assert_eq!(status("", "Delivered"), EventStatus::Delivered);
    assert_eq!(status("In transit", "Delivered"), EventStatus::Unknown);
}

#[test]
fn one_number_that_failed_is_no_other_numbers_failure() {
    let reading = read(fixture!("australia_post/batch.json")).expect("an answer");
    let kind = |number: &str| match reading.about(&number.parse().expect("a number")) {
        Said::Failed(failure) => Some(failure.kind),
        Said::Events { .. } => None,
    };
    assert_eq!(kind("7XX1000000001"), None);
    assert_eq!(kind("7XX1000"), Some(FailureKind::NotFound));
    assert_eq!(kind("7XX1001"), Some(FailureKind::CarrierDown));
}

#[test]
fn errors_are_known_by_their_codes_and_their_names() {
    use FailureKind as K;
    for (body, code, kind) in [
        (
            r#"{"errors":[{"code":"51101","name":"TOO_MANY_AP_TRACKING_IDS","message":"10 or less"}]}"#,
            "51101",
            K::Invalid,
        ),
        (r#"{"errors":[{"code":51104,"name":"INVALID_TRACKING_ID"}]}"#, "51104", K::NotFound),
        (r#"{"errors":[{"name":"TOO_MANY_REQUESTS"}]}"#, "TOO_MANY_REQUESTS", K::RateLimited),
        (r#"{"errors":{"code":"X","name":"UNAUTHORISED"}}"#, "X", K::Auth),
        (r#"[{"error_code":"API_002","messages":"Too many requests"}]"#, "API_002", K::RateLimited),
        (r#"{"code":"401","message":"Unauthorised"}"#, "401", K::Auth),
        (r#"{"errors":[{"code":"X","message":"A field is missing"}]}"#, "X", K::Invalid),
        (r#"{"errors":[{"code":"X"}]}"#, "X", K::Unparsable),
    ] {
        let failures = read(body.as_bytes()).expect("an answer").failures;
        assert_eq!((failures[0].code.as_str(), failures[0].kind), (code, kind), "{body}");
    }
    for body in [r#"{"code":0,"data":{}}"#, r#"[{"name":"x"}]"#, r#"{"name":"x","message":"y"}"#] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    assert_eq!(read(br#"{"tracking_results":[]}"#), Ok(Reading::default()));
}

#[test]
fn the_question_names_up_to_ten_numbers_and_the_account() {
    let account = AustraliaPost {
        base_url: "https://x".into(),
        // base64 of key:s3cret.
        basic: SecretString::from("Basic a2V5OnMzY3JldA=="),
        account_number: "0001234567".into(),
    };
    let question = |number: &str| Question { number: number.parse().expect("a number"), phone_tail: None };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: None };
    let request = account.request(&[question("7XX1000"), question("7XX1001")], &occasion);
    assert_eq!(request.url, "https://x/shipping/v1/track?tracking_ids=7XX1000,7XX1001");
    for header in [("Authorization", "Basic a2V5OnMzY3JldA=="), ("Account-Number", "0001234567")] {
        assert!(request.headers.contains(&(header.0, header.1.into())), "{header:?}");
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("australia_post/in_transit.json"),
            delivered: fixture!("australia_post/delivered.json"),
            not_found: (200, fixture!("australia_post/not_found.json")),
            wrong_credentials: (401, fixture!("australia_post/wrong_credentials.json")),
            rate_limited: (429, fixture!("australia_post/rate_limited.json")),
        },
    );
}

#[test]
fn whatever_stands_in_an_answer_delivers_nothing() {
    shaken::nothing_is_delivered(&ADAPTER, fixture!("australia_post/in_transit.json"));
    shaken::nothing_is_delivered(&ADAPTER, fixture!("australia_post/not_found.json"));
}
