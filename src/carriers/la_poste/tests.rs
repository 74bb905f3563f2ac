//! Recorded answers and what they normalise to.

use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading, Said, shaken};
use crate::domain::instant::from_micros;

const NUMBER: &str = "LX123456785FR";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("la_poste/in_transit.json"));
    snapshot("delivered", fixture!("la_poste/delivered.json"));
    snapshot("ways_to_deliver", fixture!("la_poste/ways_to_deliver.json"));
    snapshot("contradictions", fixture!("la_poste/contradictions.json"));
    snapshot("odd", fixture!("la_poste/odd.json"));
}

#[test]
fn one_number_that_failed_is_no_other_numbers_failure() {
    let reading =
        contract::read(&ADAPTER, 207, fixture!("la_poste/ways_to_deliver.json")).expect("an answer");
    let kind = |number: &str| match reading.about(&number.parse().expect("a number")) {
        Said::Failed(failure) => Some(failure.kind),
        Said::Events { .. } => None,
    };
    assert_eq!(kind("LX000000015FR"), None);
    assert_eq!(kind("LX000000036FR"), Some(FailureKind::NotFound));
    assert_eq!(kind("LX00000004"), Some(FailureKind::Invalid));
}

#[test]
fn errors_are_known_by_la_postes_codes_and_by_the_gateways_words() {
    use FailureKind as K;
    for (body, code, kind) in [
        (r#"{"returnCode":"104","returnMessage":"Inconnu"}"#, "104", K::NotFound),
        (r#"[{"returnCode":404,"returnMessage":"Inconnu","shipment":null}]"#, "404", K::NotFound),
        (r#"{"returnCode":400,"returnMessage":"Invalide"}"#, "400", K::Invalid),
        (r#"{"returnCode":401}"#, "401", K::Auth),
        (r#"{"returnCode":429}"#, "429", K::RateLimited),
        (r#"{"returnCode":504}"#, "504", K::CarrierDown),
        (r#"{"returnCode":999}"#, "999", K::Unparsable),
        (r#"{"code":"UNAUTHORIZED","message":"BAD_APP_KEY"}"#, "UNAUTHORIZED", K::Auth),
        (r#"{"code":"TOO_MANY_REQUESTS","message":"quota"}"#, "TOO_MANY_REQUESTS", K::RateLimited),
        (r#"{"code":"RESOURCE_NOT_FOUND","message":"path"}"#, "RESOURCE_NOT_FOUND", K::Invalid),
        (r#"{"code":"INTERNAL_SERVER_ERROR","message":"x"}"#, "INTERNAL_SERVER_ERROR", K::CarrierDown),
    ] {
        let failures = read(body.as_bytes()).expect("an answer").failures;
        assert_eq!((failures[0].code.as_str(), failures[0].kind), (code, kind), "{body}");
    }
    for body in ["[]", "[1]", "{}", r#"{"code":0,"data":[]}"#, r#""text""#, "7"] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_neighbours_name_stays_in_the_raw_event() {
    let reading = read(fixture!("la_poste/ways_to_deliver.json")).expect("an answer");
    let seen = &reading.packages[0].seen[1];
    assert!(seen.raw.contains("DURAND") && !format!("{:?}", seen.happening).contains("DURAND"));
}

#[test]
fn the_question_names_up_to_ten_numbers_and_bears_the_key() {
    let account = LaPoste { base_url: "https://x".into(), api_key: SecretString::from("k3y") };
    let question = |number: &str| Question { number: number.parse().expect("a number"), phone_tail: None };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: None };
    let request = account.request(&[question(NUMBER), question("LX000000015FR")], &occasion);
    assert_eq!(request.url, "https://x/suivi/v2/idships/LX123456785FR,LX000000015FR?lang=fr_FR");
    assert!(request.headers.contains(&("X-Okapi-Key", "k3y".into())));
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("la_poste/in_transit.json"),
            delivered: fixture!("la_poste/delivered.json"),
            not_found: (404, fixture!("la_poste/not_found.json")),
            wrong_credentials: (401, fixture!("la_poste/wrong_credentials.json")),
            rate_limited: (429, fixture!("la_poste/rate_limited.json")),
        },
    );
}

#[test]
fn whatever_stands_in_an_answer_delivers_nothing() {
    shaken::nothing_is_delivered(&ADAPTER, fixture!("la_poste/in_transit.json"));
    shaken::nothing_is_delivered(&ADAPTER, fixture!("la_poste/not_found.json"));
}
