//! Alipay's older gateway: goods are sent, and the provider's clock starts.

use chrono::TimeDelta;
use md5::{Digest, Md5};
use serde_json::json;

use super::world::{Provider, form, options};

impl Provider {
    fn md5(&self, text: &str) -> String {
        let key = std::fs::read_to_string(&self.files.alipay_md5_key).expect("a key");
        let digest = Md5::digest(format!("{text}{}", key.trim()));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn legacy_fields(&self, service: &str, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("_input_charset", "utf-8".to_owned()),
            ("partner", "2088000000000001".to_owned()),
            ("service", service.to_owned()),
        ];
        fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        fields.sort();
        let signed: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.push(("sign", self.md5(&signed.join("&"))));
        fields.push(("sign_type", "MD5".to_owned()));
        fields
    }

    async fn legacy(&self, service: &str, more: &[(&'static str, &str)]) -> String {
        let query = form(&self.legacy_fields(service, more));
        self.send("GET", &format!("/gateway.do?{query}"), &[], b"").await.text()
    }

    async fn send_goods(&self, trade: &str, parcel: &str) -> String {
        let facts = [
            ("trade_no", trade),
            ("logistics_name", "顺丰速运"),
            ("invoice_no", parcel),
            ("transport_type", "EXPRESS"),
        ];
        self.legacy("send_goods_confirm_by_platform", &facts).await
    }
}

fn part<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, behind) = text.split_once(&format!("<{name}>")).unwrap_or_default();
    behind.split_once(&format!("</{name}>")).map_or("", |(inner, _)| inner)
}

#[actix_web::test]
async fn goods_are_sent_once_and_the_answer_is_signed() {
    let mut options = options();
    options.rules.release_after = Some(TimeDelta::days(10));
    let provider = Provider::start(options);
    let made = provider.create("alipay", "T1", "100.00", json!({})).await;
    assert_eq!(
        part(&provider.legacy("single_trade_query", &[("trade_no", "T1")]).await, "trade_status"),
        "WAIT_SELLER_SEND_GOODS"
    );
    for _ in 0..2 {
        let answer = provider.send_goods("T1", "SF1").await;
        assert_eq!(part(&answer, "is_success"), "T", "{answer}");
        assert_eq!(part(&answer, "trade_status"), "WAIT_BUYER_CONFIRM_GOODS");
        let signed = "out_trade_no=T1&total_fee=100.00&trade_no=T1&trade_status=WAIT_BUYER_CONFIRM_GOODS";
        assert_eq!(part(&answer, "sign"), provider.md5(signed));
    }
    let shown = provider.look("/sandbox/trades/T1").await;
    let deadline = |trade: &serde_json::Value| trade["release_deadline_at"].as_str().map(str::to_owned);
    assert!(deadline(&shown["trade"]) > deadline(&made), "the clock starts when the goods are sent");
    assert_eq!(shown["triggers"].as_array().map(Vec::len), Some(1));
    assert_eq!(part(&provider.send_goods("T1", "SF2").await, "error"), "TRADE_STATUS_NOT_AVAILD");
    assert_eq!(part(&provider.send_goods("T9", "SF1").await, "error"), "TRADE_NOT_EXIST");
    provider.control("/sandbox/trades/T1/release", &json!({})).await.must_be(200);
    assert_eq!(
        part(&provider.legacy("single_trade_query", &[("trade_no", "T1")]).await, "trade_status"),
        "TRADE_FINISHED"
    );
}

#[actix_web::test]
async fn what_is_not_signed_by_the_partner_is_refused() {
    let provider = Provider::plain();
    provider.create("alipay", "T1", "100.00", json!({})).await;
    let facts = [("trade_no", "T1"), ("logistics_name", "SF"), ("transport_type", "EXPRESS")];
    let fields = provider.legacy_fields("send_goods_confirm_by_platform", &facts);
    let cases = [
        ("trade_no", "T2", "ILLEGAL_SIGN"),
        ("logistics_name", "SG", "ILLEGAL_SIGN"),
        ("sign", "00000000000000000000000000000000", "ILLEGAL_SIGN"),
        ("sign", "", "ILLEGAL_SIGN"),
        ("partner", "2088000000000002", "ILLEGAL_PARTNER"),
        ("sign_type", "RSA", "ILLEGAL_SIGN_TYPE"),
    ];
    for (name, value, error) in cases {
        let mut fields = fields.clone();
        for field in &mut fields {
            if field.0 == name {
                field.1 = value.to_owned();
            }
        }
        let answer = provider.send("POST", "/gateway.do", &[], form(&fields).as_bytes()).await.text();
        assert_eq!(part(&answer, "error"), error, "{name}={value}");
    }
    let no_service = provider.legacy("create_partner_trade_by_buyer", &facts).await;
    assert_eq!(part(&no_service, "error"), "ILLEGAL_SERVICE");
    let by_air = [("trade_no", "T1"), ("logistics_name", "SF"), ("transport_type", "AIR")];
    let refused = provider.legacy("send_goods_confirm_by_platform", &by_air).await;
    assert_eq!(part(&refused, "error"), "ILLEGAL_ARGUMENT");
    let path = "/gateway.do?_input_charset=utf-8";
    let answer = provider.send("POST", path, &[], form(&fields).as_bytes()).await.text();
    assert_eq!(part(&answer, "is_success"), "T");
    let path = "/gateway.do?_input_charset=gbk";
    let answer = provider.send("POST", path, &[], form(&fields).as_bytes()).await.text();
    assert_eq!(part(&answer, "error"), "ILLEGAL_SIGN");
}
