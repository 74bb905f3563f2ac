//! Cainiao: a form whose digest is over its content and the account's secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Protocol;
use crate::support::forms::fields;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "cainiao",
    config: "logistic_provider_id = \"PROVIDER\"\nsecret = \"s3cret\"\nto_code = \"CNL_EU\"",
    refused: "logistic_provider_id = \"PROVIDER\"\nsecret = \"another\"\nto_code = \"CNL_EU\"",
    delivered: "LP00123456789012",
    unknown: "LP00123456789013",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let form = fields(&asked.body);
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let content = field("logistics_interface");
    let is_known = field("logistic_provider_id") == "PROVIDER" && field("to_code") == "CNL_EU";
    let is_signed = field("data_digest") == STANDARD.encode(Md5::digest(format!("{content}s3cret")));
    if asked.path != "/gateway/link.do" || field("msg_type").is_empty() || !is_known || !is_signed {
        return Reply::json(
            200,
            &json!({"success": false, "errorCode": "S02", "errorMsg": "illegal digest"}),
        );
    }
    let content: Value = serde_json::from_str(content).expect("JSON");
    let traces = match content["mailNo"].as_str() {
        Some("LP00123456789012") => json!([{"actionCode": "GTMS_SIGNED", "timeStr": "2026-03-07 13:45:00",
            "timeZone": "GMT+1", "desc": "Package delivered", "standerdDesc": "Package delivered"}]),
        _ => json!([]),
    };
    let module = json!([{"mailNo": content["mailNo"], "detailList": traces}]);
    Reply::json(200, &json!({"success": true, "module": module}))
}
