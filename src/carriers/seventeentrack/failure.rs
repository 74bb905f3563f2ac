//! 17TRACK's errors: of a whole call, or of one number.

use crate::carriers::{Failure, FailureKind};

pub const ALREADY_REGISTERED: &str = "-18019901";
pub const NOT_REGISTERED: &str = "-18019902";
const NOTHING_YET: &str = "-18019909";

/// 17TRACK help pages, "Error Codes and Troubleshooting"; public integrations agree.
pub fn kind(code: &str) -> FailureKind {
    match code {
        NOT_REGISTERED | NOTHING_YET => FailureKind::NotFound,
        // The address is not on the account's list, a wrong key, an account that is closed or may not do this.
        "-18010001" | "-18010002" | "-18010004" | "-18010005" | "-18019912" | "401" | "403" => {
            FailureKind::Auth
        }
        // Too many calls; too many new numbers today; the quota is used up.
        "429" | "-18019907" | "-18019908" => FailureKind::RateLimited,
        // Of 17TRACK itself, or of the carrier behind it.
        "-18010003" | "-18019815" | "-18019816" | "500" | "502" | "503" | "504" => FailureKind::CarrierDown,
        "-18019900" | ALREADY_REGISTERED | "400" | "404" => FailureKind::Invalid,
        // No carrier, or a wrong one; not to be followed again; not followed at all.
        "-18019903" | "-18019904" | "-18019905" | "-18019906" | "-18019910" | "-18019911" => {
            FailureKind::Invalid
        }
        code if code.starts_with("-180100") => FailureKind::Invalid,
        _ => FailureKind::Unparsable,
    }
}

pub fn failure(code: &str, message: &str) -> Failure {
    Failure::new(kind(code), code, message)
}

/// 17TRACK follows the number, and has not seen anything of it.
pub fn nothing_yet(status: &str) -> Failure {
    let message = "no tracking information yet";
    match status {
        "" => failure(NOTHING_YET, message),
        status => Failure::new(FailureKind::NotFound, status, message),
    }
}
