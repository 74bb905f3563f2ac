//! Recorded answers and what they normalise to.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "LP00123456789012";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("cainiao/in_transit.json"));
    snapshot("delivered", fixture!("cainiao/delivered.json"));
    snapshot("domestic", fixture!("cainiao/domestic.json"));
    snapshot("odd", fixture!("cainiao/odd.json"));
}

#[test]
fn a_code_under_its_own_name_means_what_the_table_says() {
    let table = include_str!("codes.csv").lines().filter(|line| !line.starts_with('#')).skip(1);
    for line in table {
        let cells: Vec<&str> = line.split(',').collect();
        let (code, expected, name) = (cells[0], cells[1], cells[4]);
        let trace = wire::Trace { action_code: code.into(), desc: name.into(), ..wire::Trace::default() };
        assert_eq!(status::status(&trace).0.as_str(), expected, "{line}");
    }
}

#[test]
fn what_a_point_signed_for_waits_there() {
    let told = |code: &str, desc: &str| {
        let trace = wire::Trace { action_code: code.into(), desc: desc.into(), ..wire::Trace::default() };
        let (status, to) = status::status(&trace);
        to.map_or(status.to_string(), |to| format!("{status} {to}"))
    };
    for (code, desc, expected) in [
        ("GTMS_SIGNED", "Delivered", "delivered unspecified"),
        ("GTMS_SIGNED", "Delivered to pick-up point", "unknown"),
        ("GTMS_SIGNED", "Delivered at the station, please collect", "unknown"),
        ("GTMS_SIGNED", "Delivered to seller", "returned"),
        ("GTMS_SIGNED", "Entregado al remitente", "unknown"),
        ("SIGNED", "代收点已签收", "available_for_collection"),
        ("SIGNED", "快件已签收,签收人:菜鸟驿站", "available_for_collection"),
        ("SIGNED", "已签收，签收人凭取货码签收【驿站】", "delivered collected"),
        ("GSTA_SIGN", "Package signed by station", "unknown"),
        ("GSTA_SIGN", "Collected by the recipient at the pick-up point", "delivered collected"),
        ("07", "商家签收", "returned"),
    ] {
        assert_eq!(told(code, desc), expected, "{code} {desc}");
    }
}

