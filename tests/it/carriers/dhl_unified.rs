//! DHL: a key in a header, a number in the address.

use serde_json::json;

use super::Protocol;
use crate::support::stub::{Asked, Reply, dhl_event, dhl_page, number_in};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "dhl_unified",
    config: "api_key = \"k3y\"",
    refused: "api_key = \"another\"",
    delivered: "7712345675",
    unknown: "7712345664",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    let problem = |status: u16, title: &str| {
        Reply::json(status, &json!({"status": status, "title": title, "detail": title}))
    };
    if asked.header("dhl-api-key") != "k3y" {
        return problem(401, "Unauthorized");
    }
    match number_in(&asked.path) {
        number @ "7712345675" => {
            let event = dhl_event("2026-03-05T13:45:00+08:00", "delivered", "Delivered", "SHANGHAI");
            Reply::json(200, &dhl_page(number, &[event]))
        }
        _ => problem(404, "No result found"),
    }
}
