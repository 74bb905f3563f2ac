//! What PayPal says by itself (developer.paypal.com, webhooks, November 2026).
//!
//! A notice is signed over the id and the time of its transmission, the webhook's id and the body's checksum, by a
//! certificate that has to be fetched. PayPal checks that itself when it is asked
//! (`/v1/notifications/verify-webhook-signature`), over the connection that everything else goes over: nobody here
//! follows an address that came with a notice. One that names a certificate elsewhere than at PayPal is not asked about.
//!
//! Of a capture that something happened to PayPal is asked how it stands. Of a dispute about one its own words count: it
//! says when they were true, and so which of two came later. What has nothing to do with a capture (an order that was
//! approved, and is yet to be captured) says nothing here.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::json::{Fields, shown};
use super::super::provider::{NotBelieved, Notice, Said, Vouched};
use super::{Paypal, translate};
use crate::domain::escrow::{DisputeThere, StandsThere};
use crate::domain::instant::cut;
use crate::outbound::{Answer, Request};

/// The one outcome by which a dispute leaves the money with the merchant.
const FOR_SELLER: &str = "RESOLVED_SELLER_FAVOUR";
/// As PayPal limits them.
const TRANSMISSION_ID_MAX: usize = 50;
const SIGNATURE_MAX: usize = 500;

#[derive(Serialize)]
struct Question<'q> {
    auth_algo: &'q str,
    cert_url: &'q str,
    transmission_id: &'q str,
    transmission_sig: &'q str,
    transmission_time: &'q str,
    webhook_id: &'q str,
    /// As it came: written again it would have another checksum.
    webhook_event: &'q RawValue,
}

/// `https://api.paypal.com/…`, and nothing that only looks like it.
fn is_paypals(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    is_plain && rest.contains('/') && host.to_ascii_lowercase().ends_with(".paypal.com")
}

fn impossible(reason: &str) -> NotBelieved {
    NotBelieved(reason.to_owned())
}

impl Vouched for Paypal {
    fn ask(&self, header: &dyn Fn(&str) -> Option<String>, body: &[u8]) -> Result<Request, NotBelieved> {
        let part = |name: &str, most: usize| {
            let value = header(&format!("paypal-{name}")).filter(|value| (1..=most).contains(&value.len()));
            value.ok_or_else(|| NotBelieved(format!("it has no header paypal-{name}")))
        };
        let cert_url = part("cert-url", 500)?;
        if !is_paypals(&cert_url) {
            return Err(impossible("its certificate is not PayPal's"));
        }
        let event: &RawValue = serde_json::from_slice(body).map_err(|_| impossible("it is no JSON"))?;
        let question = Question {
            auth_algo: &part("auth-algo", 100)?,
            cert_url: &cert_url,
            transmission_id: &part("transmission-id", TRANSMISSION_ID_MAX)?,
            transmission_sig: &part("transmission-sig", SIGNATURE_MAX)?,
            transmission_time: &part("transmission-time", 100)?,
            webhook_id: &self.webhook_id,
            webhook_event: event,
        };
        // Texts, and what was JSON before.
        let question = serde_json::to_vec(&question).unwrap_or_default();
        let url = format!("{}/v1/notifications/verify-webhook-signature", self.base_url);
        Ok(Request::post(url, question).header("content-type", "application/json"))
    }

    fn read_word(&self, answer: &Answer) -> Result<bool, String> {
        let text = String::from_utf8_lossy(&answer.body);
        let fields = Fields::of(&text).filter(|_| answer.status == 200).unwrap_or_default();
        match fields.text("verification_status").as_deref() {
            Some("SUCCESS") => Ok(true),
            Some("FAILURE") => Ok(false),
            _ => Err(format!("PayPal does not say whether it sent this: answered {}", answer.status)),
        }
    }

