//! Recorded answers and what they normalise to.

use secrecy::SecretString;
use uuid::Uuid;

use super::*;
use crate::carriers::contract::{self, fixture, summary};
use crate::carriers::{Failure, FailureKind, NotAnAnswer, Reading, shaken};
use crate::domain::instant::from_micros;

const NUMBER: &str = "AB123456785GB";

fn read(body: &[u8]) -> Result<Reading, NotAnAnswer> {
    contract::read(&ADAPTER, 200, body)
}

fn failure(status: u16, body: &str) -> Option<Failure> {
    contract::read(&ADAPTER, status, body.as_bytes()).ok()?.failures.pop()
}

#[test]
fn recorded_answers_normalise_to_our_words() {
    let snapshot = |name, body| insta::assert_snapshot!(name, summary(&read(body)));
    snapshot("in_transit", fixture!("royal_mail/in_transit.json"));
    snapshot("delivered", fixture!("royal_mail/delivered.json"));
    snapshot("ways_to_deliver", fixture!("royal_mail/ways_to_deliver.json"));
    snapshot("contradictions", fixture!("royal_mail/contradictions.json"));
    snapshot("summary", fixture!("royal_mail/summary.json"));
    snapshot("odd", fixture!("royal_mail/odd.json"));
}

#[test]
fn errors_are_told_apart_by_royal_mails_own_code_then_by_the_gateways() {
    use FailureKind as K;
    let error = |http: &str, code: &str| {
        format!(
            r#"{{"httpCode":"{http}","httpMessage":"No","errors":[{{"errorCode":"{code}","errorDescription":"Why"}}]}}"#
        )
    };
    for (body, code, kind) in [
        (error("404", "E1142"), "E1142", K::NotFound),
        (error("404", "E1284"), "E1284", K::NotFound),
        (error("", "e1142"), "e1142", K::NotFound),
        (error("400", "E0004"), "E0004", K::Invalid),
        (error("429", "E0010"), "E0010", K::RateLimited),
        (error("", "E0010"), "E0010", K::RateLimited),
        (error("503", "E0010"), "E0010", K::CarrierDown),
        (error("500", "E0009"), "E0009", K::CarrierDown),
        (error("403", "E0099"), "E0099", K::Auth),
        (error("", "E9999"), "E9999", K::Unparsable),
        (
            r#"{"httpCode":404,"httpMessage":"Not Found","moreInformation":"No resources match"}"#.into(),
            "404",
            K::Invalid,
        ),
        (r#"{"httpCode":"401","httpMessage":"Unauthorized"}"#.into(), "401", K::Auth),
        (r#"{"errorCode":"E1142","errorDescription":"not recognised"}"#.into(), "E1142", K::NotFound),
        (r#"{"errors":{"errorDescription":"Barcode isn't recognised"}}"#.into(), "", K::NotFound),
    ] {
        let failure = failure(200, &body).expect("a failure");
        assert_eq!((failure.code.as_str(), failure.kind), (code, kind), "{body}");
    }
}

#[test]
fn who_signed_is_nowhere_in_what_is_read() {
    let reading = read(fixture!("royal_mail/delivered.json")).expect("an answer");
    assert!(!format!("{reading:?}").contains("JESSICA"));
}

#[test]
fn a_piece_is_found_by_either_of_its_barcodes_and_an_error_by_its_own_number() {
    let about =
        |body: &[u8], number: &str| read(body).expect("an answer").about(&number.parse().expect("a number"));
    let body = fixture!("royal_mail/delivered.json");
    assert_eq!(about(body, NUMBER), about(body, "0A12345678000000ABCDE"));
    let crate::carriers::Said::Failed(failure) = about(fixture!("royal_mail/summary.json"), "AB123456799GB")
    else {
        panic!("a failure")
    };
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NotFound, "E1142"));
}

#[test]
fn the_summarys_category_doubts_the_newest_event_however_its_time_is_written() {
    let status = |summary: &str| {
        let body = format!(
            r#"{{"mailPieces":{{"mailPieceId":"{NUMBER}","summary":{{{summary}}},"events":[
            {{"eventCode":"EVKSP","eventName":"Delivered","eventDateTime":"2026-07-05T10:00:00Z"}},
            {{"eventCode":"EVGPD","eventName":"Out for delivery","eventDateTime":"2026-07-05T07:00:00Z"}}]}}}}"#
        );
        let package = read(body.as_bytes()).expect("an answer").packages.remove(0);
        package.seen.iter().map(|seen| seen.happening.status.as_str()).collect::<Vec<_>>()
    };
    let last = |time: &str| format!(r#""lastEventCode":"EVKSP","lastEventDateTime":"{time}","#);
    let (in_transit, delivered) = (r#""statusCategory":"IN TRANSIT""#, r#""statusCategory":"Delivered""#);
    for time in ["2026-07-05T10:00:00Z", "2026-07-05T10:00:00+00:00", "2026-07-05T11:00:00+01:00"] {
        assert_eq!(status(&(last(time) + in_transit)), ["unknown", "out_for_delivery"], "{time}");
        assert_eq!(status(&(last(time) + delivered)), ["delivered", "out_for_delivery"], "{time}");
    }
    assert_eq!(status(in_transit), ["unknown", "out_for_delivery"]);
    assert_eq!(status(&(last("2026-07-05T10:01:00Z") + in_transit))[0], "unknown");
    assert_eq!(status(delivered), ["delivered", "out_for_delivery"]);
}

#[test]
fn what_was_refused_is_not_delivered_afterwards() {
    let event = |code: &str, day: u8| {
        format!(r#"{{"eventCode":"{code}","eventName":"","eventDateTime":"2026-07-0{day}T10:00:00+01:00"}}"#)
    };
    let body = format!(
        r#"{{"mailPieces":{{"mailPieceId":"{NUMBER}","events":[{},{}]}}}}"#,
        event("EVKSP", 5),
        event("EVKRF", 4)
    );
    let package = read(body.as_bytes()).expect("an answer").packages.remove(0);
    let statuses: Vec<_> = package.seen.iter().map(|seen| seen.happening.status.as_str()).collect();
    assert_eq!(statuses, ["returned", "returning"]);
}

#[test]
fn no_mail_pieces_is_an_answer_and_a_404_of_somebody_else_is_none() {
    for body in [r#"{"mailPieces":[]}"#, r#"{"mailPieces":null}"#] {
        assert_eq!(read(body.as_bytes()), Ok(Reading::default()));
    }
    let body = r#"{"httpCode":"200","httpMessage":"OK","mailPieces":[{"mailPieceId":"AB123456785GB"}]}"#;
    let reading = read(body.as_bytes()).expect("an answer");
    assert_eq!((reading.packages.len(), reading.failures), (1, Vec::new()));
    assert!(read(br#"{"success":true,"errorCode":"S0000","errorMsg":null}"#).is_err());
    for body in ["", "<html>404</html>", "{}", "[]", r#"{"mailPieces":[{"mailPieceId":"AB123456785GB"}]}"#] {
        assert!(contract::read(&ADAPTER, 404, body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn the_question_bears_both_credentials_and_accepts_the_terms() {
    let account = RoyalMail {
        base_url: "https://x".into(),
        client_id: SecretString::from("id"),
        client_secret: SecretString::from("s3cret"),
    };
    let question = Question { number: NUMBER.parse().expect("a number"), phone_tail: None };
    let request =
        account.request(&[question], &Occasion { now: from_micros(0), id: Uuid::nil(), token: None });
    assert_eq!(request.url, "https://x/mailpieces/v2/AB123456785GB/events");
    for header in
        [("X-IBM-Client-Id", "id"), ("X-IBM-Client-Secret", "s3cret"), ("X-Accept-RMG-Terms", "yes")]
    {
        assert!(request.headers.contains(&(header.0, header.1.into())), "{header:?}");
    }
}

#[test]
fn the_adapter_keeps_the_contract() {
    contract::check(
        &ADAPTER,
        &contract::Recorded {
            number: NUMBER.parse().expect("a number"),
            in_transit: fixture!("royal_mail/in_transit.json"),
            delivered: fixture!("royal_mail/delivered.json"),
            not_found: (404, fixture!("royal_mail/not_found.json")),
            wrong_credentials: (401, fixture!("royal_mail/wrong_credentials.json")),
            rate_limited: (429, fixture!("royal_mail/rate_limited.json")),
        },
    );
}

#[test]
fn whatever_stands_in_an_answer_delivers_nothing() {
    shaken::nothing_is_delivered(&ADAPTER, fixture!("royal_mail/in_transit.json"));
    shaken::nothing_is_delivered(&ADAPTER, fixture!("royal_mail/too_early.json"));
}
