//! Pickups that come signed instead of with a key.

use sampan::domain::id::MerchantId;
use sampan::flows::authenticate;
use sampan::standard_webhooks::{Secret, sign};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::on_both_databases;
use crate::support::app::{App, spawn_app};
use crate::support::database::Database;
use crate::support::http::{Response, send};
use crate::support::journey::{TWO_PARCELS, pickup};
use crate::support::rows::{change, count, count_all};
use crate::support::steps::problem;

struct Message<'a> {
    merchant: String,
    id: &'a str,
    /// Seconds from now.
    at: i64,
    signed_with: &'a str,
    /// What is sent; what was signed is in `signed`.
    body: Vec<u8>,
    signed: Vec<u8>,
}

impl<'a> Message<'a> {
    fn new(app: &'a App, id: &'a str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        let (merchant, secret) = (app.client.keys.merchant.to_string(), &app.client.keys.webhook_secret);
        Self { merchant, id, at: 0, signed_with: secret, signed: body.clone(), body }
    }

    async fn send(&self, app: &App) -> Response {
        let secret: Secret = self.signed_with.parse().expect("a secret");
        let at = app.deps.clock.wall().timestamp() + self.at;
        let (signature, at) = (sign(&secret, self.id, at, &self.signed), at.to_string());
        let headers = [
            ("sampan-merchant", self.merchant.as_str()),
            ("webhook-id", self.id),
            ("webhook-timestamp", &at),
            ("webhook-signature", &signature),
        ];
        send(app.client.address, "POST", "/v1/pickups", &headers, &self.body).await.expect("an answer")
    }
}

async fn rotate(app: &App) -> String {
    let secret = authenticate::rotate_secret(&app.deps.store, app.client.keys.merchant).await;
    secret.expect("a database that answers").expect("a merchant").expose_secret().to_owned()
}

on_both_databases! {
    async fn a_signature_is_as_good_as_a_key_and_its_id_is_the_idempotency_key(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let first = Message::new(&app, "msg_1", &body).send(&app).await;
        first.must_be(201);
        let again = Message { at: 60, ..Message::new(&app, "msg_1", &body) }.send(&app).await;
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        let other = Message::new(&app, "msg_1", &pickup(TWO_PARCELS)).send(&app).await;
        assert_eq!(problem(&other, 422), "idempotency-key-reused");
        let by_key = app.client.post_pickup(&body, Some("msg_1")).await.expect("an answer");
        assert_eq!(by_key.body, first.body);
        assert_eq!(count(&app.deps.store, "shipment").await, 1);
        app.stop().await;
    }

    async fn two_secrets_are_good_while_they_change_and_a_third_is_not(db: Database) {
        let app = spawn_app(&db, "").await;
        let first = app.client.keys.webhook_secret.clone();
        let second = rotate(&app).await;
        let from = async |id, secret: &str| {
            Message { signed_with: secret, ..Message::new(&app, id, &pickup(TWO_PARCELS)) }.send(&app).await
        };
        from("msg_1", &first).await.must_be(201);
        from("msg_2", &second).await.must_be(201);
        let third = rotate(&app).await;
        assert_eq!(problem(&from("msg_3", &first).await, 401), "bad-signature");
        from("msg_4", &second).await.must_be(201);
        from("msg_5", &third).await.must_be(201);
        let never = Secret::generate().expect("random bytes").to_text();
        assert_eq!(problem(&from("msg_6", &never).await, 401), "bad-signature");
        assert_eq!(count(&app.deps.store, "shipment").await, 4);
        app.stop().await;
    }

    async fn a_message_is_refused_when_it_is_old_or_early_or_was_changed(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        for at in [-360, 360] {
            let refused = Message { at, ..Message::new(&app, "msg_1", &body) }.send(&app).await;
            assert_eq!(problem(&refused, 401), "bad-signature", "{at}");
        }
        let mut changed = body.clone();
        changed["payment"]["amount"] = "0.01".into();
        let signed = body.to_string().into_bytes();
        let refused = Message { signed, ..Message::new(&app, "msg_1", &changed) }.send(&app).await;
        assert_eq!(problem(&refused, 401), "bad-signature");
        assert_eq!(count_all(&app.deps.store).await, 0);
        for (at, id) in [(-240, "msg_2"), (240, "msg_3")] {
            Message { at, ..Message::new(&app, id, &pickup(TWO_PARCELS)) }.send(&app).await.must_be(201);
        }
        app.stop().await;
    }

    async fn nobody_learns_by_a_signature_which_merchants_there_are(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS);
        let wrong = Secret::generate().expect("random bytes").to_text();
        let nobody = MerchantId::from_uuid(uuid::Uuid::now_v7()).to_string();
        for (id, at) in [("msg_1", 0), ("msg_1", -360), ("msg_1", 360), ("msg.1", 0)] {
            let known = Message { at, signed_with: &wrong, ..Message::new(&app, id, &body) };
            let known = known.send(&app).await;
            let unknown = Message { at, merchant: nobody.clone(), ..Message::new(&app, id, &body) };
            let unknown = unknown.send(&app).await;
            assert_eq!(problem(&known, 401), "bad-signature");
            assert_eq!((unknown.status, unknown.text()), (known.status, known.text()), "{id} {at}");
        }
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn a_signature_without_its_other_headers_is_no_signature(db: Database) {
        let app = spawn_app(&db, "").await;
        let body = pickup(TWO_PARCELS).to_string();
        let merchant = app.client.keys.merchant.to_string();
        let signature = ("webhook-signature", "v1,AAAA");
        let post = async |headers: &[(&str, &str)]| {
            send(app.client.address, "POST", "/v1/pickups", headers, body.as_bytes())
                .await
                .expect("an answer")
        };
        assert_eq!(problem(&post(&[signature]).await, 400), "invalid-header");
        assert_eq!(problem(&post(&[signature, ("sampan-merchant", "me")]).await, 400), "invalid-header");
        assert_eq!(problem(&post(&[signature, ("sampan-merchant", &merchant)]).await, 401), "bad-signature");
        assert_eq!(count_all(&app.deps.store).await, 0);
        app.stop().await;
    }

    async fn a_suspended_merchant_is_told_so_only_behind_its_own_signature(db: Database) {
        let app = spawn_app(&db, "").await;
        change(&db, "UPDATE merchant SET verification = 'suspended'").await;
        let body = pickup(TWO_PARCELS);
        assert_eq!(problem(&Message::new(&app, "msg_1", &body).send(&app).await, 403), "suspended");
        let wrong = Secret::generate().expect("random bytes").to_text();
        let forged = Message { signed_with: &wrong, ..Message::new(&app, "msg_1", &body) }.send(&app).await;
        assert_eq!(problem(&forged, 401), "bad-signature");
        app.stop().await;
    }
}
