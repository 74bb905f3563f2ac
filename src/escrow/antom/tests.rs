use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::contract::{
    BODIES, WALL, an_answer_counts_whole_or_not_at_all, answer, body, command, declared_payment, facts,
    header, later, no_word, refused, strangers_say_nothing, trigger, unknown, wall,
};
use super::super::provider::{NotBelieved, Notice, Said, TradeState};
use super::super::signing::test_keys::{
    MERCHANT, MERCHANT_PUBLIC, PROVIDER, PROVIDER_PUBLIC, STRANGER, private, public,
};
use super::*;
use crate::domain::escrow::{StandsThere, TriggerFacts};
use crate::domain::money::Money;

const PAYMENT: &str = "20261122194010800190188000009014801";
const CLIENT: &str = "5J5YLX8LMFL900000";
const BASE: &str = "/ams/api";

static PROVIDER_OF_TESTS: LazyLock<Provider> = LazyLock::new(|| {
    let settings = config::defaults_with(&format!(
        "[escrow.antom]\nclient_id = \"{CLIENT}\"\nkey_version = 2\nprivate_key = '''{MERCHANT}'''\n\
         public_key = '''{PROVIDER_PUBLIC}'''"
    ));
    open(&settings.expect("valid settings").escrow.antom).expect("valid settings").expect("a provider").0
});

fn provider() -> &'static Provider {
    &PROVIDER_OF_TESTS
}

fn confirm() -> TriggerFacts {
    facts(TriggerAction::ConfirmReceipt, PAYMENT, "128.50", "USD")
}

fn refund() -> TriggerFacts {
    facts(TriggerAction::Refund, PAYMENT, "128.50", "USD")
}

fn signature(key: &str, path: &str, time: &str, body: &str) -> String {
    let signed = private(key).sign(&wire::content(path, CLIENT, time, body.as_bytes()));
    format!("algorithm=RSA256, keyVersion=1, signature={}", percent_encoded(&signed))
}

fn signed_by(key: &str, call: &str, body: &str) -> Answer {
    let time = "2026-11-22T11:04:06+08:00";
    let signature = signature(key, &format!("{BASE}{call}"), time, body);
    Answer { headers: vec![("signature", signature), ("response-time", time.into())], ..answer(200, body) }
}

fn signed(call: &str, body: &str) -> Answer {
    signed_by(PROVIDER, call, body)
}

