//! What the sandbox says, as the adapters that were written apart from it hear it.

use std::sync::LazyLock;

use tempfile::TempDir;

use super::super::ask::Ask;
use super::super::books::{Rules, Verdict};
use super::super::keyring::{self, ANTOM_CLIENT_ID, APP_ID, Files, PAYPAL_CLIENT_ID, PAYPAL_WEBHOOK_ID};
use super::super::trade::Terms;
use super::*;
use crate::config::{Escrow, defaults_with};
use crate::domain::escrow::StandsThere;
use crate::domain::id::TriggerId;
use crate::domain::instant::from_micros;
use crate::escrow::provider::{Notice as Heard, Provider, Said};

struct Keys {
    wires: Wires,
    files: Files,
    _folder: TempDir,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let (wires, files) = keyring::open(folder.path()).expect("keys");
    Keys { wires, files, _folder: folder }
});

fn settings(changes: &str) -> Escrow {
    defaults_with(changes).expect("valid settings").escrow
}

fn at(seconds: i64) -> Instant {
    from_micros(1_795_316_645_000_000 + seconds * 1_000_000)
}

fn trigger() -> TriggerId {
    TriggerId::from_uuid(uuid::Uuid::from_u128(7))
}

fn books(format: Format, reference: &str, also: Option<&str>) -> Books {
    let mut books = Books::new(Rules::default());
    let held = Money::new(10_000, "CNY".parse().expect("a currency"));
    let terms = Terms { also: also.map(str::to_owned), ..Terms::default() };
    books.create(format, reference, held, terms, at(0)).expect("a new trade");
    books
}

fn perform(books: &mut Books, format: Format, reference: &str, action: Action, seconds: i64) {
    let id = trigger().to_string();
    let mut ask = Ask::new(format, &format!("{action}:{id}"), reference, action, [7; 32]);
    (ask.id, ask.amount) = (id, Some(Money::new(2_500, "CNY".parse().expect("a currency"))));
    assert!(matches!(books.perform(ask, at(seconds)), Verdict::Done { .. }));
}

/// Sent at `at(60)`.
fn sent(books: &Books, format: Format, reference: &str) -> Request {
    let trade = books.find(format, reference).expect("the trade").clone();
    let url = format!("https://sampan.example/v1/escrow/{format}/notify");
    Notice::of(books, trade, "sbx-1".to_owned()).request(&KEYS.wires, &url, at(60)).expect("keys")
}

fn heard(provider: &Provider, request: &Request) -> Heard {
    let body = request.body.clone().expect("a body");
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let notified = provider.abilities.notified.as_ref().expect("it is told");
    notified.read(&header, &body, at(60)).expect("it is the provider's")
}

fn antom() -> Provider {
    let Files { antom_merchant_key, antom_provider_public, .. } = &KEYS.files;
    let settings = settings(&format!(
        "[escrow.antom]\nclient_id = \"{ANTOM_CLIENT_ID}\"\nprivate_key_file = {antom_merchant_key:?}\n\
         public_key_file = {antom_provider_public:?}"
    ));
    crate::escrow::antom::open(&settings.antom).expect("valid settings").expect("a provider").0
}

#[test]
fn a_frozen_payment_of_antom_is_a_dispute_and_a_thawed_one_was_judged() {
    let (antom, mut books) = (antom(), books(Format::Antom, "P1", None));
    let mut said = |frozen: Option<bool>, seconds: i64| {
        if let Some(frozen) = frozen {
            books.set_frozen(Format::Antom, "P1", frozen, at(seconds)).expect("the trade");
        }
        let notice = heard(&antom, &sent(&books, Format::Antom, "P1"));
        assert_eq!(notice.payment_reference, "P1");
        notice
    };
    let stands = |notice: &Heard| match &notice.says {
        Said::Disputed(said) => Some((said.dispute.clone(), said.stands, said.at)),
        _ => None,
    };
    assert_eq!(said(None, 0).says, Said::Changed("PAYMENT_RESULT".to_owned()));
    let opened = said(Some(true), 1);
    let (first, is_open, since) = stands(&opened).expect("a dispute");
    assert_eq!((is_open, since), (StandsThere::Open, at(1)));
    // Frozen again it is the same, and said again, too.
    assert_eq!(said(Some(true), 2), opened);
    let judged = said(Some(false), 3);
    assert_eq!(stands(&judged), Some((first.clone(), StandsThere::ForSeller, at(3))));
    let (second, is_open, _) = stands(&said(Some(true), 4)).expect("a dispute");
    assert!(is_open == StandsThere::Open && second != first);
    perform(&mut books, Format::Antom, "P1", Action::Refund, 5);
    let refunded = heard(&antom, &sent(&books, Format::Antom, "P1"));
    assert_eq!(refunded.says, Said::TookEffect(trigger()), "what happened last is said");
}

