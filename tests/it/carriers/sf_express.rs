//! SF Express: a form whose digest is over the message as a form would encode it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Protocol;
use crate::support::forms::fields;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "sf_express",
    config: "partner_id = \"PARTNER\"\ncheckword = \"ch3ck\"",
    refused: "partner_id = \"PARTNER\"\ncheckword = \"another\"",
    delivered: "SF1234567890123",
    unknown: "SF1234567890124",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let refused = |code: &str| Reply::json(200, &json!({"apiResultCode": code, "apiErrorMsg": "refused"}));
    let form = fields(&asked.body);
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    if asked.path != "/std/service" || field("serviceCode") != "EXP_RECE_SEARCH_ROUTES" {
        return refused("A1004");
    }
    // The message is signed as it stands in the form, before that is decoded.
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let encoded = body.split('&').find_map(|pair| pair.strip_prefix("msgData=")).unwrap_or_default();
    let signed = format!("{encoded}{}ch3ck", field("timestamp"));
    if field("partnerID") != "PARTNER" || field("msgDigest") != STANDARD.encode(Md5::digest(signed)) {
        return refused("A1006");
    }
    let message: Value = serde_json::from_str(&field("msgData")).expect("JSON");
    let number = message["trackingNumber"][0].as_str().unwrap_or_default();
    let is_known = number == "SF1234567890123" && message["checkPhoneNo"] == "5678";
    let routes = if is_known {
        json!([{"acceptTime": "2026-03-04 09:58:31", "acceptAddress": "上海市", "remark": "您的快件已签收", "opCode": "80"}])
    } else {
        json!([])
    };
    let data = json!({"success": true, "errorCode": "S0000", "errorMsg": null,
        "msgData": {"routeResps": [{"mailNo": number, "routes": routes}]}});
    Reply::json(200, &json!({"apiResultCode": "A1000", "apiErrorMsg": "", "apiResultData": data.to_string()}))
}
