//! Pushes in a form of our own, for carriers that have none: from a carrier's own system, or from whoever translates for it.
//!
//! An account of any carrier takes them that has a `push_secret` of Standard Webhooks (`whsec_…`) and no way of its own. The
//! headers are `webhook-id`, `webhook-timestamp` (seconds since 1970, within five minutes of now) and
//! `webhook-signature`. The body tells of one parcel, or of several under `parcels`:
//!
//! ```json
//! {"tracking_number": "LP00123456", "events": [{
//!     "occurred_at": "2026-03-05T13:45:00+08:00", "status": "delivered", "delivered_to": "neighbour",
//!     "code": "D1", "description": "Delivered to a neighbour",
//!     "location": {"country": "CN", "place": "Shanghai", "postal_code": "200120"}}]}
//! ```
//!
//! `status` and `delivered_to` are our words (see the API's description of events); what is none is `unknown`, or
//! `unspecified`. `occurred_at` without an offset is the place's own time. All but the number, the time and the status can be
//! left out. A description that contradicts its status makes the event `unknown`; an event that cannot be read
//! costs itself alone.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ability::{Acknowledgement, NotVerified, Pushed, Receive};
use super::codes::Row;
use super::countries::alpha2;
use super::discretion::without_people;
use super::french;
use super::json::{self, list, object, text_or_empty};
use super::merge::merged;
use super::moment::moment;
use super::place::{Gazetteer, Place};
use super::reading::{Failure, FailureKind, NotAnAnswer, Package, Reading, Seen, without_body};
use super::tongues::{meaning, recipient};
use super::verdict::agreed_by_row;
use super::wording::without_names;
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};
use crate::domain::instant::Instant;
use crate::outbound::Answer;
use crate::standard_webhooks::{self, BadSecret, Refused, Secret, Signed};

/// Whoever sends them, whatever the carrier.
pub struct Neutral(Secret);

impl Neutral {
    pub fn signed_with(secret: &SecretString) -> Result<Self, BadSecret> {
        secret.expose_secret().parse().map(Self)
    }
}

const TOLERANCE_SECONDS: u32 = 300;

impl Receive for Neutral {
    fn verify(&self, pushed: &Pushed<'_>, now: Instant) -> Result<(), NotVerified> {
        let headers = Signed {
            id: (pushed.header)(standard_webhooks::ID),
            timestamp: (pushed.header)(standard_webhooks::TIMESTAMP),
            signature: (pushed.header)(standard_webhooks::SIGNATURE),
        };
        let secrets = std::slice::from_ref(&self.0);
        standard_webhooks::verify(secrets, &headers, pushed.body, now, TOLERANCE_SECONDS).map_err(reason)
    }

    fn open(&self, body: &[u8]) -> Result<Vec<u8>, NotVerified> {
        Ok(body.to_vec())
    }

    fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement { content_type: "application/json", body: "{}" }
    }
}

fn reason(refused: Refused) -> NotVerified {
    NotVerified(match refused {
        Refused::MissingHeader(standard_webhooks::ID) => "the header webhook-id is missing",
        Refused::MissingHeader(standard_webhooks::TIMESTAMP) => "the header webhook-timestamp is missing",
        Refused::MissingHeader(_) => "the header webhook-signature is missing",
        Refused::BadId => "webhook-id has a full stop in it",
        Refused::BadTimestamp => "webhook-timestamp is not in whole seconds since 1970",
        Refused::TooOld => "the message was signed too long ago",
        Refused::TooNew => "the message was signed in the future",
        Refused::NoSignatureMatches => "no signature matches",
    })
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    parcels: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Parcel<'a> {
    #[serde(borrow)]
    tracking_number: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    occurred_at: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    delivered_to: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Location<'a> {
    #[serde(borrow)]
    country: Option<&'a RawValue>,
    #[serde(borrow)]
    place: Option<&'a RawValue>,
    #[serde(borrow)]
    postal_code: Option<&'a RawValue>,
}

/// What is pushed in the neutral form.
pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let text = String::from_utf8_lossy(&answer.body);
    let is_list = |raw: &RawValue| raw.get().starts_with('[');
    let whole: Option<&RawValue> = serde_json::from_str(&text).ok();
    let parcels = match json::body::<Body>(&text).filter(|_| answer.is_success()) {
        Some(Body { parcels: Some(parcels), .. }) if is_list(parcels) => list(Some(parcels)),
        Some(Body { events: Some(events), .. }) if is_list(events) => whole.into_iter().collect(),
        Some(_) | None => return without_body(answer),
    };
    let mut reading = Reading::default();
    for raw in parcels {
        match package(raw, gazetteer) {
            Some(package) => add(&mut reading, package),
            None => {
                let message = "a parcel or its tracking_number cannot be read";
                reading.failures.push(Failure::new(FailureKind::Unparsable, "", message));
            }
        }
    }
    Ok(reading)
}

/// A number that comes twice is one parcel.
fn add(reading: &mut Reading, package: Package) {
    match reading.packages.iter_mut().find(|known| known.number == package.number) {
        Some(known) => {
            known.seen.extend(package.seen);
            known.seen = merged(vec![std::mem::take(&mut known.seen)]);
            known.unreadable.extend(package.unreadable);
        }
        None => reading.packages.push(package),
    }
}

