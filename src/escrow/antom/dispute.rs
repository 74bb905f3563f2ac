//! What Antom says of a buyer's dispute (docs.antom.com, notifyDispute, November 2026).
//!
//! It has a type of its own in place of `notifyType` and `result`. Its own words count, as there is nothing to ask: no
//! call shows a dispute. One judgement alone is for the merchant, and whatever else ends a dispute waits for a person:
//! cancelled means that the buyer took it back, and nothing says that the money stayed where it was; what was resolved
//! rapidly (RDR) went back.

use chrono::{DateTime, Utc};

use super::super::json::{Fields, shown};
use super::super::provider::{Notice, Said};
use crate::domain::escrow::{DisputeThere, StandsThere};
use crate::domain::instant::{Instant, cut};

/// The one judgement that leaves the money with the merchant.
const FOR_SELLER: &str = "ACCEPT_BY_CUSTOMER";

/// `sent_at`: what the signed request says of itself. An error: why it cannot be read.
pub fn read(fields: &Fields, kind: &str, sent_at: Option<Instant>) -> Result<Notice, &'static str> {
    let text = |name: &str| fields.text(name).map(|text| shown(&text)).filter(|text| !text.is_empty());
    let dispute = text("disputeId").ok_or("it has no disputeId")?;
    let payment_reference = text("paymentId").ok_or("it has no paymentId")?;
    let result = text("disputeJudgedResult");
    let stands = match (kind, result.as_deref()) {
        ("DISPUTE_CREATED", _) => StandsThere::Open,
        (kind, _) if kind.starts_with("DEFENSE_") => StandsThere::Open,
        ("DISPUTE_JUDGED", Some(FOR_SELLER)) => StandsThere::ForSeller,
        _ => StandsThere::Otherwise,
    };
    // Reasons are told as codes: in free text there may be names.
    let word = match stands {
        StandsThere::Open => text("disputeReasonCode"),
        StandsThere::ForSeller | StandsThere::Otherwise => {
            result.clone().or_else(|| text("disputeAcceptReason"))
        }
    };
    let word = word.unwrap_or_else(|| shown(kind));
    let time = |name: &str| {
        let at = DateTime::parse_from_rfc3339(&fields.text(name)?).ok()?;
        Some(cut(at.with_timezone(&Utc)))
    };
    let (opened_at, ended_at) =
        (time("disputeTime"), time("disputeJudgedTime").max(time("disputeAcceptTime")));
    let latest_at = opened_at.max(ended_at);
    // What ended without a time of its own ended when it was said: a word of before it that comes late, an alert, would
    // open it again otherwise.
    let is_timed = stands == StandsThere::Open || ended_at.is_some();
    let at = if is_timed { latest_at.or(sent_at) } else { opened_at.max(sent_at) };
    let at = at.ok_or("it does not say since when")?;
    // Sent again it has another time of sending, which is no part of its name.
    let named_at = latest_at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default();
    let id = format!("DISPUTE/{dispute}/{named_at}/{kind}/{}", result.unwrap_or_default());
    let says = Said::Disputed(DisputeThere { dispute, stands, word, at });
    Ok(Notice { id: shown(&id), payment_reference, total: None, says })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYMENT: &str = "20261122194010800190188000009014801";
    const OPENED: &str = "2026-11-20T09:00:00+08:00";
    const JUDGED: &str = "2026-11-22T11:00:00+08:00";

    fn instant(text: &str) -> Instant {
        text.parse().expect("a time")
    }

    fn sent_at() -> Instant {
        instant("2026-11-23T00:00:00Z")
    }

    fn body(kind: &str, more: &str) -> String {
        format!(
            r#"{{"disputeNotificationType":"{kind}","disputeId":"D-7","paymentId":"{PAYMENT}",
                "paymentRequestId":"SHOP-1","disputeTime":"{OPENED}"{more}}}"#
        )
    }

    fn read_at(kind: &str, body: &str, sent_at: Option<Instant>) -> Result<Notice, &'static str> {
        read(&Fields::of(body).expect("an object"), kind, sent_at)
    }

    fn said(kind: &str, more: &str) -> (Notice, DisputeThere) {
        let notice = read_at(kind, &body(kind, more), Some(sent_at())).expect("a notice");
        let Said::Disputed(dispute) = notice.says.clone() else { panic!("{:?}", notice.says) };
        (notice, dispute)
    }

    fn judged(result: &str) -> String {
        format!(
            r#","disputeJudgedTime":"{JUDGED}","disputeJudgedResult":"{result}","disputeReasonCode":"4853",
              "disputeJudgedAmount":{{"currency":"EUR","value":"1000"}}"#
        )
    }

    #[test]
    fn it_is_open_until_it_ends_and_ends_well_in_one_way_alone() {
        use StandsThere as S;
        let (opened, judged_at) = (instant(OPENED), instant(JUDGED));
        let accepted =
            format!(r#","disputeAcceptReason":"MERCHANT_ACCEPTED","disputeAcceptTime":"{JUDGED}""#);
        for (kind, more, stands, word, at) in [
            ("DISPUTE_CREATED", r#","disputeReasonCode":"4853""#, S::Open, "4853", opened),
            ("DEFENSE_SUPPLIED", "", S::Open, "DEFENSE_SUPPLIED", opened),
            ("DEFENSE_DUE_ALERT", "", S::Open, "DEFENSE_DUE_ALERT", opened),
            ("DISPUTE_JUDGED", &judged("ACCEPT_BY_CUSTOMER"), S::ForSeller, "ACCEPT_BY_CUSTOMER", judged_at),
            ("DISPUTE_JUDGED", &judged("ACCEPT_BY_MERCHANT"), S::Otherwise, "ACCEPT_BY_MERCHANT", judged_at),
            ("DISPUTE_JUDGED", &judged("VALIDATE_SUCCESS"), S::Otherwise, "VALIDATE_SUCCESS", judged_at),
            ("DISPUTE_JUDGED", "", S::Otherwise, "DISPUTE_JUDGED", sent_at()),
            ("DISPUTE_ACCEPTED", &accepted, S::Otherwise, "MERCHANT_ACCEPTED", judged_at),
            ("DISPUTE_CANCELLED", "", S::Otherwise, "DISPUTE_CANCELLED", sent_at()),
            ("RDR_RESOLVED", "", S::Otherwise, "RDR_RESOLVED", sent_at()),
            ("RDR_RESOLVED", &judged("ACCEPT_BY_CUSTOMER"), S::Otherwise, "ACCEPT_BY_CUSTOMER", judged_at),
            ("NEVER_HEARD_OF", "", S::Otherwise, "NEVER_HEARD_OF", sent_at()),
        ] {
            let (notice, dispute) = said(kind, more);
            let expected = DisputeThere { dispute: "D-7".to_owned(), stands, word: word.to_owned(), at };
            assert_eq!(dispute, expected, "{kind} {more}");
            assert_eq!((notice.payment_reference.as_str(), notice.total), (PAYMENT, None));
        }
    }

    #[test]
    fn a_repeat_has_the_same_name_and_a_new_word_another() {
        let words = [
            ("DISPUTE_CREATED", String::new()),
            ("DEFENSE_SUPPLIED", String::new()),
            ("DISPUTE_CANCELLED", String::new()),
            ("DISPUTE_JUDGED", judged("ACCEPT_BY_CUSTOMER")),
            ("DISPUTE_JUDGED", judged("ACCEPT_BY_MERCHANT")),
            ("DISPUTE_JUDGED", judged("ACCEPT_BY_CUSTOMER").replace(JUDGED, "2026-11-22T12:00:00+08:00")),
        ];
        let mut ids = Vec::new();
        for (kind, more) in &words {
            let first = said(kind, more).0.id;
            let later = Some(sent_at() + chrono::TimeDelta::hours(15));
            assert_eq!(read_at(kind, &body(kind, more), later).expect("a notice").id, first, "{kind}");
            ids.push(first);
        }
        let other = body("DISPUTE_CREATED", "").replace("D-7", "D-8");
        ids.push(read_at("DISPUTE_CREATED", &other, None).expect("a notice").id);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), words.len() + 1);
    }

    #[test]
    fn it_freezes_without_a_time_of_its_own_and_names_what_it_cannot_do_without() {
        let lacking = |name: &str| {
            let mut body: serde_json::Value =
                serde_json::from_str(&body("DISPUTE_CREATED", "")).expect("JSON");
            body.as_object_mut().expect("an object").remove(name);
            body.to_string()
        };
        let untimed = lacking("disputeTime");
        let notice = read_at("DISPUTE_CREATED", &untimed, Some(sent_at())).expect("a notice");
        assert!(matches!(notice.says, Said::Disputed(said) if said.at == sent_at()));
        assert_eq!(read_at("DISPUTE_CREATED", &untimed, None), Err("it does not say since when"));
        for (name, why) in [("paymentId", "it has no paymentId"), ("disputeId", "it has no disputeId")] {
            assert_eq!(read_at("DISPUTE_CREATED", &lacking(name), Some(sent_at())), Err(why));
        }
    }
}
