//! What carriers send by themselves: signed, stored, answered, and in the timeline a moment later.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use sampan::carriers::Pushed;
use sampan::clock::Clock;
use sampan::domain::event::EventStatus;
use sampan::domain::instant::from_micros;
use sampan::flows::{Deps, take_pushes};
use sampan::store::StoreError;
use sampan::store::tracked::{self, News};
use sampan::{app, config};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, settings, spawn_app};
use crate::support::database::{Database, number};
use crate::support::http::{Response, send};
use crate::support::pushers::{self, ALL, DHL, KUAIDI100, Pusher, SEVENTEENTRACK, Sent, signed_at};
use crate::support::rows::{change, count, make_due, text};
use crate::support::steps::{accept, accept_two_parcels, detail, hand_over, one_parcel, problem};
use crate::support::stub::{Reply, Stub, days_back, dhl_event, dhl_page, number_in};
use crate::support::wait::wait_until;

/// A carrier that has nothing to say when it is asked.
async fn mute() -> Stub {
    Stub::start(|_, _| Reply::Status(503, b"down".to_vec())).await
}

/// A daemon that takes pushes of every carrier that pushes.
async fn listening(db: &Database, carrier: &Stub, more: &str) -> App {
    let all: String = ALL.iter().map(|pusher| pusher.settings(carrier.address)).collect();
    spawn_app(db, &format!("{all}{more}")).await
}

/// After the handover of every test's parcels.
fn lately() -> String {
    days_back(2, "")[..10].to_owned()
}

fn delivered(pusher: &Pusher, number: &str) -> Sent {
    pusher.signed(&(pusher.delivered)(number, &lately()).to_string())
}

async fn push(app: &App, carrier: &str, sent: &Sent) -> Response {
    let headers: Vec<_> = sent.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/v1/carriers/{carrier}/push");
    send(app.client.address, "POST", &path, &headers, &sent.body).await.expect("an answer")
}

async fn must_be_taken(app: &App, pusher: &Pusher, sent: &Sent) {
    let response = push(app, pusher.carrier, sent).await;
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, pusher.acknowledgement),
        "{}",
        pusher.carrier
    );
}

/// Waits until everything that was pushed is taken in, well or not.
async fn settled(app: &App) {
    let open = "SELECT COUNT(*) AS n FROM carrier_push WHERE next_attempt_at IS NOT NULL";
    wait_until("everything is taken in", async || number(&app.deps.store, open).await == 0).await;
}

async fn pushed_events(deps: &Deps) -> i64 {
    number(&deps.store, "SELECT COUNT(*) AS n FROM tracking_event WHERE source = 'push'").await
}

async fn first_problem(app: &App) -> Option<String> {
    text(&app.deps.store, "SELECT problem AS n FROM carrier_push WHERE problem IS NOT NULL").await
}

fn flipped(sent: &Sent, at: usize) -> Sent {
    let mut sent = sent.clone();
    sent.body[at] ^= 1;
    sent
}

/// Without one of the headers; without the field where the body itself is the proof.
fn incomplete(pusher: &Pusher, sent: &Sent) -> Vec<Sent> {
    if let Some(field) = pusher.field {
        let body = String::from_utf8_lossy(&sent.body).replace(field, "other");
        return vec![Sent { body: body.into_bytes(), ..sent.clone() }];
    }
    let without = |at: usize| {
        let mut sent = sent.clone();
        sent.headers.remove(at);
        sent
    };
    (0..sent.headers.len()).map(without).collect()
}

/// The parts of a daemon, without anybody who works by themselves.
async fn parts(db: &Database, app: App, carrier: &Stub) -> Deps {
    let world = Arc::clone(&app.world);
    app.stop().await;
    let all: String = ALL.iter().map(|pusher| pusher.settings(carrier.address)).collect();
    let settings = config::defaults_with(&settings(db, &world, &all)).expect("valid settings");
    app::build(Arc::new(settings), Clock::real()).await.expect("a daemon's parts")
}

async fn receive(deps: &Deps, pusher: &Pusher, sent: &Sent) {
    let header = |name: &str| {
        let found = sent.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    };
    let pushed = Pushed { header: &header, query: "", body: &sent.body };
    let carrier = pusher.carrier.parse().expect("a carrier");
    let expected = take_pushes::receive(deps, &carrier, &pushed).await.expect("a good push");
    assert_eq!(expected.body, pusher.acknowledgement);
}

