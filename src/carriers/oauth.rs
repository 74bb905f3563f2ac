//! Passes as RFC 6749 has them: client credentials against a token that lasts a while.

use std::time::Duration;

use secrecy::SecretString;

use super::ability::{Occasion, Token};
use super::json::{Object, text};
use super::reading::{Failure, FailureKind};
use crate::outbound::Answer;

/// How long a pass is used of which nobody said how long it lasts.
const UNSAID: Duration = Duration::from_secs(600);

/// `known`: the carrier's own error in the body, where there is one.
pub fn token(answer: &Answer, known: impl FnOnce(&Object<'_>) -> Option<Failure>) -> Result<Token, Failure> {
    let body = String::from_utf8_lossy(&answer.body);
    let fields = Object::body(&body).unwrap_or_default();
    let secret = fields.text("access_token");
    if answer.is_success() && !secret.is_empty() {
        let seconds: Option<f64> = fields.text("expires_in").parse().ok();
        let lasts = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(UNSAID);
        return Ok(Token { secret: SecretString::from(secret), lasts });
    }
    let failure = known(&fields).or_else(|| refusal(&fields)).or_else(|| Failure::by_status(answer));
    let otherwise =
        || Failure::new(FailureKind::Unparsable, answer.status.to_string(), "no pass in the answer");
    Err(failure.unwrap_or_else(otherwise).with_wait(answer))
}

/// What is said by whoever stands before the carrier: `{"error": "invalid_client", "error_description": …}`,
/// where every error is about who asks, or a gateway's `{"fault": {"faultstring", "detail": {"errorcode"}}}`.
pub fn refusal(fields: &Object<'_>) -> Option<Failure> {
    let code = text(fields.get("error")).filter(|code| !code.is_empty());
    let Some(code) = code else { return fault(&Object::of(fields.get("fault"))?) };
    let kind = match code.as_str() {
        "temporarily_unavailable" | "server_error" => FailureKind::CarrierDown,
        _ => FailureKind::Auth,
    };
    Some(Failure::new(kind, code, fields.text("error_description")))
}

/// Codes as Apigee has them: `policies.ratelimit.QuotaViolation`, `oauth.v2.InvalidAccessToken`.
fn fault(fault: &Object<'_>) -> Option<Failure> {
    let code = fault.object("detail").text("errorcode");
    let small = code.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
    let kind = if says(&["ratelimit", "quota", "spikearrest"]) {
        FailureKind::RateLimited
    } else if says(&["oauth", "apikey", "accesstoken"]) {
        FailureKind::Auth
    } else {
        FailureKind::CarrierDown
    };
    (!code.is_empty()).then(|| Failure::new(kind, code, fault.text("faultstring")))
}

/// The value of `Authorization`; without a pass, one that no carrier takes.
pub fn bearer(occasion: &Occasion) -> String {
    use secrecy::ExposeSecret;
    let secret = occasion.token.as_ref().map(|token| token.secret.expose_secret());
    format!("Bearer {}", secret.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(status: u16, body: &str) -> Result<(String, u64), FailureKind> {
        let answer = Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() };
        token(&answer, |_| None)
            .map(|token| (token.secret.expose_secret().to_owned(), token.lasts.as_secs()))
            .map_err(|failure| failure.kind)
    }

    #[test]
    fn a_pass_lasts_as_long_as_is_said_whether_that_is_a_number_or_its_digits() {
        assert_eq!(read(200, r#"{"access_token":"t","expires_in":3599}"#), Ok(("t".into(), 3599)));
        assert_eq!(read(200, r#"{"access_token":"t","expires_in":"14399"}"#), Ok(("t".into(), 14399)));
        for unsaid in ["", r#","expires_in":null"#, r#","expires_in":-5"#, r#","expires_in":1e300"#] {
            assert_eq!(read(200, &format!(r#"{{"access_token":"t"{unsaid}}}"#)), Ok(("t".into(), 600)));
        }
    }

    #[test]
    fn a_gateway_says_who_must_act() {
        let kind = |code: &str| {
            let body = format!(r#"{{"fault":{{"faultstring":"-","detail":{{"errorcode":"{code}"}}}}}}"#);
            refusal(&Object::body(&body).expect("an object")).map(|failure| failure.kind)
        };
        assert_eq!(kind("policies.ratelimit.QuotaViolation"), Some(FailureKind::RateLimited));
        assert_eq!(kind("oauth.v2.InvalidAccessToken"), Some(FailureKind::Auth));
        assert_eq!(kind("messaging.adaptors.http.flow.ServiceUnavailable"), Some(FailureKind::CarrierDown));
        assert_eq!(kind(""), None);
    }

    #[test]
    fn an_answer_without_a_pass_is_a_refusal_or_cannot_be_understood() {
        assert_eq!(read(400, r#"{"error":"invalid_client"}"#), Err(FailureKind::Auth));
        assert_eq!(read(503, r#"{"access_token":"t"}"#), Err(FailureKind::CarrierDown));
        assert_eq!(read(401, ""), Err(FailureKind::Auth));
        assert_eq!(read(429, "<html>"), Err(FailureKind::RateLimited));
        for body in ["", "{}", "[]", r#"{"access_token":""}"#, r#"{"access_token":null}"#] {
            assert_eq!(read(200, body), Err(FailureKind::Unparsable), "{body}");
        }
    }
}
