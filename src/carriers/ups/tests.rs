//! Recorded answers and what they normalise to.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::status::{CODES, verdict};
use super::wire::Fields;
use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading, Said};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "1Z5338FF0107231059";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("ups/in_transit.json"));
    snapshot("delivered", fixture!("ups/delivered.json"));
    snapshot("packages", fixture!("ups/packages.json"));
    snapshot("returned", fixture!("ups/returned.json"));
    snapshot("odd", fixture!("ups/odd.json"));
    snapshot("malformed_number", fixture!("ups/malformed_number.json"));
}

fn told(kind: &str, code: &str, description: &str) -> String {
    let fields =
        Fields { kind: kind.into(), code: code.into(), description: description.into(), ..Fields::default() };
    let verdict = verdict(&fields, None, None);
    verdict.delivered_to.map_or(verdict.status.to_string(), |to| format!("{} {to}", verdict.status))
}

#[test]
fn the_same_code_means_something_else_under_another_type() {
    assert_eq!(told("I", "DL", "Driver Load"), "in_transit");
    assert_eq!(told("X", "DL", ""), "returned");
    assert_eq!(told("I", "AR", ""), "arrived");
    assert_eq!(
        told("X", "AR", "The receiver stated the order was too expensive and refused this delivery."),
        "attempt_failed"
    );
    assert_eq!(told("M", "DP", "Shipment ready for UPS, manifest processed."), "info_received");
    assert_eq!(told("I", "DP", ""), "departed");
}

#[test]
fn a_delivery_is_one_only_where_nothing_speaks_against_it() {
    for (kind, code, text, expected) in [
        ("D", "", "", "unknown"),
        ("D", "KM", "", "delivered unspecified"),
        ("D", "59", "THIS DELIVERY WAS MADE AFTER THE COMMITMENT TIME", "delivered unspecified"),
        ("D", "XX", "DELIVERED", "delivered unspecified"),
        ("D", "XX", "Something new", "unknown"),
        ("D", "XX", "", "unknown"),
        ("D", "KC", "PACKAGE NOT RECEIVED", "unknown"),
        ("D", "KV", "OTHER NON-DELIVERY", "unknown"),
        ("D", "KK", "SHIPPER COLLECTION", "unknown"),
        ("D", "GP", "PACKAGE LEFT AT OTHER THAN RECEIVER'S ADDRESS", "unknown"),
        ("D", "GT", "PACKAGE WAS STOLEN FROM DELIVERY VEHICLE", "lost"),
        ("D", "ZD", "DELIVER TO A UPS ACCESS POINT", "unknown"),
        ("D", "25", "MERCHANDISE MISSING; BALANCE DELIVERED", "unknown"),
        ("D", "XX", "Delivered to the sender", "returned"),
        ("D", "FS", "DELIVERED", "delivered unspecified"),
        ("D", "2W", "Package picked up at UPS Access Point", "delivered collected"),
        ("D", "2W", "", "delivered collected"),
        ("D", "P5", "Delivered", "delivered locker"),
        ("D", "XX", "Delivered to a neighbor", "delivered neighbour"),
        ("D", "2Q", "Delivered", "available_for_collection"),
        ("D", "XX", "Delivered to UPS Access Point™", "available_for_collection"),
        ("D", "B0", "Delivered", "returned"),
        ("D", "XX", "Package delivered to original sender", "returned"),
        ("D", "F7", "Delivered to an agent for final delivery", "unknown"),
        ("D", "XX", "Your package was released by the customs agency.", "unknown"),
        ("D", "XX", "The package was not delivered", "unknown"),
        ("D", "XX", "Delivered, damaged", "damaged"),
        ("DO", "XX", "Delivered", "arrived"),
        ("I", "XX", "Delivered", "unknown"),
        ("X", "XX", "Delivered", "unknown"),
        ("X", "FS", "Delivered", "unknown"),
        ("P", "XX", "Delivered", "unknown"),
        ("NA", "FS", "Delivered", "unknown"),
        ("U", "FS", "Delivered", "unknown"),
        ("RS", "FS", "Delivered", "returned"),
        ("RS", "XX", "Returning to Sender", "returning"),
        ("MV", "VP", "", "cancelled"),
        ("W", "WH", "Warehouse Scan", "in_transit"),
        ("O", "XX", "", "out_for_delivery"),
        ("P", "PU", "Pickup Scan", "picked_up"),
    ] {
        assert_eq!(told(kind, code, text), expected, "{kind} {code} {text}");
    }
}

