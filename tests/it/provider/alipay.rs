//! The open platform's gateway: RSA2 both ways.

use chrono::{FixedOffset, Utc};
use serde_json::{Value, json};

use super::world::{Provider, assert_signed, form, options, sign};

type Fields = Vec<(&'static str, String)>;

/// Of a POST the charset stands in the address.
pub const GATEWAY: &str = "/gateway.do?charset=utf-8";

/// What stands in the body.
fn posted(fields: &Fields) -> String {
    let in_body: Fields = fields.iter().filter(|(name, _)| *name != "charset").cloned().collect();
    form(&in_body)
}

impl Provider {
    pub fn alipay_fields(&self, method: &str, content: &Value) -> Fields {
        let zone = FixedOffset::east_opt(8 * 3600).expect("eight hours");
        vec![
            ("app_id", "2021000000000001".to_owned()),
            ("method", method.to_owned()),
            ("format", "JSON".to_owned()),
            ("charset", "utf-8".to_owned()),
            ("sign_type", "RSA2".to_owned()),
            ("timestamp", Utc::now().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()),
            ("version", "1.0".to_owned()),
            ("biz_content", content.to_string()),
        ]
    }

    pub fn alipay_sign(&self, fields: &Fields) -> String {
        let mut kept: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).collect();
        kept.sort();
        let pairs: Vec<String> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sign(&self.files.alipay_merchant_key, pairs.join("&").as_bytes())
    }

    pub fn alipay_body(&self, method: &str, content: &Value) -> String {
        let mut fields = self.alipay_fields(method, content);
        fields.push(("sign", self.alipay_sign(&fields)));
        posted(&fields)
    }

    async fn alipay_send(&self, body: &str) -> Value {
        self.alipay_send_to(GATEWAY, body).await
    }

    /// The inner object of an answer that has to be signed.
    async fn alipay_send_to(&self, path: &str, body: &str) -> Value {
        let headers = [("content-type", "application/x-www-form-urlencoded;charset=utf-8")];
        let answer = self.send("POST", path, &headers, body.as_bytes()).await;
        let text = answer.text();
        let (inner, sign) = text.rsplit_once(",\"sign\":\"").expect("a signed answer");
        let (_, inner) = inner.split_once("_response\":").expect("an answer's name");
        assert_signed(&self.files.alipay_provider_public, inner.as_bytes(), sign.trim_end_matches("\"}"));
        serde_json::from_str(inner).expect("JSON")
    }

    pub async fn alipay(&self, method: &str, content: Value) -> Value {
        self.alipay_send(&self.alipay_body(method, &content)).await
    }

    async fn alipay_refused(&self, method: &str, content: Value) -> String {
        let answer = self.alipay(method, content).await;
        assert_eq!(answer["code"], "40004", "{answer}");
        answer["sub_code"].as_str().expect("a sub_code").to_owned()
    }
}

/// Of a part.
pub fn settlement(request: &str, amount: &str) -> Value {
    let detail =
        json!({ "trans_in_type": "userId", "trans_in": "2088123412341234", "actual_amount": amount });
    json!({
        "out_request_no": request, "trade_no": "T1",
        "settle_info": { "settle_detail_infos": [detail] },
        "extend_params": { "royalty_finish": "false" },
    })
}

pub fn refund(request: &str, amount: &str) -> Value {
    json!({ "trade_no": "T1", "refund_amount": amount, "out_request_no": request, "refund_reason": "破损" })
}

const SETTLE: &str = "alipay.trade.settle.confirm";
const REFUND: &str = "alipay.trade.refund";
const QUERY: &str = "alipay.trade.query";
const REFUND_QUERY: &str = "alipay.trade.fastpay.refund.query";
const DECLARE: &str = "alipay.trade.customs.declare";

async fn with_trade() -> Provider {
    let provider = Provider::plain();
    provider.create("alipay", "T1", "100.00", json!({ "also": "SHOP-1" })).await;
    provider
}

