//! Recorded answers and what they normalise to.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Pushed, Reading, Receive, Registry};
use crate::config;
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "1234567890123";
const KEY: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("ems/in_transit.json"));
    snapshot("delivered", fixture!("ems/delivered.json"));
    snapshot("taken_back", fixture!("ems/taken_back.json"));
    snapshot("returned", fixture!("ems/returned.json"));
    snapshot("odd", fixture!("ems/odd.json"));
}

#[test]
fn a_delivery_that_was_taken_back_is_none() {
    let reading = read(fixture!("ems/taken_back.json")).expect("an answer");
    assert_eq!(reading.packages[0].status().status, EventStatus::AttemptFailed);
}

#[test]
fn traces_are_read_in_every_wrapping() {
    let signed = String::from_utf8_lossy(fixture!("ems/push.json")).into_owned();
    for body in [
        signed.clone(),
        format!("[{signed}]"),
        format!("{{\"traces\":[{}]}}", signed.replace("waybillNo", "traceNo")),
        format!("{{\"responseItems\":[{signed}]}}"),
        format!("{{\"retCode\":\"00000\",\"retBody\":[{signed}]}}"),
        format!("{{\"retCode\":0,\"retBody\":{{\"responseItems\":[{signed}]}}}}"),
        String::from_utf8_lossy(fixture!("ems/object.json")).into_owned(),
    ] {
        let reading = read(body.as_bytes()).expect("an answer");
        assert_eq!(reading.packages.len(), 1, "{body}");
        assert_eq!(reading.packages[0].status().status, EventStatus::Delivered, "{body}");
    }
    for body in ["[]", "[1]", "[{\"a\":1}]", "{\"traces\":7}"] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_code_under_its_own_name_means_what_the_table_says() {
    let table = include_str!("codes.csv").lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut count = 0;
    for line in table {
        let cells: Vec<&str> = line.split(',').collect();
        let (code, status, name) = (cells[0], cells[1], cells[4]);
        if code.contains(':') {
            continue;
        }
        let trace = wire::Trace { op_code: code.into(), op_desc: name.into(), ..wire::Trace::default() };
        let told = status::told(&trace);
        assert_eq!(told.status.map(EventStatus::as_str), Some(status), "{line}");
        assert_eq!(told.cancels.unwrap_or_default(), cells[3], "{line}");
        count += 1;
    }
    assert!(count > 200, "{count}");
}

#[test]
fn a_delivery_to_somebody_that_the_table_does_not_know_is_none() {
    let told = |deliver_code: &str, op_desc: &str| {
        let (op_code, deliver_code) = ("704".into(), deliver_code.into());
        let trace = wire::Trace { op_code, deliver_code, op_desc: op_desc.into(), ..wire::Trace::default() };
        status::told(&trace).status.expect("a status")
    };
    for (code, text, expected) in [
        ("", "已妥投", EventStatus::Delivered),
        ("10", "已妥投", EventStatus::Delivered),
        ("zdy", "", EventStatus::Delivered),
        ("999", "已妥投", EventStatus::Unknown),
        ("10", "已妥投，收件人为寄件人", EventStatus::Returned),
        ("10", "部分已签收", EventStatus::Unknown),
    ] {
        assert_eq!(told(code, text), expected, "{code} {text}");
    }
}

#[test]
fn errors_are_told_apart_by_their_words() {
    for (message, expected) in [
        ("授权码校验失败", FailureKind::Auth),
        ("无客户信息", FailureKind::Auth),
        ("请求过于频繁", FailureKind::RateLimited),
        ("未查询到轨迹信息", FailureKind::NotFound),
        ("系统异常", FailureKind::CarrierDown),
        ("运单号格式不正确", FailureKind::Invalid),
    ] {
        let body = format!(r#"{{"retCode":"B00001","retMsg":"{message}","retBody":null}}"#);
        let reading = read(body.as_bytes()).expect("an answer");
        assert_eq!(reading.failures[0].kind, expected, "{message}");
    }
    for body in [r#""""#, "null", r#""null""#, r#""[]""#, r#"{"responseItems":[]}"#] {
        let body = format!(r#"{{"retCode":"00000","retMsg":"成功","retBody":{body}}}"#);
        let reading = read(body.as_bytes()).expect("an answer");
        assert_eq!(reading.failures[0].kind, FailureKind::NotFound, "{body}");
    }
    let strange = read(br#"{"retCode":"00000","retBody":"|$4|abc"}"#).expect("an answer");
    assert_eq!(strange.failures[0].kind, FailureKind::Unparsable);
}

fn account(changes: &str) -> Result<Abilities, String> {
    let credentials = format!("[carriers.ems]\nsender_no = \"1100\"\nauthorization = \"a+b\"\n{changes}");
    let settings = config::defaults_with(&credentials).expect("valid settings");
    let registry = Registry::new(&settings.carriers, false).map_err(|error| error.to_string())?;
    Ok(registry.accounts(&"ems".parse().expect("a code"))[0].abilities.clone())
}

#[test]
fn the_question_is_a_form_with_an_encrypted_body() {
    let abilities = account(&format!("sign_key = \"{KEY}\"")).expect("an account");
    let question = Question { number: NUMBER.parse().expect("a number"), phone_tail: None };
    let occasion = Occasion { now: from_micros(1_772_600_000_123_000), id: Uuid::nil(), token: None };
    let request = abilities.track.request(&[question], &occasion);
    assert_eq!(request.url, "https://api.ems.com.cn/amp-prod-api/f/amp/api/open");
    let body = request.body.expect("a body");
    insta::assert_snapshot!("question", String::from_utf8_lossy(&body));
    let sealed = crate::carriers::form::field(&body, "logitcsInterface").expect("a field");
    let sealed = sealed.strip_prefix(b"|$4|").expect("its mark");
    let opened = Key::of(KEY).expect("a key").opened(sealed).expect("ours");
    assert_eq!(opened, format!(r#"{{"direction":"0","waybillNo":"{NUMBER}"}}"#).as_bytes());
}

#[test]
fn a_key_that_is_none_is_refused_by_its_name() {
    let error = account("").err().expect("an authorization that is no key");
    assert!(error.starts_with("carriers.ems.sign_key: "), "{error}");
    let error = account(&format!("sign_key = \"{KEY}\"\npush_secret = \"x\"")).err().expect("no key");
    assert!(error.starts_with("carriers.ems.push_secret: "), "{error}");
    assert!(account(&format!("sign_key = \"{KEY}\"")).expect("an account").receive.is_none());
}

fn verified(receive: &dyn Receive, body: &[u8]) -> Option<Vec<u8>> {
    let header = |_: &str| None;
    let pushed = Pushed { header: &header, query: "", body };
    receive.verify(&pushed, from_micros(0)).ok()?;
    receive.open(body).ok()
}

#[test]
fn a_push_opens_with_the_key_it_was_sealed_with_and_no_other() {
    let abilities = account(&format!("sign_key = \"{KEY}\"\npush_secret = \"{KEY}\"")).expect("an account");
    let receive = abilities.receive.expect("pushes");
    let trace = fixture!("ems/push.json");
    let text = String::from_utf8_lossy(trace);
    let sealed = |key: &str| format!("|$4|{}", Key::of(key).expect("a key").sealed(&text));
    let json = |sealed: &str| serde_json::json!({"logitcsInterface": sealed, "method": "040002"}).to_string();
    let ours = sealed(KEY);
    for body in [json(&ours), super::super::form::form(&[("method", "040002"), ("logitcsInterface", &ours)])]
    {
        let opened = verified(receive.as_ref(), body.as_bytes()).expect("China Post's");
        assert_eq!(opened, trace);
        let reading = read(&opened).expect("a trace");
        assert_eq!(reading.packages[0].status().status, EventStatus::Delivered);
    }
    // One bit of a block makes noise of it, most of all within a string.
    for at in (4..ours.len()).step_by(5) {
        let mut changed = ours.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8_lossy(&changed);
        assert_eq!(verified(receive.as_ref(), json(&changed).as_bytes()), None, "changed at {at}");
    }
    let not_json = format!("|$4|{}", Key::of(KEY).expect("a key").sealed("delivered"));
    for body in [json(&sealed("0123456789abcdef")), json(&text), json(""), json(&not_json), text.into_owned()]
    {
        assert_eq!(verified(receive.as_ref(), body.as_bytes()), None, "{body}");
    }
    assert_eq!(receive.acknowledgement().body, r#"{"code":"00000","codeMessage":"成功"}"#);
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("ems/in_transit.json"),
            delivered: fixture!("ems/delivered.json"),
            not_found: (200, fixture!("ems/not_found.json")),
            wrong_credentials: (200, fixture!("ems/wrong_key.json")),
            rate_limited: (200, fixture!("ems/rate_limited.json")),
        },
    );
}

proptest! {
    #[test]
    fn anything_of_the_shape_is_read_and_only_a_delivery_code_delivers(
        trace in contract::object_of(&["waybillNo", "opTime", "opCode", "opName", "opDesc", "opOrgProvName",
            "opOrgCity", "opOrgName", "deliverCode", "attemptDeliveryCode"]),
        other in contract::object_of(&["waybillNo", "opTime", "opCode", "opDesc", "deliverCode"]),
        code in contract::any_json(),
    ) {
        let body = serde_json::json!({"retCode": code, "retBody": {"responseItems": [trace.clone(), other, trace.clone()]}});
        let alone = read(trace.to_string().as_bytes());
        let delivered = |reading: Result<Reading, NotAnAnswer>| reading.is_ok_and(|reading| {
            let seen = reading.packages.iter().flat_map(|package| package.seen.iter());
            seen.map(|seen| &seen.happening).any(|one| one.status == EventStatus::Delivered && one.code != "704")
        });
        prop_assert!(!delivered(alone));
        prop_assert!(!delivered(read(body.to_string().as_bytes())));
    }

    #[test]
    fn nobodys_bytes_open(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let pushes = push::Pushes { key: Key::of(KEY).expect("a key"), body_mark: "|$4|".into() };
        prop_assert_eq!(verified(&pushes, &body), None);
    }
}
