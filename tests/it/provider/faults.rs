//! What goes wrong on purpose: the effect is there or it is not, and asking tells.

use serde_json::{Value, json};

use super::alipay::{GATEWAY, refund as alipay_refund};
use super::antom::refund as antom_refund;
use super::paypal::{REFUND, cny};
use super::world::{Provider, options};
use crate::support::http;

async fn with_trades() -> Provider {
    let provider = Provider::plain();
    provider.create("alipay", "T1", "100.00", json!({})).await;
    provider.create("antom", "P1", "100.00", json!({})).await;
    provider.create("paypal", "C1", "100.00", json!({})).await;
    provider
}

impl Provider {
    /// The status of an answer; none where the connection was cut.
    async fn alipay_refund_raw(&self, request: &str) -> Option<u16> {
        let body = self.alipay_body("alipay.trade.refund", &alipay_refund(request, "1.00"));
        http::send(self.address, "POST", GATEWAY, &[], body.as_bytes()).await.ok().map(|answer| answer.status)
    }

    async fn antom_refund_raw(&self, request: &str) -> Option<http::Response> {
        let message = self.antom_message("payments/refund", &antom_refund(request, "100"));
        let headers = [
            ("content-type", "application/json"),
            ("client-id", message.client.as_str()),
            ("request-time", message.time.as_str()),
            ("signature", message.signature.as_str()),
        ];
        http::send(self.address, "POST", &message.path, &headers, message.body.as_bytes()).await.ok()
    }
}

#[actix_web::test]
async fn a_lost_answer_is_found_by_asking_and_a_repeat_changes_nothing() {
    let provider = with_trades().await;
    provider.set_faults(json!({ "lose_answers": 1.0 })).await;
    let (mut cut, mut errors) = (0, 0);
    for number in 0..12 {
        let request = format!("R{number}");
        match provider.alipay_refund_raw(&request).await {
            None => cut += 1,
            Some(status) => {
                assert_eq!(status, 500);
                errors += 1;
            }
        }
        let ask = json!({ "trade_no": "T1", "out_request_no": request });
        let found = provider.alipay("alipay.trade.fastpay.refund.query", ask).await;
        assert_eq!(found["refund_status"], "REFUND_SUCCESS");
        let again = provider.alipay("alipay.trade.refund", alipay_refund(&request, "1.00")).await;
        assert_eq!(again["fund_change"], "N");

        let lost = provider.antom_refund_raw(&request).await.map(|answer| answer.status);
        assert!(matches!(lost, None | Some(500)), "{lost:?}");
        let found = provider.antom("payments/inquiryRefund", json!({ "refundRequestId": request })).await;
        assert_eq!(found["refundStatus"], "SUCCESS");
        let again = provider.antom("payments/refund", antom_refund(&request, "100")).await;
        assert_eq!(again["result"]["resultStatus"], "S");
    }
    assert!(cut > 1 && errors > 1, "{cut} {errors}");
    assert_eq!((provider.moved("T1").await, provider.moved("P1").await), ((0, 1200), (0, 1200)));
}

#[actix_web::test]
async fn an_error_comes_before_any_effect_and_asking_finds_nothing() {
    let provider = with_trades().await;
    provider.set_faults(json!({ "errors": 1.0 })).await;
    assert_eq!(provider.alipay_refund_raw("R1").await, Some(503));
    let ask = json!({ "trade_no": "T1", "out_request_no": "R1" });
    let found = provider.alipay("alipay.trade.fastpay.refund.query", ask).await;
    assert_eq!(found.get("refund_status"), None);
    assert_eq!(provider.paypal("POST", REFUND, "K1", cny("1.00")).await.status, 503);
    assert_eq!((provider.moved("T1").await, provider.moved("C1").await), ((0, 0), (0, 0)));
    assert_eq!(provider.alipay_refund_raw("R1").await, Some(200));
    provider.paypal("POST", REFUND, "K1", cny("1.00")).await.must_be(201);
    // Switched off while it runs.
    provider.set_faults(json!({})).await;
    assert_eq!(provider.alipay_refund_raw("R2").await, Some(200));
    assert_eq!(provider.moved("T1").await, (0, 200));
}

