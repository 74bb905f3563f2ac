//! The bodies with which a merchant says where and of what it wants to be told, and told again.

use chrono::{DateTime, TimeDelta};
use serde_json::Value;

use super::reading::{Errors, FieldError, Object};
use super::request::read_instant;
use crate::domain::id::MessageId;
use crate::domain::instant::{Instant, cut};
use crate::domain::webhook::{Pattern, Replayed, Subscription};

const URL_CHARACTERS_MAX: usize = 2_000;
const PATTERNS_MAX: usize = 50;
/// How long, as everybody else has it, a secret is good after the next one was made; also the longest.
const OVERLAP_HOURS: u32 = 24;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    pub url: String,
    /// None: it was left out, and everything is meant.
    pub events: Option<Subscription>,
}

/// What is to be different about an endpoint; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookChange {
    pub events: Option<Subscription>,
    pub enabled: Option<bool>,
}

/// Which messages are to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastWebhooks {
    pub since_at: Instant,
    /// None: until now.
    pub until_at: Option<Instant>,
    /// None: of every kind.
    pub kinds: Option<Subscription>,
    pub replayed: Replayed,
    /// Where an earlier call had to stop.
    pub after: Option<MessageId>,
}

/// Reads a registration, or says all that is wrong. `check` says why an address cannot be called.
pub fn read(body: &Value, check: &dyn Fn(&str) -> Result<(), String>) -> Result<NewWebhook, Vec<FieldError>> {
    let errors = Errors::default();
    let webhook = Object::new(body, String::new(), &errors).and_then(|body| {
        let (url, events) = (address(&body, check), subscription(&body, "events"));
        Some(NewWebhook { url: url?, events: events? })
    });
    errors.check(webhook)
}

fn address(body: &Object, check: &dyn Fn(&str) -> Result<(), String>) -> Option<String> {
    let url = body.text("url", 1..=URL_CHARACTERS_MAX)?;
    match check(&url) {
        Ok(()) => Some(url),
        Err(reason) => {
            body.errors().add("/url", reason);
            None
        }
    }
}

fn subscription(body: &Object, name: &'static str) -> Option<Option<Subscription>> {
    let patterns: Option<Vec<Pattern>> = body.parsed_array_or_none(name, 1..=PATTERNS_MAX)?;
    Some(patterns.and_then(Subscription::new))
}

pub fn read_change(body: &Value) -> Result<WebhookChange, Vec<FieldError>> {
    let errors = Errors::default();
    let change = Object::new(body, String::new(), &errors).and_then(|body| {
        let (events, enabled) = (subscription(&body, "events"), body.flag_or_none("enabled"));
        Some(WebhookChange { events: events?, enabled: enabled? })
    });
    errors.check(change)
}

/// How long the secrets before stay good.
pub fn read_rotation(body: &Value) -> Result<TimeDelta, Vec<FieldError>> {
    let errors = Errors::default();
    let hours = Object::new(body, String::new(), &errors)
        .and_then(|body| body.whole_or_none("overlap_hours", 0..=OVERLAP_HOURS));
    let hours = errors.check(hours)?.unwrap_or(OVERLAP_HOURS);
    Ok(TimeDelta::hours(i64::from(hours)))
}

pub fn read_past(body: &Value) -> Result<PastWebhooks, Vec<FieldError>> {
    let errors = Errors::default();
    let past = Object::new(body, String::new(), &errors).and_then(|body| past(&body));
    errors.check(past)
}

fn past(body: &Object) -> Option<PastWebhooks> {
    let (since_at, until_at) = (read_instant(body, "since"), instant_or_none(body, "until"));
    let (kinds, replayed) = (subscription(body, "kinds"), body.parsed_or_none("state"));
    let after = body.parsed_or_none("after");
    let (since_at, until_at) = (since_at?, until_at?);
    if until_at.is_some_and(|until_at| until_at <= since_at) {
        body.errors().add("/until", "has to be later than since");
    }
    let replayed = replayed?.unwrap_or(Replayed::Dead);
    Some(PastWebhooks { since_at, until_at, kinds: kinds?, replayed, after: after? })
}

