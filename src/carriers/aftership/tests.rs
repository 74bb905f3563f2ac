//! Recorded answers and pushes, and what they normalise to.

use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{NotVerified, Pushed, Said};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "RN740215885GB";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

fn account(slug: &str) -> AfterShip {
    let address = "https://x/tracking/2026-07/trackings".into();
    AfterShip { address, api_key: SecretString::from("k3y"), slug: slug.into() }
}

fn question(number: &str) -> Question {
    Question { number: number.parse().expect("a number"), phone_tail: None }
}

fn occasion() -> Occasion {
    Occasion { now: from_micros(1_772_582_400_000_000), id: Uuid::nil(), token: None }
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("aftership/in_transit.json"));
    snapshot("delivered", fixture!("aftership/delivered.json"));
    snapshot("takers", fixture!("aftership/takers.json"));
    snapshot("returned", fixture!("aftership/returned.json"));
    snapshot("odd", fixture!("aftership/odd.json"));
    snapshot("pending", fixture!("aftership/pending.json"));
    snapshot("push", fixture!("aftership/push.json"));
    snapshot("push_newer", fixture!("aftership/push_newer.json"));
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("aftership/in_transit.json"),
            delivered: fixture!("aftership/delivered.json"),
            not_found: (404, fixture!("aftership/not_found.json")),
            wrong_credentials: (401, fixture!("aftership/wrong_key.json")),
            rate_limited: (429, fixture!("aftership/rate_limited.json")),
        },
    );
}

#[test]
fn the_question_lists_the_numbers_and_goes_back_ninety_days() {
    let questions = [question(NUMBER), question("LP001122")];
    let request = Track::request(&account(""), &questions, &occasion());
    let expected = "https://x/tracking/2026-07/trackings?tracking_numbers=RN740215885GB,LP001122&limit=200\
        &created_at_min=2025-12-04T00%3A00%3A00Z";
    assert_eq!(request.url, expected);
    assert!(request.headers.contains(&("as-api-key", "k3y".into())));
    let request = Track::request(&account("royal-mail"), &questions, &occasion());
    assert_eq!(request.url, format!("{expected}&slug=royal-mail"));
}

#[test]
fn a_number_that_is_not_spoken_of_is_created() {
    let about = |body| match read(body).expect("an answer").about(&NUMBER.parse().expect("a number")) {
        Said::Failed(failure) => failure,
        Said::Events { .. } => panic!("events"),
    };
    assert!(account("").is_asked_for(&about(fixture!("aftership/nobody.json"))));
    assert!(account("").is_asked_for(&about(fixture!("aftership/not_found.json"))));
    assert!(!account("").is_asked_for(&about(fixture!("aftership/pending.json"))));
    assert!(!account("").is_asked_for(&about(fixture!("aftership/wrong_key.json"))));
    let request = Introduce::request(&account("royal-mail"), &[question(NUMBER)], &occasion());
    assert_eq!(request.url, "https://x/tracking/2026-07/trackings");
    let body: Value = serde_json::from_slice(&request.body.expect("a body")).expect("JSON");
    assert_eq!(body, json!({"tracking_number": NUMBER, "slug": "royal-mail"}));
}

#[test]
fn what_was_created_before_is_as_good() {
    let created = |status, body: &[u8]| {
        let answer = Answer { status, body: body.to_vec(), ..Answer::default() };
        summary(&Introduce::read(&account(""), &answer))
    };
    assert_eq!(created(201, fixture!("aftership/pending.json")), "");
    assert_eq!(created(400, fixture!("aftership/exists.json")), "");
    assert_eq!(created(401, fixture!("aftership/wrong_key.json")), "!  auth 401 | The API key is invalid.");
    assert_eq!(created(503, b""), "!  carrier_down 503 | answered with status 503");
}

