//! What operators look at, and the audit that finds whoever changed the past.

use sampan::store::audit;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, prepare, settings, spawn_app};
use crate::support::binary::Served;
use crate::support::database::Database;
use crate::support::http::{Client, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::{change, text as text_of};
use crate::support::steps::{accept_two_parcels, look, problem, scan_until, text};
use crate::support::world::{Troubles, World};

const ROUTES: [(&str, &str); 51] = [
    ("/v1/carriers/{carrier}/push", "post"),
    ("/v1/pickups", "post"),
    ("/v1/shipments", "get"),
    ("/v1/shipments/{id}", "get"),
    ("/v1/shipments/{id}/cancel", "post"),
    ("/v1/shipments/{id}/clearance", "post"),
    ("/v1/departures/{id}/cancel", "post"),
    ("/v1/hubs/{code}/closures", "post"),
    ("/v1/hubs/{code}/closures", "get"),
    ("/v1/hubs/{code}/closures/{id}", "delete"),
    ("/v1/webhooks", "post"),
    ("/v1/webhooks", "get"),
    ("/v1/webhooks/{id}", "get"),
    ("/v1/webhooks/{id}", "patch"),
    ("/v1/webhooks/{id}", "delete"),
    ("/v1/webhooks/{id}/secret/rotate", "post"),
    ("/v1/webhooks/{id}/ping", "post"),
    ("/v1/webhooks/{id}/deliveries", "get"),
    ("/v1/webhooks/{id}/deliveries/{message}/replay", "post"),
    ("/v1/webhooks/{id}/replay", "post"),
    ("/v1/carriers/detect", "get"),
    ("/v1/hubs/{code}/scans", "post"),
    ("/v1/consolidations", "get"),
    ("/v1/consolidations/{id}", "get"),
    ("/v1/consolidations/{id}/manifest.{form}", "get"),
    ("/v1/consolidations/{id}/labels.pdf", "get"),
    ("/v1/consolidations/{id}/labels/{sscc}.svg", "get"),
    ("/v1/tracking/{token}", "get"),
    ("/v1/tracking/{token}/code", "post"),
    ("/v1/tracking/{token}/confirm", "post"),
    ("/v1/tracking/{token}/extend", "post"),
    ("/v1/tracking/{token}/dispute", "post"),
    ("/v1/tracking/{token}/dispute/withdraw", "post"),
    ("/v1/tracking/{token}/dispute/messages", "post"),
    ("/v1/tracking/{token}/disputes", "post"),
    ("/v1/shipments/{id}/disputes", "get"),
    ("/v1/disputes/{id}/messages", "post"),
    ("/v1/disputes/{id}/close", "post"),
    ("/v1/escrow/{provider}/notify", "post"),
    ("/v1/escrow/reconciliation", "get"),
    ("/v1/escrow/orders", "get"),
    ("/v1/shipments/{id}/escrow/freeze", "post"),
    ("/v1/shipments/{id}/escrow/thaw", "post"),
    ("/v1/shipments/{id}/escrow/own-payment", "post"),
    ("/v1/shipments/{id}/escrow/settled", "post"),
    ("/v1/shipments/{id}/escrow/refund", "post"),
    ("/v1/shipments/{id}/escrow/refund/approve", "post"),
    ("/v1/shipments/{id}/escrow/refund/withdraw", "post"),
    ("/healthz", "get"),
    ("/readyz", "get"),
    ("/metrics", "get"),
];

/// A statement about the first shipment's audit.
fn of_the_first(statement: &str) -> String {
    format!("{statement} AND shipment_id = (SELECT id FROM shipment ORDER BY id LIMIT 1)")
}

/// Two shipments with a past, of which somebody changes the first one's.
async fn breaks_after(db: &Database, statements: &[String]) -> Vec<(i64, String)> {
    let app = spawn_app(db, "").await;
    for _ in 0..2 {
        let accepted = accept_two_parcels(&app).await;
        scan_until(&app, &accepted, "arrived").await;
    }
    let App { deps, .. } = &app;
    let settled = "SELECT state AS n FROM outbox WHERE state = 'pending'";
    crate::support::wait::wait_until("all is sent", async || text_of(&deps.store, settled).await.is_none())
        .await;
    let before = audit::verify(&deps.store).await.expect("a database that answers");
    assert_eq!((before.shipments, before.breaks.len()), (2, 0));
    assert!(before.entries >= 10, "{} entries", before.entries);
    for statement in statements {
        assert!(change(db, statement).await > 0, "{statement} changed nothing");
    }
    let after = audit::verify(&deps.store).await.expect("a database that answers");
    app.stop().await;
    after.breaks.into_iter().map(|found| (found.seq, found.reason)).collect()
}

on_both_databases! {
    async fn a_daemon_says_that_it_lives_and_whether_it_is_ready(db: Database) {
        let app = spawn_app(&db, "consolidation.sscc_company_prefix = \"4012345\"").await;
        let alive = look(&app, "/healthz", &[]).await;
        assert_eq!((alive.status, alive.text().as_str()), (200, "ok\n"));
        let all_well = json!({"ready": true, "database": "ok", "migrations": "ok", "scheduler": "ok",
            "network": "ok", "bag_numbers": "ok"});
        assert_eq!(look(&app, "/readyz", &[]).await.must_be(200), all_well);
        change(&db, "DELETE FROM seaql_migrations WHERE version LIKE '%audit%'").await;
        let unready = look(&app, "/readyz", &[]).await.must_be(503);
        assert_eq!((&unready["ready"], &unready["database"]), (&json!(false), &json!("ok")));
        assert!(text(&unready["migrations"]).contains("sampan migrate"));
        assert_eq!(look(&app, "/healthz", &[]).await.status, 200);
        app.stop().await;
    }

    async fn metrics_have_their_names_and_no_tokens(db: Database) {
        let (world, keys) = (World::start(Troubles::default()), prepare(&db).await);
        // Metrics belong to a process, so this takes one of its own.
        let served = Served::start(db.folder.path(), &settings(&db, &world, "")).await;
        let client = Client { address: served.address, keys };
        let (bearer, told) = (format!("Bearer {}", client.keys.api_key), json!({"url": "http://127.0.0.1:9/"}));
        let headers = [("authorization", bearer.as_str())];
        let told = told.to_string();
        let registered = send(client.address, "POST", "/v1/webhooks", &headers, told.as_bytes()).await;
        registered.expect("an answer").must_be(201);
        let accepted = client.post_pickup(&pickup(TWO_PARCELS), None).await.expect("an answer").must_be(201);
        for scan in crate::support::journey::scans(&accepted, crate::support::journey::long_ago()) {
            client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
        }
        let token = text(&accepted["tracking_token"]);
        let get = async |path: &str| send(client.address, "GET", path, &[], b"").await.expect("an answer");
        get(&format!("/track/{token}")).await;
        get("/nowhere/at/all").await;
        let names = [
            "sampan_http_requests_total",
            "sampan_http_request_seconds",
            "sampan_carrier_questions_total",
            "sampan_triggers_sent_total",
            "sampan_webhooks_sent_total",
            "sampan_outbox_messages",
            "sampan_escrow_orders_waiting",
            "sampan_unroutable_shipments",
        ];
        let mut metrics = String::new();
        crate::support::wait::wait_until("every metric has been counted", async || {
            metrics = get("/metrics").await.text();
            names.iter().all(|name| metrics.contains(name))
        })
        .await;
        assert!(
            metrics.contains("route=\"/track/{token}\"") && metrics.contains("route=\"/v1/pickups\""),
            "{metrics}"
        );
        assert!(!metrics.contains(token) && !metrics.contains("nowhere"), "{metrics}");
    }

    async fn the_api_is_described_as_it_is(db: Database) {
        let app = spawn_app(&db, "").await;
        let description = look(&app, "/openapi.json", &[]).await.must_be(200);
        assert!(text(&description["openapi"]).starts_with("3."));
        let paths = description["paths"].as_object().expect("paths");
        for (path, method) in ROUTES {
            assert!(paths[path][method]["responses"].is_object(), "{method} {path}");
        }
        let described: usize = paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum();
        assert_eq!(described, ROUTES.len(), "a route that this test does not know");
        let references = description.to_string();
        for part in references.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().expect("a name");
            assert!(description["components"]["schemas"][name].is_object(), "{name} is not described");
        }
        let docs = look(&app, "/docs/", &[]).await;
        assert_eq!(docs.status, 200);
        assert!(
            docs.header("content-security-policy").is_some_and(|policy| policy.contains("script-src 'self'"))
        );
        assert_eq!(look(&app, "/docs", &[]).await.header("location"), Some("/docs/"));
        app.stop().await;
    }

    async fn every_answer_has_an_id_and_is_kept_by_nobody(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut ids = Vec::new();
        for (path, status) in [
            ("/healthz", 200),
            ("/v1/shipments", 401),
            ("/nowhere", 404),
            ("/v1/tracking/x", 404),
            ("/openapi.json", 200),
        ] {
            let answer = look(&app, path, &[]).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            ids.push(answer.header("x-request-id").unwrap_or_else(|| panic!("{path} has no id")).to_owned());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
        assert_eq!(problem(&look(&app, "/nowhere", &[]).await, 404), "not-found");
        let method = send(app.client.address, "DELETE", "/v1/pickups", &[], b"").await.expect("an answer");
        assert!((400..500).contains(&method.status), "{}", method.status);
        app.stop().await;
    }

    async fn a_changed_detail_is_found(db: Database) {
        let broken =
            breaks_after(&db, &[of_the_first("UPDATE audit_entry SET detail = '{}' WHERE seq = 2")]).await;
        assert_eq!(broken, [(2, "the entry does not follow from the one before it".to_owned())]);
    }

    async fn a_changed_actor_or_instant_is_found(db: Database) {
        let broken = breaks_after(
            &db,
            &[
                of_the_first("UPDATE audit_entry SET actor = 'operator' WHERE seq = 4"),
                of_the_first("UPDATE audit_entry SET at = at + 1 WHERE seq = 3"),
            ],
        )
        .await;
        assert_eq!(broken.first().map(|(seq, _)| *seq), Some(3));
    }

    async fn a_removed_entry_is_found(db: Database) {
        let broken = breaks_after(&db, &[of_the_first("DELETE FROM audit_entry WHERE seq = 3")]).await;
        assert_eq!(broken, [(4, "the entry does not follow from the one before it".to_owned())]);
    }

    async fn a_chain_that_was_cut_short_is_found(db: Database) {
        let broken = breaks_after(&db, &[of_the_first("DELETE FROM audit_entry WHERE seq > 3")]).await;
        assert_eq!(broken[0], (3, "the chain ends elsewhere than its shipment says".to_owned()));
        // And what was changed after that is changed without a word.
        assert!(broken[1..].iter().any(|(_, reason)| reason.contains("audited last was")), "{broken:?}");
    }

    async fn two_entries_that_changed_places_are_found(db: Database) {
        let broken = breaks_after(
            &db,
            &[
                of_the_first("UPDATE audit_entry SET seq = -1 WHERE seq = 2"),
                of_the_first("UPDATE audit_entry SET seq = 2 WHERE seq = 3"),
                of_the_first("UPDATE audit_entry SET seq = 3 WHERE seq = -1"),
            ],
        )
        .await;
        assert_eq!(broken.first().map(|(seq, _)| *seq), Some(2));
    }

    async fn a_removed_shipment_is_missed(db: Database) {
        let first =
            "DELETE FROM shipment WHERE id = (SELECT id FROM shipment ORDER BY id LIMIT 1)".to_owned();
        let broken = breaks_after(&db, &[first]).await;
        assert!(
            broken.len() >= 5 && broken.iter().all(|(_, reason)| reason == "its shipment is missing"),
            "{broken:?}"
        );
        let last: Value = json!(broken.last().map(|(seq, _)| *seq));
        assert_eq!(last, json!(broken.len()), "every entry is named");
    }

    async fn the_last_shipment_is_missed_too(db: Database) {
        let last =
            "DELETE FROM shipment WHERE id = (SELECT id FROM shipment ORDER BY id DESC LIMIT 1)".to_owned();
        let broken = breaks_after(&db, &[last]).await;
        assert!(
            broken.len() >= 5 && broken.iter().all(|(_, reason)| reason == "its shipment is missing"),
            "{broken:?}"
        );
    }
}
