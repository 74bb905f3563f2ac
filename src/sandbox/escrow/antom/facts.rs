//! Payments, refunds and declarations as Antom shows them. Pure.

use chrono::SecondsFormat;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::sandbox::escrow::ask::{Action, Format, Trigger};
use crate::sandbox::escrow::books::Books;
use crate::sandbox::escrow::trade::{Dispute, Trade};

/// In front of the ids that are ours.
pub const REFUND_ID: &str = "SBXREF";
pub const SETTLEMENT_ID: &str = "SBXSET";

pub fn key(call: &str, request: &str) -> String {
    format!("antom:{call}:{request}")
}

fn written(money: Money) -> Value {
    json!({ "currency": money.currency.code(), "value": money.minor.to_string() })
}

fn moment(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub fn refund(trigger: &Trigger) -> Value {
    json!({
        "refundRequestId": trigger.id,
        "refundId": format!("{REFUND_ID}{}", trigger.id),
        "refundAmount": trigger.moved().map(written),
        "refundTime": moment(trigger.received_at),
    })
}

pub fn payment(trade: &Trade, books: &Books) -> Value {
    let refunds = books.triggers().iter().filter(|trigger| {
        trigger.took_effect
            && trigger.format == Format::Antom
            && trigger.action == Action::Refund
            && trigger.reference == trade.reference
    });
    let refunds: Vec<Value> = refunds.map(transaction).collect();
    json!({
        "paymentStatus": "SUCCESS",
        "paymentResultCode": "SUCCESS",
        "paymentResultMessage": "success",
        "paymentId": trade.reference,
        "paymentRequestId": trade.terms.also.as_ref().unwrap_or(&trade.reference),
        "paymentAmount": trade.held.map(written),
        "paymentCreateTime": moment(trade.created_at),
        "paymentTime": moment(trade.created_at),
        "earliestSettlementTime": moment(trade.terms.earliest_release_at.unwrap_or(trade.created_at)),
        "transactions": refunds,
    })
}

fn transaction(trigger: &Trigger) -> Value {
    json!({
        "transactionType": "REFUND",
        "transactionStatus": "SUCCESS",
        "transactionId": format!("{REFUND_ID}{}", trigger.id),
        "transactionRequestId": trigger.id,
        "transactionAmount": trigger.moved().map(written),
        "transactionTime": moment(trigger.received_at),
        "transactionResult": { "resultCode": "SUCCESS", "resultStatus": "S", "resultMessage": "success" },
    })
}

/// As notifyDispute has it, with neither a result nor a type of notice.
pub fn dispute(trade: &Trade, dispute: Dispute) -> Value {
    let digest = Sha256::digest(format!("{}/{}", trade.reference, dispute.number));
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    let mut fields = json!({
        "paymentRequestId": trade.terms.also.as_ref().unwrap_or(&trade.reference),
        "paymentId": trade.reference,
        "disputeId": format!("SBXDIS{digest}"),
        "disputeType": "CHARGEBACK",
        "disputeTime": moment(dispute.opened_at),
        "disputeReasonCode": "4853",
        "disputeSource": "Mastercard",
    });
    match dispute.judged_at {
        None => {
            fields["disputeNotificationType"] = json!("DISPUTE_CREATED");
            fields["disputeAmount"] = json!(trade.held.map(written));
        }
        Some(judged_at) => {
            fields["disputeNotificationType"] = json!("DISPUTE_JUDGED");
            fields["disputeJudgedTime"] = json!(moment(judged_at));
            fields["disputeJudgedResult"] = json!("ACCEPT_BY_CUSTOMER");
        }
    }
    fields
}

pub fn declared(trigger: &Trigger, facts: &Value, trade: &Trade) -> Value {
    let mut fields = json!({
        "customsPaymentId": format!("SBXCUS{}", trigger.id),
        "customsOrderId": facts["suborderId"].as_str().unwrap_or(&trade.reference),
        "clearingChannel": "OTHER",
        "clearingTransactionId": format!("SBXCLR{}", trade.reference),
        "customsProviderRegistrationId": "ZF14021901",
    });
    if facts["isChecked"] == json!(true) {
        fields["identityCheckResult"] =
            json!(if trade.terms.payer_differs { "CHECK_NOT_PASSED" } else { "CHECK_PASSED" });
    }
    fields
}

pub fn declarations(books: &Books, ids: &[String]) -> Value {
    let (mut records, mut absent) = (Vec::new(), Vec::new());
    for id in ids {
        match books.by_key(&key("declare", id)).filter(|trigger| trigger.took_effect) {
            None => absent.push(json!(id)),
            Some(trigger) => records.push(json!({
                "declarationRequestId": id,
                "customsPaymentId": format!("SBXCUS{id}"),
                "customsOrderId": trigger.reference,
                "declarationAmount": trigger.amount.map(written),
                "declarationRequestStatus": "SUCCESS",
                "lastModifiedTime": moment(trigger.received_at),
            })),
        }
    }
    json!({ "declarationRecords": records, "declarationRequestsNotFound": absent })
}
