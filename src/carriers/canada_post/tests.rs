//! Recorded answers and what they normalise to.

use proptest::prelude::*;
use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{FailureKind, NotAnAnswer, Reading};
use crate::domain::event::EventStatus;
use crate::domain::instant::from_micros;

const NUMBER: &str = "7023210039414604";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("canada_post/in_transit.xml"));
    snapshot("delivered", fixture!("canada_post/delivered.xml"));
    snapshot("ways_to_deliver", fixture!("canada_post/ways_to_deliver.xml"));
    snapshot("contradictions", fixture!("canada_post/contradictions.xml"));
    snapshot("odd", fixture!("canada_post/odd.xml"));
}

#[test]
fn who_signed_stays_in_the_raw_event() {
    let reading = read(fixture!("canada_post/delivered.xml")).expect("an answer");
    let seen = &reading.packages[0].seen;
    assert!(seen[0].raw.contains("JESSICA"));
    assert!(seen.iter().all(|seen| !format!("{:?}", seen.happening).contains("JESSICA")));
}

#[test]
fn an_item_that_brings_another_back_is_delivered_to_its_sender() {
    let body = std::str::from_utf8(fixture!("canada_post/delivered.xml")).expect("text");
    let status = |original: &str| {
        let body = body.replacen("<significant-events>", &format!("{original}<significant-events>"), 1);
        read(body.as_bytes()).expect("an answer").packages[0].status().status
    };
    assert_eq!(status("<original-pin>7023210039414605</original-pin>"), EventStatus::Returned);
    assert_eq!(status("<original-pin/>"), EventStatus::Delivered);
}

#[test]
fn what_the_recipients_own_partner_has_is_not_handed_over_yet() {
    assert_eq!(translate::CODES.get("1471").map(|row| row.status), Some(EventStatus::InTransit));
}

#[test]
fn messages_are_told_apart_by_code_and_words() {
    use FailureKind as K;
    for (code, description, kind) in [
        ("004", "No Pin History", K::NotFound),
        ("", "No PIN History", K::NotFound),
        ("E002", "AAA Authentication Failure", K::Auth),
        ("AA004", "You cannot mail on behalf of the requested customer.", K::Auth),
        ("Server", "Rejected by SLM Monitor", K::RateLimited),
        ("9150", "System error", K::CarrierDown),
        ("1", "The PIN is not valid", K::Invalid),
        ("E003", "Mobo not found for customer", K::Auth),
        ("404", "The requested resource was not found", K::Invalid),
        ("7", "Something", K::Unparsable),
    ] {
        let message =
            format!("<message><code>{code}</code><description>{description}</description></message>");
        let body = format!("<messages xmlns='http://x'>{message}</messages>");
        let failures = read(body.as_bytes()).expect("an answer").failures;
        assert_eq!((failures[0].code.as_str(), failures[0].kind), (code, kind), "{body}");
        let wrapped = read(format!("<wrapper>{body}</wrapper>").as_bytes()).expect("an answer");
        assert_eq!(wrapped.failures, failures);
    }
    let body =
        b"<messages><message><code>7</code><description>Account not found</description></message></messages>";
    let kind = |status| contract::read(&ADAPTER, status, body).expect("an answer").failures[0].kind;
    assert_eq!((kind(401), kind(403), kind(404)), (K::Auth, K::Auth, K::NotFound));
}

#[test]
fn other_peoples_xml_is_no_answer_and_a_status_speaks_where_no_body_does() {
    for body in [
        "<html><body>Delivered</body></html>",
        "<?xml version=\"1.0\"?><rss><channel/></rss>",
        "<messages/>",
        "<!DOCTYPE tracking-detail SYSTEM \"http://x\"><tracking-detail><pin>7023210039414604</pin></tracking-detail>",
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    let deep = |name: &str| format!("<{name}>").repeat(100_000);
    assert!(read(deep("tracking-detail").as_bytes()).is_err());
    assert!(contract::read(&ADAPTER, 404, b"<html>404</html>").is_err());
    let failures = contract::read(&ADAPTER, 403, b"<html>No</html>").expect("a status").failures;
    assert_eq!(failures[0].kind, FailureKind::Auth);
}

#[test]
fn a_byte_that_is_no_text_costs_one_event_its_wording_and_the_others_nothing() {
    let body = fixture!("canada_post/in_transit.xml").to_vec();
    let at = body.windows(11).position(|words| words == b"Item out fo").expect("words");
    let mut spoilt = body.clone();
    spoilt[at] = 0xff;
    let (whole, spoilt) = (summary(&read(&body)), summary(&read(&spoilt)));
    let differ = whole.lines().zip(spoilt.lines()).filter(|(a, b)| a != b).count();
    assert_eq!((whole.lines().count(), spoilt.lines().count(), differ), (7, 7, 1));
}

#[test]
fn the_question_bears_the_key_and_asks_for_one_version() {
    let basic = SecretString::from("Basic a2V5OnMzY3JldA==");
    let account = CanadaPost { base_url: "https://x".into(), basic };
    let question = Question { number: NUMBER.parse().expect("a number"), phone_tail: None };
    let request =
        account.request(&[question], &Occasion { now: from_micros(0), id: Uuid::nil(), token: None });
    assert_eq!(request.url, "https://x/vis/track/pin/7023210039414604/detail");
    for header in [
        ("Authorization", "Basic a2V5OnMzY3JldA=="),
        ("Accept", "application/vnd.cpc.track-v2+xml"),
        ("Accept-Language", "en-CA"),
    ] {
        assert!(request.headers.contains(&(header.0, header.1.into())), "{header:?}");
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("canada_post/in_transit.xml"),
            delivered: fixture!("canada_post/delivered.xml"),
            not_found: (404, fixture!("canada_post/not_found.xml")),
            wrong_credentials: (401, fixture!("canada_post/wrong_credentials.xml")),
            rate_limited: (503, fixture!("canada_post/rate_limited.xml")),
        },
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #[test]
    fn whatever_stands_in_an_answer_delivers_nothing(
        fields in proptest::collection::vec((0..9_usize, ".{0,20}"), 1..8),
        removed in 0..9_usize,
    ) {
        let names = ["event-identifier", "event-date", "event-time", "event-time-zone", "event-description",
            "signatory-name", "event-site", "event-province", "pin"];
        let mut body = std::str::from_utf8(fixture!("canada_post/in_transit.xml")).expect("text").to_owned();
        for (at, value) in fields {
            let open = format!("<{}>", names[at]);
            body = body.replacen(&open, &format!("{open}{}", escaped(&value)), 2);
        }
        body = body.replace(&format!("{}>", names[removed]), "other>");
        if let Ok(reading) = read(body.as_bytes()) {
            let mut seen = reading.packages.iter().flat_map(|package| &package.seen);
            prop_assert!(seen.all(|seen| seen.happening.status != EventStatus::Delivered), "{body}");
        }
    }
}
