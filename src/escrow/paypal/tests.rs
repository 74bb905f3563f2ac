use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::contract::{
    BODIES, an_answer_counts_whole_or_not_at_all, answer, body, command, consignment, facts, header, later,
    no_word, refused, strangers_say_nothing, trigger, unknown, wall,
};
use super::super::provider::TradeState;
use super::*;
use crate::domain::instant::rfc3339;

const CAPTURE: &str = "8MC585209K746392H";
const ORDER: &str = "5O190127TN364715T";

static PROVIDER_OF_TESTS: LazyLock<Provider> = LazyLock::new(|| {
    let settings = config::defaults_with("[escrow.paypal]\nclient_id = \"AbC\"\nclient_secret = \"s3cret\"");
    open(&settings.expect("valid settings").escrow.paypal).expect("valid settings").expect("a provider").0
});

fn provider() -> &'static Provider {
    &PROVIDER_OF_TESTS
}

fn refund() -> TriggerFacts {
    facts(TriggerAction::Refund, CAPTURE, "28.50", "USD")
}

fn refunded(status: &str) -> String {
    format!(
        r#"{{"id":"1JU08902781691411","status":"{status}","amount":{{"currency_code":"USD","value":"28.50"}}}}"#
    )
}

fn issue(issue: &str) -> String {
    format!(r#"{{"name":"UNPROCESSABLE_ENTITY","debug_id":"1","details":[{{"issue":"{issue}"}}]}}"#)
}

#[test]
fn a_pass_is_asked_for_and_shown() {
    let authorise = provider().abilities.authorise.clone().expect("it wants passes");
    let request = authorise.request();
    assert_eq!(request.url, "https://api-m.paypal.com/v1/oauth2/token");
    assert_eq!(header(&request, "authorization"), Some("Basic QWJDOnMzY3JldA=="));
    let pass = authorise.read(&answer(200, r#"{"access_token":"A21","expires_in":32400}"#)).expect("a pass");
    assert_eq!(pass.lasts, Duration::from_secs(32_400));
    assert!(!format!("{pass:?}").contains("A21"));
    let admitted = authorise.admit(Request::get(String::new()), &pass);
    assert_eq!(header(&admitted, "authorization"), Some("Bearer A21"));
    for (status, body) in
        [(401, r#"{"error":"invalid_client"}"#), (200, "{}"), (500, r#"{"access_token":"A"}"#)]
    {
        assert!(authorise.read(&answer(status, body)).is_err(), "{status} {body}");
    }
}

#[test]
fn parcels_are_reported_one_by_its_order_and_several_in_a_batch() {
    let one = facts(TriggerAction::Shipped, &format!("{ORDER}/{CAPTURE}"), "28.50", "USD");
    let request = provider().request(&command(&one), wall()).expect("a request");
    assert_eq!(request.url, format!("https://api-m.paypal.com/v2/checkout/orders/{ORDER}/track"));
    assert_eq!(
        body(&request),
        format!(
            r#"{{"capture_id":"{CAPTURE}","carrier":"OTHER","carrier_name_other":"sf_express","tracking_number":"SF1020304050607"}}"#
        )
    );
    let id = trigger().to_string();
    assert_eq!(header(&request, "paypal-request-id"), Some(&*id));
    an_answer_counts_whole_or_not_at_all(
        provider(),
        &one,
        &answer(201, &format!(r#"{{"id":"{ORDER}","status":"COMPLETED"}}"#)),
    );

    let mut several = facts(TriggerAction::Shipped, CAPTURE, "28.50", "USD");
    several.consignments.push(consignment(2, "ups", "1Z999"));
    let request = provider().request(&command(&several), wall()).expect("a request");
    assert_eq!(request.url, "https://api-m.paypal.com/v1/shipping/trackers-batch");
    assert!(body(&request).contains(&format!(
        r#"{{"carrier":"UPS","status":"SHIPPED","tracking_number":"1Z999","transaction_id":"{CAPTURE}"}}"#
    )));
    let taken = |number: &str| format!(r#"{{"transaction_id":"{CAPTURE}","tracking_number":"{number}"}}"#);
    let both = format!(r#"{{"tracker_identifiers":[{},{}]}}"#, taken("SF1020304050607"), taken("1Z999"));
    an_answer_counts_whole_or_not_at_all(provider(), &several, &answer(200, &both));
    let read = |body: &str| provider().read(&command(&several), &answer(200, body));
    assert!(unknown(&read(&format!(r#"{{"tracker_identifiers":[{}]}}"#, taken("1Z999")))));
    assert!(unknown(&read(&both.replace("]}", r#"],"errors":[{"name":"VALIDATION_ERROR"}]}"#))));
    assert!(refused(&read(r#"{"tracker_identifiers":[],"errors":[{"name":"VALIDATION_ERROR"}]}"#)));
    assert!(unknown(&read(r#"{"errors":[{"name":"INTERNAL_SERVER_ERROR"}]}"#)) && unknown(&read("{}")));

    several.consignments =
        (1..=21).map(|parcel| consignment(parcel, "ups", &format!("1Z{parcel}"))).collect();
    let request = provider().request(&command(&several), wall()).expect("a request");
    assert_eq!(body(&request).matches("tracking_number").count(), 20, "as many as it takes at once");
    let twenty: Vec<_> = (1..=20).map(|parcel| taken(&format!("1Z{parcel}"))).collect();
    let twenty = format!(r#"{{"tracker_identifiers":[{}]}}"#, twenty.join(","));
    let reading = provider().read(&command(&several), &answer(200, &twenty));
    assert_eq!(reading, Reading::Acknowledged);
    several.consignments.clear();
    let request = provider().request(&command(&several), wall()).expect("a request");
    assert_eq!(
        body(&request),
        format!(r#"{{"trackers":[{{"status":"SHIPPED","transaction_id":"{CAPTURE}"}}]}}"#)
    );
    let delivered = facts(TriggerAction::Delivered, &format!("{ORDER}/{CAPTURE}"), "28.50", "USD");
    let request = provider().request(&command(&delivered), wall()).expect("a request");
    assert!(request.url.ends_with("/trackers-batch") && body(&request).contains("DELIVERED"));
}

#[test]
fn a_parcel_can_be_looked_up() {
    let delivered = facts(TriggerAction::Delivered, CAPTURE, "28.50", "USD");
    let inquire = provider().abilities.inquire.clone().expect("it can be asked");
    let request = inquire.about_command(&command(&delivered), wall()).expect("a question");
    assert!(request.url.ends_with(&format!("/v1/shipping/trackers/{CAPTURE}-SF1020304050607")));
    let found = |status, body: &str| inquire.read_about_command(&command(&delivered), &answer(status, body));
    let of = |status: &str| format!(r#"{{"transaction_id":"{CAPTURE}","status":"{status}"}}"#);
    assert_eq!(found(200, &of("DELIVERED")), Found::TookEffect);
    assert_eq!(found(200, &of("SHIPPED")), Found::NotThere);
    assert_eq!(found(404, r#"{"name":"RESOURCE_NOT_FOUND"}"#), Found::NotThere);
    assert!(
        no_word(&found(404, "{}")) && no_word(&found(200, "{}")) && no_word(&found(500, &of("DELIVERED")))
    );
    assert!(inquire.about_command(&command(&refund()), wall()).is_none());
}

#[test]
fn a_refund_is_one_of_this_amount_and_done() {
    let facts = refund();
    let request = provider().request(&command(&facts), wall()).expect("a request");
    assert_eq!(request.url, format!("https://api-m.paypal.com/v2/payments/captures/{CAPTURE}/refund"));
    assert_eq!(body(&request), r#"{"amount":{"currency_code":"USD","value":"28.50"}}"#);
    let read = |status, body: &str| provider().read(&command(&facts), &answer(status, body));
    assert_eq!(read(201, &refunded("COMPLETED")), Reading::Acknowledged);
    for length in 0..refunded("COMPLETED").len() {
        assert!(unknown(&read(201, &refunded("COMPLETED")[..length])), "cut at {length}");
    }
    assert!(unknown(&read(201, &refunded("PENDING"))) && refused(&read(201, &refunded("FAILED"))));
    assert!(unknown(&read(201, &refunded("COMPLETED").replace("28.50", "28.51"))));
    assert!(unknown(&read(201, r#"{"id":"1JU08902781691411","status":"COMPLETED"}"#)));
    for status in [202, 204, 302, 409, 500, 503] {
        assert!(unknown(&read(status, &refunded("COMPLETED"))), "{status}");
    }
    assert!(refused(&read(422, &issue("REFUND_TIME_LIMIT_EXCEEDED"))));
    for ours in ["CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED", "NEW_ISSUE"] {
        assert!(unknown(&read(422, &issue(ours))), "{ours}");
    }
    assert!(later(&read(422, &issue("INSUFFICIENT_FUNDS"))));
    assert!(refused(&read(404, r#"{"name":"RESOURCE_NOT_FOUND"}"#)) && unknown(&read(404, "{}")));
    assert!(
        later(&read(401, "")) && later(&read(403, r#"{"name":"NOT_AUTHORIZED"}"#)) && later(&read(429, ""))
    );
    assert_eq!(provider().keeps_keys, Some(Duration::from_secs(45 * 86_400)));
}

#[test]
fn amounts_are_as_paypal_has_them() {
    let of = |amount: &str, currency: &str| {
        let facts = facts(TriggerAction::Refund, CAPTURE, amount, currency);
        provider().request(&command(&facts), wall()).map(|request| body(&request).to_owned())
    };
    for (amount, currency, value) in
        [("1200", "JPY", "1200"), ("1200.00", "HUF", "1200"), ("7.00", "TWD", "7")]
    {
        assert!(
            of(amount, currency).is_ok_and(|body| body.contains(&format!(r#""value":"{value}""#))),
            "{currency}"
        );
    }
    for (amount, currency) in [("7.50", "TWD"), ("0.00", "USD"), ("1.005", "USD"), ("1", "dollars")] {
        assert!(of(amount, currency).is_err(), "{amount} {currency}");
    }
    for reference in ["", "/", "a/", "/a", "a/b/c", "../x"] {
        let facts = facts(TriggerAction::Refund, reference, "1.00", "USD");
        assert!(provider().request(&command(&facts), wall()).is_err(), "{reference}");
    }
    for action in [TriggerAction::ConfirmReceipt, TriggerAction::Freeze, TriggerAction::Thaw] {
        assert!(!provider().can(action), "{action}");
    }
}

#[test]
fn a_capture_that_is_paid_out_later_says_when() {
    let inquire = provider().abilities.inquire.clone().expect("it can be asked");
    let trade =
        |status, body: &str| inquire.read_about_trade(&format!("{ORDER}/{CAPTURE}"), &answer(status, body));
    let of = |status: &str, mode: &str| {
        format!(
            r#"{{"id":"{CAPTURE}","status":"{status}","disbursement_mode":"{mode}","create_time":"2026-11-01T00:00:00Z","amount":{{"currency_code":"USD","value":"28.50"}}}}"#
        )
    };
    let open = trade(200, &of("COMPLETED", "DELAYED")).expect("a trade");
    assert_eq!((open.state, open.held.map(|money| money.minor)), (TradeState::Open, Some(2850)));
    assert_eq!(open.release_deadline_at.map(rfc3339).as_deref(), Some("2026-11-29T00:00:00Z"));
    let state = |status, body: &str| trade(status, body).map(|trade| trade.state);
    assert_eq!(state(200, &of("COMPLETED", "INSTANT")), Ok(TradeState::Released));
    assert_eq!(state(200, &of("REFUNDED", "DELAYED")), Ok(TradeState::Refunded));
    assert_eq!(state(200, &of("DECLINED", "INSTANT")), Ok(TradeState::Closed));
    assert_eq!(state(404, r#"{"name":"RESOURCE_NOT_FOUND"}"#), Ok(TradeState::Absent));
    assert!(
        state(200, &of("NEW", "INSTANT")).is_err()
            && state(200, &of("COMPLETED", "").replace(CAPTURE, "X")).is_err()
    );
    assert!(state(404, "<html>").is_err());
    // It says DELAYED ever after.
    for (now, expected) in
        [("2026-11-29T23:59:59Z", TradeState::Open), ("2026-11-30T00:00:00Z", TradeState::Released)]
    {
        let (now, said) = (now.parse().expect("an instant"), answer(200, &of("COMPLETED", "DELAYED")));
        let trade = provider().read_about_trade(&format!("{ORDER}/{CAPTURE}"), &said, now);
        assert_eq!(trade.map(|trade| trade.state), Ok(expected), "{now}");
    }
}

#[test]
fn what_others_say_means_nothing() {
    for action in [TriggerAction::Shipped, TriggerAction::Delivered, TriggerAction::Refund] {
        let facts = facts(action, CAPTURE, "28.50", "USD");
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
        strangers_say_nothing(provider(), &refund(), status, &bytes);
    }
}