fn package(raw: &RawValue, gazetteer: &dyn Gazetteer) -> Option<Package> {
    let parcel: Parcel = object(Some(raw))?;
    let number: TrackingNumber = text_or_empty(parcel.tracking_number).parse().ok()?;
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    for raw in list(parcel.events) {
        match happening(raw, gazetteer) {
            Some(happening) => seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => unreadable.push(raw.get().to_owned()),
        }
    }
    Some(Package { number, also: Vec::new(), seen: merged(vec![seen]), unreadable })
}

fn happening(raw: &RawValue, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let event: Event = object(Some(raw))?;
    let location: Location = object(event.location).unwrap_or_default();
    let [written, word, taker, code, description] =
        [event.occurred_at, event.status, event.delivered_to, event.code, event.description]
            .map(text_or_empty);
    let [country, town, postal_code] =
        [location.country, location.place, location.postal_code].map(text_or_empty);
    let place = Place { country: alpha2(&country), region: String::new(), town, postal_code };
    let occurred = moment(&written, &[])?.occurred(&written, &place, gazetteer);
    let (status, delivered_to) = status(&word, &taker, &description);
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: if code.is_empty() { word } else { code },
        description: without_people(&without_names(&french::without_names(&description)), ""),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// The sender's words are ours; its description is the second witness, as with any carrier.
fn status(word: &str, taker: &str, description: &str) -> (EventStatus, Option<DeliveredTo>) {
    let Ok(status) = word.to_ascii_lowercase().parse::<EventStatus>() else {
        return (EventStatus::Unknown, None);
    };
    let is_delivered = status == EventStatus::Delivered;
    let taker = taker.to_ascii_lowercase().parse().unwrap_or(DeliveredTo::Unspecified);
    let delivered_to = is_delivered.then_some(taker);
    let row = Row { status, delivered_to, cancels: None, meaning: String::new() };
    agreed_by_row(Some(&row), meaning(&[description]), recipient(&[description]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::carriers::contract::{NoGazetteer, fixture, summary};
    use crate::domain::instant::from_micros;

    fn read_all(body: &[u8]) -> Result<Reading, NotAnAnswer> {
        read(&Answer { status: 200, body: body.to_vec(), ..Answer::default() }, &NoGazetteer)
    }

    #[test]
    fn parcels_in_the_neutral_form_are_read() {
        insta::assert_snapshot!("one", summary(&read_all(fixture!("neutral/one.json"))));
        insta::assert_snapshot!("several", summary(&read_all(fixture!("neutral/several.json"))));
    }

    #[test]
    fn what_is_no_push_is_none() {
        for body in [r#"{}"#, "null", "[]", r#"{"tracking_number":"LP001122"}"#, r#"{"parcels":{}}"#, "{"] {
            assert!(read_all(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_status_and_a_description_that_disagree_deliver_nothing() {
        let statuses = |status: &str, description: &str| {
            let event =
                json!({"occurred_at": "2026-03-05T13:45:00Z", "status": status, "description": description});
            let body: Value = json!({"tracking_number": "LP001122", "events": [event]});
            read_all(body.to_string().as_bytes()).expect("a push").packages[0].status().status
        };
        assert_eq!(statuses("delivered", "Delivered"), EventStatus::Delivered);
        assert_eq!(statuses("DELIVERED", ""), EventStatus::Delivered);
        assert_eq!(statuses("delivered", "Out for delivery"), EventStatus::Unknown);
        assert_eq!(statuses("in_transit", "Delivered"), EventStatus::Unknown);
        assert_eq!(statuses("zugestellt", "Delivered"), EventStatus::Unknown);
    }

    #[test]
    fn only_a_fresh_signature_of_the_secret_is_believed() {
        // The vector published with Standard Webhooks.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let neutral = Neutral::signed_with(&secret).expect("a secret");
        let at = 1_614_265_330;
        let verify = |now: i64, signature: Option<&str>| {
            let header = |name: &str| match name {
                "webhook-id" => Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                "webhook-timestamp" => Some("1614265330"),
                "webhook-signature" => signature,
                _ => None,
            };
            let pushed = Pushed { header: &header, query: "", body: br#"{"test": 2432232314}"# };
            neutral.verify(&pushed, from_micros(now * 1_000_000))
        };
        let good = Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(verify(at, good), Ok(()));
        assert_eq!(verify(at + 300, good), Ok(()));
        assert_eq!(verify(at + 301, good), Err(NotVerified("the message was signed too long ago")));
        assert_eq!(verify(at - 301, good), Err(NotVerified("the message was signed in the future")));
        assert_eq!(verify(at, Some("v1,AAAA")), Err(NotVerified("no signature matches")));
        assert_eq!(verify(at, None), Err(NotVerified("the header webhook-signature is missing")));
        assert!(Neutral::signed_with(&SecretString::from("s3cret")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_in_the_form_is_survived_and_costs_its_event_alone(
            at in ".*", status in ".*", taker in ".*", place in ".*", number: i64,
        ) {
            let good = json!({"occurred_at": "2026-03-05T13:45:00Z", "status": "arrived"});
            let bad = json!({"occurred_at": at, "status": status, "delivered_to": taker, "code": number,
                "location": {"country": place, "place": number}});
            let body = json!({"tracking_number": "LP001122", "events": [bad, number, good]}).to_string();
            let reading = read_all(body.as_bytes()).expect("a push");
            let seen = &reading.packages[0].seen;
            prop_assert_eq!(seen.last().map(|seen| seen.happening.status), Some(EventStatus::Arrived));
            prop_assert!(seen.iter().all(|seen| seen.happening.status != EventStatus::Delivered));
        }
    }
}