#[test]
fn the_simplified_words_doubt_a_delivery_and_make_none() {
    let told = |kind: &str, detail: &str, description: &str, simplified: &str| {
        let fields = Fields {
            kind: kind.into(),
            detail_code: detail.into(),
            description: description.into(),
            simplified: simplified.into(),
            ..Fields::default()
        };
        verdict(&fields, None, None).status
    };
    let released = "Your package was released by the customs agency.";
    assert_eq!(told("X", "003", released, "Delivered"), EventStatus::CustomsReleased);
    assert_eq!(told("X", "", "Something new", "Delivered"), EventStatus::Unknown);
    assert_eq!(told("D", "011", "DELIVERED", "Returned to Sender"), EventStatus::Returned);
    assert_eq!(told("D", "034", "DELIVERED", "Delivered"), EventStatus::Returned);
    assert_eq!(told("D", "161", "DELIVERED", "Delivered"), EventStatus::AvailableForCollection);
    assert_eq!(told("D", "143", "DELIVERED", "Delivered"), EventStatus::Unknown);
    assert_eq!(told("D", "011", "DELIVERED", "Out for Delivery"), EventStatus::Unknown);
}

#[test]
fn where_the_package_is_now_is_a_witness_of_its_newest_event() {
    let said = |description: &str| {
        let activity = json!({"date": "20260304", "time": "104512", "status": {"type": "D", "description": "DELIVERED"}});
        let earlier = json!({"date": "20260303", "time": "104512", "status": {"type": "D", "description": "DELIVERED"}});
        let package = json!({"trackingNumber": NUMBER, "activity": [activity, earlier], "currentStatus": {"description": description}});
        let body = json!({"trackResponse": {"shipment": [{"package": [package]}]}}).to_string();
        let statuses = |seen: &[crate::carriers::Seen]| {
            seen.iter().map(|seen| seen.happening.status.as_str()).collect::<Vec<_>>()
        };
        statuses(&read(body.as_bytes()).expect("an answer").packages[0].seen)
    };
    assert_eq!(said("Delivered"), ["delivered", "delivered"]);
    assert_eq!(said("Returned to Sender"), ["returned", "delivered"]);
    assert_eq!(said("Exception: Damaged"), ["damaged", "delivered"]);
    assert_eq!(said("Held"), ["unknown", "delivered"]);
}

#[test]
fn what_came_back_is_not_delivered_afterwards() {
    let activity = |kind: &str, code: &str, day: u8| json!({"date": format!("2026030{day}"), "time": "104512", "status": {"type": kind, "code": code, "description": ""}});
    let package =
        json!({"trackingNumber": NUMBER, "activity": [activity("D", "FS", 5), activity("X", "DL", 4)]});
    let body = json!({"trackResponse": {"shipment": [{"package": [package]}]}}).to_string();
    let package = read(body.as_bytes()).expect("an answer").packages.remove(0);
    let statuses: Vec<_> = package.seen.iter().map(|seen| seen.happening.status).collect();
    assert_eq!(statuses, [EventStatus::Returned, EventStatus::Returned]);
}

#[test]
fn who_received_it_stays_in_the_raw_answer() {
    let body = fixture!("ups/delivered.json");
    let reading = read(body).expect("an answer");
    assert!(!format!("{:?}", reading.packages).contains("LI QIANG"));
    for (place, expected) in [
        ("FRONT DOOR", "unspecified"),
        ("MAIL ROOM", "mailroom"),
        ("Locker", "locker"),
        ("NEIGHBOR", "neighbour"),
        ("RECEIVER", "addressee"),
        ("MET CUSTOMER WOMAN", "addressee"),
        ("Front Desk", "mailroom"),
        ("", "unspecified"),
    ] {
        let fields = Fields { kind: "D".into(), description: "DELIVERED".into(), ..Fields::default() };
        let to = verdict(&fields, None, Some(place)).delivered_to.expect("somebody");
        assert_eq!(to.as_str(), expected, "{place}");
    }
    for (code, expected) in
        [("", "available_for_collection"), ("2W", "delivered"), ("ZK", "available_for_collection")]
    {
        let description = "DELIVERED".into();
        let fields = Fields { kind: "D".into(), code: code.into(), description, ..Fields::default() };
        let status = verdict(&fields, None, Some("UPS ACCESS POINT")).status;
        assert_eq!(status.as_str(), expected, "{code}");
    }
}

#[test]
fn a_package_whose_own_number_is_none_is_the_one_that_was_asked_about() {
    let reading = |own: Value, count: u32| {
        let package = json!({"trackingNumber": own, "packageCount": count, "activity": []});
        let body = json!({"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": [package]}]}});
        read(body.to_string().as_bytes()).expect("an answer").packages.remove(0)
    };
    for own in [json!("string"), json!(null), json!("")] {
        assert_eq!(reading(own, 2).number.as_str(), NUMBER);
    }
    let alone = reading(json!("1Z5338FF0107231068"), 1);
    assert_eq!((alone.number.as_str(), alone.also.len()), ("1Z5338FF0107231068", 1));
    let of_several = reading(json!("1Z5338FF0107231068"), 2);
    assert_eq!((of_several.number.as_str(), of_several.also.len()), ("1Z5338FF0107231068", 0));
}

