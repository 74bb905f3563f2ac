//! AfterShip: a key in a header, a list of numbers in the address, and nothing of those that were never created.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "aftership",
    config: "api_key = \"k3y\"",
    refused: "api_key = \"another\"",
    delivered: "RN740215885GB",
    unknown: "RN740215993GB",
    answer,
    is_question: |asked| asked.path.starts_with("/tracking/2026-07/trackings?"),
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let error = |status: u16, code: u32| {
        Reply::json(status, &json!({"meta": {"code": code, "message": "", "type": ""}, "data": {}}))
    };
    if asked.header("as-api-key") != "k3y" {
        return error(401, 401);
    }
    let Some((_, query)) = asked.path.split_once("trackings?") else {
        let number = asked.json()["tracking_number"].clone();
        let created = json!({"tracking_number": number, "tag": "Pending", "checkpoints": []});
        return Reply::json(201, &json!({"meta": {"code": 201}, "data": created}));
    };
    let numbers = query.split('&').find_map(|pair| pair.strip_prefix("tracking_numbers="));
    let known = numbers.unwrap_or_default().split(',').filter(|number| *number == "RN740215885GB");
    let trackings: Vec<_> = known
        .map(|number| {
            let checkpoint = json!({
                "checkpoint_time": "2026-03-04T11:42:00+08:00", "tag": "Delivered", "subtag": "Delivered_001",
                "message": "Delivered", "city": "SHANGHAI", "country_region": "CHN",
            });
            json!({"tracking_number": number, "tag": "Delivered", "checkpoints": [checkpoint]})
        })
        .collect();
    Reply::json(200, &json!({"meta": {"code": 200}, "data": {"trackings": trackings}}))
}
