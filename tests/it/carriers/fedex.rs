//! FedEx: a form for a pass, then a list of numbers.

use serde_json::{Value, json};

use super::Protocol;
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