    fn read(&self, body: &[u8]) -> Result<Option<Notice>, NotBelieved> {
        // PayPal is asked with the JSON in it: what is none it cannot have sent.
        let text = std::str::from_utf8(body).map_err(|_| impossible("it is no text"))?;
        let fields = Fields::of(text).ok_or_else(|| impossible("it is no JSON object"))?;
        let id = fields.text("id");
        let read = sent(&fields, id.clone().unwrap_or_default());
        Ok(read.unwrap_or_else(|reason| Some(Notice::unreadable(id, body, reason))))
    }

    /// Any 2xx does; otherwise it comes again, up to 25 times in three days.
    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("application/json", "{}")
    }
}

/// None: nothing about an order's money. An error: why it cannot be read.
fn sent(fields: &Fields, id: String) -> Result<Option<Notice>, &'static str> {
    let kind = fields.text("event_type").filter(|kind| !kind.is_empty()).ok_or("it has no event_type")?;
    let resource = fields.object("resource");
    let is_refund = fields.is("resource_type", "refund");
    let capture = match kind.as_str() {
        kind if kind.starts_with("PAYMENT.CAPTURE.") && is_refund => refunded_capture(&resource),
        kind if kind.starts_with("PAYMENT.CAPTURE.") => resource.text("id"),
        kind if kind.starts_with("CUSTOMER.DISPUTE.") => disputed_capture(&resource),
        _ => return Ok(None),
    };
    if id.is_empty() {
        return Err("it has no id");
    }
    let capture = capture.filter(|capture| super::reference(capture).is_ok());
    let is_dispute = kind.starts_with("CUSTOMER.DISPUTE.");
    let total = match is_dispute || is_refund {
        true => None,
        false => translate::money(&resource.object("amount")),
    };
    Ok(Some(Notice {
        id,
        payment_reference: capture.ok_or("it names no capture")?,
        total,
        says: match is_dispute {
            true => Said::Disputed(dispute(&kind, &resource)?),
            false => Said::Changed(shown(&kind)),
        },
    }))
}

/// As PayPal limits it.
const DISPUTE_ID_MAX: usize = 255;

