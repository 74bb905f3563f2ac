//! Merchants are told what happens, at endpoints that are not always well.

use std::sync::Arc;

use sampan::app;
use sampan::clock::Clock;
use sampan::config;
use sampan::domain::id::ShipmentId;
use sampan::domain::webhook::WebhookKind;
use sampan::flows::send_webhooks;
use sampan::flows::tell_merchants::{Notice, tell};
use sampan::store::StoreError;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{prepare, settings, spawn_app};
use crate::support::daemon::Daemon;
use crate::support::database::{Database, Kind, number};
use crate::support::hooks::{
    Hook, ask, at, deliveries, hook, is_signed, listening, newest_is, ping, register, silent, try_register,
};
use crate::support::http::{Client, send};
use crate::support::journey::{Scan, TWO_PARCELS, long_ago, pickup, scans};
use crate::support::rows::{change, count};
use crate::support::steps::{
    accept, accept_two_parcels, look, pointers, post, problem, scan_until, stranger, text,
};
use crate::support::stub::{Reply, Stub};
use crate::support::wait::wait_until;
use crate::support::world::{Troubles, World};

const HURRIED: &str = "outbox.retry_seconds = [0, 0, 0, 0]\noutbox.jitter = 0.0\nhttp.shutdown_seconds = 1";