#[actix_web::test]
async fn who_is_down_or_refuses_everything_does_so_until_it_is_taken_back() {
    let provider = with_trades().await;
    provider.set_faults(json!({ "down": true })).await;
    for _ in 0..3 {
        assert_eq!(provider.alipay_refund_raw("R1").await, Some(503));
    }
    provider.set_faults(json!({ "refuse_all": true })).await;
    for _ in 0..3 {
        let refused = provider.alipay("alipay.trade.refund", alipay_refund("R1", "1.00")).await;
        assert_eq!(refused["code"], "40004");
        let refused = provider.antom("payments/refund", antom_refund("R1", "100")).await;
        assert_eq!(refused["result"]["resultStatus"], "F");
        assert_eq!(provider.paypal("POST", REFUND, "K1", cny("1.00")).await.status, 400);
    }
    let asked = provider.alipay("alipay.trade.query", json!({ "trade_no": "T1" })).await;
    assert_eq!(asked["code"], "10000", "questions are answered");
    provider.set_faults(json!({})).await;
    assert_eq!((provider.moved("T1").await, provider.moved("P1").await), ((0, 0), (0, 0)));
    assert_eq!(provider.alipay_refund_raw("R1").await, Some(200));
    provider.paypal("POST", REFUND, "K1", cny("1.00")).await.must_be(201);
    assert_eq!(
        provider.antom("payments/refund", antom_refund("R1", "100")).await["result"]["resultStatus"],
        "S"
    );
    assert_eq!((provider.moved("T1").await, provider.moved("P1").await), ((0, 100), (0, 100)));
}

#[actix_web::test]
async fn an_unknown_outcome_is_told_as_the_format_has_it_and_asking_tells_which() {
    let provider = with_trades().await;
    provider.set_faults(json!({ "unknown": 1.0 })).await;
    let (mut there, mut not_there) = (0, 0);
    for number in 0..12 {
        let request = format!("R{number}");
        let told = provider.antom("payments/refund", antom_refund(&request, "100")).await;
        assert_eq!(told["result"]["resultStatus"], "U");
        let found = provider.antom("payments/inquiryRefund", json!({ "refundRequestId": request })).await;
        if found["result"]["resultStatus"] == "S" {
            there += 1
        } else {
            not_there += 1
        }
        let again = provider.antom("payments/refund", antom_refund(&request, "100")).await;
        assert_eq!(again["result"]["resultStatus"], "S");
    }
    assert!(there > 1 && not_there > 1, "{there} {not_there}");
    assert_eq!(provider.moved("P1").await, (0, 1200));
    let told = provider.alipay("alipay.trade.refund", alipay_refund("R1", "1.00")).await;
    assert_eq!((&told["code"], &told["sub_code"]), (&json!("20000"), &json!("isp.unknow-error")));
    let told = provider.paypal("POST", REFUND, "K1", cny("1.00")).await;
    assert_eq!((told.status, &told.json()["name"]), (500, &json!("INTERNAL_SERVER_ERROR")));
}

#[actix_web::test]
async fn asking_is_never_failed_and_the_same_seed_fails_the_same() {
    let fates = async || {
        let mut options = options();
        options.shares.errors = 0.5;
        let provider = Provider::start(options);
        provider.create("alipay", "T1", "100.00", json!({})).await;
        let mut fates = Vec::new();
        for number in 0..16 {
            fates.push(provider.alipay_refund_raw(&format!("R{number}")).await);
            let asked = provider.alipay("alipay.trade.query", json!({ "trade_no": "T1" })).await;
            assert_eq!(asked["code"], "10000");
        }
        fates
    };
    let first = fates().await;
    assert_eq!(first, fates().await);
    assert!(first.contains(&Some(503)) && first.contains(&Some(200)), "{first:?}");
}

#[actix_web::test]
async fn a_slow_answer_comes_no_sooner_than_it_is_told() {
    let provider = with_trades().await;
    provider.set_faults(json!({ "slow_ms": 60 })).await;
    let begun = std::time::Instant::now();
    assert_eq!(provider.alipay_refund_raw("R1").await, Some(200));
    assert!(begun.elapsed().as_millis() >= 60);
    for wrong in [json!({ "errors": 2.0 }), json!({ "error": 0.5 }), Value::Null] {
        provider.control("/sandbox/faults", &wrong).await.must_be(422);
    }
    assert_eq!(provider.look("/sandbox/faults").await["slow_ms"], 60);
}
