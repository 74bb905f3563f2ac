//! Both servers, asked over HTTP by the parts of the daemon that will ask them.

use std::net::TcpListener;
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::carriers::{FailureKind, NotAnAnswer, Occasion, Question, Reading, Registry, Said, Seen};
use crate::clock::Clock;
use crate::config::defaults_with;
use crate::domain::event::{EventStatus, OffsetSource};
use crate::domain::instant::{Instant, from_micros};
use crate::flows::gazetteer::Embedded;
use crate::outbound::{Answer, Outbound, Request, SendError};
use crate::standard_webhooks::{Secret, sign};

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, format!("http://{address}"))
}

fn outbound() -> Outbound {
    let settings = defaults_with("[outbound]\nallow_private_addresses = true").expect("valid settings");
    Outbound::new(&settings.outbound).expect("a client")
}

fn noon() -> Instant {
    from_micros(1_772_700_000_000_000)
}

struct World {
    url: String,
    state: Arc<CarrierState>,
    outbound: Outbound,
}

/// The journey's clock stands still at noon: a speed of nought.
fn a_carrier(faults: f64) -> World {
    let (listener, url) = listener();
    let options = CarrierOptions { seed: 11, api_key: "k3y".into(), faults };
    let (server, state) = carrier(listener, Clock::fast(noon(), 0.0), options).expect("a server");
    actix_web::rt::spawn(server);
    World { url, state, outbound: outbound() }
}

impl World {
    async fn answer(&self, number: &str, api_key: &str) -> Result<Reading, NotAnAnswer> {
        let changes = format!(
            "[outbound]\nallow_private_addresses = true\n\
             [carriers.dhl_unified]\nbase_url = \"{}\"\napi_key = \"{api_key}\"",
            self.url
        );
        let settings = defaults_with(&changes).expect("valid settings");
        let registry = Registry::new(&settings.carriers, true).expect("valid carriers");
        let account = &registry.accounts(&"dhl_unified".parse().expect("a code"))[0];
        let question = Question { number: number.parse().expect("a number"), phone_tail: None };
        let occasion = Occasion { now: noon(), id: uuid::Uuid::nil(), token: None };
        let request = account.abilities.track.request(&[question], &occasion);
        let answer = self.outbound.send(request).await.expect("an answer");
        account.adapter.reading(&answer, &Embedded)
    }

    async fn ask(&self, number: &str) -> Result<Vec<Seen>, FailureKind> {
        let reading = self.answer(number, "k3y").await.expect("DHL's format");
        match reading.about(&number.parse().expect("a number")) {
            Said::Events { seen, unreadable } => {
                assert_eq!(unreadable, Vec::<String>::new());
                Ok(seen)
            }
            Said::Failed(failure) => Err(failure.kind),
        }
    }
}

#[actix_web::test]
async fn a_parcel_is_unknown_then_booked_then_delivered() {
    let world = a_carrier(0.0);
    assert_eq!(world.ask("SBX0001").await, Err(FailureKind::NotFound));
    let refused = world.answer("SBX0001", "other").await.expect("DHL's format");
    assert_eq!(refused.failures[0].kind, FailureKind::Auth);

    world.state.book("SBX0001".parse().expect("a number"), "Shanghai");
    let seen = world.ask("SBX0001").await.expect("events");
    let statuses: Vec<_> = seen.iter().map(|seen| seen.happening.status).collect();
    assert_eq!(statuses, [EventStatus::InfoReceived]);
    assert_eq!(seen[0].happening.occurred.at, noon());
    assert_eq!(seen[0].happening.occurred.offset_source, OffsetSource::FacilityZone);

    for days in 0..200 {
        let number = format!("SBX1{days:03}");
        world.state.book_at(number.parse().expect("a number"), "Shenzhen", noon() - TimeDelta::days(5));
        let seen = world.ask(&number).await.expect("events");
        let statuses: Vec<_> = seen.iter().map(|seen| seen.happening.status).collect();
        assert_eq!(statuses[..2], [EventStatus::Delivered, EventStatus::OutForDelivery]);
        assert_eq!(statuses[statuses.len() - 2..], [EventStatus::PickedUp, EventStatus::InfoReceived]);
        assert!(!statuses.contains(&EventStatus::Unknown));
        assert!(seen.is_sorted_by(|a, b| a.happening.occurred.at >= b.happening.occurred.at));
    }
}

#[actix_web::test]
async fn a_label_is_booked_over_http_once_and_in_china_alone() {
    let world = a_carrier(0.0);
    let label = |number: &str, country: &str| {
        let body =
            json!({ "trackingNumber": number, "countryCode": country, "place": "Shanghai" }).to_string();
        Request::post(format!("{}/sandbox/labels", world.url), body.into_bytes())
            .header("Content-Type", "application/json")
    };
    world.state.book_at("SBX1".parse().expect("a number"), "Shanghai", noon() - TimeDelta::days(5));
    for (number, country, status) in
        [("SBX1", "CN", 201), ("sbx 2", "CN", 201), ("SBX3", "US", 422), ("?", "CN", 422)]
    {
        let answer = world.outbound.send(label(number, country)).await.expect("an answer");
        assert_eq!(answer.status, status, "{number} {country}");
    }
    let seen = world.ask("SBX1").await.expect("events");
    assert!(seen.len() > 3, "booking again changed nothing");
    assert!(world.ask("SBX2").await.is_ok());
    assert_eq!(world.ask("SBX3").await, Err(FailureKind::NotFound));
}