#[test]
fn antom_names_a_refund_by_its_command_and_a_settlement_by_its_batch() {
    let (antom, mut books) = (antom(), books(Format::Antom, "P1", None));
    perform(&mut books, Format::Antom, "P1", Action::Refund, 1);
    let refund = heard(&antom, &sent(&books, Format::Antom, "P1"));
    assert_eq!((refund.payment_reference.as_str(), refund.says), ("", Said::TookEffect(trigger())));
    perform(&mut books, Format::Antom, "P1", Action::Release, 2);
    let settled = heard(&antom, &sent(&books, Format::Antom, "P1"));
    assert_eq!(settled.payment_reference, "");
    assert_eq!(settled.says, Said::OfNoOrder("batch sbx-1 SELLER SBXSELLER was settled".to_owned()));
}

#[test]
fn alipay_says_when_it_refunded_and_so_the_refund_is_known_by_its_number() {
    let Files { alipay_merchant_key, alipay_provider_public, .. } = &KEYS.files;
    let settings = settings(&format!(
        "[escrow.alipay]\napp_id = \"{APP_ID}\"\nprivate_key_file = {alipay_merchant_key:?}\n\
         public_key_file = {alipay_provider_public:?}"
    ));
    let alipay =
        crate::escrow::alipay::open(&settings.alipay).expect("valid settings").expect("a provider").0;
    let mut books = books(Format::Alipay, "2026112200001", Some("SHOP-1"));
    let changed = heard(&alipay, &sent(&books, Format::Alipay, "2026112200001"));
    assert!(matches!(changed.says, Said::Changed(_)), "{:?}", changed.says);
    perform(&mut books, Format::Alipay, "2026112200001", Action::Refund, 1);
    let request = sent(&books, Format::Alipay, "2026112200001");
    assert_eq!(heard(&alipay, &request).says, Said::TookEffect(trigger()));
    let form = String::from_utf8(request.body.expect("a body")).expect("a form");
    // The clock of China, to the millisecond.
    let expected = format!("gmt_refund={}", escape("2026-11-22 11:04:06.000"));
    assert!(form.split('&').any(|field| field == expected), "{form}");
}

#[test]
fn paypals_refund_leads_to_its_capture_where_the_trade_is_named_by_its_order() {
    let settings = settings(&format!(
        "[escrow.paypal]\nclient_id = \"{PAYPAL_CLIENT_ID}\"\nclient_secret = \"s\"\nwebhook_id = \"{PAYPAL_WEBHOOK_ID}\""
    ));
    let paypal =
        crate::escrow::paypal::open(&settings.paypal).expect("valid settings").expect("a provider").0;
    let vouched = paypal.abilities.vouched.expect("it vouches");
    for (reference, also) in [("5O190127TN364715T", Some("3C679366HH908993F")), ("3C679366HH908993F", None)] {
        let mut books = books(Format::Paypal, reference, also);
        perform(&mut books, Format::Paypal, reference, Action::Refund, 1);
        let body = sent(&books, Format::Paypal, reference).body.expect("a body");
        let notice = vouched.read(&body).expect("a notice").expect("of a capture");
        assert_eq!(notice.payment_reference, "3C679366HH908993F");
        assert_eq!(notice.says, Said::Changed("PAYMENT.CAPTURE.REFUNDED".to_owned()));
    }
}
