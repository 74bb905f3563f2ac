use std::time::Duration;

use super::super::contract::{
    WALL, answer, body as sent, command, facts, header, later, no_word, refused, trigger, unknown, wall,
};
use super::super::provider::{Found, NotBelieved, Notice, Said, TradeState};
use super::*;
use crate::domain::escrow::TriggerAction;
use crate::standard_webhooks::{Signed, verify, verify_public};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// RFC 8032, section 7.1, test 3, in base64.
const SIGNING_KEY: &str = "whsk_xaqN9D+fg3vttEMfMdy3sWbTUDUgbwlLhc46LgtEWPc=";
const INQUIRE: &str = "webhook_inquire_url = \"https://escrow.example/triggers/\"";

fn provider(changes: &str) -> Provider {
    let changes = format!(
        "[escrow]\nwebhook_url = \"https://escrow.example/in\"\nwebhook_secret = \"{SECRET}\"\n{changes}"
    );
    let settings = config::defaults_with(&changes).expect("valid settings");
    open(&settings.escrow).expect("valid settings").expect("a provider").0
}

fn confirm() -> TriggerFacts {
    facts(TriggerAction::ConfirmReceipt, "T-1", "128.50", "CNY")
}

#[test]
fn every_action_is_a_message_that_both_keys_sign() {
    for (changes, with_key) in [("", false), (&*format!("webhook_signing_key = \"{SIGNING_KEY}\""), true)] {
        let provider = provider(changes);
        let (said, unsaid): (Vec<TriggerAction>, Vec<TriggerAction>) =
            TriggerAction::ALL.iter().partition(|action| provider.can(**action));
        assert_eq!(unsaid, [TriggerAction::DeclareCustoms], "customs takes payment companies' word alone");
        for action in said {
            let facts = facts(action, "T-1", "128.50", "CNY");
            let written = body(&facts, wall());
            assert!(
                written.starts_with(&format!(
                    r#"{{"type":"escrow.{action}","timestamp":"2026-11-22T03:04:05Z","#
                ))
            );
            let command = Command { body: &written, ..command(&facts) };
            let request = provider.request(&command, wall()).expect("a request");
            let id = trigger().to_string();
            assert_eq!(
                (request.url.as_str(), sent(&request)),
                ("https://escrow.example/in", written.as_str())
            );
            assert_eq!(header(&request, "idempotency-key"), Some(&*id));
            let headers = Signed {
                id: header(&request, "webhook-id"),
                timestamp: header(&request, "webhook-timestamp"),
                signature: header(&request, "webhook-signature"),
            };
            let secret: Secret = SECRET.parse().expect("a secret");
            assert_eq!(verify(&[secret], &headers, written.as_bytes(), wall(), 0), Ok(()));
            let public = SIGNING_KEY.parse::<SigningKey>().expect("a key").public();
            let believed = verify_public(&[public], &headers, written.as_bytes(), wall(), 0);
            assert_eq!(believed.is_ok(), with_key);
        }
    }
}

#[test]
fn an_answers_status_says_what_became_of_a_message() {
    let (provider, facts) = (provider(""), confirm());
    let read = |status| provider.read(&command(&facts), &answer(status, ""));
    for status in [200, 202, 204] {
        assert_eq!(read(status), Reading::Acknowledged, "{status}");
    }
    for status in [400, 422] {
        assert!(refused(&read(status)), "{status}");
    }
    for status in [401, 403, 404, 405, 413, 423, 429, 301, 307] {
        assert!(later(&read(status)), "{status}");
    }
    for status in [408, 409, 425, 500, 502, 504] {
        assert!(unknown(&read(status)), "{status}");
    }
    assert!(matches!(read(410), Reading::Gone { .. }));
    let after = Some(Duration::from_secs(30));
    let busy = Answer { retry_after: after, ..answer(429, "") };
    assert!(
        matches!(provider.read(&command(&facts), &busy), Reading::Later { after: told, .. } if told == after)
    );
}