fn result(status: &str, code: &str) -> String {
    format!(r#""result":{{"resultCode":"{code}","resultStatus":"{status}","resultMessage":"-"}}"#)
}

fn settled() -> Answer {
    let (id, result) = (trigger(), result("S", "SUCCESS"));
    signed(SETTLE, &format!(r#"{{{result},"settlementRequestId":"{id}","settlementId":"2026112219401888"}}"#))
}

#[test]
fn a_release_is_a_signed_settlement_to_the_seller() {
    let (facts, id) = (confirm(), trigger());
    let request = provider().request(&command(&facts), wall()).expect("a request");
    assert_eq!(request.url, "https://open-sea-global.alipay.com/ams/api/v1/payments/settle");
    let content = format!(
        r#"{{"paymentId":"{PAYMENT}","settlementDetails":[{{"settleTo":"SELLER","settlementAmount":{{"currency":"USD","value":"12850"}}}}],"settlementRequestId":"{id}"}}"#
    );
    assert_eq!(body(&request), content);
    let time = (WALL * 1000).to_string();
    assert_eq!(
        (header(&request, "client-id"), header(&request, "request-time")),
        (Some(CLIENT), Some(&*time))
    );
    let signature = header(&request, "signature").expect("a signature");
    assert!(signature.starts_with("algorithm=RSA256,keyVersion=2,signature="), "{signature}");
    let to_sign = format!("POST /ams/api/v1/payments/settle\n{CLIENT}.{time}.{content}");
    assert!(wire::is_believed(signature, &public(MERCHANT_PUBLIC), to_sign.as_bytes()));
    assert!(request.keep.contains(&"signature") && request.keep.contains(&"response-time"));

    let newest = config::defaults_with(&format!(
        "[escrow.antom]\nclient_id = \"{CLIENT}\"\nprivate_key = '''{MERCHANT}'''\npublic_key = '''{PROVIDER_PUBLIC}'''"
    ));
    let (newest, _) =
        open(&newest.expect("valid settings").escrow.antom).expect("valid").expect("a provider");
    let request = newest.request(&command(&facts), wall()).expect("a request");
    assert!(header(&request, "signature").is_some_and(|one| one.starts_with("algorithm=RSA256,signature=")));

    let yen = TriggerFacts { amount: "1200".into(), currency: "JPY".into(), ..facts };
    let request = provider().request(&command(&yen), wall()).expect("a request");
    assert!(body(&request).contains(r#"{"currency":"JPY","value":"1200"}"#));
    for (reference, amount) in [("", "1.00"), ("a b", "1.00"), (PAYMENT, "0.00"), (PAYMENT, "1.005")] {
        let facts = TriggerFacts { payment_reference: reference.into(), amount: amount.into(), ..confirm() };
        assert!(provider().request(&command(&facts), wall()).is_err(), "{reference} {amount}");
    }
    for action in [TriggerAction::Shipped, TriggerAction::Delivered, TriggerAction::Freeze] {
        assert!(!provider().can(action), "{action}");
    }
}

#[test]
fn only_an_answer_that_antom_signed_for_this_path_counts() {
    let facts = confirm();
    an_answer_counts_whole_or_not_at_all(provider(), &facts, &settled());
    let read = |answer: &Answer| provider().read(&command(&facts), answer);
    let text = String::from_utf8(settled().body).expect("text");
    assert!(unknown(&read(&answer(200, &text))), "no signature");
    assert!(unknown(&read(&signed_by(STRANGER, SETTLE, &text))));
    assert!(unknown(&read(&signed(REFUND, &text))), "signed for another path");
    let (mut late, mut other) = (settled(), settled());
    late.headers[1].1 = "2026-11-22T11:04:07+08:00".into();
    other.headers[0].1 = other.headers[0].1.replace("RSA256", "RSA512");
    assert!(unknown(&read(&late)) && unknown(&read(&other)));
    assert!(unknown(&read(&Answer {
        body: text.replace("2219401888", "2219401889").into_bytes(),
        ..settled()
    })));
}

#[test]
fn a_result_is_final_unknown_or_about_who_asked() {
    let (confirm, refund, id) = (confirm(), refund(), trigger());
    let settling = |status: &str, code: &str| {
        let body = format!(r#"{{{},"settlementRequestId":"{id}"}}"#, result(status, code));
        provider().read(&command(&confirm), &signed(SETTLE, &body))
    };
    for code in ["UNKNOWN_EXCEPTION", "REQUEST_TRAFFIC_EXCEED_LIMIT", "SUCCESS"] {
        assert!(unknown(&settling("U", code)), "{code}");
    }
    for code in ["ORDER_NOT_EXIST", "PROCESS_FAIL", "PARAM_ILLEGAL", "SETTLE_AMOUNT_EXCEED"] {
        assert!(refused(&settling("F", code)), "{code}");
    }
    for code in ["INVALID_SIGNATURE", "KEY_NOT_FOUND", "ACCESS_DENIED"] {
        assert!(later(&settling("F", code)), "{code}");
    }
    assert!(unknown(&settling("F", "REPEAT_REQ_INCONSISTENT")) && unknown(&settling("F", "")));
    assert!(unknown(&settling("X", "SUCCESS")));
    let body = format!(r#"{{{},"refundRequestId":"{id}"}}"#, result("S", "SUCCESS"));
    assert_eq!(provider().read(&command(&refund), &signed(REFUND, &body)), Reading::Acknowledged);
    let body = format!(r#"{{{},"refundRequestId":"trg_other"}}"#, result("S", "SUCCESS"));
    assert!(unknown(&provider().read(&command(&refund), &signed(REFUND, &body))));
    assert!(later(&provider().read(&command(&refund), &answer(429, ""))));
}

#[test]
fn a_refund_can_be_asked_about_and_a_settlement_cannot() {
    let (confirm, refund, id) = (confirm(), refund(), trigger());
    let inquire = provider().abilities.inquire.clone().expect("it can be asked");
    assert!(inquire.about_command(&command(&confirm), wall()).is_none());
    let request = inquire.about_command(&command(&refund), wall()).expect("a question");
    assert_eq!(body(&request), format!(r#"{{"refundRequestId":"{id}"}}"#));
    let found = |body: &str| inquire.read_about_command(&command(&refund), &signed(INQUIRE_REFUND, body));
    let of = |status: &str, value: &str| {
        let result = result("S", "SUCCESS");
        format!(
            r#"{{{result},"refundRequestId":"{id}","refundAmount":{{"currency":"USD","value":"{value}"}},"refundStatus":"{status}"}}"#
        )
    };
    assert_eq!(found(&of("SUCCESS", "12850")), Found::TookEffect);
    assert_eq!(found(&of("PROCESSING", "12850")), Found::UnderWay);
    assert!(matches!(found(&of("FAIL", "12850")), Found::Refused { .. }));
    assert!(no_word(&found(&of("SUCCESS", "1"))) && no_word(&found(&of("LOST", "12850"))));
    assert!(no_word(&found(&of("SUCCESS", "12850").replace("trg_", "trx_"))));
    assert_eq!(found(&format!("{{{}}}", result("F", "REFUND_NOT_EXIST"))), Found::NotThere);
    assert!(no_word(&found(&format!("{{{}}}", result("F", "ACCESS_DENIED")))));
    assert!(no_word(&found(&format!("{{{}}}", result("U", "UNKNOWN_EXCEPTION")))));
}

#[test]
fn a_payment_is_open_until_it_is_known_to_be_refunded() {
    let inquire = provider().abilities.inquire.clone().expect("it can be asked");
    let trade = |body: &str| inquire.read_about_trade(PAYMENT, &signed(INQUIRE_PAYMENT, body));
    let of = |status: &str, refunds: &str| {
        let result = result("S", "SUCCESS");
        format!(
            r#"{{{result},"paymentId":"{PAYMENT}","paymentStatus":"{status}","paymentAmount":{{"currency":"USD","value":"12850"}},"transactions":[{refunds}]}}"#
        )
    };
    let one = r#"{"transactionType":"REFUND","transactionStatus":"SUCCESS","transactionAmount":{"currency":"USD","value":"6425"}}"#;
    let open = trade(&of("SUCCESS", one)).expect("a trade");
    assert_eq!((open.state, open.refunded_minor), (TradeState::Open, Some(6425)));
    assert_eq!(open.held.map(|money| money.minor), Some(12_850));
    let state = |body: &str| trade(body).map(|trade| trade.state);
    assert_eq!(state(&of("SUCCESS", &format!("{one},{one}"))), Ok(TradeState::Refunded));
    assert_eq!(state(&of("CANCELLED", "")), Ok(TradeState::Closed));
    assert_eq!(state(&format!("{{{}}}", result("F", "ORDER_NOT_EXIST"))), Ok(TradeState::Absent));
    assert!(
        state(&of("PROCESSING", "")).is_err() && state(&of("SUCCESS", "").replace(PAYMENT, "2")).is_err()
    );
}

#[test]
fn a_payment_is_declared_in_yuan_and_its_number_read() {
    let declare = provider().abilities.declare_customs.clone().expect("it declares");
    let mut declaration = Declaration { payment_reference: PAYMENT.into(), ..declared_payment() };
    let request = declare.declare(&declaration, wall()).expect("a request");
    for part in [r#""splitOrder":false"#, r#""customsCode":"HANGZHOU""#, r#""value":"12850""#] {
        assert!(body(&request).contains(part), "{part}");
    }
    assert!(trigger().to_string().len() <= 32, "Antom's limit");
    declaration.split = Some("shp-1".into());
    let read = |body: &str| declare.read_declaration(&declaration, &signed(DECLARE, body));
    let of = |more: &str| {
        let result = result("S", "SUCCESS");
        format!(
            r#"{{{result},"customsPaymentId":"2026112211","identityCheckResult":"CHECK_NOT_PASSED","customsProviderRegistrationId":"31222699S7"{more}}}"#
        )
    };
    let declared = read(&of("")).expect("a declaration");
    assert_eq!((declared.identity_matches, declared.pay_code.as_deref()), (Some(false), Some("31222699S7")));
    for (name, own) in [
        ("declarationRequestId", &*trigger().to_string()),
        ("paymentId", PAYMENT),
        ("customsOrderId", "shp-1"),
    ] {
        assert!(read(&of(&format!(r#","{name}":"{own}""#))).is_ok(), "{name}");
        let other = read(&of(&format!(r#","{name}":"of another""#)));
        assert!(other.is_err_and(|reading| unknown(&reading)), "{name}");
    }
    let refusal = format!("{{{}}}", result("F", "PARAM_ILLEGAL"));
    assert!(read(&refusal).is_err_and(|reading| refused(&reading)));
    declaration.amount = Money::parse("1.00", "USD".parse().expect("a currency")).expect("money");
    assert!(declare.declare(&declaration, wall()).is_err());
}

fn told(key: &str, path: &str, body: &str) -> Result<Notice, NotBelieved> {
    let time = "1795316645000";
    let signature = signature(key, path, time, body);
    let header = |name: &str| match name {
        "signature" => Some(signature.clone()),
        "request-time" => Some(time.to_owned()),
        "client-id" => Some(CLIENT.to_owned()),
        _ => None,
    };
    let notified = provider().abilities.notified.clone().expect("it is told");
    assert_eq!(
        notified.acknowledgement().1,
        r#"{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}"#
    );
    notified.read(&header, body.as_bytes(), wall())
}

#[test]
fn a_notice_says_what_became_of_a_command_or_of_a_payment() {
    let (path, id) = ("/v1/escrow/antom/notify", trigger());
    let of = |status: &str| {
        let result = result("S", "SUCCESS");
        format!(
            r#"{{"notifyType":"REFUND_RESULT",{result},"refundStatus":"{status}","refundRequestId":"{id}","refundId":"R1"}}"#
        )
    };
    let says = |body: &str| told(PROVIDER, path, body).map(|notice| notice.says);
    assert_eq!(says(&of("SUCCESS")), Ok(Said::TookEffect(id)));
    assert_eq!(told(PROVIDER, path, &of("SUCCESS")).expect("a notice").payment_reference, "");
    assert!(matches!(says(&of("FAIL")), Ok(Said::Refused(refused, _)) if refused == id));
    assert_eq!(told(PROVIDER, path, &of("FAIL")).expect("a notice").id, "REFUND_RESULT/R1/FAIL");
    let paid =
        format!(r#"{{"notifyType":"PAYMENT_RESULT",{},"paymentId":"{PAYMENT}"}}"#, result("S", "SUCCESS"));
    let notice = told(PROVIDER, path, &paid).expect("a notice");
    assert_eq!(
        (notice.payment_reference.as_str(), notice.says),
        (PAYMENT, Said::Changed("PAYMENT_RESULT".into()))
    );
    assert!(told(STRANGER, path, &paid).is_err() && told(PROVIDER, "/v1/other", &paid).is_err());
}

#[test]
fn rupiahs_are_moved_whole() {
    for (amount, value) in [("12850.00", Some("1285000")), ("12850.50", None), ("0.01", None)] {
        let facts = facts(TriggerAction::ConfirmReceipt, PAYMENT, amount, "IDR");
        let request = provider().request(&command(&facts), wall());
        let sent = request.ok().and_then(|request| String::from_utf8(request.body?).ok());
        let says = |value: &str| format!(r#""value":"{value}""#);
        match value {
            Some(value) => assert!(sent.is_some_and(|sent| sent.contains(&says(value))), "{amount}"),
            None => assert_eq!(sent, None, "{amount}"),
        }
    }
}

#[test]
fn a_batch_is_settled_for_each_recipient_and_a_person_looks_after_one_that_is_not() {
    let path = "/v1/escrow/antom/notify";
    let of = |to: &str, (status, code): (&str, &str)| {
        let result = result(status, code);
        format!(
            r#"{{"notifyType":"SETTLEMENT_RESULT","settlementBatchId":"B9","settleTo":{to},
                "settlementArrivalTime":"2026-11-22T11:00:00+08:00",
                "actualSettlementAmount":{{"currency":"CNY","value":"12850"}},{result}}}"#
        )
    };
    let (one, other) = (r#""SELLER","referenceMerchantId":"M-1""#, r#""SELLER","referenceMerchantId":"M-2""#);
    let ours = format!(r#"{one},"settlementRequestId":"{}""#, trigger());
    let (paid, failed) = (("S", "SUCCESS"), ("F", "SETTLE_FAIL"));
    let mut ids = Vec::new();
    for (to, outcome, says) in [
        (one, paid, Said::OfNoOrder("batch B9 SELLER M-1 was settled".to_owned())),
        (other, paid, Said::OfNoOrder("batch B9 SELLER M-2 was settled".to_owned())),
        (r#""MARKETPLACE""#, paid, Said::OfNoOrder("batch B9 MARKETPLACE was settled".to_owned())),
        (one, failed, Said::Unreadable("batch B9 SELLER M-1 was not settled: SETTLE_FAIL".to_owned())),
        (one, ("U", "-"), Said::Unreadable("batch B9 SELLER M-1 was not settled: -".to_owned())),
    ] {
        let notice = told(PROVIDER, path, &of(to, outcome)).expect("it is signed");
        assert_eq!((notice.payment_reference.as_str(), notice.says), ("", says), "{to} {outcome:?}");
        ids.push(notice.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let says = |outcome| told(PROVIDER, path, &of(&ours, outcome)).expect("it is signed").says;
    assert_eq!(says(paid), Said::TookEffect(trigger()));
    assert_eq!(says(failed), Said::Refused(trigger(), "SETTLE_FAIL".to_owned()));
}

#[test]
fn a_dispute_is_one_whatever_else_a_notice_says() {
    let path = "/v1/escrow/antom/notify";
    let of = |more: &str| {
        format!(
            r#"{{"disputeNotificationType":"DISPUTE_CREATED","disputeId":"D-7","disputeReasonCode":"4853"{more}}}"#
        )
    };
    let paid = format!(r#","paymentId":"{PAYMENT}""#);
    for more in [paid.clone(), format!(r#"{paid},"notifyType":"PAYMENT_RESULT",{}"#, result("S", "SUCCESS"))]
    {
        let notice = told(PROVIDER, path, &of(&more)).expect("it is signed");
        let Said::Disputed(said) = notice.says else { panic!("{:?}", notice.says) };
        let sent_at = chrono::DateTime::from_timestamp_millis(1_795_316_645_000).expect("a time");
        assert_eq!((said.stands, said.at), (StandsThere::Open, sent_at), "{more}");
        assert_eq!(notice.payment_reference, PAYMENT);
    }
    let nobodys = told(PROVIDER, path, &of("")).expect("it is signed");
    assert_eq!(nobodys.says, Said::Unreadable("it has no paymentId".to_owned()));
    assert!(told(STRANGER, path, &of(&paid)).is_err());
}

#[test]
fn what_antom_signed_and_nobody_can_read_has_a_name_of_its_own() {
    let path = "/v1/escrow/antom/notify";
    let mut ids = Vec::new();
    for body in ["", "[]", "{}", r#"{"notifyType":"X"}"#, r#"{"notifyType":"X","disputeId":"D1"}"#] {
        let notice = told(PROVIDER, path, body).expect("it is signed");
        assert!(matches!(notice.says, Said::Unreadable(_)), "{body}");
        assert_eq!(Ok(&notice), told(PROVIDER, path, body).as_ref(), "sent again it is the same");
        assert!(told(STRANGER, path, body).is_err(), "{body}");
        ids.push(notice.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn what_others_say_means_nothing() {
    for facts in [confirm(), refund()] {
        for body in BODIES {
            for status in [200, 201, 404, 429, 500] {
                strangers_say_nothing(provider(), &facts, status, body.as_bytes());
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_a_yes(bytes in proptest::collection::vec(any::<u8>(), 0..300), status in 100_u16..600) {
        strangers_say_nothing(provider(), &confirm(), status, &bytes);
    }

    #[test]
    fn no_header_is_believed_by_chance(header in ".{0,80}") {
        prop_assert!(!wire::is_believed(&header, &public(PROVIDER_PUBLIC), b"x"));
    }
}
