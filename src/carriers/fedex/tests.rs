//! Recorded answers and what they normalise to.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::status::{CODES, status, to_whom};
use super::wire::Fields;
use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading, Said};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "794810209259";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("fedex/in_transit.json"));
    snapshot("delivered", fixture!("fedex/delivered.json"));
    snapshot("batch", fixture!("fedex/batch.json"));
    snapshot("returned", fixture!("fedex/returned.json"));
    snapshot("returned_plainly", fixture!("fedex/returned_plainly.json"));
    snapshot("odd", fixture!("fedex/odd.json"));
}

#[test]
fn a_delivery_is_one_only_where_codes_and_words_agree() {
    for (event, derived, latest, text, expected) in [
        ("DL", "DL", "DL", "Delivered", "delivered"),
        ("DL", "", "", "", "delivered"),
        ("", "DL", "DL", "Delivered", "delivered"),
        ("DL", "DL", "IT", "Delivered", "delivered"),
        ("DL", "IT", "", "Delivered", "unknown"),
        ("DL", "RS", "", "Delivered", "returned"),
        ("DL", "DL", "RS", "Delivered", "returned"),
        ("DL", "DL", "SE", "Delivered", "unknown"),
        ("DL", "DL", "DL", "Delivery exception", "unknown"),
        ("DL", "DL", "DL", "In transit", "unknown"),
        ("DL", "DL", "DL", "On FedEx vehicle for delivery", "unknown"),
        ("DL", "DL", "DL", "Package not delivered", "unknown"),
        ("DL", "DL", "DL", "Package returned to shipper", "returned"),
        ("IT", "DL", "DL", "In transit", "in_transit"),
        ("IT", "IT", "IT", "Delivered", "unknown"),
        ("ZZ", "DL", "DL", "Delivered", "unknown"),
        ("RS", "RS", "RS", "Returning package to shipper", "returning"),
        ("RS", "RS", "RS", "Returned to shipper", "returned"),
        ("DE", "DE", "DE", "Customer not available or business closed", "attempt_failed"),
        ("DE", "DE", "DE", "Incorrect address", "exception"),
        ("CC", "IT", "IT", "International shipment release - Import", "customs_released"),
        ("SE", "SE", "SE", "Package available for clearance", "customs_presented"),
        ("HL", "HL", "HL", "Ready for pickup", "available_for_collection"),
    ] {
        let fields = Fields {
            event_type: event.into(),
            derived_code: derived.into(),
            description: text.into(),
            ..Fields::default()
        };
        assert_eq!(status(&fields, latest).as_str(), expected, "{event} {derived} {latest} {text}");
    }
}

#[test]
fn who_signed_stays_in_the_raw_answer() {
    let reading = read(fixture!("fedex/delivered.json")).expect("an answer");
    assert!(!format!("{:?}", reading.packages).contains("QIANG"));
    for (text, expected) in [
        ("Left with neighbor JESSICA", "neighbour"),
        ("Delivered to parcel locker", "locker"),
        ("Left at front door. Signature Service not requested.", "unspecified"),
    ] {
        let fields = Fields { exception: text.into(), ..Fields::default() };
        assert_eq!(to_whom(&fields, None).as_str(), expected, "{text}");
    }
    for (place, expected) in [
        ("GUARD_OR_SECURITY_STATION", "mailroom"),
        ("FEDEX_OFFICE_LOCATION", "collected"),
        ("PARCEL_LOCKER", "locker"),
        ("NEIGHBOR", "neighbour"),
        ("RESIDENCE", "unspecified"),
        ("", "unspecified"),
    ] {
        let result = json!({"trackingNumberInfo": {"trackingNumber": NUMBER},
            "deliveryDetails": {"locationType": place},
            "scanEvents": [{"date": "2026-02-28T10:00:00-05:00", "eventType": "DL"}]});
        let to = packages_of(vec![result])[0].seen[0].happening.delivered_to;
        assert_eq!(to.map(|to| to.to_string()).as_deref(), Some(expected), "{place}");
    }
}

