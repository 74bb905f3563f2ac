//! Canada Post: Basic credentials, a number in the path, XML of one version.

use super::Protocol;
use crate::support::stub::{Asked, Reply};

pub const PROTOCOL: Protocol = Protocol {
    carrier: "canada_post",
    config: "user = \"key\"\npassword = \"s3cret\"",
    refused: "user = \"key\"\npassword = \"another\"",
    delivered: "7023210039414604",
    unknown: "7023210039414611",
    answer,
    is_question: |_| true,
};

fn answer(asked: &Asked, _before: &[Asked]) -> Reply {
    // base64 of key:s3cret.
    if asked.header("authorization") != "Basic a2V5OnMzY3JldA==" {
        return message(401, "E002", "AAA Authentication Failure");
    }
    if asked.header("accept") != "application/vnd.cpc.track-v2+xml" {
        return message(406, "406", "The interface version is not expected");
    }
    match asked.path.as_str() {
        "/vis/track/pin/7023210039414604/detail" => Reply::Status(200, DETAIL.as_bytes().to_vec()),
        _ => message(404, "004", "No Pin History"),
    }
}

fn message(status: u16, code: &str, description: &str) -> Reply {
    let message = format!("<message><code>{code}</code><description>{description}</description></message>");
    let body = format!("<messages xmlns=\"http://www.canadapost.ca/ws/track\">{message}</messages>");
    Reply::Status(status, body.into_bytes())
}

const DETAIL: &str = "<tracking-detail xmlns=\"http://www.canadapost.ca/ws/track-v2\"><pin>7023210039414604</pin>\
    <significant-events><occurrence><event-identifier>1408</event-identifier><event-date>2026-03-05</event-date>\
    <event-time>11:59:59</event-time><event-time-zone>EST</event-time-zone>\
    <event-description>Delivered</event-description></occurrence></significant-events></tracking-detail>";