#[actix_web::test]
async fn faults_are_all_that_a_carrier_does_to_its_callers() {
    let world = a_carrier(0.6);
    world.state.book_at("SBX0001".parse().expect("a number"), "上海市", noon() - TimeDelta::days(5));
    let (mut good, mut limited, mut down, mut cut_off) = (0, 0, 0, 0);
    for _ in 0..60 {
        let Ok(reading) = world.answer("SBX0001", "k3y").await else {
            cut_off += 1;
            continue;
        };
        match reading.failures.first().map(|failure| (failure.kind, failure.retry_after)) {
            None => good += 1,
            Some((FailureKind::RateLimited, retry_after)) => {
                assert_eq!(retry_after, Some(std::time::Duration::from_secs(1)));
                limited += 1;
            }
            Some((FailureKind::CarrierDown, _)) => down += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        [good, limited, down, cut_off].iter().all(|count| *count > 3),
        "{good} {limited} {down} {cut_off}"
    );
    assert_eq!(world.state.questions(), 60);
}

struct Provider {
    url: String,
    state: Arc<EscrowState>,
    secret: Secret,
    outbound: Outbound,
}

fn a_provider(lose_answers: f64, errors: f64) -> Provider {
    let (listener, url) = listener();
    let secret = Secret::generate().expect("randomness");
    let options = EscrowOptions { seed: 5, lose_answers, errors };
    let (server, state) = escrow(listener, secret.clone(), options).expect("a server");
    actix_web::rt::spawn(server);
    Provider { url, state, secret, outbound: outbound() }
}

impl Provider {
    async fn post(&self, id: &str, idempotency_key: &str, body: &str) -> Result<Answer, SendError> {
        let now = Clock::real().wall().timestamp();
        let request = Request::post(format!("{}/triggers", self.url), body.as_bytes().to_vec())
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", sign(&self.secret, id, now, body.as_bytes()))
            .header("idempotency-key", idempotency_key);
        self.outbound.send(request).await
    }

    async fn trigger(&self, id: &str, order: &str, action: &str) -> Option<u16> {
        self.post(id, id, &body(order, action)).await.ok().map(|answer| answer.status)
    }
}

fn body(order: &str, action: &str) -> String {
    json!({ "type": format!("escrow.{action}"), "data": { "order": order, "action": action, "amount": "1.00" } })
        .to_string()
}

#[actix_web::test]
async fn a_trigger_takes_effect_once_however_often_it_is_sent() {
    let provider = a_provider(0.0, 0.0);
    for _ in 0..3 {
        let answer = provider.post("t1", "t1", &body("o1", "confirm_receipt")).await.expect("an answer");
        assert_eq!(answer.status, 200);
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(
            answer,
            json!({ "id": "t1", "order": "o1", "action": "confirm_receipt", "accepted": true })
        );
    }
    assert_eq!(provider.trigger("t1", "o2", "confirm_receipt").await, Some(422));
    assert_eq!(provider.trigger("t2", "o1", "shipped").await, Some(200));
    for _ in 0..2 {
        assert_eq!(provider.trigger("t3", "o1", "confirm_receipt").await, Some(409));
    }
    let counts = provider.state.snapshot();
    assert_eq!((counts.triggers, counts.seen_again, counts.double_effects), (3, 3, 1));
    assert_eq!(counts.effects, [("confirm_receipt".into(), 1), ("shipped".into(), 1)].into());
    let list = Request::get(format!("{}/sandbox/triggers", provider.url));
    let list = provider.outbound.send(list).await.expect("an answer");
    let list: Value = serde_json::from_slice(&list.body).expect("JSON");
    assert_eq!(
        (list.as_array().map(Vec::len), &list[0]["seen"], &list[2]["took_effect"]),
        (Some(3), &json!(3), &json!(false))
    );
}

#[actix_web::test]
async fn what_is_not_signed_or_not_keyed_has_no_effect() {
    let provider = a_provider(0.0, 0.0);
    let forged = Request::post(format!("{}/triggers", provider.url), body("o1", "refund").into_bytes())
        .header("webhook-id", "t1")
        .header("webhook-timestamp", Clock::real().wall().timestamp().to_string())
        .header("webhook-signature", "v1,AAAA")
        .header("idempotency-key", "t1");
    assert_eq!(provider.outbound.send(forged).await.expect("an answer").status, 401);
    for (key, body) in [("t2", body("o1", "refund")), ("t1", "{}".into()), ("t1", "not JSON".into())] {
        assert_eq!(provider.post("t1", key, &body).await.expect("an answer").status, 400);
    }
    let only_the_forgery = EscrowCounts { bad_signatures: 1, ..EscrowCounts::default() };
    assert_eq!(provider.state.snapshot(), only_the_forgery);
}

#[actix_web::test]
async fn an_answer_is_lost_once_and_the_effect_is_there() {
    let provider = a_provider(1.0, 0.0);
    let (mut errors, mut cut_off) = (0, 0);
    for number in 0..20 {
        let (id, order) = (format!("t{number}"), format!("o{number}"));
        match provider.trigger(&id, &order, "shipped").await {
            Some(500) => errors += 1,
            None => cut_off += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(provider.state.snapshot().effects["shipped"], number + 1);
        assert_eq!(provider.trigger(&id, &order, "shipped").await, Some(200));
    }
    assert!(errors > 2 && cut_off > 2, "{errors} {cut_off}");
    let counts = provider.state.snapshot();
    assert_eq!((counts.triggers, counts.seen_again, counts.double_effects), (20, 20, 0));
}

#[actix_web::test]
async fn an_error_comes_once_and_before_any_effect() {
    let provider = a_provider(1.0, 1.0);
    assert_eq!(provider.trigger("t1", "o1", "shipped").await, Some(503));
    assert_eq!(provider.state.snapshot(), EscrowCounts::default());
    assert_eq!(provider.trigger("t1", "o1", "shipped").await, Some(200));
    assert_eq!(provider.state.snapshot().effects["shipped"], 1);
}
