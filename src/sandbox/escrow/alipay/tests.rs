use super::*;
use crate::domain::instant::from_micros;
use crate::sandbox::escrow::ask::Format;
use crate::sandbox::escrow::books::Rules;
use crate::sandbox::escrow::trade::Terms;
use crate::sandbox::escrow::wire::{decimal, escape};

const SETTLE: &str = "alipay.trade.settle.confirm";
const APP_ID: &str = "2021000000000001";

fn now() -> Instant {
    from_micros(1_795_316_645_000_000)
}

/// Who calls is played with the provider's own key: one pair is enough here.
fn gateway() -> (Alipay, RsaPrivate) {
    let (key, text) = RsaPrivate::generate().expect("a key");
    let merchant = RsaPublic::read(&key.public_pem().expect("its public half")).expect("a public key");
    let provider = RsaPrivate::read(&text).expect("the same key");
    (Alipay { app_id: APP_ID.to_owned(), merchant, provider }, key)
}

fn query_of(subject: &str) -> Vec<(String, String)> {
    let content = json!({ "trade_no": "T1", "memo": subject }).to_string();
    let time = written(now());
    let fields = [
        ("app_id", APP_ID),
        ("method", "alipay.trade.query"),
        ("charset", "utf-8"),
        ("sign_type", "RSA2"),
        ("timestamp", &time),
        ("version", "1.0"),
        ("biz_content", &content),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn form(fields: &[(String, String)], named: impl Fn(&str) -> bool) -> String {
    let kept = fields.iter().filter(|(name, _)| named(name));
    kept.map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The sub-code with which a request is turned away; none where it is believed.
fn turned(gateway: &Alipay, query: &str, body: &str) -> Option<String> {
    let header = |_: &str| None;
    let asked = Asked { method: "POST", path: "/gateway.do", query, header: &header, body: body.as_bytes() };
    let reply = gateway.read(&asked, now()).err()?.reply();
    let answer: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let inner = answer.as_object().and_then(|fields| fields.values().find_map(|value| value.get("sub_code")));
    Some(inner.and_then(Value::as_str).expect("a sub-code").to_owned())
}

#[test]
fn a_field_stands_in_the_address_or_in_the_body_and_the_charset_in_the_address() {
    let (gateway, key) = gateway();
    for (subject, without_charset) in [("tea", None), ("茶", Some("isv.invalid-signature"))] {
        let mut fields = query_of(subject);
        fields.push(("sign".to_owned(), key.sign(sorted(&fields, &[]).as_bytes())));
        let all = form(&fields, |_| true);
        let but_charset = form(&fields, |name| name != "charset");
        assert_eq!(turned(&gateway, "charset=utf-8", &but_charset), None, "{subject}");
        assert_eq!(turned(&gateway, &all, ""), None, "{subject}");
        assert_eq!(turned(&gateway, "", &all).as_deref(), without_charset, "{subject}");
        for twice in ["charset=utf-8", "app_id=2021000000000001"] {
            assert_eq!(turned(&gateway, twice, &all).as_deref(), Some("isv.invalid-parameter"), "{twice}");
        }
        let neither = turned(&gateway, "", &but_charset);
        assert_eq!(neither.as_deref(), Some("isv.missing-charset"), "{subject}");
    }
}

fn settlement(details: &Value) -> Result<Call, String> {
    let content = json!({
        "out_request_no": "R1", "trade_no": "T1", "settle_info": { "settle_detail_infos": details },
    });
    Call::read(SETTLE, &content).expect("a method")
}

#[test]
fn a_settlement_names_its_receiver_or_the_one_that_was_agreed() {
    let to = |kind: &str, whom: &str| {
        settlement(&json!([{ "trans_in_type": kind, "trans_in": whom, "amount": "100.00" }])).map(drop)
    };
    assert_eq!((to("defaultSettle", ""), to("userId", "2088123412341234")), (Ok(()), Ok(())));
    for (kind, whom) in [("defaultSettle", "2088123412341234"), ("userId", ""), ("", "2088123412341234")] {
        assert!(to(kind, whom).is_err(), "{kind} {whom}");
    }
}

/// What was settled of 100.00 yuan by one settlement after another, or how each was refused.
fn settled(details: &[Value], refunded: &str) -> Vec<Result<String, String>> {
    let mut books = Books::new(Rules::default());
    let held = decimal(Some(&json!("100.00")), calls::yuan().expect("yuan")).expect("an amount");
    books.create(Format::Alipay, "T1", held, Terms::default(), now()).expect("a new trade");
    let mut ask = |method: &str, content: &Value| {
        let call = Call::read(method, content).expect("a method")?;
        let answer = call.perform(&mut books, now()).map_err(|(code, _)| code.to_owned())?;
        Ok(answer["settle_amount"].as_str().unwrap_or_default().to_owned())
    };
    if !refunded.is_empty() {
        let content = json!({ "out_request_no": "R", "trade_no": "T1", "refund_amount": refunded });
        let done: Result<String, String> = ask("alipay.trade.refund", &content);
        done.expect("a refund");
    }
    let settle = |(number, details): (usize, &Value)| {
        let info = json!({ "settle_detail_infos": details });
        ask(SETTLE, &json!({ "out_request_no": number.to_string(), "trade_no": "T1", "settle_info": info }))
    };
    details.iter().enumerate().map(settle).collect()
}

#[test]
fn a_settlement_is_of_all_that_was_not_refunded_unless_it_names_its_part() {
    let of = |field: &str, amount: &str| json!([{ "trans_in_type": "defaultSettle", field: amount }]);
    let (all, part) = (|amount| of("amount", amount), |amount| of("actual_amount", amount));
    let is = |amount: &str| Ok(amount.to_owned());
    let not_all = || Err("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR".to_owned());
    let over = || Err("ACQ.TRADE_HAS_FINISHED".to_owned());

    assert_eq!(
        settled(&[all("60.00"), all("100.01"), all("100.00")], ""),
        [not_all(), not_all(), is("100.00")]
    );
    assert_eq!(
        settled(&[all("100.00"), all("70.00"), all("70.00")], "30.00"),
        [not_all(), is("70.00"), over()]
    );
    assert_eq!(
        settled(&[part("60.00"), part("40.01"), part("40.00")], ""),
        [is("60.00"), not_all(), is("40.00")]
    );
    // The whole stays what it was, and what is left of it is settled.
    assert_eq!(
        settled(&[part("60.00"), all("40.00"), all("100.00")], ""),
        [is("60.00"), not_all(), is("40.00")]
    );
    let both = json!([{ "trans_in_type": "defaultSettle", "amount": "1.00", "actual_amount": "60.00" }]);
    assert_eq!(settled(&[both], ""), [is("60.00")]);
    let mixed = json!([
        { "trans_in_type": "defaultSettle", "actual_amount": "60.00" },
        { "trans_in_type": "userId", "trans_in": "2088123412341234", "amount": "40.00" },
    ]);
    assert_eq!(settled(&[mixed], ""), [Err("actual_amount is no amount in yuan".to_owned())]);
}
