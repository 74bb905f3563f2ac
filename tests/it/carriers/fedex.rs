//! FedEx: a form for a pass, then a list of numbers.

use sampan::carriers::FailureKind;
use serde_json::{Value, json};

use super::{Line, Protocol};
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "fedex",
    config: "client_id = \"l7\"\nclient_secret = \"s3cret\"",
    refused: "client_id = \"l7\"\nclient_secret = \"guessed\"",
    delivered: "794810209259",
    unknown: "794810209260",
    answer,
    is_question: |asked| asked.path == "/track/v1/trackingnumbers",
};

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"transactionId": "1", "errors": [{"code": code, "message": message}]}))
}

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    if asked.path == "/oauth/token" {
        let is_form = asked.header("content-type") == "application/x-www-form-urlencoded";
        let is_known = asked.body == b"grant_type=client_credentials&client_id=l7&client_secret=s3cret";
        return match is_form && is_known {
            true => Reply::json(
                200,
                &json!({"access_token": "p4ss", "token_type": "bearer", "expires_in": 3599, "scope": "CXS"}),
            ),
            false => error(401, "NOT.AUTHORIZED.ERROR", "The given client credentials were not valid."),
        };
    }
    if asked.header("authorization") != "Bearer p4ss" {
        return error(401, "NOT.AUTHORIZED.ERROR", "Access token expired.");
    }
    let body = asked.json();
    let infos = body["trackingInfo"].as_array().cloned().unwrap_or_default();
    if infos.is_empty() || infos.len() > 30 || body["includeDetailedScans"] != true {
        return error(400, "TRACKING.TRACKINGNUMBERS.LIMITEXCEEDED", "Please limit your inquiry.");
    }
    let complete: Vec<Value> =
        infos.iter().map(|info| result(&info["trackingNumberInfo"]["trackingNumber"])).collect();
    Reply::json(200, &json!({"transactionId": "1", "output": {"completeTrackResults": complete}}))
}

fn result(number: &Value) -> Value {
    let info = json!({"trackingNumber": number, "trackingNumberUniqueId": "", "carrierCode": ""});
    let result = match number.as_str() {
        Some("794810209259") => {
            let scan = json!({"date": "2026-03-04T10:45:00+08:00", "eventType": "DL", "derivedStatusCode": "DL",
                "eventDescription": "Delivered", "scanLocation": {"city": "SHANGHAI", "countryCode": "CN"}});
            json!({"trackingNumberInfo": info, "scanEvents": [scan]})
        }
        _ => json!({"trackingNumberInfo": info,
            "error": {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "Tracking number cannot be found."}}),
    };
    json!({"trackingNumber": number, "trackResults": [result]})
}

fn passes(line: &Line) -> usize {
    line.stub.asked().iter().filter(|asked| !(PROTOCOL.is_question)(asked)).count()
}

#[tokio::test]
async fn a_pass_that_is_refused_is_fetched_once_more_however_many_questions_bore_it() {
    let script = |asked: &Asked, before: &[Asked]| {
        let fetched = before.iter().filter(|one| one.path == "/oauth/token").count();
        if asked.path == "/oauth/token" {
            return Reply::json(200, &json!({"access_token": format!("p{fetched}"), "expires_in": 3599}));
        }
        match asked.header("authorization") {
            "Bearer p0" => error(401, "NOT.AUTHORIZED.ERROR", "Access token expired."),
            _ => Reply::json(
                200,
                &json!({"output": {"completeTrackResults": [result(&json!("794810209259"))]}}),
            ),
        }
    };
    let line = Line::open(&PROTOCOL, PROTOCOL.config, script).await;
    let all = futures_util::future::join_all((0..8).map(|_| line.said(&PROTOCOL, PROTOCOL.delivered))).await;
    assert!(all.iter().all(|said| said.is_ok()), "{all:?}");
    assert_eq!(passes(&line), 2);
}

#[tokio::test]
async fn a_refusal_of_one_number_costs_no_pass() {
    let script = |asked: &Asked, before: &[Asked]| match asked.path.as_str() {
        "/oauth/token" => answer(asked, before),
        _ => {
            let number = json!(PROTOCOL.delivered);
            let error = json!({"code": "FORBIDDEN.ERROR", "message": "Not yours."});
            let result = json!({"trackingNumberInfo": {"trackingNumber": number}, "error": error});
            let complete = json!([{"trackingNumber": number, "trackResults": [result]}]);
            Reply::json(200, &json!({"output": {"completeTrackResults": complete}}))
        }
    };
    let line = Line::open(&PROTOCOL, PROTOCOL.config, script).await;
    assert_eq!(line.said(&PROTOCOL, PROTOCOL.delivered).await, Err(FailureKind::Auth));
    assert_eq!((passes(&line), line.stub.asked().len()), (1, 2));
}
