//! Recorded answers and pushes, and what they normalise to.

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotVerified, Pushed, Said};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;
use crate::outbound::percent_encoded;

const NUMBER: &str = "YT7123456789012";
const SALT: &str = "s4lt+/ &";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

fn account(company: &str) -> Kuaidi100 {
    let key = SecretString::from("k3y");
    Kuaidi100 { base_url: "https://x".into(), customer: "C0FFEE".into(), key, company: company.into() }
}

fn subscription() -> Subscription {
    let callback_url = "https://here/v1/carriers/kuaidi100/push".into();
    Subscription { account: account(""), callback_url, salt: SecretString::from(SALT) }
}

fn question(number: &str) -> Question {
    Question { number: number.parse().expect("a number"), phone_tail: PhoneTail::of("138 0000 5678") }
}

fn occasion() -> Occasion {
    Occasion { now: from_micros(0), id: Uuid::nil(), token: None }
}

fn text(request: Request) -> String {
    String::from_utf8(request.body.expect("a body")).expect("UTF-8")
}

fn pushed(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    read(&push::Pushes::salted(SecretString::from(SALT)).open(body).expect("a form"))
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("kuaidi100/in_transit.json"));
    snapshot("delivered", fixture!("kuaidi100/delivered.json"));
    snapshot("station", fixture!("kuaidi100/station.json"));
    snapshot("returned", fixture!("kuaidi100/returned.json"));
    snapshot("odd", fixture!("kuaidi100/odd.json"));
    snapshot("old", fixture!("kuaidi100/old.json"));
    snapshot("phone", fixture!("kuaidi100/phone.json"));
    insta::assert_snapshot!("push", summary(&pushed(fixture!("kuaidi100/push.txt"))));
    insta::assert_snapshot!("abort", summary(&pushed(fixture!("kuaidi100/abort.txt"))));
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("kuaidi100/in_transit.json"),
            delivered: fixture!("kuaidi100/delivered.json"),
            not_found: (200, fixture!("kuaidi100/not_found.json")),
            wrong_credentials: (200, fixture!("kuaidi100/wrong_key.json")),
            rate_limited: (429, b""),
        },
    );
}

#[test]
fn nobody_is_named_in_a_description() {
    for body in [fixture!("kuaidi100/in_transit.json"), fixture!("kuaidi100/delivered.json")] {
        let summary = summary(&read(body));
        for name in ["张三", "李四", "1381234", "1391234"] {
            assert!(!summary.contains(name), "{name}: {summary}");
        }
    }
}

#[test]
fn the_question_is_signed_over_the_text_that_is_sent() {
    let request = Track::request(&account(""), &[question(NUMBER)], &occasion());
    assert_eq!(request.url, "https://x/poll/query.do");
    // By another implementation of MD5, over {"com":"yuantong",…}, the key and the customer.
    let expected = "customer=C0FFEE&sign=C9BCA4C8D4ABBBFD6DC0530A52D5B06F&param=%7B%22com%22%3A%22yuantong%22%2C\
        %22num%22%3A%22YT7123456789012%22%2C%22phone%22%3A%225678%22%2C%22resultv2%22%3A%224%22%2C\
        %22show%22%3A%220%22%2C%22order%22%3A%22desc%22%7D";
    assert_eq!(text(request), expected);
    let named = text(Track::request(&account("shunfeng"), &[question("773027491214552")], &occasion()));
    assert!(named.contains("%22com%22%3A%22shunfeng%22"));
}