#[actix_web::test]
async fn settlements_release_up_to_what_is_held() {
    let provider = with_trade().await;
    // What is empty is not signed, and not missed.
    for empty in ["", "&notify_url="] {
        let body = provider.alipay_body(SETTLE, &settlement("R1", "60.00"));
        let answer = provider.alipay_send(&(body + empty)).await;
        let expected = json!({
            "code": "10000", "msg": "Success", "trade_no": "T1", "out_request_no": "R1", "settle_amount": "60.00",
        });
        assert_eq!(answer, expected);
        assert_eq!(provider.moved("T1").await, (6000, 0));
    }
    let other = provider.alipay_refused(SETTLE, settlement("R1", "60.01")).await;
    assert_eq!(other, "ACQ.DISCORDANT_REPEAT_REQUEST");
    let more = provider.alipay_refused(SETTLE, settlement("R2", "40.01")).await;
    assert_eq!(more, "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    assert_eq!(provider.alipay(QUERY, json!({ "trade_no": "T1" })).await["trade_status"], "TRADE_SUCCESS");
    // Refused under this number, and accepted under it: nothing of the first one happened.
    provider.alipay(SETTLE, settlement("R3", "40.00")).await;
    assert_eq!(provider.moved("T1").await, (10_000, 0));
    let asked = provider.alipay(QUERY, json!({ "out_trade_no": "SHOP-1" })).await;
    assert_eq!(
        (&asked["trade_status"], &asked["total_amount"]),
        (&json!("TRADE_FINISHED"), &json!("100.00"))
    );
    let settled = json!({ "trade_no": "T1", "query_options": ["trade_settle_info"] });
    let settled = provider.alipay(QUERY, settled).await["trade_settle_info"].clone();
    let details = settled["trade_settle_detail_list"].as_array().expect("details").clone();
    let serials: Vec<_> =
        details.iter().map(|detail| (&detail["operation_serial_no"], &detail["amount"])).collect();
    assert_eq!(serials, [(&json!("R1"), &json!("60.00")), (&json!("R3"), &json!("40.00"))]);
    assert_eq!(settled["trade_unsettled_amount"], "0.00");
    assert_eq!(asked.get("trade_settle_info"), None, "said where it is asked for");
    assert_eq!(provider.alipay_refused(SETTLE, settlement("R4", "0.01")).await, "ACQ.TRADE_HAS_FINISHED");
    assert_eq!(provider.alipay_refused(QUERY, json!({ "trade_no": "T9" })).await, "ACQ.TRADE_NOT_EXIST");
}

#[actix_web::test]
async fn a_settlement_that_names_no_part_is_of_all_that_was_not_refunded() {
    let provider = with_trade().await;
    let of_all = |request: &str, amount: &str| {
        let mut content = settlement(request, amount);
        content["settle_info"]["settle_detail_infos"][0] =
            json!({ "trans_in_type": "defaultSettle", "amount": amount });
        content
    };
    provider.alipay(REFUND, refund("R1", "30.00")).await;
    for amount in ["60.00", "70.01", "100.00"] {
        let part = provider.alipay_refused(SETTLE, of_all("R2", amount)).await;
        assert_eq!(part, "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "{amount}");
    }
    assert_eq!(provider.moved("T1").await, (0, 3000));
    assert_eq!(provider.alipay(SETTLE, of_all("R2", "70.00")).await["settle_amount"], "70.00");
    assert_eq!(provider.moved("T1").await, (7000, 3000));
}

#[actix_web::test]
async fn refunds_are_made_once_and_can_be_asked_about() {
    let provider = with_trade().await;
    let first = provider.alipay(REFUND, refund("R1", "30.00")).await;
    assert_eq!((&first["fund_change"], &first["refund_fee"]), (&json!("Y"), &json!("30.00")));
    // Under the trade's other name it is the same refund.
    let again = json!({ "out_trade_no": "SHOP-1", "refund_amount": "30.00", "out_request_no": "R1", "refund_reason": "破损" });
    let again = provider.alipay(REFUND, again).await;
    assert_eq!((&again["fund_change"], &again["refund_fee"]), (&json!("N"), &json!("30.00")));
    let second = provider.alipay(REFUND, refund("R2", "0.50")).await;
    assert_eq!((&second["refund_fee"], &second["send_back_fee"]), (&json!("30.50"), &json!("0.50")));
    assert_eq!(provider.moved("T1").await, (0, 3050));

    let other = provider.alipay_refused(REFUND, refund("R1", "31.00")).await;
    assert_eq!(other, "ACQ.DISCORDANT_REPEAT_REQUEST");
    let more = provider.alipay_refused(REFUND, refund("R3", "69.51")).await;
    assert_eq!(more, "ACQ.REASON_TRADE_REFUND_FEE_ERR");
    let part = json!({ "trade_no": "T1", "refund_amount": "1.00" });
    assert_eq!(provider.alipay_refused(REFUND, part).await, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");

    let ask = |request: &str| json!({ "trade_no": "T1", "out_request_no": request });
    let found = provider.alipay(REFUND_QUERY, ask("R2")).await;
    assert_eq!(
        (&found["refund_status"], &found["refund_amount"]),
        (&json!("REFUND_SUCCESS"), &json!("0.50"))
    );
    for absent in ["R3", "R9"] {
        let answer = provider.alipay(REFUND_QUERY, ask(absent)).await;
        assert_eq!((&answer["code"], answer.get("refund_status")), (&json!("10000"), None), "{absent}");
    }
    provider.alipay(REFUND, refund("R4", "69.50")).await;
    assert_eq!(provider.alipay(QUERY, json!({ "trade_no": "T1" })).await["trade_status"], "TRADE_CLOSED");
    assert_eq!(provider.alipay_refused(REFUND, refund("R5", "0.01")).await, "ACQ.TRADE_HAS_CLOSE");
}

#[actix_web::test]
async fn no_byte_of_a_request_can_be_changed() {
    let provider = with_trade().await;
    let body = provider.alipay_body(SETTLE, &settlement("R1", "60.00"));
    for at in (0..body.len()).step_by(7) {
        let mut bytes = body.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).expect("ASCII");
        let answer = provider.alipay_send(&changed).await;
        assert_ne!(answer["code"], "10000", "byte {at} of {changed}");
    }
    assert_eq!(provider.moved("T1").await, (0, 0));
    assert!(provider.state.snapshot().bad_signatures > 10);
    assert_eq!(provider.alipay_send(&body).await["code"], "10000");
}

#[actix_web::test]
async fn a_signature_by_another_key_is_refused() {
    let provider = with_trade().await;
    let fields = provider.alipay_fields(SETTLE, &settlement("R1", "60.00"));
    let mut sorted: Vec<String> =
        fields.iter().filter(|(_, value)| !value.is_empty()).map(|(n, v)| format!("{n}={v}")).collect();
    sorted.sort();
    let by_another = sign(&provider.files.antom_merchant_key, sorted.join("&").as_bytes());
    for signature in [by_another, String::from("AAAA"), String::from("?")] {
        let mut fields = fields.clone();
        fields.push(("sign", signature));
        assert_eq!(provider.alipay_send(&posted(&fields)).await["sub_code"], "isv.invalid-signature");
    }
}

#[actix_web::test]
async fn what_is_missing_or_wrong_is_named() {
    let provider = with_trade().await;
    // Eight hours off is UTC in place of Alipay's clock.
    let utc = Utc::now().format("%Y-%m-%d %H:%M:%S").to_string();
    let cases: &[(&str, &str, &str)] = &[
        ("app_id", "", "isv.missing-app-id"),
        ("method", "", "isv.missing-method"),
        ("sign_type", "", "isv.missing-signature-type"),
        ("charset", "", "isv.missing-charset"),
        ("version", "", "isv.missing-version"),
        ("timestamp", "", "isv.missing-timestamp"),
        ("app_id", "2021000000000002", "isv.invalid-app-id"),
        ("method", "alipay.trade.pay", "isv.invalid-method"),
        ("sign_type", "RSA", "isv.invalid-signature-type"),
        ("charset", "GBK", "isv.invalid-charset"),
        ("version", "2.0", "isv.invalid-version"),
        ("timestamp", utc.as_str(), "isv.invalid-timestamp"),
        ("timestamp", "2026/01/01", "isv.invalid-timestamp"),
        ("biz_content", "[]", "isv.invalid-parameter"),
    ];
    for (name, value, sub_code) in cases {
        let mut fields = provider.alipay_fields(SETTLE, &settlement("R1", "60.00"));
        for field in &mut fields {
            if field.0 == *name {
                field.1 = (*value).to_owned();
            }
        }
        fields.push(("sign", provider.alipay_sign(&fields)));
        let charset = if *name == "charset" { *value } else { "utf-8" };
        let path = format!("/gateway.do?charset={charset}");
        let answer = provider.alipay_send_to(&path, &posted(&fields)).await;
        assert_eq!(answer["sub_code"], *sub_code, "{name}={value}");
    }
    let twice = provider.alipay_body(SETTLE, &settlement("R1", "60.00")) + "&app_id=2021000000000001";
    assert_eq!(provider.alipay_send(&twice).await["sub_code"], "isv.invalid-parameter");
    let mut nobody = settlement("R1", "60.00");
    nobody["settle_info"]["settle_detail_infos"][0]["trans_in"] = json!("");
    let mut another = settlement("R1", "60.00");
    another["settle_info"]["settle_detail_infos"][0]["trans_in_type"] = json!("defaultSettle");
    let zero = settlement("R1", "0.00");
    let bits = settlement("R1", "0.001");
    for content in [json!({}), json!({ "trade_no": "T1" }), nobody, another, zero, bits] {
        assert_eq!(provider.alipay_refused(SETTLE, content).await, "ACQ.INVALID_PARAMETER");
    }
    assert_eq!(provider.moved("T1").await, (0, 0));
}

#[actix_web::test]
async fn the_charset_stands_in_the_address_and_not_in_the_body() {
    let provider = with_trade().await;
    let mut fields = provider.alipay_fields(REFUND, &refund("R1", "30.00"));
    fields.push(("sign", provider.alipay_sign(&fields)));
    // There it comes too late: what is Chinese has been read in GBK.
    let answer = provider.alipay_send_to("/gateway.do", &form(&fields)).await;
    assert_eq!(answer["sub_code"], "isv.invalid-signature");
    assert_eq!(provider.alipay_send(&form(&fields)).await["sub_code"], "isv.invalid-parameter");
    assert_eq!(provider.moved("T1").await, (0, 0));
    assert_eq!(provider.alipay_send(&posted(&fields)).await["fund_change"], "Y");
}

#[actix_web::test]
async fn a_frozen_trade_is_not_settled() {
    let provider = with_trade().await;
    provider.control("/sandbox/trades/T1/freeze", &json!({})).await.must_be(200);
    let frozen = provider.alipay_refused(SETTLE, settlement("R1", "60.00")).await;
    assert_eq!(frozen, "ACQ.REASON_TRADE_BEEN_FREEZEN");
    provider.control("/sandbox/trades/T1/thaw", &json!({})).await.must_be(200);
    assert_eq!(provider.alipay(SETTLE, settlement("R1", "60.00")).await["code"], "10000");
}

#[actix_web::test]
async fn a_payment_is_declared_to_customs_up_to_its_amount() {
    let provider = with_trade().await;
    let declaration = |request: &str, amount: &str| {
        json!({
            "out_request_no": request, "trade_no": "T1", "merchant_customs_code": "330296T004",
            "merchant_customs_name": "Harbour Goods", "amount": amount, "customs_place": "HANGZHOU",
            "is_split": true, "sub_out_biz_no": "P-1",
            "buyer_info": { "buyer_name": "王伟", "buyer_cert_no": "11010119900307123X" },
        })
    };
    let first = provider.alipay(DECLARE, declaration("DECL-1", "40.00")).await;
    assert_eq!((&first["identity_check"], &first["total_amount"]), (&json!("T"), &json!("10000")));
    let again = provider.alipay(DECLARE, declaration("DECL-1", "40.00")).await;
    assert_eq!(again["alipay_declare_no"], first["alipay_declare_no"]);
    assert_eq!(again.get("identity_check"), None, "said once");
    assert_eq!(provider.moved("T1").await, (0, 0));
    let over = provider.alipay_refused(DECLARE, declaration("DECL-2", "60.01")).await;
    assert_eq!(over, "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    let mut no_part = declaration("DECL-3", "1.00");
    no_part["sub_out_biz_no"] = json!(null);
    for wrong in [declaration("D", "1.00"), no_part] {
        assert_eq!(provider.alipay_refused(DECLARE, wrong).await, "ACQ.INVALID_PARAMETER");
    }
}

#[actix_web::test]
async fn where_trades_are_opened_by_mention_the_first_amount_is_all() {
    let mut options = options();
    options.rules.open = true;
    let provider = Provider::start(options);
    assert_eq!(provider.alipay(REFUND, refund("R1", "30.00")).await["fund_change"], "Y");
    assert_eq!(provider.moved("T1").await, (0, 3000));
    assert_eq!(provider.alipay_refused(SETTLE, settlement("R2", "0.01")).await, "ACQ.TRADE_HAS_CLOSE");
}