#[test]
fn of_shipments_with_the_same_number_the_latest_is_meant() {
    let result = |id: &str, ship: &str, code: &str, at: &str| {
        json!({"trackingNumberInfo": {"trackingNumber": NUMBER, "trackingNumberUniqueId": id},
            "dateAndTimes": [{"type": "SHIP", "dateTime": ship}],
            "scanEvents": [{"date": at, "eventType": code}]})
    };
    let said = |results: Vec<Value>| {
        let complete = json!([{"trackingNumber": NUMBER, "trackResults": results}]);
        let reading = read(json!({"output": {"completeTrackResults": complete}}).to_string().as_bytes())
            .expect("an answer");
        assert_eq!(reading.packages.len(), 1);
        reading.packages[0].seen[0].happening.status
    };
    let old = result("2460060000~1~FX", "2023-05-01T00:00:00-05:00", "DL", "2023-05-04T10:00:00-05:00");
    let new = result("2461100000~1~FX", "2026-02-28", "OC", "2026-02-28T10:00:00-05:00");
    assert_eq!(said(vec![old.clone(), new.clone()]), EventStatus::InfoReceived);
    assert_eq!(said(vec![new, old]), EventStatus::InfoReceived);
    let old = result("", "2023-05-01T00:00:00-05:00", "DL", "2023-05-04T10:00:00-05:00");
    let new = result("12024~1~FDEG", "", "OC", "2026-02-28T10:00:00-05:00");
    assert_eq!(said(vec![old.clone(), new.clone()]), EventStatus::InfoReceived);
    assert_eq!(said(vec![new, old]), EventStatus::InfoReceived);
}

fn packages_of(results: Vec<Value>) -> Vec<crate::carriers::Package> {
    let complete = json!([{"trackingNumber": NUMBER, "trackResults": results}]);
    let body = json!({"output": {"completeTrackResults": complete}}).to_string();
    read(body.as_bytes()).expect("an answer").packages
}

#[test]
fn of_shipments_of_the_same_day_all_have_to_be_delivered() {
    let result = |id: &str, code: &str| {
        json!({"trackingNumberInfo": {"trackingNumber": NUMBER, "trackingNumberUniqueId": id},
            "scanEvents": [{"date": "2026-02-28T10:00:00-05:00", "eventType": code}]})
    };
    let statuses = |one: Value, other: Value| {
        let packages = packages_of(vec![one, other]);
        assert_eq!(packages.len(), 1);
        packages[0].seen.iter().map(|seen| seen.happening.status.as_str()).collect::<Vec<_>>()
    };
    let (first, second) = ("2461100000~1~FX", "2461100001~1~FX");
    assert_eq!(statuses(result(first, "IT"), result(second, "DL")), ["in_transit", "unknown"]);
    assert_eq!(statuses(result(second, "DL"), result(first, "IT")), ["unknown", "in_transit"]);
    assert_eq!(statuses(result("", "DL"), result("", "IT")), ["unknown", "in_transit"]);
    assert_eq!(statuses(result(first, "DL"), result(second, "DL")), ["delivered"]);
}

#[test]
fn a_result_of_another_number_is_not_ours() {
    let result = |number: Value| {
        json!({"trackingNumberInfo": {"trackingNumber": number},
            "scanEvents": [{"date": "2026-02-28T10:00:00-05:00", "eventType": "DL"}]})
    };
    assert_eq!(packages_of(vec![result(json!("794810209260"))]), []);
    for own in [json!(NUMBER), json!(null), json!(""), json!("7948 1020 9259")] {
        let packages = packages_of(vec![result(json!("794810209260")), result(own)]);
        assert_eq!((packages.len(), packages[0].seen.len()), (1, 1));
    }
}

#[test]
fn errors_say_who_must_act() {
    for (code, status, expected) in [
        ("NOT.AUTHORIZED.ERROR", 401, FailureKind::Auth),
        ("FORBIDDEN.ERROR", 403, FailureKind::Auth),
        ("LOGIN.REAUTHENTICATE.ERROR", 200, FailureKind::Auth),
        ("INTERNAL.SERVER.ERROR", 500, FailureKind::CarrierDown),
        ("SERVICE.UNAVAILABLE.ERROR", 200, FailureKind::CarrierDown),
        ("TRACKING.TRACKINGNUMBER.EMPTY", 400, FailureKind::Invalid),
        ("TRACKING.TRACKINGNUMBERS.LIMITEXCEEDED", 200, FailureKind::Invalid),
        ("TRACKING.REFERENCENUMBER.NOTFOUND", 200, FailureKind::NotFound),
        ("SOMETHING.NEW", 429, FailureKind::RateLimited),
        ("SOMETHING.NEW", 404, FailureKind::Invalid),
        ("SOMETHING.NEW", 200, FailureKind::Unparsable),
    ] {
        let body = json!({"errors": [{"code": code, "message": "?"}]}).to_string();
        let reading = contract::read(&ADAPTER, status, body.as_bytes()).expect("an answer");
        assert_eq!(reading.failures[0].kind, expected, "{code} {status}");
    }
    let alert = br#"{"output":{"completeTrackResults":[],"alerts":"TRACKING.DATA.NOTFOUND -  Tracking data unavailable"}}"#;
    assert_eq!(read(alert).expect("an answer").failures[0].kind, FailureKind::NotFound);
    let alerts = br#"{"output":{"completeTrackResults":[],"alerts":[{"code":"TRACKING.DATA.NOTFOUND","message":"-"}]}}"#;
    assert_eq!(read(alerts).expect("an answer").failures[0].kind, FailureKind::NotFound);
}

