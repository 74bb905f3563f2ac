//! The bodies with which operators change the calendar, and merchants a clearance.

use chrono::TimeDelta;
use serde_json::Value;

use super::reading::{Errors, FieldError, Object};
use super::request::read_instant;
use crate::domain::instant::Instant;
use crate::domain::service::Clearance;

const REASON_CHARACTERS_MAX: usize = 200;
const CLOSED_DAYS_MAX: i64 = 366;

/// For how long a hub is closed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    pub from_at: Instant,
    pub until_at: Instant,
    pub reason: String,
}

/// Why a departure is cancelled.
pub fn read_cancellation(body: &Value) -> Result<String, Vec<FieldError>> {
    let errors = Errors::default();
    let reason = Object::new(body, String::new(), &errors).and_then(|body| reason(&body));
    errors.check(reason)
}

pub fn read_closing(body: &Value, now: Instant) -> Result<Closing, Vec<FieldError>> {
    let errors = Errors::default();
    let closing = Object::new(body, String::new(), &errors).and_then(|body| closing(&body, now));
    errors.check(closing)
}

pub fn read_clearance(body: &Value) -> Result<Clearance, Vec<FieldError>> {
    let errors = Errors::default();
    let clearance = Object::new(body, String::new(), &errors).and_then(|body| body.parsed("clearance"));
    errors.check(clearance)
}

fn reason(body: &Object) -> Option<String> {
    body.text("reason", 1..=REASON_CHARACTERS_MAX)
}

fn closing(body: &Object, now: Instant) -> Option<Closing> {
    let (from_at, until_at) = (read_instant(body, "from"), read_instant(body, "until"));
    let reason = reason(body);
    let (from_at, until_at) = (from_at?, until_at?);
    if until_at <= from_at {
        body.errors().add("/until", "has to be later than from");
    } else if until_at - from_at > TimeDelta::days(CLOSED_DAYS_MAX) {
        body.errors().add("/until", format!("is more than {CLOSED_DAYS_MAX} days after from"));
    }
    if until_at <= now {
        body.errors().add("/until", "is over already");
    }
    Some(Closing { from_at, until_at, reason: reason? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(body: Value) -> Vec<String> {
        let now = "2026-03-05T00:00:00Z".parse().expect("an instant");
        let errors = read_closing(&body, now).err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_closing_ends_after_it_begins_and_within_a_year() {
        let body = |from: &str, until: &str| json!({"from": from, "until": until, "reason": "a strike of the staff"});
        assert_eq!(pointers(body("2026-03-04T00:00:00Z", "2026-03-06T00:00:00+08:00")), [""; 0]);
        for (from, until) in [
            ("2026-03-06T00:00:00Z", "2026-03-06T00:00:00Z"),
            ("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z"),
            ("2026-03-06T00:00:00Z", "2027-03-08T00:00:00Z"),
        ] {
            assert_eq!(pointers(body(from, until)), ["/until"], "{from} {until}");
        }
        assert_eq!(pointers(json!({"from": "now", "reason": ""})), ["/from", "/until", "/reason"]);
        let mut more = body("2026-03-06T00:00:00Z", "2026-03-07T00:00:00Z");
        more["hub"] = json!("USLAX");
        assert_eq!(pointers(more), ["/hub"]);
    }

    #[test]
    fn a_cancellation_says_why_and_nothing_else() {
        assert_eq!(read_cancellation(&json!({"reason": " fog "})), Ok("fog".to_owned()));
        for body in [json!({}), json!({"reason": ""}), json!({"reason": "fog", "by": "me"}), json!("fog")] {
            assert!(read_cancellation(&body).is_err(), "{body}");
        }
        assert!(read_clearance(&json!({"clearance": "1210"})).is_ok());
        assert!(read_clearance(&json!({"clearance": "none"})).is_err());
    }
}
