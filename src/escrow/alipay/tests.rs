use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::contract::{
    BODIES, an_answer_counts_whole_or_not_at_all, answer, body, command, declared_payment, facts, later,
    no_word, refused, strangers_say_nothing, trigger, unknown, wall,
};
use super::super::provider::{Said, TradeState};
use super::super::signing::is_signed;
use super::super::signing::test_keys::{
    MERCHANT, MERCHANT_PUBLIC, PROVIDER, PROVIDER_PUBLIC, STRANGER, private, public,
};
use super::*;
use crate::domain::escrow::{CustomsOffice, TriggerFacts};
use crate::domain::id::TriggerId;
use crate::domain::money::Money;

const TRADE: &str = "2026112222001400000000000001";

fn provider() -> Provider {
    let settings = config::defaults_with(&format!(
        "[escrow.alipay]\napp_id = \"2021000000000001\"\nprivate_key = '''{MERCHANT}'''\n\
         public_key = '''{PROVIDER_PUBLIC}'''\nlegacy_partner = \"2088000000000001\"\nlegacy_key = \"test-key\""
    ));
    let settings = settings.expect("valid settings").escrow.alipay;
    open(&settings).expect("valid settings").expect("a provider").0
}

fn confirm() -> TriggerFacts {
    facts(TriggerAction::ConfirmReceipt, TRADE, "128.50", "CNY")
}

fn refund() -> TriggerFacts {
    facts(TriggerAction::Refund, TRADE, "28.50", "CNY")
}