/// Open until it is resolved; what it resolved to is the seller's only where PayPal says so.
fn dispute(kind: &str, resource: &Fields) -> Result<DisputeThere, &'static str> {
    let plain = |id: &String| {
        (1..=DISPUTE_ID_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let dispute = resource.text("dispute_id").filter(plain).ok_or("it names no dispute")?;
    let at = resource.text("update_time").or_else(|| resource.text("create_time"));
    let at = at.and_then(|at| DateTime::parse_from_rfc3339(&at).ok()).ok_or("it does not say since when")?;
    let is_over = kind == "CUSTOMER.DISPUTE.RESOLVED" || resource.is("status", "RESOLVED");
    let outcome = resource.object("dispute_outcome").text("outcome_code");
    let (stands, word) = match (is_over, outcome) {
        (false, _) => (StandsThere::Open, resource.text("reason")),
        (true, Some(outcome)) if outcome == FOR_SELLER => (StandsThere::ForSeller, Some(outcome)),
        (true, outcome) => (StandsThere::Otherwise, outcome),
    };
    let word = shown(&word.unwrap_or_else(|| "no reason is given".to_owned()));
    Ok(DisputeThere { dispute, stands, word, at: cut(at.with_timezone(&Utc)) })
}

/// A refund says of what it is by a link.
fn refunded_capture(refund: &Fields) -> Option<String> {
    let links = refund.objects("links")?;
    let up = links.iter().find(|link| link.is("rel", "up"))?.text("href")?;
    let (_, capture) = up.split_once("/captures/")?;
    Some(capture.split(['/', '?']).next().unwrap_or_default().to_owned())
}

/// A dispute about several payments is one for a person, at PayPal.
fn disputed_capture(dispute: &Fields) -> Option<String> {
    match &dispute.objects("disputed_transactions")?[..] {
        [one] => one.text("seller_transaction_id"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::contract::answer;
    use super::*;
    use crate::config;

    fn vouched() -> std::sync::Arc<dyn Vouched> {
        let settings =
            "[escrow.paypal]\nclient_id = \"A\"\nclient_secret = \"s\"\nwebhook_id = \"1JE4291016473214C\"";
        let settings = config::defaults_with(settings).expect("valid settings").escrow.paypal;
        let provider = super::super::open(&settings).expect("valid settings").expect("a provider");
        provider.0.abilities.vouched.expect("it vouches")
    }

    fn headers(name: &str) -> Option<String> {
        let value = match name {
            "paypal-auth-algo" => "SHA256withRSA",
            "paypal-cert-url" => "https://api.paypal.com/v1/notifications/certs/CERT-1",
            "paypal-transmission-id" => "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
            "paypal-transmission-sig" => "c2ln",
            "paypal-transmission-time" => "2026-11-22T03:00:00Z",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn paypal_is_asked_about_the_very_bytes_and_only_where_a_certificate_is_its_own() {
        let body = br#"{"id":"WH-1",  "b":1, "a":2.50}"#;
        let request = vouched().ask(&headers, body).expect("a question");
        assert_eq!(request.url, "https://api-m.paypal.com/v1/notifications/verify-webhook-signature");
        let asked = String::from_utf8(request.body.clone().expect("a body")).expect("text");
        assert!(asked.contains(r#""webhook_event":{"id":"WH-1",  "b":1, "a":2.50}"#), "{asked}");
        assert!(asked.contains(r#""webhook_id":"1JE4291016473214C""#), "{asked}");
        for url in [
            "http://api.paypal.com/v1/certs/1",
            "https://paypal.com.evil.example/1",
            "https://evil.example/.paypal.com/1",
            "https://evilpaypal.com/1",
            "https://user@api.paypal.com/1",
            "https://api.paypal.com:444/1",
            "https://api.paypal.com",
            "",
        ] {
            let other =
                |name: &str| if name == "paypal-cert-url" { Some(url.to_owned()) } else { headers(name) };
            assert!(vouched().ask(&other, body).is_err(), "{url}");
        }
        for missing in ["auth-algo", "transmission-id", "transmission-sig", "transmission-time"] {
            let without = |name: &str| headers(name).filter(|_| name != format!("paypal-{missing}"));
            assert!(vouched().ask(&without, body).is_err(), "{missing}");
        }
        assert!(vouched().ask(&headers, b"{").is_err());
    }

    #[test]
    fn only_a_whole_yes_is_one() {
        let word = |status, body: &str| vouched().read_word(&answer(status, body));
        assert_eq!(word(200, r#"{"verification_status":"SUCCESS"}"#), Ok(true));
        assert_eq!(word(200, r#"{"verification_status":"FAILURE"}"#), Ok(false));
        for (status, body) in
            [(500, r#"{"verification_status":"SUCCESS"}"#), (200, "{}"), (200, ""), (401, "")]
        {
            assert!(word(status, body).is_err(), "{status} {body}");
        }
    }

    fn outcome(code: &str) -> String {
        format!(r#","status":"RESOLVED","dispute_outcome":{{"outcome_code":"{code}"}}"#)
    }

    #[test]
    fn each_kind_names_its_capture_or_says_nothing() {
        let read = |kind: &str, about: &str, resource: &str| {
            let body = format!(
                r#"{{"id":"WH-1","event_type":"{kind}","resource_type":"{about}","resource":{resource}}}"#
            );
            vouched().read(body.as_bytes())
        };
        let capture = r#"{"id":"2GG279541U471931P","amount":{"currency_code":"USD","value":"5.00"}}"#;
        let said =
            read("PAYMENT.CAPTURE.COMPLETED", "capture", capture).expect("a notice").expect("of a capture");
        assert_eq!((said.id.as_str(), said.payment_reference.as_str()), ("WH-1", "2GG279541U471931P"));
        assert_eq!(said.says, Said::Changed("PAYMENT.CAPTURE.COMPLETED".to_owned()));
        assert_eq!(said.total.map(|money| money.minor), Some(500));
        let refund = r#"{"id":"1JU08902781691411","amount":{"currency_code":"USD","value":"1.00"},"links":[
            {"rel":"self","href":"https://api.paypal.com/v2/payments/refunds/1JU08902781691411"},
            {"rel":"up","href":"https://api.paypal.com/v2/payments/captures/2GG279541U471931P"}]}"#;
        let said =
            read("PAYMENT.CAPTURE.REFUNDED", "refund", refund).expect("a notice").expect("of a capture");
        assert_eq!((said.payment_reference.as_str(), said.total), ("2GG279541U471931P", None));
        let dispute = |more: &str| {
            let at =
                r#""dispute_id":"PP-D-1","reason":"UNAUTHORISED","update_time":"2026-11-22T03:00:00.000Z""#;
            let about = r#""disputed_transactions":[{"seller_transaction_id":"2GG279541U471931P"}]"#;
            format!("{{{at},{about}{more}}}")
        };
        for (kind, more, stands, word) in [
            ("CREATED", "", StandsThere::Open, "UNAUTHORISED"),
            ("UPDATED", r#","status":"UNDER_REVIEW""#, StandsThere::Open, "UNAUTHORISED"),
            ("RESOLVED", "", StandsThere::Otherwise, "no reason is given"),
            ("UPDATED", &outcome("RESOLVED_SELLER_FAVOUR"), StandsThere::ForSeller, "RESOLVED_SELLER_FAVOUR"),
            (
                "RESOLVED",
                &outcome("RESOLVED_SELLER_FAVOUR"),
                StandsThere::ForSeller,
                "RESOLVED_SELLER_FAVOUR",
            ),
            ("RESOLVED", &outcome("RESOLVED_BUYER_FAVOUR"), StandsThere::Otherwise, "RESOLVED_BUYER_FAVOUR"),
            ("RESOLVED", &outcome("CANCELED_BY_BUYER"), StandsThere::Otherwise, "CANCELED_BY_BUYER"),
        ] {
            let said = read(&format!("CUSTOMER.DISPUTE.{kind}"), "dispute", &dispute(more));
            let said = said.expect("a notice").expect("of a capture");
            assert_eq!((said.payment_reference.as_str(), said.total), ("2GG279541U471931P", None));
            let at = "2026-11-22T03:00:00Z".parse().expect("a time");
            let (dispute, word) = ("PP-D-1".to_owned(), word.to_owned());
            assert_eq!(
                said.says,
                Said::Disputed(DisputeThere { dispute, stands, word, at }),
                "{kind} {more}"
            );
        }
        for wrong in ["PP-D-1", "2026-11-22T03:00:00.000Z"] {
            let said = read("CUSTOMER.DISPUTE.CREATED", "dispute", &dispute("").replace(wrong, "/"));
            let said = said.expect("a notice").expect("for a person");
            assert!(matches!(said.says, Said::Unreadable(_)), "{wrong}");
        }
        assert_eq!(read("CHECKOUT.ORDER.APPROVED", "checkout-order", "{}"), Ok(None));
        assert_eq!(read("BILLING.SUBSCRIPTION.CREATED", "subscription", "{}"), Ok(None));
        for resource in ["{}", r#"{"id":"a/b/c"}"#, r#"{"id":""}"#] {
            let said = read("PAYMENT.CAPTURE.DENIED", "capture", resource);
            let said = said.expect("a notice").expect("for a person");
            assert_eq!(said.id, "WH-1");
            assert!(matches!(said.says, Said::Unreadable(_)), "{resource}");
        }
        for body in ["{}", r#"{"id":"WH-1"}"#, r#"{"event_type":"PAYMENT.CAPTURE.DENIED"}"#] {
            let said = vouched().read(body.as_bytes()).expect("a notice").expect("for a person");
            assert!(matches!(said.says, Said::Unreadable(_)) && !said.id.is_empty(), "{body}");
        }
        for body in ["", "[]"] {
            assert!(vouched().read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
