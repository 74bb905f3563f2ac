//! Kuaidi100: a form whose text is signed, one number at a time; and a subscription.

use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "kuaidi100",
    config: "customer = \"C0FFEE\"\nkey = \"k3y\"\npush_secret = \"s4lt\"\ncallback_url = \"https://here\"",
    refused: "customer = \"C0FFEE\"\nkey = \"another\"",
    delivered: "YT7123456789012",
    unknown: "YT7123456789023",
    answer,
    is_question: |asked| asked.path == "/poll/query.do",
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let param = field(asked, "param");
    let wanted: Value = serde_json::from_str(&param).expect("JSON");
    if asked.path == "/poll" {
        let is_good = wanted["key"] == "k3y" && wanted["parameters"]["salt"] == "s4lt";
        return refusal(if is_good { "200" } else { "600" });
    }
    let digest = Md5::digest(format!("{param}k3yC0FFEE"));
    let expected: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    if field(asked, "sign") != expected || field(asked, "customer") != "C0FFEE" {
        return refusal("503");
    }
    if wanted["com"] != "yuantong" || wanted["phone"] != "5678" {
        return refusal("400");
    }
    match wanted["num"].as_str() {
        Some(number @ "YT7123456789012") => {
            let event = json!({
                "ftime": "2026-03-03 11:02:55", "context": "快件已签收", "status": "签收", "statusCode": "3",
            });
            Reply::json(
                200,
                &json!({"message": "ok", "nu": number, "status": "200", "state": "3", "data": [event]}),
            )
        }
        _ => refusal("500"),
    }
}

fn refusal(code: &str) -> Reply {
    Reply::json(200, &json!({"result": code == "200", "returnCode": code, "message": ""}))
}

fn field(asked: &Asked, name: &str) -> String {
    let form = String::from_utf8_lossy(&asked.body).into_owned();
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    let value =
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).unwrap_or_default();
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}
