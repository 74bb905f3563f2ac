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

const NUMBER: &str = "9400109104250532908587";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("usps/in_transit.json"));
    snapshot("delivered", fixture!("usps/delivered.json"));
    snapshot("returned", fixture!("usps/returned.json"));
    snapshot("international", fixture!("usps/international.json"));
    snapshot("odd", fixture!("usps/odd.json"));
}

fn told(code: &str, kind: &str, category: &str) -> String {
    let fields = Fields { code: code.into(), kind: kind.into(), ..Fields::default() };
    match status(&fields, category) {
        EventStatus::Delivered => format!("delivered {}", to_whom(&fields)),
        other => other.to_string(),
    }
}

#[test]
fn the_words_of_a_delivery_say_to_whom() {
    for (words, expected) in [
        ("Delivered", "delivered unspecified"),
        ("", "delivered unspecified"),
        ("Delivered, In/At Mailbox", "delivered unspecified"),
        ("Delivered, Front Door/Porch", "delivered unspecified"),
        ("Delivered, Garage or Other Location at Address", "delivered unspecified"),
        ("Delivered, PO Box", "delivered unspecified"),
        ("Delivered, Parcel Locker", "delivered locker"),
        ("Delivered, Left with Individual", "delivered household"),
        ("Delivered, Front Desk/Reception/Mail Room", "delivered mailroom"),
        ("Delivered, Neighbor as Requested", "delivered neighbour"),
        ("Delivered, Individual Picked Up at Post Office", "delivered collected"),
        ("Delivered, Individual Picked Up at Postal Facility", "delivered collected"),
        ("Delivered, To Agent", "delivered unspecified"),
        ("Delivered to Agent, Front Desk/Reception/Mail Room", "delivered mailroom"),
        ("Delivered to Agent for Final Delivery", "in_transit"),
        ("Delivered to Agent, Left for pickup", "available_for_collection"),
        ("DELIVERED, TO ORIGINAL SENDER", "returned"),
        ("Held at Post Office, Retrieved from full parcel locker", "unknown"),
        ("Delivery Attempted - No Access to Delivery Location", "unknown"),
    ] {
        assert_eq!(told("01", words, ""), expected, "{words}");
    }
}

#[test]
fn a_delivery_is_one_only_where_nothing_speaks_against_it() {
    for (code, words, category, expected) in [
        ("01", "Delivered", "Delivered", "delivered unspecified"),
        ("01", "Delivered", "DELIVERED TO AGENT", "delivered unspecified"),
        ("01", "Delivered", "Alert", "unknown"),
        ("01", "Delivered", "In Transit", "unknown"),
        ("01", "Delivered", "Delivery Attempt", "unknown"),
        ("17", "Delivered to Agent", "Delivered to Agent", "delivered unspecified"),
        ("13", "Delivered", "", "delivered unspecified"),
        ("PD", "Partial Delivery", "Delivered", "exception"),
        ("DN", "Delivered damaged", "Delivered", "damaged"),
        ("07", "Delivered", "Delivered", "unknown"),
        ("60", "Delivered to Agent for Final Delivery", "Delivered to Agent", "in_transit"),
        ("01", "In Transit to Next Facility", "", "unknown"),
        ("22", "Insufficient Address", "Alert", "exception"),
        ("ZZ", "Delivered", "Delivered", "unknown"),
        ("59", "Delivered", "Delivered", "unknown"),
        ("", "Delivered", "Delivered", "unknown"),
        ("29", "Return to Sender", "Alert", "returning"),
        ("28", "Delivered", "Delivered", "unknown"),
        ("86", "Delivered", "Delivered", "returned"),
        ("10", "Arrived at USPS Regional Facility", "In Transit", "arrived"),
        ("03", "USPS in possession of item", "Accepted", "picked_up"),
    ] {
        assert_eq!(told(code, words, category), expected, "{code} {words} {category}");
    }
}

