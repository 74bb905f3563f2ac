//! Standard Webhooks, by secret and by ed25519 key.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::{Value, json};

use super::world::Provider;
use crate::support::http::Response;

impl Provider {
    fn by_key(&self, id: &str, time: &str, body: &str) -> String {
        let text = std::fs::read_to_string(&self.files.webhook_merchant_key).expect("a key");
        let seed = STANDARD.decode(text.trim().strip_prefix("whsk_").expect("a key")).expect("base64");
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
        format!("v1a,{}", STANDARD.encode(pair.sign(format!("{id}.{time}.{body}").as_bytes())))
    }

    async fn webhook(&self, id: &str, time: &str, signature: &str, body: &str) -> Response {
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", time),
            ("webhook-signature", signature),
            ("idempotency-key", id),
            ("content-type", "application/json"),
        ];
        self.send("POST", "/triggers", &headers, body.as_bytes()).await
    }

    async fn webhook_asked(&self, path: &str) -> Response {
        let (id, time) = ("inq_1", Utc::now().timestamp().to_string());
        let signature = self.by_key(id, &time, "");
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        self.send("GET", path, &headers, b"").await
    }

    async fn trigger(&self, id: &str, data: Value) -> Response {
        let (time, body) = (Utc::now().timestamp().to_string(), json!({ "data": data }).to_string());
        self.webhook(id, &time, &self.by_key(id, &time, &body), &body).await
    }
}

fn about(action: &str, amount: &str, parcel: Option<u16>) -> Value {
    json!({
        "action": action, "order": "ord_1", "payment_reference": "TRADE-1", "amount": amount,
        "currency": "CNY", "parcel": parcel,
    })
}

#[actix_web::test]
async fn a_key_signs_as_well_as_a_secret_and_no_byte_can_be_changed() {
    let provider = Provider::plain();
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    let (id, time) = ("trg_1", Utc::now().timestamp().to_string());
    let body = json!({ "data": about("confirm_receipt", "20.00", None) }).to_string();
    let signature = provider.by_key(id, &time, &body);
    for at in 0..body.len() {
        let mut bytes = body.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(provider.webhook(id, &time, &signature, &changed).await.status, 401);
    }
    let later = (Utc::now().timestamp() + 1).to_string();
    let old = (Utc::now().timestamp() - 301).to_string();
    let by_old = provider.by_key(id, &old, &body);
    for (id, time, signature) in [("trg_2", &time, &signature), (id, &later, &signature), (id, &old, &by_old)]
    {
        assert_eq!(provider.webhook(id, time, signature, &body).await.status, 401);
    }
    assert_eq!(provider.moved("TRADE-1").await, (0, 0));
    let list = format!("v1,AAAA v1a,AAAA {signature}");
    provider.webhook(id, &time, &list, &body).await.must_be(200);
    assert_eq!(provider.moved("TRADE-1").await, (2000, 0));
}

#[actix_web::test]
async fn parcels_are_released_one_by_one_and_never_more_than_is_held() {
    let provider = Provider::plain();
    provider.trigger("t0", about("shipped", "20.00", None)).await.must_be(404);
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    provider.trigger("t1", about("confirm_receipt", "12.00", Some(1))).await.must_be(200);
    provider.trigger("t1", about("confirm_receipt", "12.00", Some(1))).await.must_be(200);
    provider.trigger("t1", about("confirm_receipt", "12.01", Some(1))).await.must_be(422);
    provider.trigger("t2", about("confirm_receipt", "12.00", Some(1))).await.must_be(409);
    provider.trigger("t3", about("confirm_receipt", "8.01", Some(2))).await.must_be(422);
    provider.trigger("t4", about("refund", "8.00", Some(2))).await.must_be(200);
    provider.trigger("t5", about("confirm_receipt", "8.00", Some(2))).await.must_be(422);
    assert_eq!(provider.moved("TRADE-1").await, (1200, 800));
    assert_eq!(provider.state.snapshot().double_effects, 1);
}

#[actix_web::test]
async fn a_freeze_stops_a_release_until_it_is_taken_back_and_uses_up_no_key() {
    let provider = Provider::plain();
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    for round in 0..2 {
        provider.trigger(&format!("f{round}"), about("freeze", "20.00", None)).await.must_be(200);
        provider.trigger("c", about("confirm_receipt", "20.00", None)).await.must_be(423);
        assert_eq!(provider.webhook_asked("/triggers/c").await.must_be(404)["state"], "not_there");
        provider.trigger(&format!("t{round}"), about("thaw", "20.00", None)).await.must_be(200);
    }
    provider.trigger("c", about("confirm_receipt", "20.00", None)).await.must_be(200);
    assert_eq!(provider.webhook_asked("/triggers/c").await.must_be(200)["state"], "took_effect");
    for wrong in
        [about("declare", "1.00", None), about("dance", "1.00", None), about("refund", "1.001", None)]
    {
        provider.trigger("w", wrong).await.must_be(400);
    }
}

#[actix_web::test]
async fn a_word_about_freezing_that_was_overtaken_on_its_way_changes_nothing() {
    let provider = Provider::plain();
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    let said = [
        ("f1", "freeze", 2, true),
        ("f2", "freeze", 4, true),
        ("t1", "thaw", 3, true),
        ("t2", "thaw", 5, false),
    ];
    for (id, action, sequence, is_frozen) in said {
        let mut data = about(action, "20.00", None);
        data["sequence"] = json!(sequence);
        provider.trigger(id, data).await.must_be(200);
        let trade = provider.look("/sandbox/trades/TRADE-1").await;
        assert_eq!(trade["trade"]["frozen"], is_frozen, "{id}");
    }
}

#[actix_web::test]
async fn who_signs_may_ask_what_became_of_a_trigger_and_how_a_trade_stands() {
    let provider = Provider::plain();
    let ask = async |path: &str, status: u16| provider.webhook_asked(path).await.must_be(status);
    let trade = "/triggers?payment_reference=TRADE-1";
    assert_eq!(ask(trade, 200).await, json!({ "payment_reference": "TRADE-1", "state": "absent" }));
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    provider.trigger("t1", about("confirm_receipt", "12.00", Some(1))).await.must_be(200);
    provider.trigger("t2", about("confirm_receipt", "12.00", Some(2))).await.must_be(422);
    assert_eq!(ask("/triggers/t1", 200).await, json!({ "id": "t1", "state": "took_effect" }));
    assert_eq!(ask("/triggers/t2", 200).await["state"], "refused");
    assert_eq!(ask("/triggers/t3", 404).await, json!({ "id": "t3", "state": "not_there" }));
    let open = json!({
        "payment_reference": "TRADE-1", "state": "open", "held": { "amount": "20.00", "currency": "CNY" },
        "released": "12.00", "refunded": "0.00", "frozen": false,
    });
    assert_eq!(ask(trade, 200).await, open);
    provider.trigger("t4", about("refund", "8.00", Some(2))).await.must_be(200);
    assert_eq!(ask(trade, 200).await["state"], "released");
    assert_eq!(provider.send("GET", trade, &[], b"").await.status, 401);
    assert_eq!(ask("/triggers", 400).await["error"], "about which trigger or trade");
}
