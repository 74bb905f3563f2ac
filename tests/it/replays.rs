//! What was told is looked at again, and told again.

use std::collections::BTreeSet;

use sampan::domain::id::ShipmentId;
use sampan::domain::instant::{Instant, from_micros, rfc3339};
use sampan::domain::webhook::WebhookKind;
use sampan::flows::tell_merchants::{Notice, tell};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::hooks::{Hook, ask, deliveries, hook, is_signed, listening, newest_is, ping};
use crate::support::rows::change;
use crate::support::steps::{get, pointers, post, problem, text};
use crate::support::stub::{Asked, Reply, Stub};
use crate::support::wait::wait_until;

/// So many messages of a kind, made at one moment, of which somebody knows already or that never arrived.
async fn settled(app: &App, db: &Database, kind: WebhookKind, made_at: Instant, many: usize, state: &str) {
    let notice = |_| Notice {
        merchant: app.client.keys.merchant,
        shipment: ShipmentId::from_uuid(uuid::Uuid::now_v7()),
        kind,
        data: json!({}),
    };
    let notices: Vec<Notice> = (0..many).map(notice).collect();
    // Nobody sends it before it is settled.
    let never = from_micros(i64::MAX / 2);
    let written =
        app.deps.store.write(move |tx| Box::pin(async move { tell(tx, &notices, made_at, never).await }));
    assert!(written.await.expect("a commit"));
    let settle = format!(
        "UPDATE webhook_message SET state = '{state}', settled_at = 1, attempts = 9 \
         WHERE state = 'pending' AND kind = '{kind}' AND created_at = {}",
        made_at.timestamp_micros()
    );
    assert_eq!(change(db, &settle).await, many as u64);
}

fn at(hour: i64) -> Instant {
    "2026-03-01T00:00:00Z".parse::<Instant>().expect("an instant") + chrono::TimeDelta::hours(hour)
}

async fn replay(app: &App, hook: &Hook, body: Value) -> Value {
    ask(&app.client, "POST", &format!("{}/replay", hook.path), &body.to_string()).await.must_be(202)
}

async fn counted(app: &App, state: &str) -> i64 {
    number(&app.deps.store, &format!("SELECT COUNT(*) AS n FROM webhook_message WHERE state = '{state}'"))
        .await
}

fn ids(all: &[Asked]) -> BTreeSet<String> {
    all.iter().map(|asked| asked.header("webhook-id").to_owned()).collect()
}