on_both_databases! {
    async fn a_merchant_is_told_of_each_change_of_status_and_of_nobodys_name(db: Database) {
        let (app, stub, theirs) = (spawn_app(&db, "").await, listening().await, listening().await);
        let Hook { path: endpoint, secret } = hook(&app.client, &stub, "hooks", &["shipment.*"]).await;
        at(&stranger(&app).await, &theirs).await;
        let body = pickup(TWO_PARCELS);
        let accepted = accept(&app, &body).await;
        let all = scans(&accepted, long_ago());
        let is_departure = |scan: &Scan| scan.body["kind"] == "departed";
        let first = all.iter().position(is_departure).expect("a departure");
        let gone = first + all[first..].iter().take_while(|scan| is_departure(scan)).count();
        for scan in &all[..gone] {
            app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
        }
        let messages = count(&app.deps.store, "webhook_message").await as usize;
        assert!(messages >= 2, "{messages}");
        wait_until("the merchant was told of all", async || stub.asked().len() == messages).await;
        let mut asked = stub.asked();
        // Side by side: in no order but that of their ids.
        asked.sort_by_key(|asked| asked.header("webhook-id").to_owned());
        let mut from = json!("accepted");
        for asked in &asked {
            is_signed(asked, &secret);
            assert!(asked.header("webhook-id").starts_with("msg_"));
            let told = asked.json();
            let data = &told["data"];
            assert_eq!(told["type"], "shipment.status_changed");
            assert!(told["timestamp"].is_string());
            assert_eq!((&data["shipment"], &data["reference"]), (&accepted["id"], &body["reference"]));
            assert_eq!(data["from"], from);
            assert!(data["estimated_delivery"]["earliest"].is_string(), "{told}");
            from = data["to"].clone();
            let said = told.to_string();
            for part in ["consignee", "pickup"] {
                for private in [&body[part]["name"], &body[part]["phone"], &body[part]["contact"]["name"]] {
                    assert!(private.as_str().is_none_or(|private| !said.contains(private)), "{said}");
                }
            }
        }
        let shipment = app.client.get(&format!("/v1/shipments/{}", text(&accepted["id"]))).await;
        assert_eq!(from, shipment.expect("an answer").must_be(200)["status"], "the last one is how it is now");
        let told = newest_is(&app.client, &endpoint, "acknowledged").await;
        assert_eq!((&told["type"], &told["attempts"]), (&json!("shipment.status_changed"), &json!(1)));
        assert_eq!((&told["shipment"], &told["last_problem"]), (&accepted["id"], &Value::Null));
        assert_eq!(told["failed"], json!([]));
        assert_eq!(told["id"], asked[asked.len() - 1].header("webhook-id"));
        assert_eq!(theirs.asked().len(), 0, "the rival hears of its own shipments only");
        // A scan that is repeated is nothing new.
        let Scan { hub, body } = &all[0];
        app.client.scan(hub, body).await.expect("an answer").must_be(200);
        assert_eq!(count(&app.deps.store, "webhook_message").await as usize, messages);
        app.stop().await;
    }

    async fn a_message_is_sent_under_one_id_until_it_is_acknowledged(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            0 => Reply::Status(500, Vec::new()),
            1 => Reply::HangUp,
            2 => Reply::Status(302, Vec::new()),
            // Of the answer only the status counts.
            _ => Reply::CutOff(b"half".to_vec()),
        })
        .await;
        let app = spawn_app(&db, HURRIED).await;
        let Hook { path: endpoint, secret } = hook(&app.client, &stub, "hooks", &["*"]).await;
        ping(&app.client, &endpoint).await;
        let told = newest_is(&app.client, &endpoint, "acknowledged").await;
        assert_eq!((&told["attempts"], &told["last_problem"]), (&json!(4), &json!("answered 302")));
        let failed = told["failed"].as_array().expect("attempts");
        assert_eq!((failed.len(), &failed[2]["problem"]), (3, &json!("answered 302")));
        assert!(failed.is_sorted_by_key(|attempt| text(&attempt["at"]).to_owned()), "{failed:?}");
        let asked = stub.asked();
        assert_eq!(asked.len(), 4);
        for one in &asked {
            is_signed(one, &secret);
            assert_eq!((one.header("webhook-id"), &one.body), (text(&told["id"]), &asked[0].body));
        }
        let failures = "SELECT CAST(failures AS bigint) AS n FROM webhook_endpoint";
        assert_eq!(number(&app.deps.store, failures).await, 0);
        app.stop().await;
    }

    async fn after_the_last_try_a_message_is_dead_and_the_next_one_is_not(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            0..5 => Reply::Status(500, Vec::new()),
            _ => Reply::Status(200, Vec::new()),
        })
        .await;
        let app = spawn_app(&db, HURRIED).await;
        let endpoint = at(&app.client, &stub).await;
        ping(&app.client, &endpoint).await;
        let dead = newest_is(&app.client, &endpoint, "dead").await;
        assert_eq!((&dead["attempts"], &dead["last_problem"]), (&json!(5), &json!("answered 500")));
        ping(&app.client, &endpoint).await;
        newest_is(&app.client, &endpoint, "acknowledged").await;
        app.stop().await;
    }

    async fn an_endpoint_that_asks_for_time_gets_it_unless_its_merchant_pings(db: Database) {
        let stub = Stub::start(|_, before| match before.len() {
            0 => Reply::RetryAfter(503, 3_600),
            _ => Reply::Status(200, Vec::new()),
        })
        .await;
        let app = spawn_app(&db, HURRIED).await;
        let endpoint = at(&app.client, &stub).await;
        ping(&app.client, &endpoint).await;
        wait_until("it was tried", async || deliveries(&app.client, &endpoint).await[0]["attempts"] == 1).await;
        let left = "SELECT paused_until AS n FROM webhook_endpoint";
        let left = number(&app.deps.store, left).await / 1_000_000 - app.deps.clock.wall().timestamp();
        assert!((3_500..=3_600).contains(&left), "{left} s");
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "departed").await;
        assert_eq!(send_webhooks::run_due(&app.deps).await.expect("a database"), 0, "it is left alone");
        ping(&app.client, &endpoint).await;
        wait_until("the rest has arrived", async || {
            let pending = "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'pending'";
            number(&app.deps.store, pending).await == 1
        })
        .await;
        let first = deliveries(&app.client, &endpoint).await.pop().expect("the first ping");
        assert_eq!((&first["state"], &first["attempts"]), (&json!("pending"), &json!(1)), "an hour is an hour");
        app.stop().await;
    }

    async fn an_address_that_is_gone_is_disabled_with_all_that_waits_for_it(db: Database) {
        let stub = Stub::start(|_, _| Reply::Status(410, Vec::new())).await;
        let app = spawn_app(&db, "").await;
        let endpoint = at(&app.client, &stub).await;
        ping(&app.client, &endpoint).await;
        let dead = newest_is(&app.client, &endpoint, "dead").await;
        assert!(text(&dead["last_problem"]).contains("410"), "{dead}");
        let list = app.client.get("/v1/webhooks").await.expect("an answer").must_be(200);
        assert!(text(&list["webhooks"][0]["disabled_because"]).contains("410"), "{list}");
        assert_eq!(problem(&post(&app.client, &format!("{endpoint}/ping")).await, 409), "webhook-disabled");
        // Told in the very moment in which it was closed: it is not sent any more.
        change(&db, "UPDATE webhook_message SET state = 'pending', settled_at = NULL").await;
        newest_is(&app.client, &endpoint, "dead").await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "departed").await;
        let missed = "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'dead' AND attempts = 0";
        let all = count(&app.deps.store, "webhook_message").await;
        assert_eq!((stub.asked().len() as i64, number(&app.deps.store, missed).await), (1, all - 1));
        // Registered again, it begins anew.
        assert_ne!(at(&app.client, &stub).await, endpoint);
        app.stop().await;
    }

    async fn an_endpoint_that_lets_nothing_through_for_days_is_disabled(db: Database) {
        let stub = Stub::start(|_, _| Reply::Status(500, Vec::new())).await;
        let app = spawn_app(&db, "").await;
        let endpoint = at(&app.client, &stub).await;
        ping(&app.client, &endpoint).await;
        wait_until("it fails", async || deliveries(&app.client, &endpoint).await[0]["attempts"] == 1).await;
        let again = async || {
            change(&db, "UPDATE webhook_message SET next_attempt_at = 0 WHERE state = 'pending'").await;
            change(&db, "UPDATE webhook_endpoint SET paused_until = 0").await;
        };
        change(&db, "UPDATE webhook_endpoint SET failing_since = failing_since - 432000000000").await;
        again().await;
        wait_until("it fails again", async || deliveries(&app.client, &endpoint).await[0]["attempts"] == 2).await;
        assert_eq!(deliveries(&app.client, &endpoint).await[0]["state"], "pending", "a clock has leapt, and no more");
        change(&db, "UPDATE webhook_endpoint SET failures = 20").await;
        again().await;
        let dead = newest_is(&app.client, &endpoint, "dead").await;
        assert_eq!(dead["last_problem"], "nothing got through for 5 days");
        let list = app.client.get("/v1/webhooks").await.expect("an answer").must_be(200);
        assert!(list["webhooks"][0]["disabled_at"].is_string(), "{list}");
        app.stop().await;
    }

    async fn an_endpoint_that_hangs_delays_no_trigger_and_no_other_merchant(db: Database) {
        let more = "webhooks.concurrency_max = 2\nwebhooks.per_endpoint_max = 3\n\
             outbound.timeout_seconds = 120\noutbox.lease_seconds = 240\nhttp.shutdown_seconds = 1";
        let (app, hanging, listening) = (spawn_app(&db, more).await, silent().await, listening().await);
        let endpoint = at(&app.client, &hanging).await;
        for _ in 0..9 {
            ping(&app.client, &endpoint).await;
        }
        wait_until("it hangs", async || !hanging.asked().is_empty()).await;
        let rival = stranger(&app).await;
        let other = at(&rival, &listening).await;
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "received").await;
        let told = "SELECT COUNT(*) AS n FROM outbox WHERE state = 'acknowledged'";
        wait_until("the provider is told", async || number(&app.deps.store, told).await == 1).await;
        for _ in 0..3 {
            ping(&rival, &other).await;
            newest_is(&rival, &other, "acknowledged").await;
        }
        assert!(hanging.asked().len() <= 3, "so many are under way to one endpoint and no more");
        let waiting = deliveries(&app.client, &endpoint).await;
        assert!(waiting.len() >= 9, "{}", waiting.len());
        for waits in waiting {
            assert_eq!((&waits["state"], &waits["attempts"]), (&json!("pending"), &json!(0)), "it still hangs");
        }
        app.stop().await;
    }

    async fn endpoints_that_failed_last_leave_places_to_the_others(db: Database) {
        let more = "webhooks.concurrency_max = 2\noutbound.timeout_seconds = 120\n\
             outbox.lease_seconds = 240\nhttp.shutdown_seconds = 1";
        let (app, hanging, listening) = (spawn_app(&db, more).await, silent().await, listening().await);
        let mut endpoints = Vec::new();
        for path in 0..3 {
            endpoints.push(register(&app.client, &format!("http://{}/{path}", hanging.address)).await);
        }
        change(&db, "UPDATE webhook_endpoint SET failures = 1").await;
        for endpoint in &endpoints {
            ping(&app.client, endpoint).await;
            ping(&app.client, endpoint).await;
        }
        wait_until("one hangs", async || !hanging.asked().is_empty()).await;
        let rival = stranger(&app).await;
        let other = at(&rival, &listening).await;
        for _ in 0..3 {
            ping(&rival, &other).await;
            newest_is(&rival, &other, "acknowledged").await;
        }
        assert_eq!(hanging.asked().len(), 1, "one of two places, and one message to find out");
        app.stop().await;
    }

    async fn what_is_not_public_is_not_called_whatever_its_name(db: Database) {
        let private = "outbound.allow_private_addresses = false\nescrow.webhook_url = \"\"\n\
             carriers.dhl_unified.base_url = \"https://carrier.example\"\n\
             outbox.retry_seconds = [3600]";
        let (app, stub) = (spawn_app(&db, private).await, listening().await);
        for url in ["http://shop.example/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1:8443/"] {
            assert_eq!(pointers(&try_register(&app.client, url).await), ["/url"], "{url}");
        }
        // A name may stand for another address tomorrow: it is looked at when it is called.
        let endpoint = register(&app.client, &format!("https://localhost:{}/", stub.address.port())).await;
        ping(&app.client, &endpoint).await;
        wait_until("it was tried", async || deliveries(&app.client, &endpoint).await[0]["attempts"] == 1).await;
        let refused = deliveries(&app.client, &endpoint).await.remove(0);
        assert!(text(&refused["last_problem"]).contains("not public"), "{refused}");
        assert!(refused["next_attempt_at"].is_string(), "{refused}");
        change(&db, "UPDATE webhook_message SET next_attempt_at = 0").await;
        change(&db, "UPDATE webhook_endpoint SET paused_until = 0").await;
        newest_is(&app.client, &endpoint, "dead").await;
        assert_eq!(stub.asked().len(), 0);
        app.stop().await;
    }

    async fn an_address_is_registered_once_and_ten_at_most(db: Database) {
        let app = spawn_app(&db, HURRIED).await;
        let url = |n: usize| format!("http://127.0.0.1:9/{n}");
        let first = try_register(&app.client, &url(0)).await.must_be(201);
        assert!(text(&first["id"]).starts_with("whk_") && first["created_at"].is_string(), "{first}");
        assert_eq!((&first["url"], &first["events"]), (&json!(url(0)), &json!(["*"])));
        let mut again = try_register(&app.client, &url(0)).await.must_be(200);
        again["secret"] = first["secret"].clone();
        assert_eq!(again, first, "a repeat finds it, and its secret is shown once");
        for n in 1..10 {
            register(&app.client, &url(n)).await;
        }
        assert_eq!(problem(&try_register(&app.client, &url(10)).await, 409), "too-many-webhooks");
        let removed = ask(&app.client, "DELETE", &format!("/v1/webhooks/{}", text(&first["id"])), "").await;
        assert_eq!((removed.status, removed.body.len()), (204, 0));
        register(&app.client, &url(10)).await;
        assert_eq!(try_register(&stranger(&app).await, &url(0)).await.status, 201, "each merchant has its own");
        app.stop().await;
    }

    async fn a_body_that_is_wrong_is_refused_by_its_pointers(db: Database) {
        let app = spawn_app(&db, "").await;
        for (body, wrong) in [
            ("{}", vec!["/url"]),
            ("[]", vec![""]),
            (r#"{"url": 1}"#, vec!["/url"]),
            (r#"{"url": "shop.example"}"#, vec!["/url"]),
            (r#"{"url": "ftp://shop.example"}"#, vec!["/url"]),
            (r#"{"url": "https://me:word@shop.example"}"#, vec!["/url"]),
            (r#"{"url": "https://shop.example", "events": []}"#, vec!["/events"]),
            (r#"{"url": "shop.example", "events": ["order.*", "*"], "n": 1}"#, vec!["/events/0", "/n", "/url"]),
        ] {
            assert_eq!(pointers(&ask(&app.client, "POST", "/v1/webhooks", body).await), wrong, "{body}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(2_000));
        assert_eq!(pointers(&try_register(&app.client, &long).await), ["/url"]);
        assert_eq!(problem(&ask(&app.client, "POST", "/v1/webhooks", "{").await, 400), "not-json");
        assert_eq!(problem(&look(&app, "/v1/webhooks", &[]).await, 401), "unauthenticated");
        assert_eq!(count(&app.deps.store, "webhook_endpoint").await, 0);
        app.stop().await;
    }

    async fn an_endpoint_of_somebody_else_is_no_endpoint(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let endpoint = at(&app.client, &stub).await;
        let rival = stranger(&app).await;
        let none = rival.get("/v1/webhooks").await.expect("an answer").must_be(200);
        assert_eq!(none, json!({"webhooks": []}));
        for path in [endpoint.as_str(), "/v1/webhooks/whk_01kb2m3z8te2gt8d1v6q8h4x5n", "/v1/webhooks/1"] {
            assert_eq!(problem(&ask(&rival, "DELETE", path, "").await, 404), "not-found");
            assert_eq!(problem(&post(&rival, &format!("{path}/ping")).await, 404), "not-found");
            let theirs = rival.get(&format!("{path}/deliveries")).await.expect("an answer");
            assert_eq!(problem(&theirs, 404), "not-found");
        }
        ping(&app.client, &endpoint).await;
        newest_is(&app.client, &endpoint, "acknowledged").await;
        app.stop().await;
    }

    async fn what_waits_for_an_endpoint_goes_with_it(db: Database) {
        let stub = Stub::start(|_, _| Reply::RetryAfter(503, 3_600)).await;
        let app = spawn_app(&db, "").await;
        let endpoint = at(&app.client, &stub).await;
        ping(&app.client, &endpoint).await;
        wait_until("it was tried", async || deliveries(&app.client, &endpoint).await[0]["attempts"] == 1).await;
        assert_eq!(ask(&app.client, "DELETE", &endpoint, "").await.status, 204);
        assert_eq!(problem(&ask(&app.client, "DELETE", &endpoint, "").await, 404), "not-found");
        let dead = "SELECT COUNT(*) AS n FROM webhook_message WHERE state = 'dead'";
        assert_eq!(number(&app.deps.store, dead).await, 1);
        // And after a while nobody remembers either.
        assert_eq!(send_webhooks::forget_old(&app.deps).await.expect("a database"), 0);
        change(&db, "UPDATE webhook_message SET settled_at = 1").await;
        change(&db, "UPDATE webhook_endpoint SET deleted_at = 1").await;
        assert_eq!(send_webhooks::forget_old(&app.deps).await.expect("a database"), 1);
        assert_eq!(count(&app.deps.store, "webhook_endpoint").await, 0);
        app.stop().await;
    }

    async fn many_notices_are_told_at_once_and_only_where_somebody_listens(db: Database) {
        let (app, stub) = (spawn_app(&db, "").await, listening().await);
        let rival = stranger(&app).await;
        for path in ["one", "two"] {
            register(&app.client, &format!("http://{}/{path}", stub.address)).await;
        }
        let notice = |client: &Client| Notice {
            merchant: client.keys.merchant,
            shipment: ShipmentId::from_uuid(uuid::Uuid::now_v7()),
            kind: WebhookKind::ShipmentReplanned,
            data: json!({"reason": "the departure was missed"}),
        };
        let (now, wall) = (app.deps.clock.now(), app.deps.clock.wall());
        let both = [notice(&app.client), notice(&rival)];
        let mut notices: Vec<Notice> = both.iter().cycle().take(2_600).cloned().collect();
        notices.extend(std::iter::repeat_n(notice(&rival), 3));
        let quiet = vec![notice(&rival)];
        let (told, untold) = app
            .deps
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let told = tell(tx, &notices, now, wall).await?;
                    Ok::<_, StoreError>((told, tell(tx, &quiet, now, wall).await?))
                })
            })
            .await
            .expect("a commit");
        assert_eq!((told, untold), (true, false));
        assert_eq!(count(&app.deps.store, "webhook_message").await, 2_600, "1300 to each of two");
        app.deps.webhook_bell.notify_one();
        wait_until("all have arrived", async || {
            let open = "SELECT COUNT(*) AS n FROM webhook_message WHERE state <> 'acknowledged'";
            number(&app.deps.store, open).await == 0
        })
        .await;
        let mut ids: Vec<_> = stub.asked().iter().map(|asked| asked.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), stub.asked().len()), (2_600, 2_600), "each once");
        app.stop().await;
    }

    async fn who_dies_after_a_claim_leaves_the_message_to_the_next(db: Database) {
        a_death_at(&db, "webhook.claimed", 1).await;
    }

    async fn who_dies_after_telling_tells_again_under_the_same_id(db: Database) {
        a_death_at(&db, "webhook.sent", 2).await;
    }

    async fn who_dies_after_all_was_settled_tells_nobody_twice(db: Database) {
        a_death_at(&db, "webhook.settled", 1).await;
    }
}

async fn a_death_at(db: &Database, point: &str, times_told: usize) {
    let (world, keys, stub) = (World::start(Troubles::default()), prepare(db).await, listening().await);
    let config = db.folder.path().join("sampan.toml");
    let changes = "log.format = \"json\"\noutbox.lease_seconds = 4\noutbound.timeout_seconds = 2";
    std::fs::write(&config, settings(db, &world, changes)).expect("the daemon's settings");
    let mut daemon = Daemon::start(&config, Some(point)).await;
    let mut client = Client { address: daemon.address, keys };
    let Hook { path: endpoint, secret } = hook(&client, &stub, "hooks", &["*"]).await;
    // It may die before it can answer.
    let bearer = format!("Bearer {}", client.keys.api_key);
    let headers = [("authorization", bearer.as_str())];
    let _ = send(client.address, "POST", &format!("{endpoint}/ping"), &headers, b"").await;
    daemon.end("it kills itself").await;
    let daemon = Daemon::start(&config, None).await;
    client.address = daemon.address;
    let told = newest_is(&client, &endpoint, "acknowledged").await;
    assert_eq!(stub.asked().len(), times_told, "{point}");
    for asked in stub.asked() {
        assert_eq!(asked.header("webhook-id"), text(&told["id"]));
        is_signed(&asked, &secret);
    }
    drop(daemon);
}

/// Fewer places than endpoints, so that both daemons have something to do.
const SMALL: &str = "
    webhooks.concurrency_max = 3
    webhooks.per_endpoint_max = 2
    database.connections_max = 16
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_daemons_one_tells() {
    let Some(db) = Database::new(Kind::Postgres).await else { return };
    let (world, stub) = (World::start(Troubles::default()), listening().await);
    let keys = prepare(&db).await;
    let settings = settings(&db, &world, SMALL);
    let settings = Arc::new(config::defaults_with(&settings).expect("valid settings"));
    let one = app::build(Arc::clone(&settings), Clock::real()).await.expect("a daemon's parts");
    let other = app::build(settings, Clock::real()).await.expect("a daemon's parts");
    for path in 0..8 {
        let body = json!({"url": format!("http://{}/{path}", stub.address)});
        sampan::flows::manage_webhooks::register(&one, keys.merchant, &body).await.expect("an endpoint");
    }
    let notice = |_| Notice {
        merchant: keys.merchant,
        shipment: ShipmentId::from_uuid(uuid::Uuid::now_v7()),
        kind: WebhookKind::ShipmentUnroutable,
        data: json!({}),
    };
    let notices: Vec<Notice> = (0..25).map(notice).collect();
    let (now, wall) = (one.clock.now(), one.clock.wall());
    let told = one.store.write(move |tx| Box::pin(async move { tell(tx, &notices, now, wall).await })).await;
    assert!(told.expect("a commit"));
    let (a, b) = tokio::join!(send_webhooks::run_due(&one), send_webhooks::run_due(&other));
    let (a, b) = (a.expect("a database"), b.expect("a database"));
    assert!(a > 0 && b > 0, "both have worked: {a} {b}");
    assert!(a + b < 100, "many go out with one claim of their endpoint: {a} {b}");
    let open = "SELECT COUNT(*) AS n FROM webhook_message WHERE state <> 'acknowledged'";
    assert_eq!(number(&one.store, open).await, 0);
    assert_eq!(stub.asked().len(), 200, "each message once");
    one.store.close().await;
    other.store.close().await;
}
