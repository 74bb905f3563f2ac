//! What a provider says by itself, signed as the format has it, and what it wants to hear.
//!
//! Pure. The id stays the same however often a notice is sent; its time and signature are made
//! anew. Acknowledged is what the format calls so, exactly: everything else is sent again.

use serde_json::{Value, json};

use super::alipay::{calls, written, written_to_millis};
use super::antom::facts;
use super::ask::{Action, Format, Trigger};
use super::books::Books;
use super::server::Wires;
use super::trade::Trade;
use super::wire::escape;
use crate::domain::instant::{Instant, rfc3339};
use crate::domain::money::Money;
use crate::outbound::{Answer, Request};

/// A trade as it stood when there was something to say of it.
#[derive(Debug, Clone)]
pub struct Notice {
    pub id: String,
    pub trade: Trade,
    /// What moved it last.
    pub last: Option<Trigger>,
}

impl Notice {
    pub fn of(books: &Books, trade: Trade, id: String) -> Self {
        let moved = |trigger: &&Trigger| {
            trigger.took_effect
                && matches!(trigger.action, Action::Release | Action::Refund)
                && trigger.format == trade.format
                && trigger.reference == trade.reference
        };
        let last = books.triggers().iter().rev().find(moved).cloned();
        Self { id, trade, last }
    }

    /// None: the server has no keys for this format.
    pub fn request(&self, wires: &Wires, url: &str, now: Instant) -> Option<Request> {
        match self.trade.format {
            Format::Webhook => Some(self.by_webhook(wires, url, now)),
            Format::Alipay => self.by_alipay(wires, url, now),
            Format::Antom => self.by_antom(wires, url, now),
            Format::Paypal => self.by_paypal(wires, url, now),
        }
    }

    pub fn is_acknowledged(&self, answer: &Answer) -> bool {
        match self.trade.format {
            Format::Webhook | Format::Paypal => answer.is_success(),
            Format::Alipay => answer.status == 200 && answer.body == b"success",
            Format::Antom => {
                let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                let result =
                    json!({ "resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success" });
                answer.status == 200 && body["result"] == result
            }
        }
    }

    fn by_webhook(&self, wires: &Wires, url: &str, now: Instant) -> Request {
        let deadline = self.trade.terms.release_deadline_at.filter(|_| !self.trade.is_over());
        let (kind, more) = match (&self.last, deadline) {
            (Some(last), _) => ("escrow.took_effect", json!({ "trigger": last.id })),
            (None, Some(deadline)) => ("escrow.releases_at", json!({ "at": rfc3339(deadline) })),
            (None, None) => ("escrow.trade_changed", json!({ "reason": "changed at the provider" })),
        };
        let mut data = json!({ "payment_reference": self.trade.reference });
        for (name, value) in more.as_object().into_iter().flatten() {
            data[name] = value.clone();
        }
        let body = json!({ "type": kind, "timestamp": rfc3339(now), "data": data }).to_string();
        let headers = wires.webhook.headers(&self.id, now, body.as_bytes());
        with(url, "application/json", headers, body)
    }

