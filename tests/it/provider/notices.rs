//! What the provider says by itself, to a daemon that does not listen at first.

use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sampan::config::defaults_with;
use sampan::outbound::Outbound;
use sampan::sandbox::escrow::Notify;
use serde_json::{Value, json};

use super::alipay::refund;
use super::world::{Provider, assert_signed, options, urldecoded};
use crate::support::stub::{Asked, Reply, Stub};
use crate::support::wait::wait_for;

/// A daemon that answers wrongly twice, and rightly then.
async fn daemon(right: &'static str) -> Stub {
    Stub::start(move |_, before| match before.len() {
        0 => Reply::Status(500, b"success".to_vec()),
        1 => Reply::Status(200, b"\"success\"".to_vec()),
        _ => Reply::Status(200, right.as_bytes().to_vec()),
    })
    .await
}

fn provider(daemon: &Stub) -> Provider {
    let settings = defaults_with("[outbound]\nallow_private_addresses = true").expect("settings");
    let outbound = Outbound::new(&settings.outbound).expect("a client");
    let url = format!("http://{}/v1/escrow/{{provider}}/notices", daemon.address);
    let notify = Notify { url, first_wait: Duration::from_millis(1), outbound };
    Provider::start(sampan::sandbox::escrow::ProviderOptions { notify: Some(notify), ..options() })
}

impl Provider {
    /// What came in the end, after the notice was acknowledged at the `tries`th time.
    async fn notified(&self, daemon: &Stub, reference: &str, tries: usize) -> Vec<Asked> {
        self.control(&format!("/sandbox/notify/{reference}"), &json!({})).await.must_be(202);
        wait_for("the notice is acknowledged", async || {
            let list = self.look("/sandbox/notifications").await;
            if list[0]["acknowledged"] == json!(true) { Ok(()) } else { Err(list.to_string()) }
        })
        .await;
        let list = self.look("/sandbox/notifications").await;
        assert_eq!(list[0]["tries"].as_array().map(Vec::len), Some(tries), "{list}");
        daemon.asked()
    }
}

fn fields(asked: &Asked) -> Vec<(String, String)> {
    let body = String::from_utf8(asked.body.clone()).expect("ASCII");
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (urldecoded(name), urldecoded(value))).collect()
}

#[actix_web::test]
async fn alipay_sends_until_it_hears_success_under_the_same_id() {
    let daemon = daemon("success").await;
    let provider = provider(&daemon);
    provider.create("alipay", "T1", "100.00", json!({ "also": "SHOP-1" })).await;
    provider.alipay("alipay.trade.refund", refund("R1", "30.00")).await;
    let asked = provider.notified(&daemon, "T1", 3).await;
    let mut ids = Vec::new();
    for one in &asked {
        assert_eq!(one.path, "/v1/escrow/alipay/notices");
        let mut fields = fields(one);
        let value = |name: &str| {
            fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).expect("a field")
        };
        assert_eq!(
            (value("trade_no"), value("total_amount"), value("refund_fee")),
            ("T1".into(), "100.00".into(), "30.00".into())
        );
        ids.push(value("notify_id"));
        let sign = value("sign");
        fields.retain(|(name, value)| name != "sign" && name != "sign_type" && !value.is_empty());
        fields.sort();
        let signed: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_signed(&provider.files.alipay_provider_public, signed.join("&").as_bytes(), &sign);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[actix_web::test]
async fn antom_sends_until_it_hears_its_result() {
    let daemon =
        daemon(r#"{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}"#).await;
    let provider = provider(&daemon);
    provider.create("antom", "P1", "100.00", json!({})).await;
    provider.antom("payments/refund", super::antom::refund("R1", "2500")).await;
    for one in provider.notified(&daemon, "P1", 3).await {
        let body = String::from_utf8(one.body.clone()).expect("UTF-8");
        let content =
            format!("POST {}\n{}.{}.{body}", one.path, one.header("client-id"), one.header("request-time"));
        let (_, signature) = one.header("signature").split_once("signature=").expect("a signature");
        assert_signed(&provider.files.antom_provider_public, content.as_bytes(), &urldecoded(signature));
        let said = one.json();
        assert_eq!((&said["notifyType"], &said["refundRequestId"]), (&json!("REFUND_RESULT"), &json!("R1")));
    }
}

#[actix_web::test]
async fn paypal_signs_a_checksum_and_says_whether_a_notice_is_its_own() {
    let daemon = daemon("").await;
    let provider = provider(&daemon);
    provider.create("paypal", "C1", "100.00", json!({})).await;
    // Any 2xx is good enough: the second one was.
    let asked = provider.notified(&daemon, "C1", 2).await;
    let (one, event) = (&asked[1], asked[1].json());
    assert_eq!(event["event_type"], "PAYMENT.CAPTURE.COMPLETED");
    let notice = json!({
        "transmission_id": one.header("paypal-transmission-id"),
        "transmission_time": one.header("paypal-transmission-time"),
        "transmission_sig": one.header("paypal-transmission-sig"),
        "auth_algo": one.header("paypal-auth-algo"),
        "cert_url": "https://example.com",
        "webhook_id": "SAMPANSANDBOX0001",
        "webhook_event": event,
    });
    let verified = async |notice: &Value| {
        let path = "/v1/notifications/verify-webhook-signature";
        provider.paypal("POST", path, "", notice.clone()).await.must_be(200)["verification_status"].clone()
    };
    assert_eq!(verified(&notice).await, "SUCCESS");
    for name in [
        "transmission_id",
        "transmission_time",
        "transmission_sig",
        "auth_algo",
        "webhook_id",
        "webhook_event",
    ] {
        let mut changed = notice.clone();
        changed[name] = json!("other");
        assert_eq!(verified(&changed).await, "FAILURE", "{name}");
    }
}

#[actix_web::test]
async fn a_webhook_is_signed_by_the_providers_key() {
    let daemon = daemon("").await;
    let provider = provider(&daemon);
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    provider.control("/sandbox/trades/TRADE-1/release", &json!({})).await.must_be(200);
    for one in provider.notified(&daemon, "TRADE-1", 2).await {
        let text = std::fs::read_to_string(&provider.files.webhook_provider_public).expect("a key");
        let key = STANDARD.decode(text.trim().strip_prefix("whpk_").expect("a key")).expect("base64");
        let body = String::from_utf8(one.body.clone()).expect("UTF-8");
        let message = format!("{}.{}.{body}", one.header("webhook-id"), one.header("webhook-timestamp"));
        let signature = one.header("webhook-signature").strip_prefix("v1a,").expect("by key");
        let signature = STANDARD.decode(signature).expect("base64");
        UnparsedPublicKey::new(&ED25519, key).verify(message.as_bytes(), &signature).expect("the provider's");
        assert_eq!(one.json()["type"], "escrow.trade_changed");
        assert_eq!(one.json()["data"]["payment_reference"], "TRADE-1");
    }
}

#[actix_web::test]
async fn nobody_is_notified_where_no_address_was_given() {
    let provider = Provider::plain();
    provider.create("webhook", "TRADE-1", "20.00", json!({})).await;
    assert_eq!(provider.control("/sandbox/notify/TRADE-1", &json!({})).await.status, 409);
    assert_eq!(provider.control("/sandbox/notify/TRADE-9", &json!({})).await.status, 404);
}
