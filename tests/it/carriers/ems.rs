//! China Post: a form whose body is encrypted with the account's key, which is also at its end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, KeyInit};

use super::Protocol;
use crate::support::forms::fields;
use crate::support::stub::{Asked, Reply};

const KEY: &str = "ASNFZ4mrze/+3LqYdlQyEA==";

pub const PROTOCOL: Protocol = Protocol {
    carrier: "ems",
    config: "sender_no = \"1100\"\nauthorization = \"4uth\"\nsign_key = \"ASNFZ4mrze/+3LqYdlQyEA==\"",
    refused: "sender_no = \"1100\"\nauthorization = \"4uth\"\nsign_key = \"AAAAAAAAAAAAAAAAAAAAAA==\"",
    delivered: "1234567890123",
    unknown: "1234567890124",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let refused = || Reply::json(200, &json!({"retCode": "B00001", "retMsg": "授权码校验失败"}));
    let form = fields(&asked.body);
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let is_question = asked.path == "/amp-prod-api/f/amp/api/open" && field("apiCode") == "040001";
    if !is_question || field("senderNo") != "1100" || field("authorization") != "4uth" {
        return refused();
    }
    let Some(message) = opened(field("logitcsInterface")) else { return refused() };
    let number = message["waybillNo"].as_str().unwrap_or_default();
    let traces = match number {
        "1234567890123" => json!([{"waybillNo": number, "opTime": "2026-03-04 10:12:00", "opCode": "704",
            "opName": "投递结果反馈-妥投", "opDesc": "已签收,本人签收"}]),
        _ => json!([]),
    };
    let body = json!({"responseItems": traces}).to_string();
    Reply::json(200, &json!({"retCode": "00000", "retMsg": "成功", "retBody": body}))
}

/// The message before the key.
fn opened(sealed: &str) -> Option<Value> {
    let cipher = Sm4::new(&Array(STANDARD.decode(KEY).ok()?.try_into().ok()?));
    let mut text = Vec::new();
    for block in STANDARD.decode(sealed.strip_prefix("|$4|")?).ok()?.chunks(16) {
        let mut block = Array(block.try_into().ok()?);
        cipher.decrypt_block(&mut block);
        text.extend(block.0);
    }
    text.truncate(text.len().checked_sub(usize::from(*text.last()?))?);
    serde_json::from_slice(text.strip_suffix(KEY.as_bytes())?).ok()
}