#[test]
fn whoever_offers_it_is_asked_and_has_to_name_what_it_answers_about() {
    assert!(provider("").abilities.inquire.is_none());
    let (provider, facts, id) = (provider(INQUIRE), confirm(), trigger());
    let inquire = provider.abilities.inquire.clone().expect("it can be asked");
    let request = inquire.about_command(&command(&facts), wall()).expect("a question");
    assert_eq!(request.url, format!("https://escrow.example/triggers/{id}"));
    assert!(header(&request, "webhook-signature").is_some());
    let found = |status, body: &str| inquire.read_about_command(&command(&facts), &answer(status, body));
    let of = |state: &str| format!(r#"{{"id":"{id}"{state}}}"#);
    assert_eq!(found(200, &of("")), Found::TookEffect);
    assert_eq!(found(200, &of(r#","state":"under_way""#)), Found::UnderWay);
    assert_eq!(
        found(200, &of(r#","state":"refused","reason":"no such trade""#)),
        Found::Refused { reason: "no such trade".into() }
    );
    assert_eq!(found(404, &of("")), Found::NotThere);
    for (status, body) in [
        (404, "not found"),
        (404, "{}"),
        (200, "{}"),
        (200, "ok"),
        (500, &of("")),
        (200, &of(r#","state":"x""#)),
    ] {
        assert!(no_word(&found(status, body)), "{status} {body}");
    }
    let request = inquire.about_trade("T 1", wall());
    assert_eq!(request.url, "https://escrow.example/triggers?payment_reference=T%201");
    let body = r#"{"payment_reference":"T-1","state":"open","held":{"amount":"128.50","currency":"CNY"},"released":"28.50","releases_at":"2026-12-02T00:00:00Z"}"#;
    let trade = inquire.read_about_trade("T-1", &answer(200, body)).expect("a trade");
    assert_eq!((trade.state, trade.released_minor), (TradeState::Open, Some(2850)));
    assert!(trade.release_deadline_at.is_some() && trade.held.is_some());
    assert!(inquire.read_about_trade("T-2", &answer(200, body)).is_err());
    assert!(inquire.read_about_trade("T-1", &answer(404, body)).is_err());
}

fn told(provider: &Provider, signature: &str, body: &str) -> Result<Notice, NotBelieved> {
    let header = |name: &str| match name {
        "webhook-id" => Some("msg_1".to_owned()),
        "webhook-timestamp" => Some(WALL.to_string()),
        "webhook-signature" => Some(signature.to_owned()),
        _ => None,
    };
    let notified = provider.abilities.notified.clone().expect("it is told");
    notified.read(&header, body.as_bytes(), wall())
}

#[test]
fn notices_are_signed_and_of_their_own_types() {
    let (provider, id) = (provider(""), trigger());
    let secret: Secret = SECRET.parse().expect("a secret");
    let say = |body: &str| told(&provider, &sign(&secret, "msg_1", WALL, body.as_bytes()), body);
    let of = |kind: &str, rest: &str| {
        format!(r#"{{"type":"escrow.{kind}","data":{{"payment_reference":"T-1"{rest}}}}}"#)
    };
    let trigger = format!(r#","trigger":"{id}","reason":"no funds""#);
    let notice = say(&of("took_effect", &trigger)).expect("a notice");
    assert_eq!((notice.id.as_str(), notice.payment_reference.as_str()), ("msg_1", "T-1"));
    assert_eq!(notice.says, Said::TookEffect(id));
    let says = |kind: &str, rest: &str| say(&of(kind, rest)).map(|notice| notice.says);
    assert_eq!(says("refused", &trigger), Ok(Said::Refused(id, "no funds".into())));
    assert_eq!(says("trade_changed", ""), Ok(Said::Changed(String::new())));
    assert!(matches!(says("releases_at", r#","at":"2026-12-02T00:00:00Z""#), Ok(Said::ReleasesAt(_))));
    for (kind, rest) in [("took_effect", ""), ("releases_at", ""), ("confirm_receipt", &*trigger)] {
        assert!(matches!(says(kind, rest), Ok(Said::Unreadable(_))), "{kind}");
    }
    // One of our own messages, sent back to us.
    for unreadable in [&body(&confirm(), wall()), "", "[]"] {
        let notice = say(unreadable).expect("it is signed");
        assert!(matches!(notice.says, Said::Unreadable(_)), "{unreadable}");
        assert_eq!((notice.id.as_str(), notice.payment_reference.as_str()), ("msg_1", ""));
    }
    let body = of("took_effect", &trigger);
    assert!(told(&provider, "v1,AAAA", &body).is_err() && told(&provider, "v1,AAAA", "[]").is_err());
}

#[test]
fn notices_can_be_signed_with_a_key_of_the_other_side() {
    let key: SigningKey = SIGNING_KEY.parse().expect("a key");
    let provider = provider(&format!("webhook_notice_key = \"{}\"", key.public()));
    let body = r#"{"type":"escrow.trade_changed","data":{"payment_reference":"T-1"}}"#;
    assert!(told(&provider, &key.sign("msg_1", WALL, body.as_bytes()), body).is_ok());
    let secret: Secret = SECRET.parse().expect("a secret");
    let shared = sign(&secret, "msg_1", WALL, body.as_bytes());
    assert!(told(&provider, &shared, body).is_err());
}

#[test]
fn while_one_secret_takes_over_from_another_both_sign_and_both_are_believed() {
    const NEXT: &str = "whsec_bmV4dCBzZWNyZXQgb2YgdGhpcyBwcm92aWRlcg==";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secrets");
    let write = |secrets: &[&str]| std::fs::write(&path, secrets.join("\n")).expect("a file");
    write(&[SECRET]);
    let changes = format!(
        "[escrow]\nwebhook_url = \"https://escrow.example/in\"\nwebhook_secret_file = '{}'",
        path.display()
    );
    let settings = config::defaults_with(&changes).expect("valid settings").escrow;
    let (provider, rings) = open(&settings).expect("valid settings").expect("a provider");
    let (facts, body) = (confirm(), r#"{"type":"escrow.trade_changed","data":{"payment_reference":"T-1"}}"#);
    let bears = |secret: &str| {
        let secret: Secret = secret.parse().expect("a secret");
        let request = provider.request(&command(&facts), wall()).expect("a request");
        let expected = sign(&secret, &trigger().to_string(), WALL, command(&facts).body.as_bytes());
        let is_signed = header(&request, "webhook-signature").is_some_and(|all| all.contains(&expected));
        let is_believed = told(&provider, &sign(&secret, "msg_1", WALL, body.as_bytes()), body).is_ok();
        assert_eq!(is_signed, is_believed);
        is_signed
    };
    let mut seen = Vec::new();
    for secrets in [&[SECRET][..], &[SECRET, NEXT], &["no secret"], &[NEXT]] {
        write(secrets);
        for ring in &rings {
            ring.refresh();
        }
        seen.push([bears(SECRET), bears(NEXT)]);
    }
    assert_eq!(seen, [[true, false], [true, true], [true, true], [false, true]]);
}