    fn by_alipay(&self, wires: &Wires, url: &str, now: Instant) -> Option<Request> {
        let alipay = wires.alipay.as_ref()?;
        let trade = &self.trade;
        let amount = |minor: i64| trade.held.map(|held| Money::new(minor, held.currency).amount());
        let mut fields = vec![
            ("app_id", alipay.app_id.clone()),
            ("charset", "utf-8".to_owned()),
            ("notify_id", self.id.clone()),
            ("notify_time", written(now)),
            ("notify_type", "trade_status_sync".to_owned()),
            ("out_trade_no", trade.terms.also.as_ref().unwrap_or(&trade.reference).clone()),
            ("sign_type", "RSA2".to_owned()),
            ("total_amount", amount(trade.held.map_or(0, |held| held.minor)).unwrap_or_default()),
            ("trade_no", trade.reference.clone()),
            ("trade_status", calls::status(trade).to_owned()),
            ("version", "1.0".to_owned()),
        ];
        if trade.refunded_minor > 0 {
            fields.push(("refund_fee", amount(trade.refunded_minor).unwrap_or_default()));
            let request = self.last.as_ref().filter(|last| last.action == Action::Refund);
            if let Some(last) = request {
                fields.push(("out_biz_no", last.id.clone()));
                fields.push(("gmt_refund", written_to_millis(last.received_at)));
            }
        }
        fields.sort();
        let signed: Vec<String> = fields
            .iter()
            .filter(|(name, value)| *name != "sign_type" && !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        fields.push(("sign", alipay.provider.sign(signed.join("&").as_bytes())));
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        Some(with(url, "application/x-www-form-urlencoded; charset=utf-8", vec![], form.join("&")))
    }

    fn by_antom(&self, wires: &Wires, url: &str, now: Instant) -> Option<Request> {
        let antom = wires.antom.as_ref()?;
        let (body, time) = (self.in_antoms_words().to_string(), now.timestamp_millis().to_string());
        let headers = vec![
            ("client-id", antom.client_id.clone()),
            ("signature", antom.sign(path(url), &time, body.as_bytes())),
            ("request-time", time),
        ];
        Some(with(url, "application/json; charset=UTF-8", headers, body))
    }

    /// Of a dispute, a settlement, a refund, or the payment itself: whatever happened last.
    fn in_antoms_words(&self) -> Value {
        let since = self.last.as_ref().map(|last| last.received_at);
        let dispute = self.trade.dispute.filter(|dispute| since <= Some(dispute.changed_at()));
        if let Some(dispute) = dispute {
            return facts::dispute(&self.trade, dispute);
        }
        let amount = |money: Option<Money>| {
            money.map(|money| json!({ "currency": money.currency.code(), "value": money.minor.to_string() }))
        };
        let mut body = json!({
            "result": { "resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success" },
        });
        let moved = amount(self.last.as_ref().and_then(Trigger::moved));
        match (self.what(), &self.last) {
            // Neither a refund nor a settlement names its payment.
            (Some(Action::Refund), Some(last)) => {
                body["notifyType"] = json!("REFUND_RESULT");
                body["refundStatus"] = json!("SUCCESS");
                body["refundRequestId"] = json!(last.id);
                body["refundId"] = json!(format!("{}{}", facts::REFUND_ID, last.id));
                body["refundAmount"] = json!(moved);
                body["refundTime"] = json!(rfc3339(last.received_at));
            }
            (Some(Action::Release), Some(last)) => {
                body["notifyType"] = json!("SETTLEMENT_RESULT");
                body["settlementBatchId"] = json!(self.id);
                body["settleTo"] = json!("SELLER");
                body["referenceMerchantId"] = json!("SBXSELLER");
                body["settlementArrivalTime"] = json!(rfc3339(last.received_at));
                body["actualSettlementAmount"] = json!(moved);
            }
            (_, _) => {
                body["notifyType"] = json!("PAYMENT_RESULT");
                body["paymentId"] = json!(self.trade.reference);
                body["paymentRequestId"] =
                    json!(self.trade.terms.also.as_ref().unwrap_or(&self.trade.reference));
                body["paymentAmount"] = json!(amount(self.trade.held));
                body["paymentTime"] = json!(rfc3339(self.trade.created_at));
            }
        }
        body
    }

    fn by_paypal(&self, wires: &Wires, url: &str, now: Instant) -> Option<Request> {
        let paypal = wires.paypal.as_ref()?;
        let (kind, about, resource) = match (self.what(), &self.last) {
            (Some(Action::Refund), Some(last)) => {
                ("PAYMENT.CAPTURE.REFUNDED", "refund", super::paypal::facts::refund(last, &self.trade))
            }
            (_, _) => ("PAYMENT.CAPTURE.COMPLETED", "capture", super::paypal::facts::capture(&self.trade)),
        };
        let body = json!({
            "id": format!("WH-{}", self.id),
            "event_version": "1.0",
            "event_type": kind,
            "resource_type": about,
            "resource_version": "2.0",
            "create_time": rfc3339(self.trade.created_at),
            "resource": resource,
            "links": [],
        });
        let (body, time) = (body.to_string(), rfc3339(now));
        let signature = paypal.provider.sign(&paypal.signed(&self.id, &time, body.as_bytes()));
        let headers = vec![
            ("paypal-transmission-id", self.id.clone()),
            ("paypal-transmission-time", time),
            ("paypal-transmission-sig", signature),
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-sandbox".to_owned()),
        ];
        Some(with(url, "application/json", headers, body))
    }

    fn what(&self) -> Option<Action> {
        self.last.as_ref().map(|last| last.action)
    }
}

fn with(url: &str, content_type: &str, headers: Vec<(&'static str, String)>, body: String) -> Request {
    let request = Request::post(url.to_owned(), body.into_bytes()).header("content-type", content_type);
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// Path and query of an address.
fn path(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.find('/').map_or("/", |at| &behind[at..])
}

#[cfg(test)]
mod tests;
