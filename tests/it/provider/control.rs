//! Making trades, looking at them, and the provider's own deadline.

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::antom::settlement;
use super::world::{Provider, options};

#[actix_web::test]
async fn trades_are_made_once_and_shown_by_any_of_their_names() {
    let provider = Provider::plain();
    let made = provider.create("antom", "P1", "100.00", json!({ "also": "SHOP-1" })).await;
    assert_eq!(made["held"], json!({ "amount": "100.00", "currency": "CNY" }));
    for name in ["P1", "SHOP-1"] {
        assert_eq!(provider.look(&format!("/sandbox/trades/{name}")).await["trade"], made);
    }
    let body = |change: serde_json::Value| {
        let mut body =
            json!({ "format": "antom", "payment_reference": "P2", "amount": "1.00", "currency": "CNY" });
        body.as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        body
    };
    let cases = [
        (json!({ "payment_reference": "P1" }), 409),
        (json!({ "also": "SHOP-1" }), 409),
        (json!({ "amount": "0.00" }), 422),
        (json!({ "amount": "1.001" }), 422),
        (json!({ "currency": "XXX" }), 422),
        (json!({ "format": "stripe" }), 422),
        (json!({ "colour": "red" }), 422),
    ];
    for (change, status) in cases {
        provider.control("/sandbox/trades", &body(change)).await.must_be(status);
    }
    assert_eq!(provider.look("/sandbox/trades").await.as_array().map(Vec::len), Some(1));
    assert_eq!(provider.send("GET", "/sandbox/trades/P9", &[], b"").await.status, 404);
    assert_eq!(provider.control("/sandbox/trades/P1/dance", &json!({})).await.status, 404);
    assert_eq!(provider.send("GET", "/elsewhere", &[], b"").await.status, 404);

    provider.create("alipay", "P1", "7.00", json!({})).await;
    assert_eq!(provider.send("GET", "/sandbox/trades/P1", &[], b"").await.status, 409);
    let one = provider.look("/sandbox/trades/P1?format=alipay").await;
    assert_eq!(one["trade"]["held"]["amount"], "7.00");
}

#[actix_web::test]
async fn the_deadline_releases_by_itself_and_a_command_comes_too_late() {
    let provider = Provider::plain();
    let past = Utc::now() - TimeDelta::seconds(1);
    provider.create("antom", "P1", "100.00", json!({ "release_deadline_at": past })).await;
    let late = provider.antom("payments/settle", settlement("R1", "1", "1")).await;
    assert_eq!(late["result"]["resultCode"], "ORDER_STATUS_INVALID");
    let shown = provider.look("/sandbox/trades/P1").await;
    assert_eq!(shown["trade"]["released_minor"], 10_000);
    assert!(shown["trade"]["released_by_itself_at"].is_string());

    provider.create("antom", "P2", "100.00", json!({})).await;
    let released = provider.control("/sandbox/trades/P2/release", &json!({})).await.must_be(200);
    assert_eq!(released["released_minor"], 10_000);
    assert_eq!(provider.control("/sandbox/trades/P2/release", &json!({})).await.status, 409);
}

#[actix_web::test]
async fn each_trade_gets_the_deadline_that_was_set_for_all() {
    let mut options = options();
    options.rules.release_after = Some(TimeDelta::zero());
    let provider = Provider::start(options);
    let made = provider.create("paypal", "C1", "100.00", json!({})).await;
    assert_eq!(made["released_minor"], 0);
    assert_eq!(provider.moved("C1").await, (10_000, 0));
}
