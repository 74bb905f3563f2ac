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

const SETTLEMENT: &str = "SETTLEMENT_RESULT";

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
        says: if kind == SETTLEMENT { settled(&fields) } else { says(&fields, &kind) },
    })
}

fn command(fields: &Fields, name: &str) -> Option<TriggerId> {
    fields.text(name).and_then(|text| text.parse().ok())
}

fn says(fields: &Fields, kind: &str) -> Said {
    let changed = Said::Changed(shown(kind));
    let Some(refund) = command(fields, "refundRequestId").filter(|_| kind == "REFUND_RESULT") else {
        return changed;
    };
    match fields.text("refundStatus").as_deref() {
        Some("SUCCESS") => Said::TookEffect(refund),
        Some("FAIL") => Said::Refused(refund, "the refund failed".to_owned()),
        _ => changed,
    }
}

/// What is told is how a batch was paid out to one recipient. Of whose money it was there is nothing in it, as
/// documented: one that failed is for a person, who asks Antom. A command of ours that is named all the same is heard of.
fn settled(fields: &Fields) -> Said {
    let text = |name: &str| fields.text(name).unwrap_or_default();
    let batch = ["settlementBatchId", "settleTo", "referenceMerchantId"].map(text).join(" ");
    let batch = shown(batch.trim_end());
    let outcome = outcome(fields);
    let code = outcome.as_ref().map_or("it has no result", |outcome| outcome.code.as_str()).to_owned();
    match (command(fields, "settlementRequestId"), outcome.map(|outcome| outcome.status)) {
        (Some(settlement), Some(Status::Success)) => Said::TookEffect(settlement),
        (Some(settlement), Some(Status::Failed)) => Said::Refused(settlement, code),
        (None, Some(Status::Success)) => Said::OfNoOrder(format!("batch {batch} was settled")),
        (_, _) => Said::Unreadable(format!("batch {batch} was not settled: {code}")),
    }
}

/// Antom gives its notices no id: what it is about, to whom it went, and what it says of it. None: it is about nothing
/// that we know, and the next one of its kind would bear the same.
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
    // A batch is told of once for each recipient.
    let to = ["settleTo", "referenceMerchantId"].iter().filter(|_| kind == SETTLEMENT);
    let status = ["refundStatus", "paymentStatus"].iter().find_map(|name| fields.text(name));
    let status = status.or_else(|| fields.object("result").text("resultStatus")).unwrap_or_default();
    let to = to.filter_map(|name| fields.text(name));
    let parts: Vec<String> = [kind.to_owned(), about].into_iter().chain(to).chain([status]).collect();
    Some(shown(&parts.join("/")))
}
