//! PayPal: a token first, then tracking, refunds and questions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::Provider;
use crate::support::http::Response;

impl Provider {
    async fn paypal_token(&self, secret: &str) -> Response {
        let basic = format!("Basic {}", STANDARD.encode(format!("sampan-sandbox:{secret}")));
        let headers =
            [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", "/v1/oauth2/token", &headers, b"grant_type=client_credentials").await
    }

    pub async fn paypal(&self, method: &str, path: &str, id: &str, body: Value) -> Response {
        let secret = std::fs::read_to_string(&self.files.paypal_secret).expect("a secret");
        let token = self.paypal_token(secret.trim()).await.must_be(200);
        let bearer = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
        self.paypal_as(&bearer, method, path, id, &body).await
    }

    async fn paypal_as(&self, bearer: &str, method: &str, path: &str, id: &str, body: &Value) -> Response {
        let mut headers = vec![("authorization", bearer), ("content-type", "application/json")];
        if !id.is_empty() {
            headers.push(("paypal-request-id", id));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &headers, body.as_bytes()).await
    }

    async fn paypal_issue(&self, method: &str, path: &str, id: &str, body: Value) -> String {
        let answer = self.paypal(method, path, id, body).await;
        let issue = answer.json()["details"][0]["issue"].as_str().expect("an issue").to_owned();
        format!("{} {issue}", answer.status)
    }
}

pub const REFUND: &str = "/v2/payments/captures/C1/refund";
const TRACK: &str = "/v2/checkout/orders/O1/track";
const BATCH: &str = "/v1/shipping/trackers-batch";

pub fn cny(value: &str) -> Value {
    json!({ "amount": { "currency_code": "CNY", "value": value } })
}

fn parcel(number: &str) -> Value {
    json!({ "capture_id": "C1", "tracking_number": number, "carrier": "SF_EX", "notify_payer": false })
}

async fn with_order() -> Provider {
    let provider = Provider::plain();
    provider.create("paypal", "O1", "100.00", json!({ "also": "C1" })).await;
    provider
}

#[actix_web::test]
async fn a_refund_is_made_once_under_its_request_id() {
    let provider = with_order().await;
    let first = provider.paypal("POST", REFUND, "K1", cny("30.00")).await.must_be(201);
    assert_eq!((&first["status"], &first["amount"]["value"]), (&json!("COMPLETED"), &json!("30.00")));
    let again = provider.paypal("POST", REFUND, "K1", cny("30.00")).await.must_be(200);
    assert_eq!(again, first);
    assert_eq!(provider.moved("O1").await, (0, 3000));
    let path = format!("/v2/payments/refunds/{}", first["id"].as_str().expect("an id"));
    assert_eq!(provider.paypal("GET", &path, "", Value::Null).await.must_be(200), first);

    assert_eq!(provider.paypal_issue("POST", REFUND, "K1", cny("31.00")).await, "422 DUPLICATE_REQUEST_ID");
    assert_eq!(provider.paypal_issue("POST", REFUND, "K2", cny("70.01")).await, "422 REFUND_AMOUNT_EXCEEDED");
    let capture = provider.paypal("GET", "/v2/payments/captures/C1", "", Value::Null).await.must_be(200);
    assert_eq!(capture["status"], "PARTIALLY_REFUNDED");
    assert_eq!(capture["supplementary_data"]["related_ids"]["order_id"], "O1");
    // Refused before under this id, and possible now. Without an amount it is all that is left.
    let rest = provider.paypal("POST", REFUND, "K3", json!({})).await.must_be(201);
    assert_eq!(rest["amount"]["value"], "70.00");
    assert_eq!(rest["seller_payable_breakdown"]["total_refunded_amount"]["value"], "100.00");
    assert_eq!(provider.paypal_issue("POST", REFUND, "K4", json!({})).await, "422 CAPTURE_FULLY_REFUNDED");
    let capture = provider.paypal("GET", "/v2/payments/captures/O1", "", Value::Null).await.must_be(200);
    assert_eq!(capture["status"], "REFUNDED");
    let more = provider.paypal_issue("POST", TRACK, "", parcel("SF1")).await;
    assert_eq!(more, "422 CAPTURE_STATUS_NOT_VALID");
}

#[actix_web::test]
async fn without_a_request_id_each_refund_is_another_one() {
    let provider = with_order().await;
    for _ in 0..2 {
        provider.paypal("POST", REFUND, "", cny("30.00")).await.must_be(201);
    }
    assert_eq!(provider.moved("O1").await, (0, 6000));
}

#[actix_web::test]
async fn an_order_is_tracked_by_capture_and_number() {
    let provider = with_order().await;
    let first = provider.paypal("POST", TRACK, "", parcel("SF1")).await.must_be(201);
    let trackers = &first["purchase_units"][0]["shipping"]["trackers"];
    assert_eq!((&trackers[0]["id"], &trackers[0]["status"]), (&json!("C1-SF1"), &json!("SHIPPED")));
    provider.paypal("POST", TRACK, "", parcel("SF1")).await.must_be(200);
    provider.paypal("POST", TRACK, "", parcel("SF2")).await.must_be(201);
    let order = provider.paypal("GET", "/v2/checkout/orders/O1", "", Value::Null).await.must_be(200);
    assert_eq!(order["purchase_units"][0]["shipping"]["trackers"].as_array().map(Vec::len), Some(2));
    assert_eq!(order["purchase_units"][0]["payments"]["captures"][0]["id"], "C1");
    let mut other = parcel("SF1");
    other["carrier"] = json!("DHL");
    assert_eq!(provider.paypal_issue("POST", TRACK, "", other).await, "422 DUPLICATE_REQUEST_ID");
    let mut wrong = parcel("SF3");
    wrong["capture_id"] = json!("C2");
    assert_eq!(provider.paypal_issue("POST", TRACK, "", wrong).await, "422 CAPTURE_ID_NOT_FOUND");
    let mut nobody = parcel("SF3");
    nobody["carrier"] = json!("OTHER");
    assert_eq!(provider.paypal_issue("POST", TRACK, "", nobody).await, "400 MISSING_REQUIRED_PARAMETER");
    let absent = provider.paypal_issue("POST", "/v2/checkout/orders/O9/track", "", parcel("SF1")).await;
    assert_eq!(absent, "404 INVALID_RESOURCE_ID");
}

#[actix_web::test]
async fn a_batch_is_answered_tracker_by_tracker() {
    let provider = with_order().await;
    let tracker = |transaction: &str, number: &str, status: &str| json!({ "transaction_id": transaction, "tracking_number": number, "status": status, "carrier": "SF_EX" });
    let body = json!({ "trackers": [
        tracker("C1", "SF1", "SHIPPED"), tracker("C9", "SF2", "SHIPPED"),
        tracker("C1", "SF1", "DELIVERED"), tracker("C1", "SF1", "TELEPORTED"),
    ] });
    for _ in 0..2 {
        let answer = provider.paypal("POST", BATCH, "B1", body.clone()).await.must_be(200);
        assert_eq!(answer["tracker_identifiers"].as_array().map(Vec::len), Some(2));
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2));
    }
    let shown = provider.paypal("GET", "/v1/shipping/trackers/C1-SF1", "", Value::Null).await.must_be(200);
    let facts = (&shown["transaction_id"], &shown["tracking_number"], &shown["status"]);
    assert_eq!(facts, (&json!("C1"), &json!("SF1"), &json!("DELIVERED")));
    let absent = provider.paypal_issue("GET", "/v1/shipping/trackers/C9-SF2", "", Value::Null).await;
    assert_eq!(absent, "404 INVALID_RESOURCE_ID");
    let effects = provider.state.snapshot().effects;
    assert_eq!(effects, [("delivered".to_owned(), 1), ("shipped".to_owned(), 1)].into());
    let many = json!({ "trackers": vec![tracker("C1", "SF1", "SHIPPED"); 21] });
    assert_eq!(provider.paypal_issue("POST", BATCH, "", many).await, "400 INVALID_ARRAY_LENGTH");
}

