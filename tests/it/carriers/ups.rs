//! UPS: Basic credentials for a pass, the pass and a number of its own for every question.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "ups",
    config: "client_id = \"Aladdin\"\nclient_secret = \"open sesame\"",
    refused: "client_id = \"Aladdin\"\nclient_secret = \"open barley\"",
    delivered: "1Z5338FF0107231059",
    unknown: "1Z5338FF0107231068",
    answer,
    is_question: |asked| asked.path.starts_with("/api/track/v1/details/"),
};

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"response": {"errors": [{"code": code, "message": message}]}}))
}

fn answer(asked: &Asked, before: &[Asked]) -> Reply {
    if asked.path == "/security/v1/oauth/token" {
        let is_known = asked.header("authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        return match is_known && asked.body == b"grant_type=client_credentials" {
            true => Reply::json(
                200,
                &json!({"token_type": "Bearer", "access_token": "p4ss", "expires_in": "14399", "status": "approved"}),
            ),
            false => error(401, "10401", "ClientId is Invalid"),
        };
    }
    let id = asked.header("transid");
    if asked.header("authorization") != "Bearer p4ss" {
        return error(401, "250002", "Invalid Authentication Information.");
    }
    if id.len() != 32
        || asked.header("transactionsrc").is_empty()
        || before.iter().any(|other| other.header("transid") == id)
    {
        return error(400, "TV0002", "Missing or repeated transId");
    }
    match asked.path.as_str() {
        "/api/track/v1/details/1Z5338FF0107231059?locale=en_US&returnSignature=false" => {
            let status = json!({"type": "D", "code": "FS", "description": "DELIVERED"});
            let activity = json!({"date": "20260304", "time": "104512", "gmtDate": "20260304", "gmtTime": "024512", "status": status});
            let package = json!({"trackingNumber": "1Z5338FF0107231059", "activity": [activity]});
            let shipment = json!({"inquiryNumber": "1Z5338FF0107231059", "package": [package]});
            Reply::json(200, &json!({"trackResponse": {"shipment": [shipment]}}))
        }
        _ => {
            let warnings = json!([{"code": "TW0001", "message": "Tracking Information Not Found"}]);
            let shipment = json!({"inquiryNumber": "1Z5338FF0107231068", "warnings": warnings});
            Reply::json(200, &json!({"trackResponse": {"shipment": [shipment]}}))
        }
    }
}
