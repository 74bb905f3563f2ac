//! AfterShip's errors: `meta.code`, which is a status of HTTP, or one with further digits.

use crate::carriers::{Failure, FailureKind};

/// A tracking that is there already.
pub const EXISTS: &str = "4003";
/// A tracking that is not there.
pub const UNKNOWN: &str = "4004";

/// AfterShip Tracking API, "Request errors".
pub fn failure(code: &str, message: &str) -> Failure {
    let kind = match code {
        UNKNOWN => FailureKind::NotFound,
        _ => match code.get(..3).unwrap_or(code) {
            "401" | "402" | "403" if code.len() != 4 => FailureKind::Auth,
            "404" if code.len() != 4 => FailureKind::NotFound,
            "429" => FailureKind::RateLimited,
            "408" if code.len() != 4 => FailureKind::CarrierDown,
            class if class.starts_with('4') => FailureKind::Invalid,
            class if class.starts_with('5') => FailureKind::CarrierDown,
            _ => FailureKind::Unparsable,
        },
    };
    Failure::new(kind, code, message)
}

pub fn is_good(code: &str) -> bool {
    code.starts_with('2') && matches!(code.len(), 3 | 5)
}
