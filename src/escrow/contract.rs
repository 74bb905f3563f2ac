//! What every provider's adapter has to stand, on made-up triggers and answers.
//!
//! A false acknowledgement leaves a merchant unpaid; a false refusal, or a false "not there", can pay twice.

use std::time::Duration;

use uuid::Uuid;

use super::provider::{Command, Declaration, Found, NotBelieved, Provider, Reading};
use crate::domain::escrow::{Consignment, Evidence, ReleasePolicy, TriggerAction, TriggerFacts};
use crate::domain::id::{MerchantId, OrderId, ShipmentId, TriggerId};
use crate::domain::instant::{Instant, from_micros};
use crate::domain::money::Money;
use crate::outbound::{Answer, Request};

/// 2026-11-22T03:04:05Z.
pub const WALL: i64 = 1_795_316_645;

pub fn wall() -> Instant {
    from_micros(WALL * 1_000_000)
}

pub fn trigger() -> TriggerId {
    TriggerId::from_uuid(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0001))
}

pub fn facts(action: TriggerAction, payment_reference: &str, amount: &str, currency: &str) -> TriggerFacts {
    TriggerFacts {
        action,
        merchant: MerchantId::from_uuid(Uuid::from_u128(1)),
        order: OrderId::from_uuid(Uuid::from_u128(2)),
        shipment: ShipmentId::from_uuid(Uuid::from_u128(3)),
        reference: "A-1001".into(),
        payment_reference: payment_reference.into(),
        parcel: None,
        amount: amount.into(),
        currency: currency.into(),
        customs: None,
        sequence: None,
        consignments: vec![consignment(1, "sf_express", "SF1020304050607")],
        evidence: Evidence {
            policy: ReleasePolicy::default(),
            decided_at: wall(),
            parcels: Vec::new(),
            because: None,
        },
    }
}

/// Of all of a payment.
pub fn declared_payment() -> Declaration {
    Declaration {
        id: trigger(),
        payment_reference: "2026112222001400000000000001".into(),
        merchant_customs_code: "1404A9XXXX".into(),
        merchant_customs_name: "示例商户".into(),
        customs_place: "HANGZHOU".into(),
        amount: Money::new(12_850, "CNY".parse().expect("a currency")),
        split: None,
    }
}

pub fn consignment(parcel: u16, carrier: &str, tracking_number: &str) -> Consignment {
    Consignment { parcel, carrier: carrier.into(), tracking_number: tracking_number.into() }
}

pub fn command(facts: &TriggerFacts) -> Command<'_> {
    Command { id: trigger(), facts, body: "{}" }
}

pub fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
}

pub fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

pub fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap_or_default()).expect("text")
}

pub fn unknown(reading: &Reading) -> bool {
    matches!(reading, Reading::Unknown { .. })
}

pub fn refused(reading: &Reading) -> bool {
    matches!(reading, Reading::Refused { .. })
}

pub fn later(reading: &Reading) -> bool {
    matches!(reading, Reading::Later { .. })
}

pub fn no_word(found: &Found) -> bool {
    matches!(found, Found::NoWord { .. })
}

/// No answer but a whole and honest one moves anything: `honest` is one that acknowledges.
pub fn an_answer_counts_whole_or_not_at_all(provider: &Provider, facts: &TriggerFacts, honest: &Answer) {
    let command = command(facts);
    let read = provider.read(&command, honest);
    assert!(matches!(read, Reading::Acknowledged | Reading::Declared(_)), "{read:?}");
    let text = &honest.body;
    for length in 0..text.len() {
        let cut = Answer { body: text[..length].to_vec(), ..honest.clone() };
        assert!(unknown(&provider.read(&command, &cut)), "cut at {length}");
    }
    for status in [301, 500, 502, 503, 504] {
        let failed = Answer { status, ..honest.clone() };
        assert!(unknown(&provider.read(&command, &failed)), "{status}");
    }
    let other = TriggerFacts { payment_reference: "2026112222001499999999999999".into(), ..facts.clone() };
    let of_another = Command { id: TriggerId::from_uuid(Uuid::from_u128(9)), facts: &other, body: "{}" };
    assert!(unknown(&provider.read(&of_another, honest)), "of another command");
}

/// Whatever bytes come, with whatever status: nothing panics, and nothing is taken for a yes.
pub fn strangers_say_nothing(provider: &Provider, facts: &TriggerFacts, status: u16, body: &[u8]) {
    let command = command(facts);
    let answer = Answer {
        status,
        retry_after: Some(Duration::from_secs(7)),
        headers: vec![
            ("signature", "algorithm=RSA256,keyVersion=1,signature=AAAA".into()),
            ("response-time", "1".into()),
        ],
        body: body.to_vec(),
        ..Answer::default()
    };
    let reading = provider.read(&command, &answer);
    assert!(unknown(&reading) || later(&reading), "{reading:?}");
    let can = &provider.abilities;
    if let Some(inquire) = &can.inquire {
        assert!(no_word(&inquire.read_about_command(&command, &answer)));
        assert!(inquire.read_about_trade(&facts.payment_reference, &answer).is_err());
    }
    if let Some(declare) = &can.declare_customs {
        assert!(
            declare.read_declaration(&declared_payment(), &answer).is_err_and(|reading| unknown(&reading))
        );
    }
    if let Some(notified) = &can.notified {
        let read = notified.read(&|_| None, body, wall());
        assert!(matches!(read, Err(NotBelieved(_))));
    }
}

/// The bodies of all providers, none of which may mean anything to another.
pub const BODIES: [&str; 6] = [
    "",
    "<html><body>502 Bad Gateway</body></html>",
    r#"{"alipay_trade_settle_confirm_response":{"code":"10000","msg":"Success","trade_no":"2026112222001400000000000001"},"sign":"AAAA"}"#,
    r#"{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"},"settlementRequestId":"x"}"#,
    r#"{"id":"1JU08902781691411","status":"COMPLETED"}"#,
    r#"{"type":"escrow.took_effect","data":{"payment_reference":"2026112222001400000000000001"}}"#,
];
