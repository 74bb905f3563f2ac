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

/// Codes and labels, newest first.
fn statuses(events: &[(&str, &str)], is_final: &str) -> Vec<String> {
    let events: Vec<String> = (0..)
        .zip(events)
        .map(|(at, (code, label))| {
            let day = 28 - at;
            format!(r#"{{"code":"{code}","label":"{label}","date":"2026-02-{day}T10:00:00+01:00"}}"#)
        })
        .collect();
    let events = events.join(",");
    let shipment = format!(r#"{{"idShip":"{NUMBER}","isFinal":{is_final},"event":[{events}]}}"#);
    let reading =
        read(format!(r#"{{"returnCode":200,"shipment":{shipment}}}"#).as_bytes()).expect("an answer");
    reading.packages[0].seen.iter().map(|seen| seen.happening.status.to_string()).collect()
}

#[test]
fn a_label_can_take_a_delivery_back() {
    for (label, expected) in [
        ("Votre colis est livré.", "delivered"),
        ("Delivered", "delivered"),
        ("", "delivered"),
        ("Votre colis a été livré dans un point de retrait", "unknown"),
        ("Livré au relais Pickup", "unknown"),
        ("Votre colis a été livré chez un commerçant", "unknown"),
        ("Votre colis a été déposé au bureau de poste", "unknown"),
        ("Votre colis a été retourné", "unknown"),
        ("Votre colis a été renvoyé", "unknown"),
        ("Votre colis a été réexpédié", "unknown"),
        ("La livraison n'a pas pu être effectuée", "unknown"),
        ("Votre colis n'a pas été remis", "unknown"),
        ("Non remis", "unknown"),
        ("Livré à une mauvaise adresse", "unknown"),
        ("Distribué à l'envoyeur", "returned"),
    ] {
        assert_eq!(statuses(&[("DI1", label)], "true"), [expected], "{label}");
    }
}

#[test]
fn what_is_not_final_or_came_back_is_not_delivered() {
    for (is_final, expected) in [
        ("true", "delivered"),
        ("1", "delivered"),
        ("null", "delivered"),
        ("false", "unknown"),
        ("0", "unknown"),
    ] {
        assert_eq!(statuses(&[("DI1", "Distribué")], is_final), [expected], "{is_final}");
    }
    let came_back = [("DI1", "Votre colis est livré."), ("RE1", "Retourné à l'expéditeur")];
    assert_eq!(statuses(&came_back, "true"), ["returned", "returning"]);
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
