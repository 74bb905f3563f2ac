//! 17TRACK: a key in a header, a list of numbers in the body, and no answer about a number it was not told of.

use serde_json::{Value, json};

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "seventeentrack",
    config: "api_key = \"k3y\"",
    refused: "api_key = \"another\"",
    delivered: "RN740215885GB",
    unknown: "RN740215993GB",
    answer,
    is_question: |asked| asked.path == "/track/v2.2/gettrackinfo",
};

fn answer(asked: &Asked, before: &[Asked]) -> Reply {
    if asked.header("17token") != "k3y" {
        let error = json!({"code": -18010002, "message": "Invalid security key."});
        return Reply::json(401, &json!({"code": -18010002, "data": {"errors": [error]}}));
    }
    let numbers: Vec<Value> = asked.json().as_array().expect("a list").clone();
    let number = |entry: &Value| entry["number"].as_str().unwrap_or_default().to_owned();
    if asked.path == "/track/v2.2/register" {
        let accepted: Vec<_> = numbers.iter().map(|entry| json!({"number": number(entry)})).collect();
        return Reply::json(200, &json!({"code": 0, "data": {"accepted": accepted, "rejected": []}}));
    }
    let is_registered = |number: &str| {
        let mut registered = before.iter().filter(|asked| asked.path == "/track/v2.2/register");
        registered.any(|asked| String::from_utf8_lossy(&asked.body).contains(number))
    };
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    for number in numbers.iter().map(number) {
        match number.as_str() {
            "RN740215885GB" => accepted.push(followed(&number)),
            other => {
                let code = if is_registered(other) { -18019909 } else { -18019902 };
                rejected.push(json!({"number": number, "error": {"code": code, "message": ""}}));
            }
        }
    }
    Reply::json(200, &json!({"code": 0, "data": {"accepted": accepted, "rejected": rejected}}))
}

fn followed(number: &str) -> Value {
    let event = json!({
        "time_iso": "2026-03-04T11:42:00+08:00", "time_utc": "2026-03-04T03:42:00Z",
        "description": "Delivered", "stage": "Delivered", "sub_status": "Delivered_Other",
        "address": {"country": "CN", "city": "SHANGHAI"},
    });
    let status = json!({"status": "Delivered", "sub_status": "Delivered_Other"});
    let tracking = json!({"providers": [{"provider": {"key": 11031}, "events": [event]}]});
    json!({"number": number, "carrier": 11031, "track_info": {"latest_status": status, "tracking": tracking}})
}
