//! A pickup request: what it becomes, and once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::app::{App, Keys, spawn_app, spawn_beside};
use crate::support::database::Database;
use crate::support::http::{Client, Response};
use crate::support::journey::{TWO_PARCELS, long_ago, pickup};
use crate::support::rows::{count, count_all};
use crate::support::steps::{problem, stranger, text};
use crate::support::world::{Troubles, World};

async fn post(app: &App, body: &Value, key: Option<&str>) -> Response {
    app.client.post_pickup(body, key).await.expect("an answer")
}

/// Enough for two to meet between the look and the insert, where a database lets them.
const ROUNDS: i64 = 6;

async fn one_of_them_is_accepted(app: &App, bodies: &[Value], problem_of_the_others: &str) {
    let answers = join_all(bodies.iter().map(|body| post(app, body, None))).await;
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((accepted.len(), refused.len()), (1, bodies.len() - 1));
    let id = &accepted[0].json()["id"];
    for answer in refused {
        assert_eq!(problem(answer, 409), problem_of_the_others);
        assert_eq!(&answer.json()["shipment"], id);
    }
}

on_both_databases! {
    async fn an_accepted_pickup_says_where_to_follow_it_and_which_way_it_goes(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let answer = post(&app, &body, None).await.must_be(201);
        let token = text(&answer["tracking_token"]);
        assert!(text(&answer["id"]).starts_with("shp_"));
        assert_eq!((token.len(), &answer["status"]), (22, &json!("accepted")));
        assert_eq!(answer["tracking_url"], json!(format!("http://sampan.test/track/{token}")));
        assert_eq!((&answer["reference"], &answer["service"]), (&body["reference"], &body["service"]));
        let digits = text(&answer["id"]).trim_start_matches("shp_");
        for (number, parcel) in (1..).zip(answer["parcels"].as_array().expect("parcels")) {
            assert_eq!(parcel["id"], json!(format!("pcl_{digits}-{number}")));
            assert_eq!(parcel["status"], "accepted");
        }
        assert_eq!(answer["parcels"].as_array().map(Vec::len), Some(2));
        assert!(!text(&answer["plan"]["reason"]).is_empty());
        let legs = answer["plan"]["legs"].as_array().expect("legs");
        assert_eq!(legs.first().map(|leg| &leg["kind"]), Some(&json!("first_mile")));
        assert_eq!(legs.last().map(|leg| &leg["kind"]), Some(&json!("last_mile")));
        assert!(text(&answer["plan"]["arrive_at"]) <= text(&answer["plan"]["promised_by"]));
        let estimate = &answer["estimated_delivery"];
        assert!(text(&estimate["earliest"]) <= text(&estimate["latest"]));
        app.stop().await;
    }

    async fn the_same_key_and_body_get_the_same_bytes_and_one_shipment(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let first = post(&app, &body, Some("key-1")).await;
        first.must_be(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        let rows = count_all(&app.deps.store).await;
        for _ in 0..3 {
            let again = post(&app, &body, Some("key-1")).await;
            assert_eq!((again.status, &again.body), (201, &first.body));
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.header("content-type"), Some("application/json"));
        }
        assert_eq!((count(&app.deps.store, "shipment").await, count_all(&app.deps.store).await), (1, rows));
        app.stop().await;
    }

    async fn a_key_stands_for_one_body_of_one_merchant(db: Database) {
        let app = spawn_app(&db, "").await;
        let (one, other) = (pickup(TWO_PARCELS), pickup(TWO_PARCELS));
        post(&app, &one, Some("key-1")).await.must_be(201);
        assert_eq!(problem(&post(&app, &other, Some("key-1")).await, 422), "idempotency-key-reused");
        let rival = stranger(&app).await;
        rival.post_pickup(&other, Some("key-1")).await.expect("an answer").must_be(201);
        let long = "k".repeat(256);
        for bad in ["", long.as_str()] {
            assert_eq!(problem(&post(&app, &other, Some(bad)).await, 400), "invalid-header");
        }
        assert_eq!(count(&app.deps.store, "shipment").await, 2);
        app.stop().await;
    }

    async fn a_refusal_leaves_its_key_free_for_the_corrected_body(db: Database) {
        let app = spawn_app(&db, "").await;
        let (good, mut bad) = (pickup(TWO_PARCELS), pickup(TWO_PARCELS));
        bad["service"] = json!("fast");
        assert_eq!(problem(&post(&app, &bad, Some("key-1")).await, 422), "invalid-fields");
        post(&app, &good, Some("key-1")).await.must_be(201);
        app.stop().await;
    }

    async fn a_key_that_is_at_work_is_told_so(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let flight = app.deps.in_flight.begin(app.client.keys.merchant, "key-1").expect("a free key");
        let refused = post(&app, &body, Some("key-1")).await;
        assert_eq!(problem(&refused, 409), "idempotency-key-in-flight");
        assert_eq!(refused.header("retry-after"), Some("1"));
        post(&app, &pickup(TWO_PARCELS), Some("key-2")).await.must_be(201);
        drop(flight);
        post(&app, &body, Some("key-1")).await.must_be(201);
        app.stop().await;
    }

    async fn a_reference_and_a_payment_are_one_shipment_each(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let first = post(&app, &body, None).await.must_be(201);
        let rows = count_all(&app.deps.store).await;
        let again = post(&app, &body, None).await;
        assert_eq!(problem(&again, 409), "reference-taken");
        assert_eq!(again.json()["shipment"], first["id"]);
        let mut same_payment = pickup(TWO_PARCELS);
        same_payment["payment"]["reference"] = body["payment"]["reference"].clone();
        let refused = post(&app, &same_payment, Some("key-1")).await;
        assert_eq!(problem(&refused, 409), "payment-taken");
        assert_eq!(refused.json()["shipment"], first["id"]);
        assert_eq!(count_all(&app.deps.store).await, rows, "a refused request leaves nothing");
        let rival = stranger(&app).await;
        let contested = rival.post_pickup(&body, None).await.expect("an answer").must_be(201);
        let hub = contested["plan"]["legs"][0]["to"].as_str().expect("a hub");
        for parcel in contested["parcels"].as_array().expect("parcels") {
            let scan = json!({"parcel": parcel["id"], "kind": "received", "occurred_at": long_ago().to_rfc3339()});
            app.client.scan(hub, &scan).await.expect("an answer").must_be(201);
        }
        let path = format!("/v1/shipments/{}", contested["id"].as_str().expect("an id"));
        let escrow = rival.get(&path).await.expect("an answer").must_be(200)["escrow"].clone();
        assert_eq!(escrow["state"], "frozen", "what it proves, it proves for nobody's payment");
        assert_eq!(escrow["triggers"], json!([]));
        app.stop().await;
    }

    async fn fifty_at_once_under_one_reference_are_one_shipment(db: Database) {
        let app = spawn_app(&db, "").await;
        for round in 1..=ROUNDS {
            let body = pickup(TWO_PARCELS);
            let bodies: Vec<_> = (0..50).map(|_| body.clone()).collect();
            one_of_them_is_accepted(&app, &bodies, "reference-taken").await;
            assert_eq!(count(&app.deps.store, "shipment").await, round);
        }
        app.stop().await;
    }

    async fn fifty_at_once_for_one_payment_are_one_shipment(db: Database) {
        let app = spawn_app(&db, "").await;
        for round in 1..=ROUNDS {
            let payment = pickup(TWO_PARCELS)["payment"].clone();
            let mut bodies: Vec<_> = (0..50).map(|_| pickup(TWO_PARCELS)).collect();
            bodies.iter_mut().for_each(|body| body["payment"] = payment.clone());
            one_of_them_is_accepted(&app, &bodies, "payment-taken").await;
            assert_eq!(count(&app.deps.store, "shipment").await, round);
        }
        app.stop().await;
    }

    async fn a_hundred_different_ones_at_once_are_all_accepted(db: Database) {
        let app = spawn_app(&db, "").await;
        let bodies: Vec<_> = (0..100).map(pickup).collect();
        let answers = join_all(bodies.iter().map(|body| post(&app, body, None))).await;
        let mut ids: Vec<_> =
            answers.iter().map(|answer| text(&answer.must_be(201)["id"]).to_owned()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), count(&app.deps.store, "shipment").await), (100, 100));
        app.stop().await;
    }

    async fn where_no_way_leads_the_reason_is_given(db: Database) {
        let app = spawn_app(&db, "").await;
        let mut brazil = pickup(TWO_PARCELS);
        brazil["pickup"]["address"] = json!({"country": "BR", "city": "São Paulo", "lines": ["Rua 1"],
            "location": {"lat": -23.55, "lon": -46.63}});
        let mut whale = pickup(TWO_PARCELS);
        let parcel = |number: usize| {
            let mut parcel = whale["parcels"][0].clone();
            parcel["reference"] = json!(format!("P-{number}"));
            parcel["weight_grams"] = json!(1_000_000);
            parcel
        };
        whale["parcels"] = (0..100).map(parcel).collect();
        for body in [brazil, whale] {
            let refused = post(&app, &body, None).await;
            assert_eq!(problem(&refused, 422), "no-route");
            assert!(!text(&refused.json()["detail"]).is_empty());
        }
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn without_a_network_a_pickup_is_put_off(db: Database) {
        let store = db.store().await;
        let (country, currency) = ("US".parse().expect("a country"), "USD".parse().expect("a currency"));
        let now = sampan::clock::Clock::real().now();
        let merchant =
            sampan::flows::authenticate::create_merchant(&store, "Shop".to_owned(), country, currency, now)
                .await;
        let merchant = merchant.expect("a merchant");
        store.close().await;
        let secret = |text: &secrecy::SecretString| secrecy::ExposeSecret::expose_secret(text).to_owned();
        let (api_key, webhook_secret) = (secret(&merchant.api_key), secret(&merchant.webhook_secret));
        let keys = Keys { merchant: merchant.id, api_key, webhook_secret, hubs: Default::default() };
        let world = std::sync::Arc::new(World::start(Troubles::default()));
        let app = spawn_beside(&db, world, keys, "").await;
        let put_off = post(&app, &pickup(TWO_PARCELS), Some("key-1")).await;
        assert_eq!(problem(&put_off, 503), "unavailable");
        assert_eq!(put_off.header("retry-after"), Some("1"));
        assert!(text(&put_off.json()["detail"]).contains("no hubs and lanes"));
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn who_may_not_ask_is_told_why(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let with_key = |key: &str| {
            let mut client: Client = app.client.clone();
            client.keys.api_key = key.to_owned();
            client
        };
        let unknown = with_key("smk_0000000000000000").post_pickup(&body, None).await.expect("an answer");
        assert_eq!(problem(&unknown, 401), "unknown-key");
        assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
        let hubs = app.client.keys.hubs.values().next().expect("a hub's key");
        let of_a_hub = with_key(hubs).post_pickup(&body, None).await.expect("an answer");
        assert_eq!(problem(&of_a_hub, 401), "unknown-key");
        let address = app.client.address;
        let bare =
            crate::support::http::send(address, "POST", "/v1/pickups", &[], body.to_string().as_bytes())
                .await;
        assert_eq!(problem(&bare.expect("an answer"), 401), "unauthenticated");
        crate::support::rows::change(&db, "UPDATE merchant SET verification = 'suspended'").await;
        assert_eq!(problem(&post(&app, &body, None).await, 403), "suspended");
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }
}
