//! Recorded answers and pushes, and what they normalise to.

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotVerified, PhoneTail, Pushed, Receive, Said};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "RN740215885GB";
const KEY: &str = "A1B2C3D4E5F60718293A4B5C6D7E8F90";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

fn account(carrier: Option<u32>, send_phone: bool) -> SeventeenTrack {
    let address = "https://x/track/v2.2".into();
    SeventeenTrack { address, api_key: SecretString::from(KEY), carrier, send_phone }
}

fn question(number: &str) -> Question {
    Question { number: number.parse().expect("a number"), phone_tail: PhoneTail::of("138 0000 5678") }
}

fn occasion() -> Occasion {
    Occasion { now: from_micros(0), id: Uuid::nil(), token: None }
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("seventeentrack/in_transit.json"));
    snapshot("delivered", fixture!("seventeentrack/delivered.json"));
    snapshot("two_carriers", fixture!("seventeentrack/two_carriers.json"));
    snapshot("returned", fixture!("seventeentrack/returned.json"));
    snapshot("odd", fixture!("seventeentrack/odd.json"));
    snapshot("not_registered", fixture!("seventeentrack/not_registered.json"));
    snapshot("nothing_yet", fixture!("seventeentrack/nothing_yet.json"));
    snapshot("registered_as_if_asked", fixture!("seventeentrack/registered.json"));
    snapshot("push", fixture!("seventeentrack/push.json"));
    snapshot("stopped", fixture!("seventeentrack/stopped.json"));
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("seventeentrack/in_transit.json"),
            delivered: fixture!("seventeentrack/delivered.json"),
            not_found: (200, fixture!("seventeentrack/not_found.json")),
            wrong_credentials: (401, fixture!("seventeentrack/wrong_key.json")),
            rate_limited: (429, fixture!("seventeentrack/rate_limited.json")),
        },
    );
}

#[test]
fn the_question_is_a_list_of_numbers_under_the_key() {
    let request =
        Track::request(&account(None, true), &[question(NUMBER), question("LP001122")], &occasion());
    assert_eq!(request.url, "https://x/track/v2.2/gettrackinfo");
    assert!(request.headers.contains(&("17token", KEY.into())));
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, json!([{"number": NUMBER}, {"number": "LP001122"}]));
}

#[test]
fn what_is_not_registered_is_registered_with_all_that_is_known() {
    let account = account(Some(3011), true);
    let read_failures = |body| read(body).expect("an answer").failures;
    let not_registered = &read_failures(fixture!("seventeentrack/not_registered.json"))[0];
    assert_eq!(not_registered.kind, FailureKind::NotFound);
    assert!(account.is_asked_for(not_registered));
    assert!(!account.is_asked_for(&read_failures(fixture!("seventeentrack/not_found.json"))[0]));
    let request = Introduce::request(&account, &[question(NUMBER)], &occasion());
    assert_eq!(request.url, "https://x/track/v2.2/register");
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, json!([{"number": NUMBER, "carrier": 3011, "param": "5678"}]));
}

#[test]
fn registering_again_is_as_good_and_what_cannot_be_registered_is_named() {
    let answer = Answer {
        status: 200,
        body: fixture!("seventeentrack/registered.json").to_vec(),
        ..Answer::default()
    };
    let read = Introduce::read(&account(None, false), &answer);
    assert_eq!(summary(&read), "! 1234 invalid -18019903 | Carrier cannot be detected.");
    let answer = Answer { status: 503, ..Answer::default() };
    let read = Introduce::read(&account(None, false), &answer).expect("an answer");
    assert_eq!(read.failures[0].kind, FailureKind::CarrierDown);
}