#[test]
fn errors_say_who_must_act() {
    let kind = |code: &str, message: &str, status: u16| {
        let body = json!({"response": {"errors": [{"code": code, "message": message}]}}).to_string();
        contract::read(&ADAPTER, status, body.as_bytes()).expect("an answer").failures[0].kind
    };
    assert_eq!(kind("TV1002", "Invalid inquiry number", 400), FailureKind::Invalid);
    assert_eq!(kind("250003", "Invalid Access License number", 200), FailureKind::Auth);
    assert_eq!(kind("10401", "ClientId is Invalid", 401), FailureKind::Auth);
    assert_eq!(kind("10500", "Internal Server Error", 500), FailureKind::CarrierDown);
    assert_eq!(kind("9", "?", 404), FailureKind::NotFound);
    assert_eq!(kind("9", "?", 400), FailureKind::Invalid);
    assert_eq!(kind("9", "?", 200), FailureKind::Unparsable);
    let older = br#"{"Fault":{"faultcode":"Client","detail":{"Errors":{"ErrorDetail":{"PrimaryErrorCode":
        {"Code":"250003","Description":"Invalid Access License number"}}}}}}"#;
    assert_eq!(read(older).expect("an answer").failures[0].kind, FailureKind::Auth);
    let without = br#"{"errors":[{"code":10429,"message":"Too Many Requests"}]}"#;
    assert_eq!(read(without).expect("an answer").failures[0].kind, FailureKind::RateLimited);
}

fn account(merchant_id: &str) -> Ups {
    Ups {
        base_url: "https://x".into(),
        client_id: "Aladdin".into(),
        client_secret: SecretString::from("open sesame"),
        merchant_id: merchant_id.into(),
    }
}

#[test]
fn a_pass_is_asked_for_with_basic_credentials_and_shown_with_every_question() {
    let token = Token { secret: SecretString::from("p4ss"), lasts: Duration::from_secs(1) };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: Some(token) };
    let asked = Authorise::request(&account("A1B2C3"), &occasion);
    assert_eq!(asked.url, "https://x/security/v1/oauth/token");
    assert_eq!(asked.body.as_deref(), Some(b"grant_type=client_credentials".as_slice()));
    // The example of RFC 7617.
    assert!(asked.headers.contains(&("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into())));
    assert!(asked.headers.contains(&("x-merchant-id", "A1B2C3".into())));
    let number = NUMBER.parse().expect("a number");
    let asked = Track::request(&account(""), &[Question { number, phone_tail: None }], &occasion);
    assert_eq!(
        asked.url,
        format!("https://x/api/track/v1/details/{NUMBER}?locale=en_US&returnSignature=false")
    );
    assert!(asked.headers.contains(&("Authorization", "Bearer p4ss".into())));
    assert!(asked.headers.contains(&("transId", "0".repeat(32))));
    assert!(asked.headers.contains(&("transactionSrc", "sampan".into())));
}

#[test]
fn a_refused_application_is_told_in_upss_words() {
    let body = br#"{"response":{"errors":[{"code":"10401","message":"ClientId is Invalid"}]}}"#.to_vec();
    let answer = Answer { status: 401, body, ..Answer::default() };
    let failure = account("").read(&answer).expect_err("no pass");
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Auth, "10401"));
}

fn any_activity() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just(json!("D")),
        Just(json!("I")),
        Just(json!("X")),
        Just(json!("RS")),
        Just(json!(null)),
        Just(json!(7)),
        Just(json!("Delivered")),
        Just(json!("FS")),
        Just(json!("20260304")),
        Just(json!("104512")),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    let pick = || word.clone();
    (pick(), pick(), pick(), pick(), pick(), pick()).prop_map(|(kind, code, text, date, time, gmt)| {
        json!({"date": date, "time": time, "gmtDate": gmt.clone(), "gmtTime": gmt.clone(), "gmtOffset": gmt,
            "status": {"type": kind, "code": code, "description": text.clone(), "statusCode": text}, "location": {"address": text_address(&kind)}})
    })
}

fn text_address(value: &Value) -> Value {
    json!({"city": value, "countryCode": value, "postalCode": value})
}

proptest! {
    #[test]
    fn whatever_ups_writes_only_type_d_delivers(activity in proptest::collection::vec(any_activity(), 0..6)) {
        let body = json!({"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": [{"trackingNumber": NUMBER, "activity": activity}]}]}});
        let Said::Events { seen, unreadable } = read(body.to_string().as_bytes()).expect("an answer").about(&NUMBER.parse().expect("a number")) else {
            panic!("events")
        };
        prop_assert_eq!(seen.len() + unreadable.len(), activity.len());
        for seen in seen {
            let raw: Value = serde_json::from_str(&seen.raw).expect("JSON");
            let is_delivery = raw["status"]["type"] == "D";
            prop_assert!(seen.happening.status != EventStatus::Delivered || is_delivery);
        }
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    assert!(CODES.get("D/FS").is_some());
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("ups/in_transit.json"),
            delivered: fixture!("ups/delivered.json"),
            not_found: (200, fixture!("ups/not_found.json")),
            wrong_credentials: (401, fixture!("ups/wrong_token.json")),
            rate_limited: (429, fixture!("ups/rate_limited.json")),
        },
    );
}
