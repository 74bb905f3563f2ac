//! Passes as RFC 6749 has them: client credentials against a token that lasts a while.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
    let failure = known(&fields).or_else(|| refusal(&fields, answer)).or_else(|| Failure::by_status(answer));
    let otherwise =
        || Failure::new(FailureKind::Unparsable, answer.status.to_string(), "no pass in the answer");
    Err(failure.unwrap_or_else(otherwise).with_wait(answer))
}

/// What RFC 6749 and RFC 6750 (section 3.1) have a server say in `error`.
const OF_THE_STANDARD: &[(&str, FailureKind)] = &[
    ("access_denied", FailureKind::Auth),
    ("insufficient_scope", FailureKind::Auth),
    ("invalid_client", FailureKind::Auth),
    ("invalid_grant", FailureKind::Auth),
    ("invalid_request", FailureKind::Auth),
    ("invalid_scope", FailureKind::Auth),
    ("invalid_token", FailureKind::Auth),
    ("server_error", FailureKind::CarrierDown),
    ("temporarily_unavailable", FailureKind::CarrierDown),
    ("unauthorized_client", FailureKind::Auth),
    ("unsupported_grant_type", FailureKind::Auth),
    ("unsupported_response_type", FailureKind::Auth),
];

/// The words of RFC 9110 for a status, as servers repeat them in `error`.
const REASONS: &[(&str, u16)] = &[
    ("bad gateway", 502),
    ("bad request", 400),
    ("forbidden", 403),
    ("gateway timeout", 504),
    ("internal server error", 500),
    ("not found", 404),
    ("service unavailable", 503),
    ("too many requests", 429),
    ("unauthorized", 401),
];

/// What is said by whoever stands before the carrier: `{"error": "invalid_client", "error_description": …}` by who
/// gives out passes, `{"status": 500, "error": "Internal Server Error"}` by a server, or a gateway's
/// `{"fault": {"faultstring", "detail": {"errorcode"}}}`.
pub fn refusal(fields: &Object<'_>, answer: &Answer) -> Option<Failure> {
    let code = text(fields.get("error")).filter(|code| !code.is_empty());
    let Some(code) = code else { return fault(&Object::of(fields.get("fault"))?, answer) };
    let small = code.to_ascii_lowercase();
    let known = OF_THE_STANDARD.iter().find(|(word, _)| *word == small).map(|(_, kind)| *kind);
    let status = told_status(fields, &small, answer);
    let by_status =
        || Failure::by_status(&Answer { status, ..Answer::default() }).map(|failure| failure.kind);
    let otherwise = if status / 100 == 4 { FailureKind::Invalid } else { FailureKind::Unparsable };
    let kind = known.or_else(by_status).unwrap_or(otherwise);
    let message = ["error_description", "message"].map(|name| fields.text(name));
    let message = message.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    Some(Failure::new(kind, code, message))
}

/// The answer's, unless that is good and its body knows better.
fn told_status(fields: &Object<'_>, error: &str, answer: &Answer) -> u16 {
    let of_reason = || REASONS.iter().find(|(reason, _)| *reason == error).map(|(_, status)| *status);
    let in_body = || fields.text("status").parse().ok().or_else(of_reason);
    if answer.is_success() { in_body().unwrap_or(answer.status) } else { answer.status }
}

/// Codes as Apigee has them: `policies.ratelimit.QuotaViolation`, `oauth.v2.InvalidAccessToken`,
/// `keymanagement.service.access_token_expired`.
fn fault(fault: &Object<'_>, answer: &Answer) -> Option<Failure> {
    let code = fault.object("detail").text("errorcode");
    let small = code.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
    let kind = if says(&["ratelimit", "quota", "spikearrest"]) {
        FailureKind::RateLimited
    } else if says(&["oauth", "apikey", "accesstoken", "access_token", "keymanagement", "invalidapicall"])
        || matches!(answer.status, 401 | 403)
    {
        FailureKind::Auth
    } else {
        FailureKind::CarrierDown
    };
    (!code.is_empty()).then(|| Failure::new(kind, code, fault.text("faultstring")))
}

/// The value of `Authorization` by name and password (RFC 7617).
pub fn basic(name: &str, password: &str) -> SecretString {
    SecretString::from(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
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

    fn refused(status: u16, body: &str) -> Option<FailureKind> {
        let answer = Answer { status, ..Answer::default() };
        refusal(&Object::body(body).expect("an object"), &answer).map(|failure| failure.kind)
    }

    #[test]
    fn an_error_in_one_word_is_about_who_asks_only_where_the_standard_or_the_status_says_so() {
        use FailureKind as K;
        for (status, body, expected) in [
            (200, r#"{"error":"invalid_client"}"#, Some(K::Auth)),
            (400, r#"{"error":"invalid_grant"}"#, Some(K::Auth)),
            (200, r#"{"error":"temporarily_unavailable"}"#, Some(K::CarrierDown)),
            (200, r#"{"status":500,"error":"Internal Server Error"}"#, Some(K::CarrierDown)),
            (500, r#"{"error":"Oops"}"#, Some(K::CarrierDown)),
            (404, r#"{"status":404,"error":"Not Found"}"#, Some(K::Invalid)),
            (200, r#"{"error":"Not Found"}"#, Some(K::Invalid)),
            (429, r#"{"error":"Too Many Requests"}"#, Some(K::RateLimited)),
            (200, r#"{"error":"Too Many Requests"}"#, Some(K::RateLimited)),
            (401, r#"{"error":"Who are you"}"#, Some(K::Auth)),
            (200, r#"{"error":"Unauthorized"}"#, Some(K::Auth)),
            (200, r#"{"error":"Something new"}"#, Some(K::Unparsable)),
            (200, r#"{"error":""}"#, None),
        ] {
            assert_eq!(refused(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_waits_as_long_as_it_is_asked_to() {
        let wait = Some(Duration::from_secs(7));
        let body = br#"{"error":"Too Many Requests"}"#.to_vec();
        let answer = Answer { status: 429, retry_after: wait, body, ..Answer::default() };
        let failure = token(&answer, |_| None).expect_err("no pass");
        assert_eq!((failure.kind, failure.retry_after), (FailureKind::RateLimited, wait));
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
        let of_status = |status: u16, code: &str| {
            let body = format!(r#"{{"fault":{{"faultstring":"-","detail":{{"errorcode":"{code}"}}}}}}"#);
            refused(status, &body)
        };
        let kind = |code: &str| of_status(200, code);
        for code in [
            "keymanagement.service.access_token_expired",
            "keymanagement.service.invalid_access_token",
            "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
            "steps.oauth.v2.FailedToResolveAPIKey",
        ] {
            assert_eq!(kind(code), Some(FailureKind::Auth), "{code}");
        }
        assert_eq!(of_status(403, "something.new"), Some(FailureKind::Auth));
        assert_eq!(of_status(429, "policies.ratelimit.SpikeArrestViolation"), Some(FailureKind::RateLimited));
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