#[test]
fn errors_are_of_the_whole_call_or_of_one_number() {
    let summary = |body: &str| summary(&read(body.as_bytes()));
    for (body, expected) in [
        (r#"{"code":-18010001,"data":null}"#, "!  auth -18010001 | "),
        (r#"{"code":"-18019907","message":"Limit"}"#, "!  rate_limited -18019907 | Limit"),
        (
            r#"{"code":0,"data":{"errors":[{"code":-18010013,"message":"Invalid"}]}}"#,
            "!  invalid -18010013 | Invalid",
        ),
        (
            r#"{"code":-2,"data":{"rejected":[{"number":"LP001122","error":{"code":-18019902}}]}}"#,
            "! LP001122 not_found -18019902 | ",
        ),
        (r#"{"code":-7}"#, "!  unparsable -7 | "),
    ] {
        assert_eq!(summary(body), expected, "{body}");
    }
    for body in [
        r#"{"code":0}"#,
        r#"{"data":{}}"#,
        r#"{"event":"TRACKING_UPDATED"}"#,
        r#"{"event":"ping","data":{}}"#,
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

fn delivered(number: &str, carrier: u32, at: &str, sub_status: &str) -> Value {
    json!({"number": number, "carrier": carrier, "track_info": {"tracking": {"providers": [{"events": [
        {"time_iso": at, "sub_status": sub_status, "description": ""}]}]}}})
}

#[test]
fn one_number_of_several_carriers_is_delivered_if_all_say_so() {
    let status = |second: &str| {
        let accepted = [
            delivered(NUMBER, 1, "2026-03-04T11:42:00+08:00", "Delivered_Other"),
            delivered(NUMBER, 2, "2026-03-04T12:00:00+08:00", second),
        ];
        let body = json!({"code": 0, "data": {"accepted": accepted}}).to_string();
        let reading = read(body.as_bytes()).expect("an answer");
        assert_eq!(reading.packages.len(), 1);
        reading.packages[0].status().status
    };
    assert_eq!(status("Delivered_Other"), EventStatus::Delivered);
    assert_eq!(status("InTransit_Other"), EventStatus::InTransit);
}

fn event(day: u32, sub_status: &str, text: &str) -> Value {
    json!({"time_iso": format!("2026-03-{day:02}T10:00:00Z"), "sub_status": sub_status, "description": text})
}

/// `whole`: the coarse word and the fine one.
fn statuses(events: &[Value], whole: [&str; 2]) -> Vec<String> {
    let [status, sub_status] = whole;
    let item = json!({"number": NUMBER, "carrier": 3011, "track_info": {
        "latest_status": {"status": status, "sub_status": sub_status},
        "tracking": {"providers": [{"events": events}]}}});
    let body = json!({"code": 0, "data": {"accepted": [item]}}).to_string();
    let reading = read(body.as_bytes()).expect("an answer");
    let happenings = reading.packages[0].seen.iter().map(|seen| &seen.happening);
    happenings
        .map(|one| one.delivered_to.map_or(one.status.to_string(), |to| format!("{} {to}", one.status)))
        .collect()
}

const DELIVERED: [&str; 2] = ["Delivered", "Delivered_Other"];

#[test]
fn a_text_in_any_language_can_take_a_delivery_back() {
    for (text, expected) in [
        ("Delivered", "delivered unspecified"),
        ("已签收，签收人是【前台】", "delivered mailroom"),
        ("Livré chez votre voisin", "delivered neighbour"),
        ("Dostarczona", "delivered unspecified"),
        ("退回件已签收", "returned"),
        ("寄件人已签收", "returned"),
        ("Delivered to sender's address", "returned"),
        ("收件人拒收，快件退回", "unknown"),
        ("未签收", "unknown"),
        ("已投放至丰巢快递柜，请及时取件", "unknown"),
        ("Retourné à l'expéditeur", "unknown"),
        ("Zustellung nicht erfolgreich", "unknown"),
        ("Delivered to Agent for Final Delivery", "unknown"),
        ("Delivered to parcel shop", "unknown"),
    ] {
        assert_eq!(statuses(&[event(5, "Delivered_Other", text)], DELIVERED), [expected], "{text}");
    }
}

#[test]
fn no_delivery_stands_that_the_whole_knows_nothing_of() {
    let delivered = |day| event(day, "Delivered_Other", "Delivered");
    for (events, whole, expected) in [
        (
            [event(6, "InTransit_Other", "Arrived at facility"), delivered(5)],
            ["InTransit", "InTransit_Other"],
            ["arrived", "unknown"],
        ),
        (
            [event(6, "Exception_Other", "Recalled"), delivered(5)],
            ["Exception", ""],
            ["exception", "unknown"],
        ),
        ([delivered(6), delivered(5)], ["Exception", "Exception_Returned"], ["returned", "unknown"]),
        ([delivered(6), delivered(5)], ["Recalled", ""], ["unknown", "unknown"]),
        ([delivered(6), delivered(5)], ["Delivered", "Delivered_Refused"], ["unknown", "unknown"]),
        (
            [delivered(6), event(5, "OutForDelivery_Other", "Out for delivery")],
            DELIVERED,
            ["delivered unspecified", "out_for_delivery"],
        ),
        ([delivered(6), event(5, "Exception_Returning", "")], DELIVERED, ["returned", "returning"]),
    ] {
        assert_eq!(statuses(&events, whole), expected, "{whole:?}");
    }
}

#[test]
fn nobody_is_named_in_a_description() {
    for (sub_status, text) in [
        ("Delivered_Other", "Delivered to JOHN SMITH"),
        ("Delivered_Other", "妥投 JOHN SMITH"),
        ("OutForDelivery_Other", "快递员JOHN SMITH（13800001234）正在为您派送"),
    ] {
        let accepted = json!({"number": NUMBER, "track_info": {"tracking": {"providers": [
            {"events": [event(5, sub_status, text)]}]}}});
        let body = json!({"code": 0, "data": {"accepted": [accepted]}}).to_string();
        let seen = &read(body.as_bytes()).expect("an answer").packages[0].seen[0];
        let shown = &seen.happening.description;
        assert!(!shown.contains("SMITH") && !shown.contains("1380") && !shown.is_empty(), "{text}: {shown}");
    }
}

#[test]
fn a_push_is_believed_only_with_its_signature() {
    // By another implementation of SHA-256.
    let given = "3b2f166b1dee2c997b3ee743a5e7654b8d118a4af0e30d534460e283d204120a";
    let pushes = push::Pushes::signed_with(SecretString::from(KEY));
    let verify = |signature: Option<&str>, body: &[u8]| {
        let header = |name: &str| signature.filter(|_| name == "sign");
        pushes.verify(&Pushed { header: &header, query: "", body }, from_micros(0))
    };
    let body = fixture!("seventeentrack/push.json");
    assert_eq!(push::signature_of(body, KEY), given);
    assert_eq!(verify(Some(given), body), Ok(()));
    let wrong = Err(NotVerified("the signature does not match"));
    assert_eq!(verify(Some(given), &body[1..]), wrong);
    assert_eq!(verify(Some(&given[1..]), body), wrong);
    assert_eq!(verify(Some(""), body), wrong);
    assert_eq!(verify(None, body), Err(NotVerified("the header sign is missing")));
    assert_eq!(pushes.open(body), Ok(body.to_vec()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("Delivered"),
        Just("Delivered_Other"),
        Just("2026-03-04T11:42:00+08:00"),
        Just("Out for delivery"),
        Just(NUMBER),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
        ".*".prop_map(Value::from),
        proptest::collection::vec(".*", 0..3).prop_map(Value::from),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn any_values_in_the_format_are_survived_and_deliver_only_uncontradicted(
        values in proptest::collection::vec(any_value(), 12),
    ) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = <[Value; 12]>::try_from(values).expect("twelve");
        let event = json!({"time_iso": a, "time_utc": b, "time_raw": {"date": c, "time": d}, "stage": e,
            "sub_status": f, "description": g, "location": h, "address": i});
        let other = json!({"time_iso": "2026-03-03T10:00:00Z", "sub_status": f, "description": l});
        let body = json!({"code": 0, "data": {"accepted": [{"number": NUMBER, "carrier": j, "track_info": {
            "latest_status": {"status": k}, "tracking": {"providers": [{"events": [event, l, other]}]}}}]}});
        let number = NUMBER.parse().expect("a number");
        let said = read(body.to_string().as_bytes()).expect("an answer").about(&number);
        let Said::Events { seen, .. } = said else { return Ok(()) };
        for seen in seen.iter().filter(|seen| seen.happening.status == EventStatus::Delivered) {
            let small = seen.happening.code.to_ascii_lowercase();
            prop_assert!(small == "delivered" || small == "delivered_other");
            let event: Value = serde_json::from_str(&seen.raw).expect("JSON");
            prop_assert!(event["description"] != json!("Out for delivery"));
            let whole = k.as_str().map(str::trim).unwrap_or_default();
            prop_assert!(!k.is_number() && ["", "Delivered", "Delivered_Other"].contains(&whole) || has_control(whole));
        }
    }
}

/// Left out before it is read.
fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}