on_both_databases! {
    async fn what_died_in_a_time_is_sent_again_under_its_own_id(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        let (moved, planned) = (WebhookKind::ShipmentStatusChanged, WebhookKind::ShipmentReplanned);
        for hour in 0..4 {
            settled(&app, &db, moved, at(hour), 2, "dead").await;
            settled(&app, &db, planned, at(hour), 1, "acknowledged").await;
        }
        let known: BTreeSet<String> =
            deliveries(&app.client, &hook.path).await.iter().map(|told| text(&told["id"]).to_owned()).collect();
        let (since, until) = (rfc3339(at(1)), rfc3339(at(3)));
        let none = replay(&app, &hook, json!({"since": since, "until": until, "kinds": ["escrow.*"]})).await;
        assert_eq!(none, json!({"replayed": 0, "more": false, "next_after": null}));
        let done = replay(&app, &hook, json!({"since": since, "until": until})).await;
        assert_eq!((&done["replayed"], &done["more"]), (&json!(4), &json!(false)), "from the first hour, before the third");
        wait_until("they have arrived", async || counted(&app, "acknowledged").await == 8).await;
        let asked = stub.asked();
        assert_eq!((asked.len(), ids(&asked).len()), (4, 4));
        assert!(ids(&asked).is_subset(&known));
        for one in &asked {
            is_signed(one, &hook.secret);
            let stamp = text(&one.json()["timestamp"]).to_owned();
            assert!(one.json()["type"] == "shipment.status_changed" && [at(1), at(2)].map(rfc3339).contains(&stamp));
        }
        let again = deliveries(&app.client, &hook.path).await;
        let again: Vec<_> = again.iter().filter(|told| told["replayed_at"].is_string()).collect();
        assert_eq!(again.len(), 4);
        assert!(again.iter().all(|told| told["attempts"] == 1), "{again:?}");
        let nothing = replay(&app, &hook, json!({"since": since, "until": until})).await;
        assert_eq!(nothing["replayed"], 0, "it is not dead any more");
        // All of it, of one kind, to this day.
        let every = replay(&app, &hook, json!({"since": since, "state": "all", "kinds": ["shipment.replanned"]})).await;
        assert_eq!(every["replayed"], 3);
        wait_until("they have arrived, too", async || stub.asked().len() == 7).await;
        wait_until("and are settled", async || counted(&app, "acknowledged").await == 8).await;
        assert_eq!(counted(&app, "dead").await, 4, "out of the time");
        app.stop().await;
    }

    async fn what_is_replayed_has_all_its_tries_before_it(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            0 => Reply::Status(500, Vec::new()),
            _ => Reply::Status(204, Vec::new()),
        })
        .await;
        let app = spawn_app(&db, "outbox.retry_seconds = [0, 0]\noutbox.jitter = 0.0").await;
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        settled(&app, &db, WebhookKind::ShipmentUnroutable, at(0), 1, "dead").await;
        replay(&app, &hook, json!({"since": rfc3339(at(0))})).await;
        let told = newest_is(&app.client, &hook.path, "acknowledged").await;
        assert_eq!(told["attempts"], 2, "after nine others");
        app.stop().await;
    }

    async fn one_call_takes_up_ten_thousand_and_the_next_goes_on(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, Stub::start(|_, _| Reply::Silence).await);
        let hook = hook(&app.client, &stub, "hooks", &["pickup.*"]).await;
        let (kind, other) = (WebhookKind::PickupAccepted, WebhookKind::PickupCancelled);
        settled(&app, &db, kind, at(0), 6_000, "dead").await;
        settled(&app, &db, other, at(1), 4_200, "acknowledged").await;
        settled(&app, &db, kind, at(1), 50, "dead").await;
        let body = json!({"since": rfc3339(at(0)), "state": "all"});
        let first = replay(&app, &hook, body.clone()).await;
        assert_eq!((&first["replayed"], &first["more"]), (&json!(10_000), &json!(true)));
        assert_eq!(counted(&app, "pending").await, 10_000);
        let mut rest = body.clone();
        rest["after"] = first["next_after"].clone();
        assert_eq!(replay(&app, &hook, rest).await, json!({"replayed": 250, "more": false, "next_after": null}));
        assert_eq!(counted(&app, "pending").await, 10_250);
        // A part a second, so that whatever happens meanwhile has its turn.
        let spread = "SELECT CAST(MAX(n) AS bigint) AS n FROM (SELECT COUNT(*) AS n FROM webhook_message GROUP BY next_attempt_at) AS parts";
        assert!(number(&app.deps.store, spread).await <= 250, "at the same time");
        let unknown = json!({"since": rfc3339(at(0)), "after": "msg_01kb2m3z8te2gt8d1v6q8h4x5n"});
        assert_eq!(replay(&app, &hook, unknown).await["replayed"], 0, "nothing is behind what nobody knows");
        app.stop().await;
    }

    async fn one_message_is_sent_again_whatever_became_of_it(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            1 => Reply::RetryAfter(503, 3_600),
            _ => Reply::Status(204, Vec::new()),
        })
        .await;
        let app = spawn_app(&db, "").await;
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        ping(&app.client, &hook.path).await;
        let told = newest_is(&app.client, &hook.path, "acknowledged").await;
        let again = format!("{}/deliveries/{}/replay", hook.path, text(&told["id"]));
        let view = post(&app.client, &again).await.must_be(202);
        assert_eq!((&view["id"], &view["state"], &view["settled_at"]), (&told["id"], &json!("pending"), &Value::Null));
        wait_until("it was told to come later", async || {
            let now = deliveries(&app.client, &hook.path).await.remove(0);
            now["state"] == "pending" && now["attempts"] == 1
        })
        .await;
        // Somebody who mended it does not wait for an hour.
        let hurried = post(&app.client, &again).await.must_be(202);
        assert_eq!(hurried["attempts"], 1, "it was on its way already");
        newest_is(&app.client, &hook.path, "acknowledged").await;
        let asked = stub.asked();
        assert_eq!((asked.len(), ids(&asked).len()), (3, 1));
        app.stop().await;
    }

    async fn to_an_endpoint_that_is_disabled_nothing_is_replayed_until_it_is_enabled(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        settled(&app, &db, WebhookKind::EscrowStateChanged, at(0), 1, "dead").await;
        ask(&app.client, "PATCH", &hook.path, r#"{"enabled": false}"#).await.must_be(200);
        let body = json!({"since": rfc3339(at(0))});
        let path = format!("{}/replay", hook.path);
        let refused = ask(&app.client, "POST", &path, &body.to_string()).await;
        assert_eq!(problem(&refused, 409), "webhook-disabled");
        let message = text(&deliveries(&app.client, &hook.path).await[0]["id"]).to_owned();
        let refused = post(&app.client, &format!("{}/deliveries/{message}/replay", hook.path)).await;
        assert_eq!(problem(&refused, 409), "webhook-disabled");
        ask(&app.client, "PATCH", &hook.path, r#"{"enabled": true}"#).await.must_be(200);
        assert_eq!(replay(&app, &hook, body).await["replayed"], 1);
        newest_is(&app.client, &hook.path, "acknowledged").await;
        app.stop().await;
    }

    async fn the_log_is_read_page_by_page_and_by_state_and_kind(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        let (moved, planned) = (WebhookKind::ShipmentStatusChanged, WebhookKind::ShipmentReplanned);
        settled(&app, &db, moved, at(0), 5, "dead").await;
        settled(&app, &db, planned, at(0), 3, "dead").await;
        settled(&app, &db, planned, at(1), 4, "acknowledged").await;
        for (query, many) in [
            ("", 12), ("state=dead", 8), ("kind=shipment.replanned", 7), ("type=shipment.replanned", 7), ("state=dead&kind=shipment.replanned", 3),
            ("state=pending", 0), ("kind=escrow.code&state=", 0),
        ] {
            for limit in [1, 4, 200] {
                let (mut before, mut seen) = (String::new(), Vec::new());
                loop {
                    let path = format!("{}/deliveries?{query}&limit={limit}&before={before}", hook.path);
                    let page = get(&app, &path).await.must_be(200);
                    let part = page["deliveries"].as_array().expect("deliveries").clone();
                    assert!(part.len() <= limit, "{path}");
                    seen.extend(part);
                    assert!(seen.len() <= many, "{path} comes round again");
                    match page["next_before"].as_str() {
                        Some(next) => before = next.to_owned(),
                        None => break,
                    }
                }
                let ids: BTreeSet<_> = seen.iter().map(|told| text(&told["id"])).collect();
                assert_eq!((seen.len(), ids.len()), (many, many), "{query} by {limit}");
                assert!(seen.is_sorted_by_key(|told| std::cmp::Reverse(text(&told["created_at"]).to_owned())), "{query}");
            }
        }
        for (query, name) in [
            ("state=lost", "state"), ("kind=shipment.*", "kind"), ("before=1", "before"), ("limit=0", "limit"),
            ("limit=201", "limit"), ("limit=x", "limit"), ("page=2", "page"), ("limit=1&limit=2", "limit"),
        ] {
            let answer = get(&app, &format!("{}/deliveries?{query}", hook.path)).await;
            assert_eq!(problem(&answer, 400), "invalid-parameter", "{query}");
            assert!(text(&answer.json()["detail"]).contains(name), "{}", answer.text());
        }
        app.stop().await;
    }

    async fn a_time_that_is_none_is_refused_by_its_pointers(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        let path = format!("{}/replay", hook.path);
        for (body, wrong) in [
            ("{}", vec!["/since"]),
            (r#"{"since": "yesterday"}"#, vec!["/since"]),
            (r#"{"since": "2026-03-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}"#, vec!["/until"]),
            (r#"{"since": 1, "kinds": "escrow.*", "state": "pending", "n": {}}"#, vec!["/kinds", "/n", "/since", "/state"]),
            (r#"{"since": "2026-03-01T00:00:00Z", "after": "whk_1"}"#, vec!["/after"]),
            ("[]", vec![""]),
        ] {
            assert_eq!(pointers(&ask(&app.client, "POST", &path, body).await), wrong, "{body}");
        }
        assert_eq!(problem(&ask(&app.client, "POST", &path, "").await, 400), "not-json");
        // The ends of the calendar are times like others.
        for since in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(replay(&app, &hook, json!({"since": since})).await["replayed"], 0);
        }
        app.stop().await;
    }
}
