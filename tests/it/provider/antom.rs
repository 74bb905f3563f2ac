//! Antom: signatures of requests and of answers, and results that say S, F or U.

use chrono::Utc;
use serde_json::{Value, json};

use super::world::{Provider, assert_signed, sign, urldecoded, urlencoded};
use crate::support::http::Response;

pub struct Message {
    pub path: String,
    pub client: String,
    pub time: String,
    pub body: String,
    pub signature: String,
}

impl Provider {
    pub fn antom_message(&self, endpoint: &str, body: &Value) -> Message {
        let (path, client) = (format!("/ams/api/v1/{endpoint}"), "SANDBOX_SAMPAN".to_owned());
        let (time, body) = (Utc::now().timestamp_millis().to_string(), body.to_string());
        let message = Message { path, client, time, body, signature: String::new() };
        self.antom_signed(message)
    }

    fn antom_signed(&self, message: Message) -> Message {
        let Message { path, client, time, body, .. } = &message;
        let content = format!("POST {path}\n{client}.{time}.{body}");
        let signature = urlencoded(&sign(&self.files.antom_merchant_key, content.as_bytes()));
        Message { signature: format!("algorithm=RSA256,keyVersion=1,signature={signature}"), ..message }
    }

    pub async fn antom_send(&self, message: &Message) -> Response {
        let headers = [
            ("content-type", "application/json; charset=UTF-8"),
            ("client-id", message.client.as_str()),
            ("request-time", message.time.as_str()),
            ("signature", message.signature.as_str()),
        ];
        self.send("POST", &message.path, &headers, message.body.as_bytes()).await
    }

    /// The body of an answer that has to be signed.
    #[track_caller]
    fn antom_checked(&self, path: &str, answer: &Response) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        let (_, signature) = header("signature")
            .split_once(",signature=")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("a signature");
        let content =
            format!("POST {path}\n{}.{}.{}", header("client-id"), header("response-time"), answer.text());
        assert_signed(&self.files.antom_provider_public, content.as_bytes(), &urldecoded(&signature));
        answer.json()
    }

    pub async fn antom(&self, endpoint: &str, body: Value) -> Value {
        let message = self.antom_message(endpoint, &body);
        let answer = self.antom_send(&message).await;
        self.antom_checked(&message.path, &answer)
    }

    async fn antom_result(&self, endpoint: &str, body: Value) -> String {
        let answer = self.antom(endpoint, body).await;
        let word = |name: &str| answer["result"][name].as_str().expect("a result").to_owned();
        format!("{} {}", word("resultStatus"), word("resultCode"))
    }
}

fn cny(value: &str) -> Value {
    json!({ "currency": "CNY", "value": value })
}

pub fn settlement(request: &str, seller: &str, marketplace: &str) -> Value {
    json!({
        "settlementRequestId": request, "paymentId": "P1",
        "settlementDetails": [
            { "settleTo": "SELLER", "settlementAmount": cny(seller) },
            { "settleTo": "MARKETPLACE", "settlementAmount": cny(marketplace) },
        ],
    })
}

pub fn refund(request: &str, value: &str) -> Value {
    json!({ "refundRequestId": request, "paymentId": "P1", "refundAmount": cny(value) })
}

const SETTLE: &str = "payments/settle";
const REFUND: &str = "payments/refund";

async fn with_payment() -> Provider {
    let provider = Provider::plain();
    provider.create("antom", "P1", "100.00", json!({ "also": "SHOP-1" })).await;
    provider
}

#[actix_web::test]
async fn a_settlement_is_split_and_answered_the_same_for_ever() {
    let provider = with_payment().await;
    let first = provider.antom(SETTLE, settlement("R1", "5000", "1000")).await;
    assert_eq!(
        first["result"],
        json!({ "resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success" })
    );
    assert_eq!(provider.antom(SETTLE, settlement("R1", "5000", "1000")).await, first);
    assert_eq!(provider.moved("P1").await, (6000, 0));
    assert_eq!(
        provider.antom_result(SETTLE, settlement("R1", "5000", "1001")).await,
        "F REPEAT_REQ_INCONSISTENT"
    );
    assert_eq!(provider.antom_result(SETTLE, settlement("R2", "4000", "1")).await, "F PROCESS_FAIL");
    // The sandbox's path is as good, and signed over itself.
    let mut message = provider.antom_message(SETTLE, &settlement("R3", "3999", "1"));
    message.path = "/ams/sandbox/api/v1/payments/settle".to_owned();
    let message = provider.antom_signed(message);
    let answer = provider.antom_send(&message).await;
    assert_eq!(provider.antom_checked(&message.path, &answer)["result"]["resultStatus"], "S");
    assert_eq!(provider.antom_result(SETTLE, settlement("R4", "1", "1")).await, "F ORDER_STATUS_INVALID");
    assert_eq!(provider.moved("P1").await, (10_000, 0));
}