/// An answer as Alipay writes it: what is signed is what stands in it.
fn signed_by(key: &str, method: &str, inner: &str) -> Answer {
    let node = format!("{}_response", method.replace('.', "_"));
    let sign = private(key).sign(inner.as_bytes());
    answer(200, &format!(r#"{{"{node}":{inner},"sign":"{sign}"}}"#))
}

fn signed(method: &str, inner: &str) -> Answer {
    signed_by(PROVIDER, method, inner)
}

fn settled() -> Answer {
    let id = trigger();
    signed(
        SETTLE,
        &format!(
            r#"{{"code":"10000","msg":"Success","trade_no":"{TRADE}","out_request_no":"{id}","settle_amount":"128.50"}}"#
        ),
    )
}

fn content_of(request: &Request) -> String {
    let form = wire::Form::read(body(request).as_bytes()).expect("a form");
    form.text("biz_content").expect("text").to_owned()
}

#[test]
fn a_release_is_one_signed_form_with_the_triggers_id_as_its_number() {
    let facts = confirm();
    let request = provider().request(&command(&facts), wall()).expect("a request");
    assert_eq!(request.url, "https://openapi.alipay.com/gateway.do?charset=utf-8");
    let form = wire::Form::read(body(&request).as_bytes()).expect("a form");
    let of = |name: &str| form.text(name).expect("text");
    assert_eq!((of("method"), of("sign_type"), of("timestamp")), (SETTLE, "RSA2", "2026-11-22 11:04:05"));
    assert_eq!((of("app_id"), of("charset"), of("version")), ("2021000000000001", "", "1.0"));
    let id = trigger();
    let content = format!(
        r#"{{"out_request_no":"{id}","settle_info":{{"settle_detail_infos":[{{"amount":"128.50","trans_in_type":"defaultSettle"}}]}},"trade_no":"{TRADE}"}}"#
    );
    assert_eq!(of("biz_content"), content);
    let to_sign = format!(
        "app_id=2021000000000001&biz_content={content}&charset=utf-8&format=JSON&method={SETTLE}&sign_type=RSA2\
         &timestamp=2026-11-22 11:04:05&version=1.0"
    );
    assert!(is_signed(&public(MERCHANT_PUBLIC), to_sign.as_bytes(), of("sign")));
    assert!(id.to_string().len() <= 32, "the shortest limit that Alipay has");

    let share = TriggerFacts { parcel: Some(2), ..facts };
    let request = provider().request(&command(&share), wall()).expect("a request");
    let content = content_of(&request);
    assert!(content.contains(r#"{"actual_amount":"128.50","#), "{content}");
}

#[test]
fn what_is_not_yuan_or_no_trade_number_cannot_be_said() {
    for (reference, amount, currency) in [
        (TRADE, "1.00", "USD"),
        (TRADE, "0.00", "CNY"),
        (TRADE, "1.001", "CNY"),
        (TRADE, "1.00", "yuan"),
        ("", "1.00", "CNY"),
        ("20261122 1", "1.00", "CNY"),
        (&"1".repeat(65), "1.00", "CNY"),
    ] {
        for action in [TriggerAction::ConfirmReceipt, TriggerAction::Refund] {
            let facts = facts(action, reference, amount, currency);
            assert!(provider().request(&command(&facts), wall()).is_err(), "{reference} {amount} {currency}");
        }
    }
    let provider = provider();
    for action in [TriggerAction::Delivered, TriggerAction::Freeze, TriggerAction::Thaw] {
        assert!(!provider.can(action), "{action}");
    }
}

#[test]
fn only_a_whole_answer_about_this_trade_signed_by_alipay_acknowledges() {
    let (provider, facts) = (provider(), confirm());
    an_answer_counts_whole_or_not_at_all(&provider, &facts, &settled());
    let read = |answer: &Answer| provider.read(&command(&facts), answer);
    let honest = String::from_utf8(settled().body).expect("text");
    assert!(unknown(&read(&answer(200, &honest.replace("128.50", "128.51")))));
    // The same values, written otherwise, are not what was signed.
    assert!(unknown(&read(&answer(200, &honest.replace("\"code\":", "\"code\": ")))));
    assert!(unknown(&read(&answer(200, &honest.replace("settle_confirm", "refund")))));
    let inner = format!(r#"{{"code":"10000","trade_no":"{TRADE}"}}"#);
    assert!(unknown(&read(&signed_by(STRANGER, SETTLE, &inner))));
    assert!(unknown(&read(&answer(200, &format!(r#"{{"alipay_trade_settle_confirm_response":{inner}}}"#)))));
    assert!(unknown(&read(&signed(SETTLE, r#"{"code":"10000","msg":"Success"}"#))));
}

#[test]
fn an_answer_may_be_signed_before_its_slashes_are_escaped() {
    let (provider, facts) = (provider(), confirm());
    let escaped = format!(r#"{{"code":"10000","trade_no":"{TRADE}","memo":"a\/b\/c"}}"#);
    let honest = String::from_utf8(signed(SETTLE, &escaped.replace(r"\/", "/")).body).expect("text");
    let read = |body: &str| provider.read(&command(&facts), &answer(200, body));
    assert_eq!(read(&honest.replace("a/b/c", r"a\/b\/c")), Reading::Acknowledged);
    assert_eq!(provider.read(&command(&facts), &signed(SETTLE, &escaped)), Reading::Acknowledged);
    for other in [r"a\/b\/d", r"a\/b\/c\/", r"a\u002fb\/c"] {
        assert!(unknown(&read(&honest.replace("a/b/c", other))), "{other}");
    }
    let of_another = honest.replace("a/b/c", r"a\/b\/c").replace("10000", "10001");
    assert!(unknown(&read(&of_another)));
    let by_another =
        String::from_utf8(signed_by(STRANGER, SETTLE, &escaped.replace(r"\/", "/")).body).expect("text");
    assert!(unknown(&read(&by_another.replace("a/b/c", r"a\/b\/c"))));
}

#[test]
fn refusals_are_told_from_what_may_have_been_our_own_doing() {
    let (provider, confirm, refund) = (provider(), confirm(), refund());
    let of = |code: &str, sub: &str| {
        format!(r#"{{"code":"{code}","msg":"-","sub_code":"{sub}","sub_msg":"-","trade_no":"{TRADE}"}}"#)
    };
    let settling = |code: &str, sub: &str| provider.read(&command(&confirm), &signed(SETTLE, &of(code, sub)));
    let refunding = |code: &str, sub: &str| provider.read(&command(&refund), &signed(REFUND, &of(code, sub)));
    for sub in ["isp.unknow-error", "aop.unknow-error"] {
        assert!(unknown(&settling("20000", sub)) && unknown(&refunding("20000", sub)), "{sub}");
    }
    for sub in
        ["ACQ.SYSTEM_ERROR", "ACQ.TRADE_STATUS_ERROR", "ACQ.DISCORDANT_REPEAT_REQUEST", "ACQ.NEW_ONE", ""]
    {
        assert!(unknown(&settling("40004", sub)) && unknown(&refunding("40004", sub)), "{sub}");
    }
    for sub in ["ACQ.TRADE_NOT_EXIST", "ACQ.INVALID_PARAMETER"] {
        assert!(refused(&settling("40004", sub)) && refused(&refunding("40004", sub)), "{sub}");
    }
    assert!(refused(&refunding("40004", "ACQ.TRADE_NOT_ALLOW_REFUND")));
    assert!(unknown(&settling("40004", "ACQ.TRADE_NOT_ALLOW_REFUND")));
    assert!(later(&refunding("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH")));
    for code in ["20001", "40001", "40002", "40006"] {
        assert!(later(&settling(code, "isv.invalid-signature")), "{code}");
    }
    for code in ["10003", "", "99999"] {
        assert!(unknown(&settling(code, "")), "{code}");
    }
    let of_error_node =
        String::from_utf8(signed("error", &of("40002", "isv.invalid-app-id")).body).expect("text");
    assert!(later(&provider.read(&command(&confirm), &answer(200, &of_error_node))));
    assert!(later(&provider.read(&command(&confirm), &answer(429, ""))));
}

#[test]
fn a_refund_is_acknowledged_when_money_moved_and_else_asked_about() {
    let (provider, facts, id) = (provider(), refund(), trigger());
    let command = command(&facts);
    let changed = |word: &str| {
        signed(
            REFUND,
            &format!(
                r#"{{"code":"10000","trade_no":"{TRADE}","fund_change":"{word}","refund_fee":"28.50"}}"#
            ),
        )
    };
    assert_eq!(provider.read(&command, &changed("Y")), Reading::Acknowledged);
    assert!(unknown(&provider.read(&command, &changed("N"))));
    let inquire = provider.abilities.inquire.clone().expect("it can be asked");
    let request = inquire.about_command(&command, wall()).expect("a question");
    assert!(body(&request).contains("method=alipay.trade.fastpay.refund.query"));
    let found = |inner: &str| inquire.read_about_command(&command, &signed(REFUND_QUERY, inner));
    let of = |id: &str, amount: &str, status: &str| {
        format!(
            r#"{{"code":"10000","trade_no":"{TRADE}","out_request_no":"{id}","refund_amount":"{amount}"{status}}}"#
        )
    };
    let success = r#","refund_status":"REFUND_SUCCESS""#;
    let ours = id.to_string();
    assert_eq!(found(&of(&ours, "28.50", success)), Found::TookEffect);
    assert!(no_word(&found(&of(&ours, "28.51", success))));
    assert!(no_word(&found(&of("trg_other", "28.50", success))));
    assert!(no_word(&found(&of(&ours, "28.50", ""))));
    assert_eq!(found(r#"{"code":"10000","msg":"Success"}"#), Found::NotThere);
    assert_eq!(found(r#"{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}"#), Found::NotThere);
    assert!(no_word(&found(r#"{"code":"20000","sub_code":"aop.unknow-error"}"#)));
    // An answer to another question does not count.
    assert!(no_word(&inquire.read_about_command(&command, &changed("Y"))));
}

#[test]
fn a_settlement_is_found_by_its_number_among_those_of_the_trade() {
    let (provider, facts, id) = (provider(), confirm(), trigger());
    let inquire = provider.abilities.inquire.clone().expect("it can be asked");
    let of = |status: &str, unsettled: &str, number: &str| {
        format!(
            r#"{{"code":"10000","trade_no":"{TRADE}","trade_status":"{status}","total_amount":"128.50","trade_settle_info":{{"trade_unsettled_amount":"{unsettled}","trade_settle_detail_list":[{{"operation_type":"settle","operation_serial_no":"{number}","amount":"128.50"}}]}}}}"#
        )
    };
    let untouched = format!(
        r#"{{"code":"10000","trade_no":"{TRADE}","trade_status":"TRADE_SUCCESS","total_amount":"128.50","trade_settle_info":{{"trade_unsettled_amount":"128.50"}}}}"#
    );
    let found = |inner: &str| inquire.read_about_command(&command(&facts), &signed(QUERY, inner));
    assert_eq!(found(&of("TRADE_SUCCESS", "0.00", &id.to_string())), Found::TookEffect);
    assert!(no_word(&found(&of("TRADE_SUCCESS", "0.00", "HZ0001"))));
    assert_eq!(found(&untouched), Found::NotThere);
    let waits =
        of("TRADE_SUCCESS", "128.50", &id.to_string()).replace(r#"_type":"settle""#, r#"_type":"on_settle""#);
    assert_eq!(found(&waits), Found::UnderWay);
    for other in
        [waits.replace("on_settle", "settle_refund"), waits.replace("operation_type", "another_type")]
    {
        assert!(no_word(&found(&other)), "{other}");
    }
    assert!(no_word(&found(&untouched.replace("TRADE_SUCCESS", "TRADE_FINISHED"))));
    assert!(no_word(&found(&untouched.replace(TRADE, "2"))));

    // Another parcel's share was settled, under its own number.
    let (other, share) = (TriggerId::from_uuid(uuid::Uuid::from_u128(7)).to_string(), "28.50");
    let of_share = TriggerFacts { parcel: Some(1), amount: share.into(), ..facts.clone() };
    let found = |inner: &str| inquire.read_about_command(&command(&of_share), &signed(QUERY, inner));
    let others = of("TRADE_SUCCESS", share, &other).replace(r#""amount":"128.50""#, r#""amount":"100.00""#);
    assert_eq!(found(&others), Found::NotThere);
    assert_eq!(found(&others.replace(&other, &id.to_string())), Found::TookEffect);
    for (was, unclear) in [
        (&*other, "HZ0001"),
        (r#""amount":"100.00""#, r#""amount":"99.99""#),
        (r#"amount":"28.50""#, r#"amount":"28.49""#),
        ("TRADE_SUCCESS", "TRADE_FINISHED"),
    ] {
        assert!(no_word(&found(&others.replace(was, unclear))), "{unclear}");
    }

    let trade = |inner: &str| inquire.read_about_trade(TRADE, &signed(QUERY, inner));
    let state = |inner: &str| trade(inner).map(|trade| trade.state);
    assert_eq!(state(&untouched), Ok(TradeState::Open));
    assert_eq!(state(&of("TRADE_SUCCESS", "0.00", "x")), Ok(TradeState::Released));
    assert_eq!(state(&of("TRADE_FINISHED", "0.00", "x")), Ok(TradeState::Released));
    assert_eq!(state(&untouched.replace("TRADE_SUCCESS", "TRADE_CLOSED")), Ok(TradeState::Closed));
    assert!(state(&untouched.replace("TRADE_SUCCESS", "WAIT_BUYER_PAY")).is_err());
    assert_eq!(state(r#"{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}"#), Ok(TradeState::Absent));
    let released = trade(&of("TRADE_SUCCESS", "0.00", "x")).expect("a trade");
    let held = Money::parse("128.50", "CNY".parse().expect("a currency")).expect("money");
    assert_eq!((released.held, released.released_minor), (Some(held), Some(12_850)));
}

#[test]
fn a_payment_is_declared_and_its_number_read() {
    let provider = provider();
    let declare = provider.abilities.declare_customs.clone().expect("it declares");
    let declaration = Declaration { split: Some("shp-1".into()), ..declared_payment() };
    assert_eq!(declaration.payment_reference, TRADE);
    let request = declare.declare(&declaration, wall()).expect("a request");
    let content = content_of(&request);
    for part in [r#""is_split":"T""#, r#""sub_out_biz_no":"shp-1""#, r#""amount":"128.50""#, "示例商户"] {
        assert!(content.contains(part), "{content}");
    }
    let read = |inner: &str| declare.read_declaration(&declaration, &signed(DECLARE, inner));
    let of = |trade: &str, more: &str| {
        format!(
            r#"{{"code":"10000","trade_no":"{trade}","alipay_declare_no":"2026112200001","identity_check":"T"{more}}}"#
        )
    };
    let declared = read(&of(TRADE, "")).expect("a declaration");
    assert_eq!(
        (declared.declaration_number.as_str(), declared.identity_matches),
        ("2026112200001", Some(true))
    );
    assert!(read(&of(TRADE, &format!(r#","out_request_no":"{}""#, trigger()))).is_ok());
    assert!(
        read(r#"{"code":"40004","sub_code":"ACQ.INVALID_PARAMETER"}"#)
            .is_err_and(|reading| refused(&reading))
    );
    let office = CustomsOffice {
        place: "HANGZHOU".into(),
        merchant_code: "1404A9XXXX".into(),
        merchant_name: "示例商户".into(),
    };
    let facts = facts(TriggerAction::DeclareCustoms, TRADE, "128.50", "CNY");
    let facts = TriggerFacts { customs: Some(office), ..facts };
    an_answer_counts_whole_or_not_at_all(&provider, &facts, &signed(DECLARE, &of(TRADE, "")));
    let nameless = of(TRADE, "").replace("trade_no", "another_no");
    let numberless = of(TRADE, "").replace("alipay_declare_no", "another_no");
    for other in [of("2", ""), of(TRADE, r#","out_request_no":"2""#), nameless, numberless] {
        assert!(read(&other).is_err_and(|reading| unknown(&reading)), "{other}");
    }
}

/// A form of bytes, signed.
fn notice_of(changes: &[(&str, &[u8])], key: &str) -> String {
    let mut fields: BTreeMap<&[u8], &[u8]> = BTreeMap::from([
        (&b"notify_id"[..], &b"91722adff935e8cfa58b3aabf4dead6ibe"[..]),
        (b"notify_type", b"trade_status_sync"),
        (b"notify_time", b"2026-11-22 11:04:05"),
        (b"app_id", b"2021000000000001"),
        (b"trade_no", TRADE.as_bytes()),
        (b"trade_status", b"TRADE_SUCCESS"),
        (b"total_amount", b"128.50"),
        (b"subject", "茶 & tea + 1".as_bytes()),
        (b"charset", b"utf-8"),
        (b"version", b"1.0"),
        (b"empty", b""),
    ]);
    fields.extend(changes.iter().map(|(name, value)| (name.as_bytes(), *value)));
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<Vec<u8>> = filled.map(|(name, value)| [*name, b"=", *value].concat()).collect();
    let sign = private(key).sign(&pairs.join(&b'&'));
    fields.extend([(&b"sign"[..], sign.as_bytes()), (b"sign_type", b"RSA2")]);
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let escaped = |byte: &u8| match *byte {
        byte if kept(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let escaped = |bytes: &[u8]| bytes.iter().map(escaped).collect::<String>();
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

fn notice(changes: &[(&str, &str)], key: &str) -> String {
    let changes: Vec<_> = changes.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    notice_of(&changes, key)
}

#[test]
fn a_notice_is_believed_when_alipay_signed_it_for_this_application() {
    let notified = provider().abilities.notified.expect("it is told");
    let read = |body: &str| notified.read(&|_| None, body.as_bytes(), wall());
    let told = read(&notice(&[], PROVIDER)).expect("a notice");
    assert_eq!(
        (told.id.as_str(), told.payment_reference.as_str()),
        ("91722adff935e8cfa58b3aabf4dead6ibe", TRADE)
    );
    assert_eq!(told.says, Said::Changed("TRADE_SUCCESS".into()));
    assert_eq!(told.total.map(|money| money.minor), Some(12_850));
    let id = trigger().to_string();
    let of_refund = notice(&[("out_biz_no", &id), ("gmt_refund", "2026-11-22 11:04:05.123")], PROVIDER);
    assert_eq!(read(&of_refund).map(|notice| notice.says), Ok(Said::TookEffect(trigger())));
    let unsigned = |body: &str| read(body).is_err();
    assert!(unsigned(&notice(&[], STRANGER)));
    assert!(unsigned(&notice(&[], PROVIDER).replace("128.50", "1.00")));
    assert!(unsigned(&notice(&[("app_id", "2021000000000002")], PROVIDER)));
    assert!(unsigned(&notice(&[], PROVIDER).replace("sign_type=RSA2", "sign_type=MD5")));
    let twice = format!("{}&total_amount=1.00", notice(&[], PROVIDER));
    assert!(unsigned(&twice), "nobody knows which of the two is signed");
    let nameless = notice(&[("trade_no", "")], PROVIDER);
    let told = read(&nameless).expect("it is signed");
    assert_eq!(told.id, "91722adff935e8cfa58b3aabf4dead6ibe");
    assert!(matches!(told.says, Said::Unreadable(_)));
    assert_eq!(notified.acknowledgement(), ("text/plain", "success"));
}

#[test]
fn a_notice_in_gbk_is_believed_by_its_bytes() {
    let notified = provider().abilities.notified.expect("it is told");
    let read = |body: &[u8]| notified.read(&|_| None, body, wall());
    // 茶 and 镕; the second byte of the latter is a letter of ASCII.
    let subject: &[u8] = b"\xB2\xE8 & \xE9F";
    let gbk = [("charset", &b"GBK"[..]), ("subject", subject)];
    let escaped = notice_of(&gbk, PROVIDER);
    assert!(escaped.contains("subject=%B2%E8%20%26%20%E9F"), "{escaped}");
    let told = read(escaped.as_bytes()).expect("a notice");
    assert_eq!((told.payment_reference.as_str(), told.says), (TRADE, Said::Changed("TRADE_SUCCESS".into())));
    assert_eq!(told.total.map(|money| money.minor), Some(12_850));
    let (before, after) = escaped.split_once("%B2%E8").expect("the subject");
    assert!(read(&[before.as_bytes(), b"\xB2\xE8", after.as_bytes()].concat()).is_ok(), "not escaped");
    assert!(read(escaped.replace("%B2%E8", "%B2%E9").as_bytes()).is_err());
    assert!(read(notice_of(&gbk, STRANGER).as_bytes()).is_err());

    for name in ["notify_id", "trade_no", "trade_status", "total_amount"] {
        let told = read(notice_of(&[(name, subject)], PROVIDER).as_bytes()).expect("it is signed");
        assert_eq!(told.says, Said::Unreadable(format!("its {name} is no UTF-8")));
        assert_eq!(told.id.starts_with("sha256/"), name == "notify_id", "{}", told.id);
    }
    let of_refund = [("gmt_refund", &b"2026-11-22 11:04:05.123"[..]), ("out_biz_no", subject)];
    let told = read(notice_of(&of_refund, PROVIDER).as_bytes()).expect("it is signed");
    assert_eq!(told.says, Said::Unreadable("its out_biz_no is no UTF-8".into()));
    assert!(read(notice_of(&[("app_id", subject)], PROVIDER).as_bytes()).is_err());
}

/// The legacy gateway's answer: MD5 over the sorted fields and the key.
fn legacy_answer(status: &str, key: &str) -> Answer {
    use md5::{Digest, Md5};
    let content = format!("trade_no={TRADE}&trade_status={status}{key}");
    let sign: String = Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    answer(
        200,
        &format!(
            r#"<?xml version="1.0" encoding="utf-8"?><alipay><is_success>T</is_success><request><param name="service">send_goods_confirm_by_platform</param></request><response><tradeBase><trade_no>{TRADE}</trade_no><trade_status>{status}</trade_status></tradeBase></response><sign>{sign}</sign><sign_type>MD5</sign_type></alipay>"#
        ),
    )
}

fn legacy_error(error: &str) -> Answer {
    answer(200, &format!("<alipay><is_success>F</is_success><error>{error}</error></alipay>"))
}

#[test]
fn shipping_is_told_to_the_legacy_gateway_and_its_answer_checked() {
    let (provider, facts) = (provider(), facts(TriggerAction::Shipped, TRADE, "128.50", "CNY"));
    let command = command(&facts);
    let request = provider.request(&command, wall()).expect("a request");
    assert_eq!(request.url, "https://mapi.alipay.com/gateway.do?_input_charset=utf-8");
    // `printf '…test-key' | md5sum` over what is sorted and signed.
    assert_eq!(
        body(&request),
        format!(
            "service=send_goods_confirm_by_platform&partner=2088000000000001&_input_charset=utf-8&trade_no={TRADE}\
             &logistics_name=sf_express&invoice_no=SF1020304050607&transport_type=EXPRESS\
             &sign=5a7ef1e5e8d684e192dbebe8c6adf452&sign_type=MD5"
        )
    );
    an_answer_counts_whole_or_not_at_all(
        &provider,
        &facts,
        &legacy_answer("WAIT_BUYER_CONFIRM_GOODS", "test-key"),
    );
    let read = |answer: &Answer| provider.read(&command, answer);
    assert!(unknown(&read(&legacy_answer("WAIT_BUYER_CONFIRM_GOODS", "other-key"))));
    assert!(unknown(&read(&legacy_answer("WAIT_SELLER_SEND_GOODS", "test-key"))));
    assert!(unknown(&read(&answer(200, "<alipay><is_success>T</is_success></alipay>"))));
    assert!(
        unknown(&read(&legacy_error("TRADE_STATUS_NOT_AVAILD")))
            && unknown(&read(&legacy_error("SYSTEM_ERROR")))
    );
    assert!(refused(&read(&legacy_error("TRADE_NOT_EXIST"))) && later(&read(&legacy_error("ILLEGAL_SIGN"))));
    let inquire = provider.abilities.inquire.clone().expect("it can be asked");
    let found = |answer: &Answer| inquire.read_about_command(&command, answer);
    assert!(
        body(&inquire.about_command(&command, wall()).expect("a question")).contains("single_trade_query")
    );
    assert_eq!(found(&legacy_answer("TRADE_FINISHED", "test-key")), Found::TookEffect);
    assert_eq!(found(&legacy_answer("WAIT_SELLER_SEND_GOODS", "test-key")), Found::NotThere);
    assert!(no_word(&found(&legacy_answer("WAIT_SELLER_SEND_GOODS", "other-key"))));
    assert!(no_word(&found(&legacy_error("TRADE_NOT_EXIST"))));
}

#[test]
fn what_others_say_means_nothing() {
    let provider = provider();
    for action in [TriggerAction::ConfirmReceipt, TriggerAction::Refund, TriggerAction::Shipped] {
        let facts = facts(action, TRADE, "128.50", "CNY");
        for body in BODIES {
            for status in [200, 201, 404, 429, 500] {
                strangers_say_nothing(&provider, &facts, status, body.as_bytes());
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_yes(bytes in proptest::collection::vec(any::<u8>(), 0..300), status in 100_u16..600) {
        strangers_say_nothing(&provider(), &confirm(), status, &bytes);
    }

    #[test]
    fn a_form_is_read_back_as_it_was_written(name in "[a-z_]{1,8}", value in ".{1,40}") {
        let form = wire::Form::read(wire::form(&[(&name, value.clone())]).as_bytes()).expect("a form");
        prop_assert_eq!(form.text(&name), Ok(value.as_str()));
    }
}