fn instant_or_none(body: &Object, name: &'static str) -> Option<Option<Instant>> {
    let Some(text) = body.text_or_none(name, 1..=40)? else { return Some(None) };
    let instant = DateTime::parse_from_rfc3339(&text);
    if instant.is_err() {
        body.errors().add(&body.at(name), "has to be a time such as 2026-03-02T14:00:00+08:00");
    }
    instant.ok().map(|instant| Some(cut(instant.to_utc())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::webhook::{WebhookFamily, WebhookKind};

    fn check(url: &str) -> Result<(), String> {
        if url == "wrong" { Err("is wrong".to_owned()) } else { Ok(()) }
    }

    fn pointers<T>(read: Result<T, Vec<FieldError>>) -> Vec<String> {
        read.err().unwrap_or_default().into_iter().map(|error| error.pointer).collect()
    }

    fn of(patterns: impl IntoIterator<Item = Pattern>) -> Option<Subscription> {
        Subscription::new(patterns)
    }

    #[test]
    fn an_address_is_one_string_and_beside_it_is_what_is_wanted() {
        let read = |body: Value| pointers(read(&body, &check));
        assert_eq!(read(json!({"url": "right"})), [""; 0]);
        for body in [json!({}), json!({"url": null}), json!({"url": ["right"]}), json!({"url": "wrong"})] {
            assert_eq!(read(body), ["/url"]);
        }
        assert_eq!(read(json!({"url": "x".repeat(2_001)})), ["/url"]);
        assert_eq!(read(json!({"url": "right", "secret": "mine"})), ["/secret"]);
        assert_eq!(read(json!("right")), [""]);
        let events = |events: Value| read(json!({"url": "right", "events": events}));
        assert_eq!(events(json!(["*", "escrow.*", "shipment.replanned"])), [""; 0]);
        assert_eq!(events(json!([])), ["/events"]);
        assert_eq!(events(json!("escrow.*")), ["/events"]);
        assert_eq!(events(json!(["escrow.*", "escrow", 1, null])), ["/events/1", "/events/2", "/events/3"]);
        assert_eq!(events(json!(vec!["*"; 51])), ["/events"]);
        let both = json!({"url": "wrong", "events": ["order.*"]});
        assert_eq!(read(both), ["/url", "/events/0"], "both at once");
    }

    #[test]
    fn what_is_left_out_of_a_change_stays() {
        let change = |body: Value| read_change(&body);
        assert_eq!(change(json!({})), Ok(WebhookChange { events: None, enabled: None }));
        let events = of([Pattern::Family(WebhookFamily::Escrow)]);
        let wanted = change(json!({"events": ["escrow.code", "escrow.*"], "enabled": true}));
        assert_eq!(wanted, Ok(WebhookChange { events, enabled: Some(true) }));
        assert_eq!(pointers(change(json!({"url": "another"}))), ["/url"]);
        assert_eq!(pointers(change(json!({"enabled": "yes", "events": [{}]}))), ["/events/0", "/enabled"]);
    }

    #[test]
    fn secrets_overlap_for_a_day_at_most() {
        assert_eq!(read_rotation(&json!({})), Ok(TimeDelta::hours(24)));
        assert_eq!(read_rotation(&json!({"overlap_hours": 0})), Ok(TimeDelta::zero()));
        for hours in [json!(25), json!(-1), json!(1.5), json!("1")] {
            assert_eq!(pointers(read_rotation(&json!({"overlap_hours": hours}))), ["/overlap_hours"]);
        }
    }

    #[test]
    fn a_past_begins_and_ends() {
        let read = |body: Value| read_past(&body);
        let past = read(json!({"since": "2026-03-01T08:00:00+08:00"})).expect("a beginning is enough");
        assert_eq!(past.since_at, "2026-03-01T00:00:00Z".parse::<Instant>().expect("an instant"));
        assert_eq!(
            (past.until_at, past.kinds, past.replayed, past.after),
            (None, None, Replayed::Dead, None)
        );
        let body = json!({
            "since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z", "state": "all",
            "kinds": ["shipment.replanned"], "after": "msg_01kb2m3z8te2gt8d1v6q8h4x5n",
        });
        let past = read(body).expect("all of it");
        assert_eq!(past.kinds, of([Pattern::Kind(WebhookKind::ShipmentReplanned)]));
        assert_eq!(past.replayed, Replayed::All);
        let since = "2026-03-01T00:00:00Z";
        assert_eq!(pointers(read(json!({}))), ["/since"]);
        assert_eq!(pointers(read(json!({"since": since, "until": since}))), ["/until"]);
        assert_eq!(pointers(read(json!({"since": since, "until": "soon"}))), ["/until"]);
        let wrong = json!({"since": 1, "until": 2, "state": "pending", "kinds": [], "after": "msg_1"});
        assert_eq!(pointers(read(wrong)), ["/since", "/until", "/kinds", "/state", "/after"]);
    }
}
