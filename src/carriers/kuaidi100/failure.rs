//! Kuaidi100's errors.
//!
//! Gathered from its documents of the query and of the subscription, and from public integrations.

use crate::carriers::{Failure, FailureKind};

/// Of a query. Of a subscription the same digits are a server's error.
pub const NO_RESULT: &str = "500";
/// Of a subscription. Of a query the same digits are a server's error.
const SUBSCRIBED_ALREADY: &str = "501";
pub const GOOD: &str = "200";

pub fn of_query(code: &str, message: &str) -> Failure {
    let kind = match code {
        _ if is_too_often(message) => FailureKind::RateLimited,
        NO_RESULT | "201" => FailureKind::NotFound,
        // The signature; an account that is none, is spent, or may not do this.
        "503" | "600" | "601" => FailureKind::Auth,
        "501" | "502" => FailureKind::CarrierDown,
        // A company that is unknown or missing; a telephone number that is missing or another's.
        "400" | "408" | "700" | "701" | "702" => FailureKind::Invalid,
        "429" => FailureKind::RateLimited,
        _ => FailureKind::Unparsable,
    };
    Failure::new(kind, code, message)
}

/// `None`: it is subscribed to.
pub fn of_subscription(code: &str, message: &str) -> Option<Failure> {
    match code {
        GOOD | SUBSCRIBED_ALREADY => None,
        NO_RESULT => Some(Failure::new(FailureKind::CarrierDown, code, message)),
        code => Some(of_query(code, message)),
    }
}

fn is_too_often(message: &str) -> bool {
    ["频繁", "限流"].iter().any(|words| message.contains(words))
}