#[test]
fn a_number_of_which_nothing_is_known_is_subscribed_to() {
    let not_found = &read(fixture!("kuaidi100/not_found.json")).expect("an answer").failures[0];
    assert!(subscription().is_asked_for(not_found));
    let wrong_key = &read(fixture!("kuaidi100/wrong_key.json")).expect("an answer").failures[0];
    assert!(!subscription().is_asked_for(wrong_key));
    let request = Introduce::request(&subscription(), &[question("773027491214552")], &occasion());
    assert_eq!(request.url, "https://x/poll");
    let form = text(request);
    let param = form.strip_prefix("schema=json&param=").expect("its fields").replace('%', "");
    for part in ["22autoCom223A2212", "22phone223A2256782", "22number223A22773027491214552", "22key223A22k3y"]
    {
        assert!(param.contains(part), "{part}: {param}");
    }
    let read = |body: &str| {
        let answer = Answer { status: 200, body: body.as_bytes().to_vec(), ..Answer::default() };
        Introduce::read(&subscription(), &answer).map(|reading| reading.failures.first().map(|one| one.kind))
    };
    assert_eq!(read(r#"{"result":true,"returnCode":"200","message":"提交成功"}"#), Ok(None));
    assert_eq!(read(r#"{"result":false,"returnCode":"501","message":"重复订阅"}"#), Ok(None));
    assert_eq!(read(r#"{"result":false,"returnCode":"600"}"#), Ok(Some(FailureKind::Auth)));
    assert_eq!(read(r#"{"result":false,"returnCode":500}"#), Ok(Some(FailureKind::CarrierDown)));
    assert!(read("<html>").is_err());
}

fn event(day: u32, code: &str, word: &str, text: &str) -> Value {
    let time = format!("2026-03-{day:02} 10:00:00");
    json!({"time": time, "ftime": time, "context": text, "status": word, "statusCode": code})
}

fn answer(company: &str, state: &str, events: &[Value]) -> Value {
    json!({"message": "ok", "nu": NUMBER, "com": company, "status": "200", "state": state, "data": events})
}

fn statuses(body: &Value) -> Vec<String> {
    let reading = read(body.to_string().as_bytes()).expect("an answer");
    let happenings = reading.packages[0].seen.iter().map(|seen| &seen.happening);
    happenings
        .map(|one| one.delivered_to.map_or(one.status.to_string(), |to| format!("{} {to}", one.status)))
        .collect()
}

#[test]
fn a_text_in_any_language_can_take_a_signature_back() {
    for (text, expected) in [
        ("本人签收", "delivered addressee"),
        ("", "delivered addressee"),
        ("Delivered", "delivered addressee"),
        ("Dostarczona", "delivered unspecified"),
        ("Delivered to sender", "returned"),
        ("卖家已签收", "returned"),
        ("Returned to sender", "returned"),
        ("Delivery attempt failed", "unknown"),
        ("Notice left", "unknown"),
        ("Available for pickup", "unknown"),
        ("Zustellung nicht erfolgreich", "unknown"),
    ] {
        let body = answer("yuantong", "301", &[event(5, "301", "本人签收", text)]);
        assert_eq!(statuses(&body), [expected], "{text}");
    }
}

#[test]
fn no_signature_stands_that_the_whole_knows_nothing_of() {
    let signed = |day| event(day, "3", "签收", "已签收");
    let trouble = event(6, "2", "疑难", "误签收，快件实际未派送");
    for (company, state, events, expected) in [
        ("yuantong", "2", [trouble, signed(5)], ["exception", "unknown"]),
        ("yuantong", "15", [signed(6), signed(5)], ["unknown", "unknown"]),
        ("yuantong", "4", [signed(6), signed(5)], ["returned", "unknown"]),
        ("yuantong", "3", [signed(6), event(5, "6", "退回", "快件退回中")], ["returned", "returning"]),
        ("zhongtong", "3", [signed(6), signed(5)], ["unknown", "unknown"]),
        ("yuantong", "3", [signed(6), signed(5)], ["delivered unspecified", "delivered unspecified"]),
    ] {
        assert_eq!(statuses(&answer(company, state, &events)), expected, "{company} {state}");
    }
}

#[test]
fn beijings_clock_abroad_is_a_habit_of_kuaidi100s() {
    let source = |area: &str| {
        let mut event = event(5, "0", "在途", "Arrived");
        event["areaCode"] = json!(area);
        let body = answer("yuantong", "0", &[event]).to_string();
        let occurred =
            read(body.as_bytes()).expect("an answer").packages[0].seen[0].happening.occurred.clone();
        assert_eq!(occurred.at, from_micros(1_772_676_000_000_000));
        occurred.offset_source.to_string()
    };
    for (area, expected) in
        [("CN310000000000", "country_zone"), ("", "country_zone"), ("US000000000000", "carrier")]
    {
        assert_eq!(source(area), expected, "{area}");
    }
}

#[test]
fn the_carrier_at_the_other_end_and_the_named_company_have_their_say() {
    let signed = event(5, "3", "签收", "已签收");
    let moving = event(7, "5", "派件", "Out for delivery");
    let push = |named: &str, there: Value| {
        json!({"status": "polling", "message": "", "comOld": named, "comNew": "yuantong",
            "lastResult": answer("yuantong", "3", std::slice::from_ref(&signed)), "destResult": there})
    };
    let nothing = || answer("usps", "0", &[]);
    assert_eq!(statuses(&push("", nothing())), ["delivered unspecified"]);
    assert_eq!(statuses(&push("yuantong", nothing())), ["delivered unspecified"]);
    assert_eq!(statuses(&push("zhongtong", nothing())), ["unknown"]);
    let there = answer("usps", "5", &[moving]);
    assert_eq!(statuses(&push("", there)), ["out_for_delivery", "unknown"]);
}

#[test]
fn errors_are_told_by_their_code_wherever_it_stands() {
    for (body, expected) in [
        (r#"{"result":false,"returnCode":400,"message":"m"}"#, "!  invalid 400 | m"),
        (r#"{"result":false,"returnCode":"601","message":"m"}"#, "!  auth 601 | m"),
        (r#"{"result":false,"returnCode":"502","message":"m"}"#, "!  carrier_down 502 | m"),
        (
            r#"{"result":false,"returnCode":"502","message":"查询过于频繁"}"#,
            "!  rate_limited 502 | 查询过于频繁",
        ),
        (r#"{"result":false,"message":"m"}"#, "!  unparsable  | m"),
        (r#"{"result":true,"returnCode":"200","message":"提交成功"}"#, ""),
        (r#"{"result":false,"returnCode":"200","message":"m"}"#, "!  unparsable  | m"),
        (r#"{"message":"m","nu":"YT71","status":"201","state":"0","data":[]}"#, "! YT71 not_found 201 | m"),
        (
            r#"{"message":"ok","nu":"YT71","status":"200","state":"0","data":null}"#,
            "! YT71 not_found 500 | no event yet",
        ),
        (r#"{"status":"abort","message":"m","lastResult":{}}"#, "!  not_found abort | m"),
    ] {
        assert_eq!(summary(&read(body.as_bytes())), expected, "{body}");
    }
    for body in [r#"{"result":"ok"}"#, r#"{"data":[]}"#, r#"{"message":"ok","status":"200"}"#] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_push_is_believed_only_with_its_signature() {
    let pushes = push::Pushes::salted(SecretString::from(SALT));
    let verify = |body: &[u8]| pushes.verify(&Pushed { header: &|_| None, query: "", body }, from_micros(0));
    // Signed by another implementation of MD5.
    let body = fixture!("kuaidi100/push.txt");
    assert_eq!(verify(body), Ok(()));
    let changed = String::from_utf8(body.to_vec()).expect("UTF-8");
    let wrong = Err(NotVerified("the signature does not match"));
    assert_eq!(verify(changed.replace("polling", "shutdown").as_bytes()), wrong);
    assert_eq!(verify(changed.replace("sign=4", "sign=5").as_bytes()), wrong);
    assert_eq!(verify(changed.replacen("sign=", "sign=&x=", 1).as_bytes()), wrong);
    let small = changed.replace(&changed[5..37], &changed[5..37].to_ascii_lowercase());
    assert_eq!(verify(small.as_bytes()), Ok(()));
    let no_form = Err(NotVerified("the body is no form with sign and param"));
    for body in [b"".as_slice(), b"{}", b"sign=AB", b"param=AB", b"sign=AB&param=%ff"] {
        assert_eq!(verify(body), no_form);
    }
    let expected = r#"{"result":true,"returnCode":"200","message":"成功"}"#;
    assert_eq!(pushes.acknowledgement().body, expected);
}

fn any_value() -> impl Strategy<Value = Value> {
    let text =
        prop_oneof![Just("3"), Just("301"), Just("签收"), Just("已签收"), Just("正在派送"), Just(NUMBER)];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!("2026-03-05 12:00:00")),
        text.prop_map(Value::from),
        ".*".prop_map(Value::from),
        proptest::collection::vec(".*", 0..3).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn a_form_is_opened_as_it_was_written(param in ".*", garbage in proptest::collection::vec(any::<u8>(), 0..60)) {
        let pushes = push::Pushes::salted(SecretString::from(SALT));
        let sign = sign::upper_md5(&[&param, SALT]);
        let form = format!("x=&sign={sign}&param={}", percent_encoded(&param)).into_bytes();
        prop_assert_eq!(pushes.open(&form), Ok(param.into_bytes()));
        let verified = |body: &[u8]| {
            pushes.verify(&Pushed { header: &|_| None, query: "", body }, from_micros(0)).is_ok()
        };
        prop_assert!(verified(&form));
        prop_assert!(!verified(&garbage));
        let fields = [b"sign=".as_slice(), &garbage, b"&param=", &garbage].concat();
        prop_assert!(!verified(&fields));
    }

    #[test]
    fn any_values_in_the_format_are_survived_and_deliver_only_uncontradicted(
        values in proptest::collection::vec(any_value(), 9),
    ) {
        let [a, b, c, d, e, f, g, h, i] = <[Value; 9]>::try_from(values).expect("nine");
        let event = json!({"time": a, "ftime": b, "context": c, "status": d, "statusCode": e, "areaCode": f,
            "areaName": g, "areaCenter": h});
        let other = json!({"time": "2026-03-04 12:00:00", "context": c, "status": d, "statusCode": e});
        let body = json!({"nu": NUMBER, "state": i, "data": [event, other]}).to_string();
        let said = read(body.as_bytes()).expect("an answer").about(&NUMBER.parse().expect("a number"));
        let Said::Events { seen, .. } = said else { return Ok(()) };
        for seen in seen.iter().filter(|seen| seen.happening.status == EventStatus::Delivered) {
            prop_assert!(["3", "301", "签收"].contains(&seen.happening.code.as_str()));
            prop_assert!(c != json!("正在派送"));
            let state = i.as_str().map(str::trim).unwrap_or_default();
            prop_assert!(!i.is_number() || i == json!(3) || i == json!(301));
            prop_assert!(["", "3", "301", "签收"].contains(&state) || state.contains(char::is_control));
        }
    }
}
