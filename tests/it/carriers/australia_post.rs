//! Australia Post: Basic credentials and an account, up to ten numbers in the address.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "australia_post",
    config: "api_key = \"key\"\npassword = \"s3cret\"\naccount_number = \"0001234567\"",
    refused: "api_key = \"key\"\npassword = \"another\"\naccount_number = \"0001234567\"",
    delivered: "7XX1000634011427",
    unknown: "7XX1000",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    // base64 of key:s3cret.
    let is_known = asked.header("authorization") == "Basic a2V5OnMzY3JldA==";
    if !is_known || asked.header("account-number") != "0001234567" {
        let error = json!({"code": "API_001", "name": "Unauthorised", "message": "Check the credentials"});
        return Reply::json(401, &json!({"errors": [error]}));
    }
    let numbers = asked.path.strip_prefix("/shipping/v1/track?tracking_ids=").unwrap_or_default();
    let results: Vec<_> = numbers.split(',').map(result).collect();
    Reply::json(200, &json!({"tracking_results": results}))
}

fn result(number: &str) -> serde_json::Value {
    if number != PROTOCOL.delivered {
        let error = json!({"code": "ESB-10001", "name": "Invalid tracking ID"});
        return json!({"tracking_id": number, "errors": [error]});
    }
    let event =
        json!({"location": "KEW VIC", "description": "Delivered", "date": "2026-03-05T11:04:27+11:00"});
    let item = json!({"article_id": number, "events": [event], "status": "Delivered"});
    json!({"tracking_id": number, "status": "Delivered", "trackable_items": [item]})
}