fn account() -> Fedex {
    Fedex {
        base_url: "https://x".into(),
        client_id: "l7&id".into(),
        client_secret: SecretString::from("s=c t"),
    }
}

#[test]
fn a_question_names_all_its_numbers_and_shows_the_pass() {
    let token = Token { secret: SecretString::from("p4ss"), lasts: Duration::from_secs(1) };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: Some(token) };
    let asked = Authorise::request(&account(), &occasion);
    assert_eq!(asked.url, "https://x/oauth/token");
    let body = b"grant_type=client_credentials&client_id=l7%26id&client_secret=s%3Dc%20t".as_slice();
    assert_eq!(asked.body.as_deref(), Some(body));
    let question = |number: &str| Question { number: number.parse().expect("a number"), phone_tail: None };
    let asked = Track::request(&account(), &[question(NUMBER), question("794810209260")], &occasion);
    assert_eq!(asked.url, "https://x/track/v1/trackingnumbers");
    assert!(asked.headers.contains(&("Authorization", "Bearer p4ss".into())));
    let body: Value = serde_json::from_slice(&asked.body.expect("a body")).expect("JSON");
    let info = |number| json!({"trackingNumberInfo": {"trackingNumber": number}});
    let numbers = [info(NUMBER), info("794810209260")];
    assert_eq!(body, json!({"includeDetailedScans": true, "trackingInfo": numbers}));
}

#[test]
fn a_refused_application_is_told_in_fedexs_words() {
    let body = br#"{"transactionId":"1","errors":[{"code":"NOT.AUTHORIZED.ERROR","message":"The given client credentials were not valid."}]}"#;
    let answer = Answer { status: 401, body: body.to_vec(), ..Answer::default() };
    let failure = account().read(&answer).expect_err("no pass");
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Auth, "NOT.AUTHORIZED.ERROR"));
}

fn any_scan() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just(json!("DL")),
        Just(json!("IT")),
        Just(json!("RS")),
        Just(json!("DE")),
        Just(json!(null)),
        Just(json!(7)),
        Just(json!("Delivered")),
        Just(json!("2026-03-04T10:45:00+08:00")),
        Just(json!("2026-03-04T10:45:00")),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    let pick = || word.clone();
    (pick(), pick(), pick(), pick(), pick()).prop_map(|(event, derived, text, date, place)| {
        json!({"date": date, "eventType": event, "derivedStatusCode": derived, "eventDescription": text,
            "exceptionDescription": place.clone(), "scanLocation": {"city": place.clone(), "countryCode": place}})
    })
}

proptest! {
    #[test]
    fn whatever_fedex_writes_only_dl_delivers(scans in proptest::collection::vec(any_scan(), 0..6), latest in any_scan()) {
        let result = json!({"trackingNumberInfo": latest, "latestStatusDetail": {"code": "DL"}, "scanEvents": scans});
        let body = json!({"output": {"completeTrackResults": [{"trackingNumber": NUMBER, "trackResults": [result]}]}});
        let about = read(body.to_string().as_bytes()).expect("an answer").about(&NUMBER.parse().expect("a number"));
        let Said::Events { seen, unreadable } = about else { panic!("events") };
        prop_assert_eq!(seen.len() + unreadable.len(), scans.len());
        for seen in seen {
            let raw: Value = serde_json::from_str(&seen.raw).expect("JSON");
            let is_delivery = raw["eventType"] == "DL" || raw["derivedStatusCode"] == "DL";
            prop_assert!(seen.happening.status != EventStatus::Delivered || is_delivery);
        }
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    assert!(CODES.get("DL").is_some());
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("fedex/in_transit.json"),
            delivered: fixture!("fedex/delivered.json"),
            not_found: (200, fixture!("fedex/not_found.json")),
            wrong_credentials: (401, fixture!("fedex/wrong_token.json")),
            rate_limited: (429, fixture!("fedex/rate_limited.json")),
        },
    );
}
