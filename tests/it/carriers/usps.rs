//! USPS: JSON for a pass, the scope `tracking`, the number in the path.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "usps",
    config: "client_id = \"key\"\nclient_secret = \"s3cret\"",
    refused: "client_id = \"key\"\nclient_secret = \"guessed\"",
    delivered: "9400109104250532908587",
    unknown: "9400109104250532908594",
    answer,
    is_question: |asked| asked.path.starts_with("/tracking/v3/tracking/"),
};

fn error(status: u16, message: &str) -> Reply {
    let error = json!({"code": status.to_string(), "message": message, "errors": []});
    Reply::json(status, &json!({"apiVersion": "/tracking/v3", "error": error}))
}

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    if asked.path == "/oauth2/v3/token" {
        let known = json!({"grant_type": "client_credentials", "client_id": "key", "client_secret": "s3cret", "scope": "tracking"});
        return match asked.header("content-type") == "application/json" && asked.json() == known {
            true => Reply::json(
                200,
                &json!({"access_token": "p4ss", "token_type": "Bearer", "expires_in": 28799, "scope": "tracking"}),
            ),
            false => Reply::json(
                400,
                &json!({"error": "invalid_client", "error_description": "Not approved for access."}),
            ),
        };
    }
    if asked.header("authorization") != "Bearer p4ss" {
        return error(401, "Insufficient OAuth scope.");
    }
    match asked.path.as_str() {
        "/tracking/v3/tracking/9400109104250532908587?expand=DETAIL" => {
            let event = json!({"eventType": "Delivered, In/At Mailbox", "eventCode": "01",
                "eventTimestamp": "2026-03-04T13:58:00", "GMTTimestamp": "2026-03-04T18:58:40Z", "GMTOffset": "-05:00",
                "eventCity": "HERNANDO", "eventState": "FL", "eventZIP": "34442", "eventCountry": null});
            Reply::json(
                200,
                &json!({"trackingNumber": "9400109104250532908587", "statusCategory": "Delivered", "trackingEvents": [event]}),
            )
        }
        _ => error(404, "Tracking is not available for this item."),
    }
}