#[test]
fn an_answer_without_events_or_without_a_number_is_one_still() {
    for body in [
        r#"{"trackingNumber":"9400109104250532908587","trackingEvents":null}"#,
        r#"{"trackingNumber":"9400109104250532908587","statusSummary":"Delivered"}"#,
    ] {
        let reading = read(body.as_bytes()).expect("an answer");
        assert_eq!(reading.packages[0].seen, [], "{body}");
    }
    let nameless = read(br#"{"trackingNumber":null,"trackingEvents":[]}"#).expect("an answer");
    assert_eq!(nameless.failures[0].kind, FailureKind::Unparsable);
}

#[test]
fn what_is_handed_over_where_it_was_posted_came_back() {
    let said = |zip: &str, origin: &str| {
        let event = json!({"eventCode": "01", "eventType": "Delivered", "eventZIP": zip, "eventTimestamp": "2026-03-04T10:45:00"});
        let page = json!({"trackingNumber": NUMBER, "originZIP": origin, "destinationZIP": "60607", "trackingEvents": [event]});
        read(page.to_string().as_bytes()).expect("an answer").packages[0].seen[0].happening.status
    };
    assert_eq!(said("90501", "90501"), EventStatus::Returned);
    assert_eq!(said("60607", "90501"), EventStatus::Delivered);
    assert_eq!(said("60607", "60607"), EventStatus::Delivered);
    assert_eq!(said("", ""), EventStatus::Delivered);
}

#[test]
fn an_empty_error_beside_events_is_none() {
    let event = json!({"eventCode": "01", "eventType": "Delivered", "eventTimestamp": "2026-03-04T10:45:00"});
    let said = |error: Value| {
        let page = json!({"error": error, "trackingNumber": NUMBER, "trackingEvents": [event]});
        let reading = read(page.to_string().as_bytes()).expect("an answer");
        (reading.packages.len(), reading.failures.len())
    };
    assert_eq!(said(json!({})), (1, 0));
    assert_eq!(said(json!({"code": "", "message": null, "errors": []})), (1, 0));
    assert_eq!(said(json!({"code": "404"})), (0, 1));
}

#[test]
fn a_z_behind_the_places_own_time_is_no_offset() {
    let said = |more: Value| {
        let mut event = json!({"eventCode": "07", "eventTimestamp": "2026-03-04T10:45:00Z",
            "eventCity": "SPRINGFIELD", "eventState": "IL"});
        event.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        let page = json!({"trackingNumber": NUMBER, "trackingEvents": [event]});
        let reading = read(page.to_string().as_bytes()).expect("an answer");
        let occurred = reading.packages[0].seen[0].happening.occurred.clone();
        format!("{} {}", crate::domain::instant::rfc3339(occurred.at), occurred.offset_source)
    };
    assert_eq!(said(json!({})), "2026-03-04T16:45:00Z facility_zone");
    assert_eq!(said(json!({"GMTOffset": "-06:00"})), "2026-03-04T16:45:00Z carrier");
    assert_eq!(said(json!({"GMTTimestamp": "2026-03-04T16:45:09Z"})), "2026-03-04T16:45:09Z carrier");
    assert_eq!(said(json!({"eventTimestamp": "2026-03-04T10:45:00-06:00"})), "2026-03-04T16:45:00Z carrier");
}

#[test]
fn who_signed_stays_in_the_raw_answer() {
    for body in
        [fixture!("usps/delivered.json"), fixture!("usps/international.json"), fixture!("usps/odd.json")]
    {
        for package in read(body).expect("an answer").packages {
            let told = package.seen.iter().map(|seen| format!("{:?}", seen.happening)).collect::<String>();
            assert!(!["DOE", "QIANG", "JESSICA"].iter().any(|name| told.contains(name)), "{told}");
        }
    }
}

#[test]
fn errors_say_who_must_act() {
    let kind = |body: Value, status: u16| {
        contract::read(&ADAPTER, status, body.to_string().as_bytes()).expect("an answer").failures[0].kind
    };
    let error = |code: Value, message: &str| json!({"error": {"code": code, "message": message}});
    assert_eq!(kind(error(json!("404"), ""), 200), FailureKind::NotFound);
    assert_eq!(kind(error(json!(-2147219283i64), ""), 200), FailureKind::NotFound);
    assert_eq!(kind(error(json!("-2147219302"), ""), 400), FailureKind::NotFound);
    assert_eq!(kind(error(json!("403"), "Forbidden"), 403), FailureKind::Auth);
    assert_eq!(kind(error(json!("400"), "The tracking number is invalid."), 400), FailureKind::Invalid);
    assert_eq!(
        kind(error(json!("400"), "A status update is not yet available on your package."), 400),
        FailureKind::NotFound
    );
    assert_eq!(kind(error(json!("503"), ""), 503), FailureKind::CarrierDown);
    assert_eq!(kind(error(json!(null), ""), 429), FailureKind::RateLimited);
    assert_eq!(kind(error(json!(null), ""), 200), FailureKind::Unparsable);
    assert_eq!(kind(json!({"error": "invalid_client", "error_description": "-"}), 401), FailureKind::Auth);
    let inner = json!({"apiVersion": "v3", "error": {"errors": [{"code": "-2147219283", "detail": "-"}]}});
    assert_eq!(kind(inner, 200), FailureKind::NotFound);
}

fn account() -> Usps {
    Usps {
        base_url: "https://x".into(),
        client_id: "key".into(),
        client_secret: SecretString::from("s3cret"),
    }
}

#[test]
fn a_pass_is_asked_for_with_its_scope_and_shown_with_every_question() {
    let token = Token { secret: SecretString::from("p4ss"), lasts: Duration::from_secs(1) };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: Some(token) };
    let asked = Authorise::request(&account(), &occasion);
    assert_eq!(asked.url, "https://x/oauth2/v3/token");
    let body: Value = serde_json::from_slice(&asked.body.expect("a body")).expect("JSON");
    let expected = json!({"grant_type": "client_credentials", "client_id": "key", "client_secret": "s3cret", "scope": "tracking"});
    assert_eq!(body, expected);
    let number = NUMBER.parse().expect("a number");
    let asked = Track::request(&account(), &[Question { number, phone_tail: None }], &occasion);
    assert_eq!(asked.url, format!("https://x/tracking/v3/tracking/{NUMBER}?expand=DETAIL"));
    assert!(asked.headers.contains(&("Authorization", "Bearer p4ss".into())));
    let answer = Answer { status: 401, body: fixture!("usps/no_scope.json").to_vec(), ..Answer::default() };
    assert_eq!(account().read(&answer).expect_err("no pass").kind, FailureKind::Auth);
}