#[test]
fn the_clock_of_the_place_counts_and_not_the_count_beside_it() {
    let at = |time: &str| {
        let body = format!(
            r#"{{"success":true,"module":[{{"mailNo":"{NUMBER}","detailList":[
            {{"actionCode":"GTMS_SIGNED",{time}}}]}}]}}"#
        );
        let reading = read(body.as_bytes()).expect("an answer");
        let occurred = reading.packages[0].seen[0].happening.occurred.clone();
        (crate::domain::instant::rfc3339(occurred.at), occurred.offset_source.to_string())
    };
    let expected = |at: &str| (at.to_owned(), "carrier".to_owned());
    let both = r#""time":1772862300000,"timeStr":"2026-03-07 13:45:00","timeZone":"GMT+1""#;
    assert_eq!(at(both), expected("2026-03-07T12:45:00Z"));
    assert_eq!(at(r#""time":"2026-03-07 13:45:00","timeZone":"GMT+1""#), expected("2026-03-07T12:45:00Z"));
    assert_eq!(at(r#""time":"2026-03-07 13:45:00","timeZone":1"#), expected("2026-03-07T12:45:00Z"));
    assert_eq!(
        at(r#""time":"2026-03-07 13:45:00","timeZone":"Asia/Tokyo""#),
        expected("2026-03-07T04:45:00Z")
    );
    assert_eq!(at(r#""time":1772862300000,"timeZone":"GMT+1""#), expected("2026-03-07T12:45:00Z"));
    let told = |at: &str, by: &str| (at.to_owned(), by.to_owned());
    assert_eq!(at(r#""time":1772862300000"#), told("2026-03-07T13:45:00Z", "assumed_utc"));
    let at_home = r#""time":1772862300000,"country":"CN""#;
    assert_eq!(at(at_home), told("2026-03-07T05:45:00Z", "country_zone"));
    assert_eq!(
        at(r#""time":"2026-03-07T13:45:00+08:00","timeZone":"GMT+1""#),
        expected("2026-03-07T05:45:00Z")
    );
    assert_eq!(at(r#""timeStr":"2026-03-07 13:45:00""#).1, "assumed_utc");
}

#[test]
fn errors_are_told_apart_by_their_codes_then_by_their_words() {
    for (code, message, expected) in [
        ("S02", "", FailureKind::Auth),
        ("S03", "", FailureKind::Auth),
        ("s07", "", FailureKind::CarrierDown),
        ("S01", "illegal JSON", FailureKind::Invalid),
        ("B0210", "流量受控", FailureKind::RateLimited),
        ("NO_PERMISSION", "", FailureKind::Auth),
        ("X", "运单号不存在", FailureKind::NotFound),
    ] {
        for success in ["false", "\"false\"", "\"False\""] {
            let body = format!(r#"{{"success":{success},"errorCode":"{code}","errorMsg":"{message}"}}"#);
            let reading = read(body.as_bytes()).expect("an answer");
            assert_eq!(reading.failures[0].kind, expected, "{body}");
        }
    }
    let none = read(br#"{"success":true,"module":[]}"#).expect("an answer");
    assert_eq!(none.failures[0].kind, FailureKind::NotFound);
    for (body, expected) in [
        (r#"{"success":true}"#, FailureKind::NotFound),
        (r#"{"success":true,"module":null}"#, FailureKind::NotFound),
        (r#"{"success":false}"#, FailureKind::Unparsable),
    ] {
        assert_eq!(read(body.as_bytes()).expect("an answer").failures[0].kind, expected, "{body}");
    }
    for body in [r#"{"success":false,"errorCode":"8018","msgData":null}"#, r#"{"success":1}"#] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn the_question_is_a_form_signed_as_cainiao_signs() {
    let mut account = Cainiao {
        url: "https://x/gateway/link.do".into(),
        logistic_provider_id: "PROVIDER".into(),
        secret: SecretString::from("s3cret"),
        msg_type: "TRACES".into(),
        to_code: String::new(),
    };
    let question = Question { number: NUMBER.parse().expect("a number"), phone_tail: None };
    let occasion = Occasion { now: from_micros(0), id: Uuid::nil(), token: None };
    let mut body = || {
        let request = account.request(std::slice::from_ref(&question), &occasion);
        assert_eq!(request.url, "https://x/gateway/link.do");
        account.to_code = "CNL_EU".into();
        String::from_utf8(request.body.expect("a body")).expect("text")
    };
    // Computed with Python: b64encode(md5(content + secret).digest()).
    let expected = "logistics_interface=%7B%22locale%22%3A%22en_US%22%2C%22mailNo%22%3A%22LP00123456789012%22%7D\
        &msg_type=TRACES&logistic_provider_id=PROVIDER&data_digest=vrYlrML4yIjxyGykhoC8Eg%3D%3D";
    assert_eq!(body(), expected);
    assert_eq!(body(), format!("{expected}&to_code=CNL_EU"));
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("cainiao/in_transit.json"),
            delivered: fixture!("cainiao/delivered.json"),
            not_found: (200, fixture!("cainiao/not_found.json")),
            wrong_credentials: (200, fixture!("cainiao/wrong_digest.json")),
            rate_limited: (200, fixture!("cainiao/rate_limited.json")),
        },
    );
}

proptest! {
    #[test]
    fn anything_of_the_shape_is_read_and_only_a_delivery_code_delivers(
        trace in contract::object_of(&["actionCode", "desc", "standerdDesc", "time", "timeStr", "timeZone",
            "country", "city"]),
        number in contract::any_json(),
        success in contract::any_json(),
        zone in "[-+:0-9A-Zé]{0,8}",
    ) {
        // Any text can happen to be a code of the table: 07, with its nought or without.
        let code = trace["actionCode"].as_str().map_or_else(|| trace["actionCode"].to_string(), str::to_owned);
        prop_assume!(code.trim().trim_start_matches('0') != "7");
        let mut zoned = trace.clone();
        zoned["timeZone"] = zone.into();
        let module = serde_json::json!({"mailNo": number, "detailList": [trace, zoned], "latestTrace": trace});
        let body = serde_json::json!({"success": success, "module": [module]}).to_string();
        let delivered = read(body.as_bytes()).is_ok_and(|reading| {
            let seen = reading.packages.iter().flat_map(|package| package.seen.iter());
            seen.map(|seen| &seen.happening).any(|one| one.status == EventStatus::Delivered)
        });
        prop_assert!(!delivered, "none of these codes delivers");
    }
}
