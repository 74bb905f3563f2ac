//! SF's format, as it really comes.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::carriers::Question;
use crate::carriers::json::Object;

/// `msgData` of a question. Several numbers have as many telephone tails, in their order.
pub fn message(questions: &[Question]) -> String {
    let numbers: Vec<&str> = questions.iter().map(|question| question.number.as_str()).collect();
    let tails: Vec<&str> = questions
        .iter()
        .map(|question| question.phone_tail.as_ref().map(|tail| tail.as_str()).unwrap_or_default())
        .collect();
    let mut message = json!({
        "language": "0",
        "trackingType": "1",
        "trackingNumber": numbers,
        "methodType": "1",
    });
    if tails.iter().any(|tail| !tail.is_empty()) {
        message["checkPhoneNo"] = Value::String(tails.join(","));
    }
    message.to_string()
}

/// One route's fields; empty where there is none.
#[derive(Debug, Default)]
pub struct Route {
    pub accept_time: String,
    pub accept_address: String,
    pub remark: String,
    pub op_code: String,
    pub reason_code: String,
    pub first_status_code: String,
    pub first_status_name: String,
    pub secondary_status_code: String,
    pub secondary_status_name: String,
}

/// `None` where `raw` is not even an object.
pub fn route(raw: &RawValue) -> Option<Route> {
    let fields = Object::of(Some(raw))?;
    Some(Route {
        accept_time: fields.text("acceptTime"),
        accept_address: fields.text("acceptAddress"),
        remark: fields.text("remark"),
        op_code: fields.text("opCode").trim_start_matches('0').to_owned(),
        reason_code: fields.text("reasonCode"),
        first_status_code: fields.text("firstStatusCode"),
        first_status_name: fields.text("firstStatusName"),
        secondary_status_code: fields.text("secondaryStatusCode"),
        secondary_status_name: fields.text("secondaryStatusName"),
    })
}
