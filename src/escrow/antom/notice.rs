//! What Antom posts by itself: signed like a request, over the path that it posts to.

use chrono::DateTime;

use super::super::json::{Fields, shown};
use super::super::provider::{NotBelieved, Notice, Notified, Said};
use super::wire::{Status, outcome};
use super::{Antom, dispute, wire};
use crate::domain::id::TriggerId;
use crate::domain::instant::{Instant, cut};

const ACKNOWLEDGED: &str =
    r#"{"result":{"resultCode":"SUCCESS","resultStatus":"S","resultMessage":"success"}}"#;

impl Notified for Antom {
    /// `wall` does not count: Antom sends the same notice for up to a day.
    fn read(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        _wall: Instant,
    ) -> Result<Notice, NotBelieved> {
        let unsigned = |reason: &str| NotBelieved(reason.to_owned());
        let signature = header(wire::SIGNATURE).ok_or_else(|| unsigned("it has no signature"))?;
        let time = header(wire::REQUEST_TIME).ok_or_else(|| unsigned("it has no request-time"))?;
        if header(wire::CLIENT_ID).is_some_and(|client| client != self.client_id) {
            return Err(unsigned("it is for another client"));
        }
        let content = wire::content(&self.notice_path, &self.client_id, &time, body);
        if !wire::is_believed(&signature, &self.public.keys(), &content) {
            return Err(unsigned("the signature is not Antom's"));
        }
        let sent_at = time.parse().ok().and_then(DateTime::from_timestamp_millis).map(cut);
        Ok(signed(body, sent_at).unwrap_or_else(|reason| Notice::unreadable(None, body, reason)))
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("application/json", ACKNOWLEDGED)
    }
}

/// An error: why it cannot be read.
fn signed(body: &[u8], sent_at: Option<Instant>) -> Result<Notice, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "it is no text")?;
    let fields = Fields::of(text).ok_or("it is no JSON object")?;
    if let Some(kind) = fields.text("disputeNotificationType").filter(|kind| !kind.is_empty()) {
        return dispute::read(&fields, &kind, sent_at);
    }
    let kind = fields.text("notifyType").ok_or("it has no notifyType")?;
    Ok(Notice {
        id: id(&fields, &kind).ok_or("it names no payment, refund or settlement")?,
        payment_reference: fields.text("paymentId").unwrap_or_default(),
        total: None,
        says: says(&fields, &kind),
    })
}

fn says(fields: &Fields, kind: &str) -> Said {
    let command = |name: &str| fields.text(name).and_then(|text| text.parse::<TriggerId>().ok());
    let refund = command("refundRequestId").filter(|_| kind == "REFUND_RESULT");
    let settlement = command("settlementRequestId");
    let outcome = outcome(fields);
    let changed = Said::Changed(shown(kind));
    match (refund, settlement, outcome) {
        (Some(refund), _, _) => match fields.text("refundStatus").as_deref() {
            Some("SUCCESS") => Said::TookEffect(refund),
            Some("FAIL") => Said::Refused(refund, "the refund failed".to_owned()),
            _ => changed,
        },
        (None, Some(settlement), Some(outcome)) => match outcome.status {
            Status::Success => Said::TookEffect(settlement),
            Status::Failed => Said::Refused(settlement, outcome.code),
            Status::Unknown => changed,
        },
        (None, Some(_) | None, _) => changed,
    }
}

/// Antom gives its notices no id: what it is about, and what it says of it. None: it is about nothing that we know, and
/// the next one of its kind would bear the same.
fn id(fields: &Fields, kind: &str) -> Option<String> {
    let names = [
        "refundId",
        "refundRequestId",
        "settlementId",
        "settlementBatchId",
        "settlementRequestId",
        "captureId",
        "paymentId",
    ];
    let about = names.iter().find_map(|name| fields.text(name)).filter(|about| !about.is_empty())?;
    let status = ["refundStatus", "paymentStatus"].iter().find_map(|name| fields.text(name));
    let status = status.or_else(|| fields.object("result").text("resultStatus")).unwrap_or_default();
    Some(shown(&format!("{kind}/{about}/{status}")))
}