fn any_event() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just(json!("01")),
        Just(json!("07")),
        Just(json!("09")),
        Just(json!(1)),
        Just(json!(null)),
        Just(json!("Delivered")),
        Just(json!("Delivered, To Original Sender")),
        Just(json!("2026-03-04T10:45:00")),
        Just(json!("2026-03-04T10:45:00Z")),
        Just(json!("-05:00")),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    let pick = || word.clone();
    (pick(), pick(), pick(), pick(), pick(), pick()).prop_map(|(code, kind, at, gmt, offset, place)| {
        json!({"eventCode": code, "eventType": kind, "eventTimestamp": at, "GMTTimestamp": gmt, "GMTOffset": offset,
            "eventCity": place.clone(), "eventState": place.clone(), "eventZIP": place.clone(), "eventCountry": place})
    })
}

proptest! {
    #[test]
    fn whatever_usps_writes_only_its_codes_deliver(events in proptest::collection::vec(any_event(), 0..6)) {
        let body = json!({"trackingNumber": NUMBER, "trackingEvents": events});
        let about = read(body.to_string().as_bytes()).expect("an answer").about(&NUMBER.parse().expect("a number"));
        let Said::Events { seen, unreadable } = about else { panic!("events") };
        prop_assert_eq!(seen.len() + unreadable.len(), events.len());
        for seen in seen {
            let raw: Value = serde_json::from_str(&seen.raw).expect("JSON");
            // A number has lost its zero, and so may a text.
            let code = raw["eventCode"].as_str().map_or(raw["eventCode"].to_string(), str::to_owned);
            let row = CODES.get(&format!("{:0>2}", code.trim().to_ascii_uppercase()));
            let is_delivery = row.is_some_and(|row| row.status == EventStatus::Delivered);
            prop_assert!(seen.happening.status != EventStatus::Delivered || is_delivery);
        }
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    assert!(CODES.get("01").is_some());
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("usps/in_transit.json"),
            delivered: fixture!("usps/delivered.json"),
            not_found: (404, fixture!("usps/not_found.json")),
            wrong_credentials: (401, fixture!("usps/no_scope.json")),
            rate_limited: (429, fixture!("usps/rate_limited.json")),
        },
    );
}
