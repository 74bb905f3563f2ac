//! SF's errors, of its gateway (`A…`) and of the service behind it.

use crate::carriers::discretion::without_phones;
use crate::carriers::{Failure, FailureKind, excuses};

pub const PASSED: &str = "A1000";
pub const DONE: &str = "S0000";

/// From the open platform's tables of common result codes (open.sf-express.com), one row a code.
const CODES: &[(&str, FailureKind)] = &[
    // A parameter is missing.
    ("A1001", FailureKind::Invalid),
    // The request is too old: somebody's clock is wrong.
    ("A1002", FailureKind::Invalid),
    // An address that is not on the list.
    ("A1003", FailureKind::Auth),
    // No right to the service.
    ("A1004", FailureKind::Auth),
    ("A1005", FailureKind::RateLimited),
    // The digest is wrong.
    ("A1006", FailureKind::Auth),
    // The same request twice.
    ("A1007", FailureKind::Invalid),
    // It cannot be decrypted.
    ("A1008", FailureKind::Invalid),
    // The service behind the gateway cannot be reached.
    ("A1009", FailureKind::CarrierDown),
    // An account of the sandbox.
    ("A1010", FailureKind::Auth),
    // OAuth2 failed.
    ("A1011", FailureKind::Auth),
    ("A1099", FailureKind::CarrierDown),
    // No JSON.
    ("S0001", FailureKind::Invalid),
    // A parameter is missing.
    ("S0002", FailureKind::Invalid),
    ("S0003", FailureKind::CarrierDown),
    // A parameter is too long.
    ("S0004", FailureKind::Invalid),
    ("S0005", FailureKind::Invalid),
    // The order is not known.
    ("8018", FailureKind::NotFound),
    ("8024", FailureKind::NotFound),
];

pub fn is_known(code: &str) -> bool {
    CODES.iter().any(|(known, _)| known.eq_ignore_ascii_case(code))
}

pub fn failure(code: &str, message: &str) -> Failure {
    let known = CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
    let kind = known.map_or_else(|| excuses::kind(message), |(_, kind)| *kind);
    Failure::new(kind, code, without_phones(message))
}