#[actix_web::test]
async fn a_refusal_is_final_under_its_id() {
    let provider = Provider::plain();
    assert_eq!(provider.antom_result(REFUND, refund("R1", "100")).await, "F ORDER_NOT_EXIST");
    provider.create("antom", "P1", "100.00", json!({})).await;
    assert_eq!(provider.antom_result(REFUND, refund("R1", "100")).await, "F ORDER_NOT_EXIST");
    assert_eq!(provider.antom_result(REFUND, refund("R2", "100")).await, "S SUCCESS");
    assert_eq!(provider.moved("P1").await, (0, 100));
}

#[actix_web::test]
async fn refunds_and_payments_can_be_asked_about() {
    let provider = with_payment().await;
    let made = provider.antom(REFUND, refund("R1", "2500")).await;
    assert_eq!(provider.antom_result(REFUND, refund("R2", "7501")).await, "F REFUND_AMOUNT_EXCEED");
    for ask in [json!({ "refundRequestId": "R1" }), json!({ "refundId": made["refundId"] })] {
        let found = provider.antom("payments/inquiryRefund", ask).await;
        assert_eq!((&found["refundStatus"], &found["refundAmount"]), (&json!("SUCCESS"), &cny("2500")));
        assert_eq!(found["refundRequestId"], "R1");
    }
    let failed = provider.antom("payments/inquiryRefund", json!({ "refundRequestId": "R2" })).await;
    assert_eq!((&failed["result"]["resultStatus"], &failed["refundStatus"]), (&json!("S"), &json!("FAIL")));
    let absent = provider.antom_result("payments/inquiryRefund", json!({ "refundRequestId": "R9" })).await;
    assert_eq!(absent, "F REFUND_NOT_EXIST");
    for ask in [json!({ "paymentId": "P1" }), json!({ "paymentRequestId": "SHOP-1" })] {
        let payment = provider.antom("payments/inquiryPayment", ask).await;
        assert_eq!(
            (&payment["paymentStatus"], &payment["paymentAmount"]),
            (&json!("SUCCESS"), &cny("10000"))
        );
        assert_eq!(payment["transactions"][0]["transactionRequestId"], "R1");
        assert_eq!(payment["transactions"].as_array().map(Vec::len), Some(1));
    }
    let absent = provider.antom_result("payments/inquiryPayment", json!({ "paymentId": "P9" })).await;
    assert_eq!(absent, "F ORDER_NOT_EXIST");
}

#[actix_web::test]
async fn nothing_is_settled_before_its_time_or_in_a_dispute() {
    let provider = Provider::plain();
    let later = json!({ "earliest_release_at": Utc::now() + chrono::TimeDelta::days(1) });
    provider.create("antom", "P1", "100.00", later).await;
    assert_eq!(provider.antom_result(SETTLE, settlement("R1", "1", "1")).await, "F ORDER_STATUS_INVALID");
    provider.create("antom", "P2", "100.00", json!({})).await;
    provider.control("/sandbox/trades/P2/freeze", &json!({})).await.must_be(200);
    let mut frozen = settlement("R2", "1", "1");
    frozen["paymentId"] = json!("P2");
    assert_eq!(provider.antom_result(SETTLE, frozen).await, "F ORDER_STATUS_INVALID");
}

#[actix_web::test]
async fn no_byte_of_what_is_signed_can_be_changed() {
    let provider = with_payment().await;
    let message = || provider.antom_message(SETTLE, &settlement("R1", "5000", "1000"));
    let good = message();
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        String::from_utf8(bytes).expect("ASCII")
    };
    let mut changed = Vec::new();
    for at in (0..good.body.len()).step_by(11) {
        changed.push(Message { body: flipped(&good.body, at), ..message() });
    }
    for at in 0..good.time.len() {
        changed.push(Message {
            time: flipped(&good.time, at),
            signature: good.signature.clone(),
            ..message()
        });
    }
    for at in (0..good.signature.len()).step_by(17) {
        changed.push(Message { signature: flipped(&good.signature, at), ..message() });
    }
    changed.push(Message { client: flipped(&good.client, 3), ..message() });
    changed.push(Message { path: "/ams/api/v1/payments/refund".to_owned(), ..message() });
    changed.push(Message { signature: String::new(), ..message() });
    for message in changed {
        let answer = provider.antom_send(&message).await;
        let result = provider.antom_checked(&message.path, &answer)["result"].clone();
        let what = format!("{} {} {}", message.time, message.signature, message.body);
        assert_eq!(result["resultStatus"], "F", "{what}");
        let code = result["resultCode"].as_str().expect("a code");
        assert!(["INVALID_SIGNATURE", "INVALID_CLIENT", "PARAM_ILLEGAL"].contains(&code), "{code} {what}");
    }
    assert_eq!(provider.moved("P1").await, (0, 0));
    assert_eq!(provider.antom_send(&good).await.json()["result"]["resultStatus"], "S");
}

