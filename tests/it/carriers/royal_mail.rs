//! Royal Mail: an identifier, a secret and the terms in headers, a number in the path.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "royal_mail",
    config: "client_id = \"id\"\nclient_secret = \"s3cret\"",
    refused: "client_id = \"id\"\nclient_secret = \"another\"",
    delivered: "AB123456785GB",
    unknown: "AB123456799GB",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    if asked.header("x-ibm-client-id") != "id" || asked.header("x-ibm-client-secret") != "s3cret" {
        let why = "Invalid client id or secret.";
        return Reply::json(
            401,
            &json!({"httpCode": "401", "httpMessage": "Unauthorized", "moreInformation": why}),
        );
    }
    let problem = |status: u16, code: &str, why: &str| {
        let error = json!({"errorCode": code, "errorDescription": why});
        Reply::json(status, &json!({"httpCode": status.to_string(), "httpMessage": "No", "errors": [error]}))
    };
    if asked.header("x-accept-rmg-terms") != "yes" {
        return problem(400, "E0004", "Failed header validation for X-Accept-RMG-Terms");
    }
    match asked.path.as_str() {
        "/mailpieces/v2/AB123456785GB/events" => {
            let event = json!({"eventCode": "EVKSP", "eventName": "Delivered and Signed",
                "eventDateTime": "2026-03-05T11:48:20+00:00", "locationName": "Croydon DO"});
            Reply::json(200, &json!({"mailPieces": {"mailPieceId": "AB123456785GB", "events": [event]}}))
        }
        _ => problem(404, "E1142", "Barcode reference isn't recognised"),
    }
}