#[actix_web::test]
async fn who_has_no_token_of_ours_is_not_heard() {
    let provider = with_order().await;
    assert_eq!(provider.paypal_token("guess").await.must_be(401)["error"], "invalid_client");
    let secret = std::fs::read_to_string(&provider.files.paypal_secret).expect("a secret");
    let token = provider.paypal_token(secret.trim()).await.must_be(200);
    let token = token["access_token"].as_str().expect("a token").to_owned();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 1;
        let bearer = format!("Bearer {}", String::from_utf8(bytes).expect("ASCII"));
        provider.paypal_as(&bearer, "POST", REFUND, "K1", &cny("1.00")).await.must_be(401);
    }
    provider.paypal_as("", "POST", REFUND, "K1", &cny("1.00")).await.must_be(401);
    // A token says how long it is good; one that says longer is not ours.
    let (_, digest) = token.split_once('.').expect("two parts");
    let longer = format!("Bearer A21AA99999999999.{digest}");
    provider.paypal_as(&longer, "POST", REFUND, "K1", &cny("1.00")).await.must_be(401);
    assert_eq!(provider.moved("O1").await, (0, 0));
    for wrong in
        [json!({ "amount": {} }), cny("1.001"), json!({ "amount": { "currency_code": "CNY", "value": 1 } })]
    {
        assert_eq!(provider.paypal("POST", REFUND, "K1", wrong).await.status, 400);
    }
    assert_eq!(provider.paypal_issue("POST", REFUND, "K1", cny("0.00")).await, "400 INVALID_PARAMETER_VALUE");
    let dollars = json!({ "amount": { "currency_code": "USD", "value": "1.00" } });
    assert_eq!(provider.paypal_issue("POST", REFUND, "K1", dollars).await, "422 CURRENCY_MISMATCH");
    assert_eq!(provider.paypal_issue("DELETE", REFUND, "", Value::Null).await, "404 INVALID_RESOURCE_ID");
}
