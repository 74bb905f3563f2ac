//! Merchants say of what they want to be told, and with what it is signed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use sampan::domain::id::ShipmentId;
use sampan::domain::webhook::WebhookKind;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::{Database, number};
use crate::support::hooks::{
    Hook, ask, at, deliveries, hook, is_signed, listening, newest_is, ping, register, try_register, verifies,
};
use crate::support::http::Client;
use crate::support::rows::{change, text as text_of};
use crate::support::steps::{accept_two_parcels, get, pointers, post, problem, scan_until, stranger, text};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;

/// Of all that waits for nobody any more, what each message said, in the order of their making.
async fn told(app: &App, hook: &Hook) -> Vec<Value> {
    wait_until("nothing is on its way", async || {
        let open = "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'pending'";
        number(&app.deps.store, open).await == 0
    })
    .await;
    let mut all = deliveries(&app.client, &hook.path).await;
    all.reverse();
    all.iter().map(|delivery| delivery["body"].clone()).collect()
}

fn kinds(told: &[Value]) -> Vec<&str> {
    told.iter().map(|body| text(&body["type"])).collect()
}

async fn patch(client: &Client, path: &str, body: Value) -> Value {
    ask(client, "PATCH", path, &body.to_string()).await.must_be(200)
}

async fn rotate(client: &Client, path: &str, body: &str) -> String {
    let answer = ask(client, "POST", &format!("{path}/secret/rotate"), body).await.must_be(200);
    assert!(answer["previous_until"].is_string(), "{answer}");
    text(&answer["secret"]).to_owned()
}

/// Whether the newest message that arrived is signed with each of these.
async fn pinged(app: &App, path: &str, stub: &Stub, secrets: &[&str]) -> Vec<bool> {
    ping(&app.client, path).await;
    newest_is(&app.client, path, "acknowledged").await;
    let asked = stub.asked().pop().expect("a message");
    secrets.iter().map(|secret| verifies(&asked, secret)).collect()
}