on_both_databases! {
    async fn every_carrier_that_pushes_moves_the_parcel_it_was_handed(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        for (before, pusher) in ALL.iter().enumerate() {
            let accepted = accept(&app, &one_parcel()).await;
            hand_over(&app, &accepted, pusher.carrier, &[pusher.number]).await;
            assert_eq!(detail(&app, &accepted).await["status"], "last_mile", "{}", pusher.carrier);
            must_be_taken(&app, pusher, &delivered(pusher, pusher.number)).await;
            settled(&app).await;
            assert_eq!(first_problem(&app).await, None, "{}", pusher.carrier);
            let shown = detail(&app, &accepted).await;
            assert_eq!(shown["status"], "delivered", "{}", pusher.carrier);
            let events = shown["events"].as_array().expect("events");
            let told: Vec<_> = events.iter().filter(|event| event["source"] == "push").collect();
            assert_eq!(told.len(), 1, "{}", pusher.carrier);
            assert_eq!(told[0]["source_name"], pusher.carrier);
            assert_eq!(told[0]["occurred_at"], format!("{}T03:42:00Z", lately()));
            assert_eq!(pushed_events(&app.deps).await, before as i64 + 1);
        }
        app.stop().await;
    }

    async fn what_is_not_the_carriers_is_refused_and_not_kept(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        for pusher in ALL {
            let body = (pusher.delivered)(pusher.number, &lately()).to_string();
            let good = pusher.signed(&body);
            let mut bad = incomplete(pusher, &good);
            bad.push((pusher.sign)(&body, pusher.another_secret));
            bad.extend((0..good.body.len()).step_by(11).map(|at| flipped(&good, at)));
            bad.push(Sent { body: Vec::new(), ..good.clone() });
            let [before, after] = [-400, 400].map(|seconds| Clock::real().wall().timestamp() + seconds);
            if pusher.carrier == DHL.carrier {
                bad.extend([before, after].map(|at| signed_at(&body, DHL.secret, at)));
            }
            for sent in bad {
                let refused = push(&app, pusher.carrier, &sent).await;
                assert_eq!(problem(&refused, 401), "not-the-carriers", "{} {sent:?}", pusher.carrier);
            }
            assert_eq!(count(&app.deps.store, "carrier_push").await, 0, "{}", pusher.carrier);
            must_be_taken(&app, pusher, &good).await;
            change(&db, "DELETE FROM carrier_push").await;
        }
        app.stop().await;
    }

    async fn nobody_pushes_for_a_carrier_that_has_no_secret(db: Database) {
        let carrier = mute().await;
        let app = spawn_app(&db, &SEVENTEENTRACK.settings(carrier.address)).await;
        let sent = delivered(&DHL, DHL.number);
        for name in ["dhl_unified", "ups", "aftership", "nobody", "No%20Code", "%00"] {
            assert_eq!(push(&app, name, &sent).await.status, 404, "{name}");
        }
        must_be_taken(&app, &SEVENTEENTRACK, &delivered(&SEVENTEENTRACK, SEVENTEENTRACK.number)).await;
        let larger = |bytes: usize| {
            let mut text = (SEVENTEENTRACK.delivered)(SEVENTEENTRACK.number, &lately()).to_string();
            text.extend(std::iter::repeat_n(' ', bytes - text.len()));
            SEVENTEENTRACK.signed(&text)
        };
        must_be_taken(&app, &SEVENTEENTRACK, &larger(1 << 20)).await;
        let refused = push(&app, "seventeentrack", &larger((1 << 20) + 1)).await;
        assert_eq!(problem(&refused, 413), "body-too-large");
        assert_eq!(count(&app.deps.store, "carrier_push").await, 2);
        app.stop().await;
    }

    async fn the_same_push_ten_times_at_once_is_one(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        for (before, pusher) in ALL.iter().enumerate() {
            let accepted = accept(&app, &one_parcel()).await;
            hand_over(&app, &accepted, pusher.carrier, &[pusher.number]).await;
            let sent = delivered(pusher, pusher.number);
            join_all((0..10).map(|_| must_be_taken(&app, pusher, &sent))).await;
            settled(&app).await;
            let once = before as i64 + 1;
            assert_eq!(count(&app.deps.store, "carrier_push").await, once, "{}", pusher.carrier);
            assert_eq!(pushed_events(&app.deps).await, once, "{}", pusher.carrier);
            assert_eq!(detail(&app, &accepted).await["status"], "delivered");
        }
        app.stop().await;
    }

    async fn a_push_about_a_stranger_is_kept_with_a_word_on_it(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let events = count(&app.deps.store, "tracking_event").await;
        for pusher in ALL {
            must_be_taken(&app, pusher, &delivered(pusher, pusher.number)).await;
            settled(&app).await;
            let expected = format!("{} is on no label of ours", pusher.number);
            assert_eq!(first_problem(&app).await, Some(expected), "{}", pusher.carrier);
            assert_eq!(change(&db, "DELETE FROM carrier_push").await, 1);
        }
        assert_eq!(count(&app.deps.store, "tracking_event").await, events);
        app.stop().await;
    }

    async fn a_push_that_comes_before_the_handover_is_taken_in_after_it(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        must_be_taken(&app, &DHL, &delivered(&DHL, DHL.number)).await;
        must_be_taken(&app, &DHL, &delivered(&DHL, "JD001122334466")).await;
        settled(&app).await;
        assert_eq!(count(&app.deps.store, "early_push").await, 2);
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        settled(&app).await;
        assert_eq!(detail(&app, &accepted).await["status"], "delivered");
        assert_eq!(count(&app.deps.store, "early_push").await, 1, "the stranger's");
        for table in ["carrier_push", "early_push"] {
            change(&db, &format!("UPDATE {table} SET received_at = 0")).await;
        }
        assert_eq!(take_pushes::forget_old(&app.deps).await.expect("a database"), 2);
        assert_eq!(count(&app.deps.store, "early_push").await, 0);
        app.stop().await;
    }

    async fn nonsense_that_is_signed_is_kept_with_a_word_on_it(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let wide = json!({"data": "9".repeat(500_000)}).to_string();
        for pusher in ALL {
            for text in ["null", "[]", "{}", "\"\"", r#"{"data":"\u0000"}"#, &deep, &wide] {
                must_be_taken(&app, pusher, &pusher.signed(text)).await;
                settled(&app).await;
                assert!(first_problem(&app).await.is_some(), "{} {:.20}", pusher.carrier, text);
                assert_eq!(change(&db, "DELETE FROM carrier_push").await, 1);
            }
        }
        app.stop().await;
    }

    async fn an_event_that_cannot_be_read_costs_itself_and_is_kept(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        let mut body = (DHL.delivered)(DHL.number, &lately());
        let odd = json!({"occurred_at": "some day", "description": "nobody knows when"});
        let events = body["events"].as_array_mut().expect("events");
        events[0]["code"] = json!("a\u{0}b");
        events.push(odd.clone());
        must_be_taken(&app, &DHL, &DHL.signed(&body.to_string())).await;
        settled(&app).await;
        let said = first_problem(&app).await.expect("a problem");
        assert!(said.contains("1 of its events cannot be read"), "{said}");
        let shown = detail(&app, &accepted).await;
        assert_eq!(shown["status"], "delivered");
        let told = shown["events"].as_array().expect("events").iter().find(|event| event["source"] == "push");
        assert_eq!(told.expect("the event that can be read")["code"], "ab");
        let kept = "SELECT CAST(LENGTH(body) AS bigint) AS n FROM carrier_answer";
        let whole: usize = events_of(&body).map(|event| event.to_string().len() + 1).sum();
        assert_eq!(number(&app.deps.store, kept).await, whole as i64 - 1, "both as they came");
        app.stop().await;
    }

    async fn one_who_collects_from_others_tells_of_anothers_parcel(db: Database) {
        let carrier = mute().await;
        let sf_express = format!(
            "carriers.sf_express.base_url = \"http://{}\"\ncarriers.sf_express.partner_id = \"p\"\n\
             carriers.sf_express.checkword = \"c\"",
            carrier.address
        );
        let app = listening(&db, &carrier, &sf_express).await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, "sf_express", &["SF1234567890123"]).await;
        // DHL has a number of that name too, and says nothing of another's parcels.
        must_be_taken(&app, &DHL, &delivered(&DHL, "SF1234567890123")).await;
        settled(&app).await;
        let said = first_problem(&app).await;
        assert_eq!(said.as_deref(), Some("SF1234567890123 is on no label of ours"));
        assert_eq!(detail(&app, &accepted).await["status"], "last_mile");
        must_be_taken(&app, &SEVENTEENTRACK, &delivered(&SEVENTEENTRACK, "SF1234567890123")).await;
        settled(&app).await;
        let shown = detail(&app, &accepted).await;
        assert_eq!(shown["status"], "delivered");
        let told = shown["events"].as_array().expect("events").iter().find(|event| event["source"] == "push");
        assert_eq!(told.expect("an event")["source_name"], "seventeentrack");
        app.stop().await;
    }

    async fn a_poll_that_repeats_a_push_adds_nothing(db: Database) {
        let at = days_back(2, "11:42");
        let in_poll = dhl_event(&at, "transit", "Arrived at Sort Facility", "SHANGHAI");
        let carrier = Stub::start(move |asked, before| match before.len() {
            0 => Reply::Status(503, b"down".to_vec()),
            _ => Reply::json(200, &dhl_page(number_in(&asked.path), std::slice::from_ref(&in_poll))),
        })
        .await;
        let app = spawn_app(&db, &DHL.settings(carrier.address)).await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        let in_push = json!({
            "occurred_at": days_back(2, "11:42"), "status": "arrived", "code": "transit",
            "description": "Arrived at Sort Facility", "location": {"country": "CN", "place": "SHANGHAI"},
        });
        let body = json!({"tracking_number": DHL.number, "events": [in_push]}).to_string();
        must_be_taken(&app, &DHL, &DHL.signed(&body)).await;
        settled(&app).await;
        assert_eq!(pushed_events(&app.deps).await, 1);
        let free = "SELECT COUNT(*) AS n FROM tracked_number WHERE claimed_until = 0 AND next_poll_at > 0";
        let asked = async |times: usize| {
            wait_until("it was asked", async || {
                carrier.asked().len() == times && number(&app.deps.store, free).await == 1
            })
            .await;
        };
        asked(1).await;
        let events = count(&app.deps.store, "tracking_event").await;
        make_due(&db).await;
        asked(2).await;
        assert_eq!(count(&app.deps.store, "tracking_event").await, events);
        let answered = "SELECT COUNT(*) AS n FROM tracked_number WHERE answered_at IS NOT NULL";
        assert_eq!(number(&app.deps.store, answered).await, 1);
        app.stop().await;
    }

    async fn a_push_that_is_taken_in_again_after_a_crash_adds_nothing(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, KUAIDI100.carrier, &[KUAIDI100.number]).await;
        let deps = parts(&db, app, &carrier).await;
        let sent = delivered(&KUAIDI100, KUAIDI100.number);
        receive(&deps, &KUAIDI100, &sent).await;
        receive(&deps, &KUAIDI100, &sent).await;
        assert_eq!((count(&deps.store, "carrier_push").await, pushed_events(&deps).await), (1, 0));
        assert_eq!(take_pushes::run_due(&deps).await.expect("a database"), 1);
        assert_eq!(pushed_events(&deps).await, 1);
        assert_eq!(take_pushes::run_due(&deps).await.expect("a database"), 0);
        let mut rows = Vec::new();
        for _ in 0..2 {
            // As if it had died before it could say that it was done.
            change(&db, "UPDATE carrier_push SET next_attempt_at = 0").await;
            for table in ["tracking_event", "audit_entry", "outbox", "carrier_answer", "escrow_trigger"] {
                rows.push((table, count(&deps.store, table).await));
            }
            assert_eq!(take_pushes::run_due(&deps).await.expect("a database"), 1);
        }
        let (first, second) = rows.split_at(rows.len() / 2);
        assert_eq!(first, second);
        for (table, before) in second {
            assert_eq!(count(&deps.store, table).await, *before, "{table}");
        }
        deps.store.close().await;
    }

    async fn a_push_about_a_number_that_was_let_go_has_it_asked_about_again(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        let told = async |status: &str, time: &str| {
            assert_eq!(change(&db, "UPDATE tracked_number SET next_poll_at = NULL").await, 1);
            let event = json!({
                "occurred_at": days_back(2, time), "status": status, "code": status, "description": "",
                "location": {"country": "CN", "place": "SHANGHAI"},
            });
            let body = json!({"tracking_number": DHL.number, "events": [event]}).to_string();
            must_be_taken(&app, &DHL, &DHL.signed(&body)).await;
            settled(&app).await;
            number(&app.deps.store, "SELECT COUNT(*) AS n FROM tracked_number WHERE next_poll_at > 0").await
        };
        assert_eq!(told("in_transit", "09:00").await, 1);
        assert_eq!(told("returning", "10:00").await, 1);
        assert_eq!(told("destroyed", "11:00").await, 0, "nothing more is to be learnt of it");
        app.stop().await;
    }

    async fn a_parcel_that_a_push_delivered_is_learnt_from(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        for (status, time) in [("out_for_delivery", "09:00"), ("delivered", "11:00"), ("delivered", "11:01")] {
            let event = json!({
                "occurred_at": days_back(2, time), "status": status, "code": status, "description": "",
                "location": {"country": "CN", "place": "SHANGHAI"},
            });
            let body = json!({"tracking_number": DHL.number, "events": [event]}).to_string();
            must_be_taken(&app, &DHL, &DHL.signed(&body)).await;
            settled(&app).await;
        }
        assert_eq!(detail(&app, &accepted).await["status"], "delivered");
        let journey = text(&app.deps.store, "SELECT body AS n FROM poll_history").await.expect("a journey");
        let journey: Value = serde_json::from_str(&journey).expect("JSON");
        assert_eq!(journey["scans"][0][0], "out_for_delivery", "{journey}");
        assert_eq!(count(&app.deps.store, "poll_history").await, 1);
        app.stop().await;
    }

    async fn what_a_push_told_meanwhile_stays_when_an_answer_is_settled(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        let deps = parts(&db, app, &carrier).await;
        change(&db, "UPDATE tracked_number SET next_poll_at = 0, claimed_until = 0").await;
        let (now, wall) = (deps.clock.now(), deps.clock.wall());
        let kept = deps.store.write(move |tx| Box::pin(async move {
            let dhl = DHL.carrier.parse().expect("a carrier");
            let until = wall + TimeDelta::minutes(5);
            let mut claimed = tracked::claim(tx, &dhl, now, wall, until, 1).await?;
            let claimed = claimed.pop().expect("it is due");
            let (earlier, later) = (now - TimeDelta::hours(2), now - TimeDelta::hours(1));
            let pushed = News { heard_at: later, seen: Some((later, EventStatus::Delivered)), is_delivered: Some(true) };
            tracked::note(tx, &claimed, &pushed, None).await?;
            let answered = News { heard_at: now, seen: Some((earlier, EventStatus::Arrived)), is_delivered: Some(true) };
            let outcome = tracked::Outcome {
                next_poll_at: None, failures: 0, problem: None, answered_at: None, answer_hash: None,
                asked_at: None, news: answered,
            };
            tracked::settle(tx, &claimed, &outcome).await?;
            Ok::<_, StoreError>((tracked::find(tx, &claimed).await?.expect("it is there").last, later))
        }));
        let (last, later) = kept.await.expect("a database");
        let later = from_micros(later.timestamp_micros());
        assert_eq!((last.seen, last.delivered_at), (Some((later, EventStatus::Delivered)), Some(later)));
        deps.store.close().await;
    }

    async fn a_push_whose_row_cannot_be_read_keeps_no_other_waiting(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept(&app, &one_parcel()).await;
        hand_over(&app, &accepted, DHL.carrier, &[DHL.number]).await;
        let deps = parts(&db, app, &carrier).await;
        receive(&deps, &DHL, &delivered(&DHL, "JD001122334466")).await;
        assert_eq!(change(&db, "UPDATE carrier_push SET carrier = 'No Code'").await, 1);
        receive(&deps, &DHL, &delivered(&DHL, DHL.number)).await;
        assert_eq!(take_pushes::run_due(&deps).await.expect("a database"), 1);
        assert_eq!(pushed_events(&deps).await, 1);
        assert!(text(&deps.store, "SELECT problem AS n FROM carrier_push WHERE carrier = 'No Code'").await.is_some());
        deps.store.close().await;
    }

    async fn a_push_that_cannot_be_taken_in_keeps_no_other_waiting(db: Database) {
        let carrier = mute().await;
        let app = listening(&db, &carrier, "").await;
        let accepted = accept_two_parcels(&app).await;
        let numbers = ["JD001122334455", "JD001122334466"];
        hand_over(&app, &accepted, pushers::AFTERSHIP.carrier, &numbers).await;
        let deps = parts(&db, app, &carrier).await;
        let no_count = "UPDATE tracked_number SET failures = -1 WHERE tracking_number = 'JD001122334455'";
        assert_eq!(change(&db, no_count).await, 1);
        for number in numbers {
            receive(&deps, &pushers::AFTERSHIP, &delivered(&pushers::AFTERSHIP, number)).await;
        }
        assert!(take_pushes::run_due(&deps).await.is_err(), "it says so");
        assert_eq!(pushed_events(&deps).await, 1);
        let waits = "SELECT COUNT(*) AS n FROM carrier_push WHERE next_attempt_at IS NOT NULL";
        assert_eq!(number(&deps.store, waits).await, 1);
        deps.store.close().await;
    }
}

fn events_of(body: &Value) -> impl Iterator<Item = &Value> {
    body["events"].as_array().into_iter().flatten()
}