#[test]
fn errors_are_told_by_their_code() {
    for (code, kind) in [
        (json!(400), "invalid"),
        (json!("403"), "auth"),
        (json!(40300), "auth"),
        (json!(404), "not_found"),
        (json!(40400), "not_found"),
        (json!(4011), "invalid"),
        (json!(4012), "invalid"),
        (json!(42900), "rate_limited"),
        (json!(500), "carrier_down"),
        (json!(50000), "carrier_down"),
        (json!(7), "unparsable"),
    ] {
        let body = json!({"meta": {"code": code, "message": "m"}, "data": null}).to_string();
        let code = code.as_str().map_or(code.to_string(), str::to_owned);
        assert_eq!(summary(&read(body.as_bytes())), format!("!  {kind} {code} | m"));
    }
    for body in [r#"{"meta":{}}"#, r#"{"data":{}}"#, r#"{"event":"ping"}"#, r#"{"event":"ping","msg":{}}"#] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

fn checkpoint(day: u32, subtag: &str, text: &str) -> Value {
    let tag = subtag.split('_').next().unwrap_or_default();
    let at = format!("2026-03-{day:02}T10:00:00+00:00");
    json!({"checkpoint_time": at, "tag": tag, "subtag": subtag, "message": text})
}

/// `whole`: tag and subtag.
fn statuses(checkpoints: &[Value], whole: [&str; 2]) -> Vec<String> {
    let tracking = json!({"tracking_number": NUMBER, "tag": whole[0], "subtag": whole[1],
        "checkpoints": checkpoints});
    let body = json!({"meta": {"code": 200}, "data": {"trackings": [tracking]}}).to_string();
    let reading = read(body.as_bytes()).expect("an answer");
    let happenings = reading.packages[0].seen.iter().map(|seen| &seen.happening);
    happenings
        .map(|one| one.delivered_to.map_or(one.status.to_string(), |to| format!("{} {to}", one.status)))
        .collect()
}

#[test]
fn a_text_in_any_language_can_take_a_delivery_back() {
    for (subtag, text, expected) in [
        ("Delivered_001", "Delivered", "delivered unspecified"),
        ("Delivered_001", "快件已由邻居代收", "delivered neighbour"),
        ("Delivered_003", "Dostarczona", "delivered unspecified"),
        ("Delivered_003", "", "delivered addressee"),
        ("Delivered_001", "退回件已签收", "returned"),
        ("Delivered_001", "Delivered to merchant", "returned"),
        ("Delivered_001", "未签收", "unknown"),
        ("Delivered_001", "Retourné à l'expéditeur", "unknown"),
        ("Delivered_001", "Zustellung nicht erfolgreich", "unknown"),
        ("Delivered_001", "Delivered to Access Point", "unknown"),
    ] {
        let told = statuses(&[checkpoint(5, subtag, text)], ["Delivered", subtag]);
        assert_eq!(told, [expected], "{subtag} {text}");
    }
}

#[test]
fn no_delivery_stands_that_the_whole_knows_nothing_of() {
    let delivered = |day| checkpoint(day, "Delivered_001", "Delivered");
    let arrived = checkpoint(6, "InTransit_003", "Arrived");
    for (checkpoints, whole, expected) in [
        ([delivered(5), arrived], ["InTransit", "InTransit_003"], ["unknown", "arrived"]),
        ([delivered(5), delivered(6)], ["Recalled", "Recalled_001"], ["unknown", "unknown"]),
        ([delivered(5), delivered(6)], ["Exception", "Exception_011"], ["unknown", "returned"]),
        (
            [checkpoint(5, "Exception_010", ""), delivered(6)],
            ["Delivered", "Delivered_001"],
            ["returning", "returned"],
        ),
    ] {
        assert_eq!(statuses(&checkpoints, whole), expected, "{whole:?}");
    }
}

#[test]
fn nobody_is_named_in_a_description() {
    for (subtag, text) in [
        ("Delivered_001", "Delivered to JOHN SMITH"),
        ("Delivered_001", "Delivered, signed J. SMITH"),
        ("OutForDelivery_001", "快递员SMITH（13800001234）正在为您派送"),
    ] {
        let tracking = json!({"tracking_number": NUMBER, "checkpoints": [checkpoint(5, subtag, text)]});
        let body = json!({"meta": {"code": 200}, "data": {"trackings": [tracking]}}).to_string();
        let seen = &read(body.as_bytes()).expect("an answer").packages[0].seen[0];
        let shown = &seen.happening.description;
        assert!(!shown.contains("SMITH") && !shown.contains("1380") && !shown.is_empty(), "{text}: {shown}");
    }
}

#[test]
fn a_push_is_believed_only_with_its_signature() {
    // By another implementation of HMAC-SHA256.
    let given = "0LbvtLfIKwKZ18/e4U56ujtH7+OLn5mWUtUJqlgyEzk=";
    let pushes = push::Pushes::signed_with(SecretString::from("whs3cret"));
    let verify = |signature: Option<&str>, body: &[u8]| {
        let header = |name: &str| signature.filter(|_| name == "aftership-hmac-sha256");
        pushes.verify(&Pushed { header: &header, query: "", body }, from_micros(0))
    };
    let body = fixture!("aftership/push.json");
    assert_eq!(verify(Some(given), body), Ok(()));
    let wrong = Err(NotVerified("the signature does not match"));
    assert_eq!(verify(Some(given), &body[1..]), wrong);
    assert_eq!(verify(Some(&given[1..]), body), wrong);
    assert_eq!(verify(Some(""), body), wrong);
    assert_eq!(verify(None, body), Err(NotVerified("the header aftership-hmac-sha256 is missing")));
    assert_eq!(pushes.open(body), Ok(body.to_vec()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("Delivered"),
        Just("Delivered_001"),
        Just("InTransit"),
        Just("2026-03-04T11:42:00+08:00"),
        Just("2026-03-04"),
        Just("Out for delivery"),
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
        ".*".prop_map(Value::from),
        proptest::collection::vec(".*", 0..3).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn any_values_in_the_format_are_survived_and_deliver_only_uncontradicted(
        values in proptest::collection::vec(any_value(), 9),
    ) {
        let [a, b, c, d, e, f, g, h, i] = <[Value; 9]>::try_from(values).expect("nine");
        let checkpoint = json!({"checkpoint_time": a, "tag": b, "subtag": c, "message": d, "city": e,
            "country_region": f, "coordinates": g});
        let other = json!({"checkpoint_time": "2026-03-03T10:00:00Z", "tag": b, "message": d});
        let tracking = json!({"tracking_number": NUMBER, "tag": h, "slug": i,
            "checkpoints": [checkpoint, other]});
        let body = json!({"meta": {"code": 200}, "data": {"trackings": [tracking]}}).to_string();
        let said = read(body.as_bytes()).expect("an answer").about(&NUMBER.parse().expect("a number"));
        let Said::Events { seen, .. } = said else { return Ok(()) };
        for seen in seen.iter().filter(|seen| seen.happening.status == EventStatus::Delivered) {
            prop_assert!(["Delivered", "Delivered_001"].contains(&seen.happening.code.as_str()));
            prop_assert!([&b, &h].iter().all(|word| **word != json!("InTransit")));
            prop_assert!(d != json!("Out for delivery"));
        }
    }
}