on_both_databases! {
    async fn an_endpoint_is_told_what_it_wants_and_nothing_else(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let pickups = hook(&app.client, &stub, "pickups", &["pickup.*"]).await;
        let money = hook(&app.client, &stub, "money", &["escrow.state_changed", "shipment.replanned"]).await;
        let both = hook(&app.client, &stub, "both", &["pickup.cancelled", "pickup.*", "escrow.*"]).await;
        let all = register(&app.client, &format!("http://{}/all", stub.address)).await;
        let collected = accept_two_parcels(&app).await;
        scan_until(&app, &collected, "received").await;
        let cancelled = accept_two_parcels(&app).await;
        let cancel = format!("/v1/shipments/{}/cancel", text(&cancelled["id"]));
        assert_eq!(post(&app.client, &cancel).await.status, 200);
        assert_eq!(post(&app.client, &cancel).await.status, 200, "again is no news");

        let pickup = told(&app, &pickups).await;
        let expected = ["pickup.accepted", "pickup.picked_up", "pickup.accepted", "pickup.cancelled"];
        assert_eq!(kinds(&pickup), expected);
        let of = |told: &Value, accepted: &Value| {
            let data = &told["data"];
            assert_eq!((&data["shipment"], &data["reference"]), (&accepted["id"], &accepted["reference"]));
        };
        of(&pickup[0], &collected);
        of(&pickup[1], &collected);
        of(&pickup[2], &cancelled);
        of(&pickup[3], &cancelled);
        assert_eq!(pickup[0]["data"]["parcels"], 2);
        assert!(pickup[0]["data"]["until"].is_string() && pickup[1]["data"]["picked_up_at"].is_string());

        // What becomes of the triggers comes when it comes.
        let is_of_a_trigger = |told: &Value| text(&told["type"]).starts_with("escrow.trigger_");
        let without = |told: Vec<Value>| {
            told.into_iter().filter(|told| !is_of_a_trigger(told)).collect::<Vec<_>>()
        };
        let escrow = without(told(&app, &money).await);
        assert_eq!(kinds(&escrow), ["escrow.state_changed", "escrow.state_changed"]);
        let states = |told: &Value| [told["data"]["from"].clone(), told["data"]["to"].clone()];
        of(&escrow[0], &collected);
        assert_eq!((states(&escrow[0]), &escrow[0]["data"]["because"]), ([json!("held"), json!("shipped")], &Value::Null));
        of(&escrow[1], &cancelled);
        assert_eq!(states(&escrow[1]), [json!("held"), json!("frozen")]);
        assert!(escrow[1]["data"]["because"].is_string(), "{}", escrow[1]);

        assert_eq!(without(told(&app, &both).await).len(), 6);
        let shown = get(&app, &both.path).await.must_be(200);
        assert_eq!(shown["events"], json!(["pickup.*", "escrow.*"]), "said once");
        let everything = without(deliveries(&app.client, &all).await);
        let changes = everything.iter().filter(|told| told["type"] == "shipment.status_changed").count();
        assert_eq!(everything.len(), 6 + changes);
        assert!(changes >= 2, "{changes}");
        app.stop().await;
    }

    async fn what_an_endpoint_wants_can_be_changed_and_its_address_cannot(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["escrow.*"]).await;
        accept_two_parcels(&app).await;
        assert_eq!(told(&app, &hook).await, [Value::Null; 0]);
        let before = get(&app, &hook.path).await.must_be(200);
        assert_eq!(patch(&app.client, &hook.path, json!({})).await, before, "nothing is to be different");
        let changed = patch(&app.client, &hook.path, json!({"events": ["pickup.accepted"]})).await;
        assert_eq!((&changed["events"], &changed["url"]), (&json!(["pickup.accepted"]), &before["url"]));
        assert_eq!(changed.get("secret"), None);
        accept_two_parcels(&app).await;
        assert_eq!(kinds(&told(&app, &hook).await), ["pickup.accepted"]);
        let wrong = ask(&app.client, "PATCH", &hook.path, r#"{"url": "http://127.0.0.1:9/", "events": ["x"]}"#).await;
        assert_eq!(pointers(&wrong), ["/events/0", "/url"]);
        // Registered again: with the same, or with nothing said of it, it is found; otherwise it is said.
        let url = text(&before["url"]);
        let again = |events: Value| json!({"url": url, "events": events}).to_string();
        let found = ask(&app.client, "POST", "/v1/webhooks", &again(json!(["pickup.accepted"]))).await;
        assert_eq!(found.must_be(200), changed);
        assert_eq!(try_register(&app.client, url).await.must_be(200), changed);
        let other = ask(&app.client, "POST", "/v1/webhooks", &again(json!(["*"]))).await;
        assert_eq!(problem(&other, 409), "webhook-with-other-events");
        app.stop().await;
    }

    async fn the_other_endpoints_hear_that_one_is_disabled_and_it_can_be_enabled(db: Database) {
        let stub = Stub::start(|asked, before| match asked.path.as_str() {
            "/gone" if before.iter().filter(|one| one.path == "/gone").count() == 0 => Reply::Status(410, Vec::new()),
            _ => Reply::Status(204, Vec::new()),
        })
        .await;
        let app = spawn_app(&db, "").await;
        let gone = hook(&app.client, &stub, "gone", &["*"]).await;
        let other = hook(&app.client, &stub, "other", &["escrow.*"]).await;
        let theirs = at(&stranger(&app).await, &stub).await;
        ping(&app.client, &gone.path).await;
        let word = newest_is(&app.client, &other.path, "acknowledged").await;
        assert_eq!((&word["type"], &word["shipment"]), (&json!("webhook.disabled"), &Value::Null));
        let data = &word["body"]["data"];
        assert!(gone.path.ends_with(text(&data["webhook"])) && text(&data["url"]).ends_with("/gone"), "{word}");
        assert!(text(&data["because"]).contains("410") && data["disabled_at"].is_string(), "{word}");
        assert_eq!(told(&app, &other).await.len(), 1, "once");
        assert_eq!(told(&app, &gone).await.len(), 1, "the ping alone");
        let none = "SELECT COUNT(*) AS n FROM webhook_message WHERE kind = 'webhook.disabled'";
        assert_eq!(number(&app.deps.store, none).await, 1, "{theirs} is somebody else's");

        let refused = post(&app.client, &format!("{}/ping", gone.path)).await;
        assert_eq!(problem(&refused, 409), "webhook-disabled");
        let enabled = patch(&app.client, &gone.path, json!({"enabled": true})).await;
        assert_eq!((enabled.get("disabled_at"), enabled.get("disabled_because")), (None, None));
        assert_eq!(pinged(&app, &gone.path, &stub, &[&gone.secret]).await, [true]);
        assert_eq!(told(&app, &gone).await.len(), 2, "what was dead stays so");
        app.stop().await;
    }

    async fn who_calls_an_endpoint_that_is_enabled_meanwhile_does_not_disable_it(db: Database) {
        let (answer_now, answering) = mpsc::channel::<()>();
        let (answering, is_called) = (Mutex::new(answering), Arc::new(AtomicBool::new(false)));
        let called = Arc::clone(&is_called);
        let stub = Stub::start(move |_, before| {
            if before.is_empty() {
                called.store(true, Ordering::SeqCst);
                let wait = || answering.lock().expect("one at a time").recv();
                tokio::task::block_in_place(wait).expect("somebody who lets it answer");
                return Reply::Status(410, Vec::new());
            }
            Reply::Status(204, Vec::new())
        })
        .await;
        let app = spawn_app(&db, "").await;
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        ping(&app.client, &hook.path).await;
        wait_until("it is being called", async || is_called.load(Ordering::SeqCst)).await;
        for enabled in [false, true] {
            patch(&app.client, &hook.path, json!({"enabled": enabled})).await;
        }
        answer_now.send(()).expect("somebody who waits");
        assert_eq!(pinged(&app, &hook.path, &stub, &[&hook.secret]).await, [true]);
        // With that, all that was answered was looked at.
        app.stop().await;
        let open = "SELECT COUNT(*) AS n FROM webhook_endpoint WHERE disabled_at IS NULL";
        let store = db.store().await;
        assert_eq!(number(&store, open).await, 1);
        store.close().await;
    }

    async fn what_an_endpoint_that_is_switched_off_misses_is_kept_for_it(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            0 => Reply::RetryAfter(503, 3_600),
            _ => Reply::json(200, &json!({})),
        })
        .await;
        let app = spawn_app(&db, "").await;
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        ping(&app.client, &hook.path).await;
        wait_until("it was tried", async || deliveries(&app.client, &hook.path).await[0]["attempts"] == 1).await;
        let off = patch(&app.client, &hook.path, json!({"enabled": false})).await;
        assert_eq!(off["disabled_because"], "its merchant switched it off");
        assert_eq!(patch(&app.client, &hook.path, json!({"enabled": false})).await, off, "again");
        assert_eq!(deliveries(&app.client, &hook.path).await[0]["state"], "dead");
        let accepted = accept_two_parcels(&app).await;
        let [missed, pinged] = deliveries(&app.client, &hook.path).await.try_into().expect("two messages");
        assert_eq!(pinged["type"], "ping");
        assert_eq!((&missed["type"], &missed["state"]), (&json!("pickup.accepted"), &json!("dead")));
        assert_eq!((&missed["attempts"], &missed["last_problem"]), (&json!(0), &off["disabled_because"]));
        assert!(missed["settled_at"].is_string(), "or nobody would ever forget it: {missed}");
        // The address is free for another one; then this one cannot come back beside it.
        let another = try_register(&app.client, text(&off["url"])).await.must_be(201);
        let refused = ask(&app.client, "PATCH", &hook.path, r#"{"enabled": true}"#).await;
        assert_eq!(problem(&refused, 409), "webhook-address-taken");
        let another = format!("/v1/webhooks/{}", text(&another["id"]));
        assert_eq!(ask(&app.client, "DELETE", &another, "").await.status, 204);
        patch(&app.client, &hook.path, json!({"enabled": true})).await;
        let pauses = "SELECT COUNT(*) AS n FROM webhook_endpoint WHERE disabled_at IS NULL AND paused_until = 0 AND failures = 0";
        assert_eq!(number(&app.deps.store, pauses).await, 2);
        let replay = json!({"since": text(&missed["created_at"]), "kinds": ["pickup.*"]}).to_string();
        let replayed = ask(&app.client, "POST", &format!("{}/replay", hook.path), &replay).await.must_be(202);
        assert_eq!(replayed["replayed"], 1);
        wait_until("it hears what it missed", async || {
            deliveries(&app.client, &hook.path).await[0]["state"] == "acknowledged"
        })
        .await;
        // Who stays away for ever is not waited for for ever.
        patch(&app.client, &hook.path, json!({"enabled": false})).await;
        let long_ago = app.deps.clock.wall() - chrono::TimeDelta::days(31);
        change(&db, &format!("UPDATE webhook_endpoint SET disabled_at = {}", long_ago.timestamp_micros())).await;
        scan_until(&app, &accepted, "departed").await;
        assert_eq!(deliveries(&app.client, &hook.path).await.len(), 2);
        app.stop().await;
    }

    async fn a_new_secret_signs_beside_the_old_one_until_the_overlap_is_over(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let Hook { path, secret: first } = hook(&app.client, &stub, "hooks", &["*"]).await;
        let merchants = app.client.keys.webhook_secret.clone();
        assert_eq!(pinged(&app, &path, &stub, &[&first, &merchants]).await, [true, false]);
        let second = rotate(&app.client, &path, "").await;
        assert_eq!(pinged(&app, &path, &stub, &[&first, &second]).await, [true, true]);
        let third = rotate(&app.client, &path, r#"{"overlap_hours": 24}"#).await;
        assert_eq!(pinged(&app, &path, &stub, &[&first, &second, &third]).await, [true, true, true]);
        // A day later.
        let kept = text_of(&app.deps.store, "SELECT secrets AS n FROM webhook_endpoint").await.expect("secrets");
        let mut kept: Value = serde_json::from_str(&kept).expect("JSON");
        for secret in kept.as_array_mut().expect("a list").iter_mut().filter(|one| one["until_at"].is_i64()) {
            secret["until_at"] = json!(secret["until_at"].as_i64().expect("an end") - 24 * 3_600 * 1_000_000);
        }
        change(&db, &format!("UPDATE webhook_endpoint SET secrets = '{kept}'")).await;
        assert_eq!(pinged(&app, &path, &stub, &[&first, &second, &third]).await, [false, false, true]);
        let fourth = rotate(&app.client, &path, r#"{"overlap_hours": 0}"#).await;
        assert_eq!(pinged(&app, &path, &stub, &[&third, &fourth]).await, [false, true], "that one had leaked");
        let shown = get(&app, &path).await.must_be(200).to_string();
        assert!(!shown.contains("whsec_"), "{shown}");
        for (body, wrong) in [(r#"{"overlap_hours": 25}"#, "/overlap_hours"), (r#"{"overlap": 1}"#, "/overlap"), ("[]", "")] {
            let answer = ask(&app.client, "POST", &format!("{path}/secret/rotate"), body).await;
            assert_eq!(pointers(&answer), [wrong]);
        }
        app.stop().await;
    }

    async fn an_endpoint_from_before_has_its_merchants_secret_until_it_gets_its_own(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let Hook { path, secret } = hook(&app.client, &stub, "hooks", &["*"]).await;
        change(&db, "UPDATE webhook_endpoint SET secrets = NULL, events = NULL").await;
        assert_eq!(get(&app, &path).await.must_be(200)["events"], json!(["*"]));
        let merchants = app.client.keys.webhook_secret.clone();
        assert_eq!(pinged(&app, &path, &stub, &[&merchants, &secret]).await, [true, false]);
        let own = rotate(&app.client, &path, "").await;
        assert_eq!(pinged(&app, &path, &stub, &[&merchants, &own]).await, [true, true]);
        let own = rotate(&app.client, &path, r#"{"overlap_hours": 0}"#).await;
        assert_eq!(pinged(&app, &path, &stub, &[&merchants, &own]).await, [false, true]);
        app.stop().await;
    }

    async fn a_code_is_seen_by_its_receiver_alone(db: Database) {
        use sampan::flows::tell_merchants::{Notice, tell};
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["escrow.code"]).await;
        let code = Notice {
            merchant: app.client.keys.merchant,
            shipment: ShipmentId::from_uuid(uuid::Uuid::now_v7()),
            kind: WebhookKind::EscrowCode,
            data: json!({"code": "493021"}),
        };
        let (now, wall) = (app.deps.clock.now(), app.deps.clock.wall());
        let written = app.deps.store.write(move |tx| Box::pin(async move { tell(tx, &[code], now, wall).await }));
        assert!(written.await.expect("a commit"));
        app.deps.webhook_bell.notify_one();
        let shown = newest_is(&app.client, &hook.path, "acknowledged").await;
        assert_eq!((&shown["type"], &shown["body"]), (&json!("escrow.code"), &Value::Null));
        let answer = get(&app, &format!("{}/deliveries", hook.path)).await.text();
        assert!(!answer.contains("493021"), "{answer}");
        let heard = stub.asked().pop().expect("a message");
        is_signed(&heard, &hook.secret);
        assert_eq!(heard.json()["data"]["code"], "493021");
        let again = post(&app.client, &format!("{}/deliveries/{}/replay", hook.path, text(&shown["id"]))).await;
        let again = again.must_be(202);
        assert_eq!((&again["state"], &again["body"]), (&json!("acknowledged"), &Value::Null), "it is kept no longer");
        let all = json!({"since": "2020-01-01T00:00:00Z", "state": "all"}).to_string();
        let taken_up = ask(&app.client, "POST", &format!("{}/replay", hook.path), &all).await.must_be(202);
        assert_eq!(taken_up["replayed"], 0, "{taken_up}");
        assert_eq!(stub.asked().len(), 1);
        app.stop().await;
    }

    async fn what_is_somebody_elses_can_be_neither_seen_nor_changed(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let hook = hook(&app.client, &stub, "hooks", &["*"]).await;
        ping(&app.client, &hook.path).await;
        let message = text(&newest_is(&app.client, &hook.path, "acknowledged").await["id"]).to_owned();
        let rival = stranger(&app).await;
        let since = r#"{"since": "2026-01-01T00:00:00Z", "state": "all"}"#;
        for path in [hook.path.as_str(), "/v1/webhooks/whk_01kb2m3z8te2gt8d1v6q8h4x5n", "/v1/webhooks/'--"] {
            for (method, path, body) in [
                ("GET", path.to_owned(), ""),
                ("PATCH", path.to_owned(), r#"{"enabled": false}"#),
                ("POST", format!("{path}/secret/rotate"), ""),
                ("POST", format!("{path}/replay"), since),
                ("POST", format!("{path}/deliveries/{message}/replay"), ""),
                ("GET", format!("{path}/deliveries?state=dead"), ""),
            ] {
                assert_eq!(problem(&ask(&rival, method, &path, body).await, 404), "not-found", "{method} {path}");
            }
        }
        assert_eq!(stub.asked().len(), 1);
        for message in ["msg_01kb2m3z8te2gt8d1v6q8h4x5n", "1"] {
            let path = format!("{}/deliveries/{message}/replay", hook.path);
            assert_eq!(problem(&post(&app.client, &path).await, 404), "not-found");
        }
        assert_eq!(pinged(&app, &hook.path, &stub, &[&hook.secret]).await, [true], "as it was");
        app.stop().await;
    }
}