#[actix_web::test]
async fn what_cannot_be_meant_is_refused() {
    let provider = with_payment().await;
    let mut as_number = settlement("R1", "1", "1");
    as_number["settlementDetails"][0]["settlementAmount"]["value"] = json!(1);
    let mut to_nobody = settlement("R1", "1", "1");
    to_nobody["settlementDetails"][0]["settleTo"] = json!("BUYER");
    let mut two_currencies = settlement("R1", "1", "1");
    two_currencies["settlementDetails"][0]["settlementAmount"]["currency"] = json!("USD");
    let long = settlement(&"R".repeat(65), "1", "1");
    let decimal = settlement("R1", "1.00", "1");
    let zero = settlement("R1", "0", "1");
    for body in [as_number, to_nobody, two_currencies, long, decimal, zero, json!({}), json!([])] {
        assert_eq!(provider.antom_result(SETTLE, body).await, "F PARAM_ILLEGAL");
    }
    assert_eq!(provider.antom_result("payments/pay", json!({})).await, "F NO_INTERFACE_DEF");
    let mut dollars = refund("R1", "1");
    dollars["refundAmount"]["currency"] = json!("USD");
    assert_eq!(provider.antom_result(REFUND, dollars).await, "F CURRENCY_NOT_SUPPORT");
    let mut old = provider.antom_message(SETTLE, &settlement("R1", "1", "1"));
    old.time = (Utc::now() - chrono::TimeDelta::minutes(6)).timestamp_millis().to_string();
    let old = provider.antom_signed(old);
    let answer = provider.antom_send(&old).await;
    assert_eq!(provider.antom_checked(&old.path, &answer)["result"]["resultCode"], "PARAM_ILLEGAL");
    assert_eq!(provider.moved("P1").await, (0, 0));
}

#[actix_web::test]
async fn a_payment_is_declared_and_its_declaration_found() {
    let provider = with_payment().await;
    let declaration = |request: &str, value: &str| {
        json!({
            "declarationRequestId": request, "paymentId": "P1", "declarationAmount": cny(value),
            "customs": { "region": "CN", "customsCode": "ZONGSHU" },
            "merchantCustomsInfo": { "merchantCustomsCode": "330296T004", "merchantCustomsName": "Harbour Goods" },
            "splitOrder": "true", "suborderId": "PARCEL-1",
            "buyerCertificate": { "certificateType": "ID_CARD", "certificateNo": "11010119900307123X" },
        })
    };
    let first = provider.antom("customs/declare", declaration("D1", "4000")).await;
    assert_eq!(
        (&first["identityCheckResult"], &first["customsOrderId"]),
        (&json!("CHECK_PASSED"), &json!("PARCEL-1"))
    );
    assert_eq!(provider.antom("customs/declare", declaration("D1", "4000")).await, first);
    assert_eq!(provider.antom_result("customs/declare", declaration("D2", "6001")).await, "F PROCESS_FAIL");
    let long = declaration(&"D".repeat(33), "1");
    let mut as_libraries = declaration("D5", "1");
    let order = as_libraries["suborderId"].take();
    as_libraries["subOrderId"] = order;
    assert_eq!(provider.antom_result("customs/declare", as_libraries).await, "S SUCCESS");
    let mut whole = declaration("D3", "1");
    whole["suborderId"] = json!("");
    let mut dollars = declaration("D4", "1");
    dollars["declarationAmount"]["currency"] = json!("USD");
    for body in [long, whole, dollars] {
        assert_eq!(provider.antom_result("customs/declare", body).await, "F PARAM_ILLEGAL");
    }
    let ids = json!({ "declarationRequestIds": ["D1", "D2", "D9"] });
    let found = provider.antom("customs/inquiryDeclarationRequests", ids).await;
    assert_eq!(found["declarationRecords"][0]["declarationRequestId"], "D1");
    assert_eq!(found["declarationRecords"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["declarationRequestsNotFound"], json!(["D2", "D9"]));
    let many: Vec<String> = (0..11).map(|number| format!("D{number}")).collect();
    let many = json!({ "declarationRequestIds": many });
    assert_eq!(provider.antom_result("customs/inquiryDeclarationRequests", many).await, "F PARAM_ILLEGAL");
}
