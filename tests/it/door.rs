//! The first thing a merchant does, through the door of a daemon in this process.

use sampan::clock::Clock;
use sampan::standard_webhooks::{self, Secret, sign};

use crate::on_both_databases;
use crate::support::app::spawn_app;
use crate::support::database::{Database, number};
use crate::support::http::send;
use crate::support::journey::{self, pickup, scans};
use crate::support::wait::wait_until;

on_both_databases! {
    async fn a_pickup_is_accepted_and_can_be_read(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(journey::TWO_PARCELS);
        let accepted = app.client.post_pickup(&body, None).await.expect("an answer").must_be(201);
        assert_eq!(accepted["reference"], body["reference"]);
        assert_eq!(accepted["parcels"].as_array().map(Vec::len), Some(2));
        let path = format!("/v1/shipments/{}", accepted["id"].as_str().expect("an id"));
        let shipment = app.client.get(&path).await.expect("an answer").must_be(200);
        assert_eq!((&shipment["status"], &shipment["plan"]), (&accepted["status"], &accepted["plan"]));
        app.stop().await;
    }

    async fn a_signed_message_is_taken_once(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(journey::TWO_PARCELS).to_string();
        let keys = &app.client.keys;
        let secret: Secret = keys.webhook_secret.parse().expect("a secret");
        let now = Clock::real().wall().timestamp();
        let signature = sign(&secret, "msg_1", now, body.as_bytes());
        let (merchant, timestamp) = (keys.merchant.to_string(), now.to_string());
        let headers = [
            ("sampan-merchant", merchant.as_str()),
            (standard_webhooks::ID, "msg_1"),
            (standard_webhooks::TIMESTAMP, &timestamp),
            (standard_webhooks::SIGNATURE, &signature),
        ];
        let post = async || send(app.client.address, "POST", "/v1/pickups", &headers, body.as_bytes()).await;
        let first = post().await.expect("an answer").must_be(201);
        let again = post().await.expect("an answer");
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.must_be(201), first);
        app.stop().await;
    }

    async fn what_the_first_hub_scans_is_told_to_the_provider(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(journey::TWO_PARCELS);
        let accepted = app.client.post_pickup(&body, None).await.expect("an answer").must_be(201);
        for scan in scans(&accepted, journey::long_ago()).iter().take(2) {
            app.client.scan(&scan.hub, &scan.body).await.expect("an answer").must_be(201);
        }
        let told = "SELECT count(*) AS n FROM outbox WHERE state = 'acknowledged'";
        let store = &app.deps.store;
        wait_until("the provider is told", async || number(store, told).await == 1).await;
        assert_eq!(app.world.escrow.snapshot().effects.get("shipped"), Some(&1));
        app.stop().await;
    }
}
