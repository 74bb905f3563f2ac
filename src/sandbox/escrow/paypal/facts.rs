//! Orders, captures and refunds as PayPal shows them. Pure.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::instant::rfc3339;
use crate::domain::money::Money;
use crate::sandbox::escrow::ask::{Action, Format, Trigger};
use crate::sandbox::escrow::books::Books;
use crate::sandbox::escrow::trade::Trade;

/// The capture of an order; where nobody named one, the order's own id.
pub fn capture_id(trade: &Trade) -> &str {
    trade.terms.also.as_deref().unwrap_or(&trade.reference)
}

pub fn refund_id(trigger: &Trigger) -> String {
    let digest = Sha256::digest(&trigger.key);
    digest.iter().take(8).map(|byte| format!("{byte:02X}")).collect()
}

fn written(money: Money) -> Value {
    json!({ "currency_code": money.currency.code(), "value": money.amount() })
}

pub fn capture(trade: &Trade) -> Value {
    let status = match trade.refunded_minor {
        0 => "COMPLETED",
        _ if trade.is_refunded() => "REFUNDED",
        _ => "PARTIALLY_REFUNDED",
    };
    json!({
        "id": capture_id(trade),
        "status": status,
        "amount": trade.held.map(written),
        "final_capture": true,
        "disbursement_mode": "DELAYED",
        "create_time": rfc3339(trade.created_at),
        "update_time": rfc3339(trade.created_at),
        "supplementary_data": { "related_ids": { "order_id": trade.reference } },
        "links": [{ "rel": "self", "method": "GET", "href": format!("/v2/payments/captures/{}", capture_id(trade)) }],
    })
}

pub fn order(trade: &Trade, books: &Books) -> Value {
    let about = books.triggers().iter().filter(|trigger| {
        trigger.format == Format::Paypal && trigger.took_effect && trigger.reference == trade.reference
    });
    let (mut trackers, mut refunds) = (Vec::new(), Vec::new());
    for trigger in about {
        match trigger.action {
            Action::Ship => trackers.push(json!({
                "id": trigger.id,
                "status": "SHIPPED",
                "create_time": rfc3339(trigger.received_at),
                "update_time": rfc3339(trigger.received_at),
                "links": [],
            })),
            Action::Refund => refunds.push(refund(trigger, trade)),
            Action::Deliver | Action::Release | Action::Freeze | Action::Thaw | Action::Declare => {}
        }
    }
    json!({
        "id": trade.reference,
        "status": "COMPLETED",
        "intent": "CAPTURE",
        "purchase_units": [{
            "reference_id": "default",
            "amount": trade.held.map(written),
            "shipping": { "trackers": trackers },
            "payments": { "captures": [capture(trade)], "refunds": refunds },
        }],
        "links": [{ "rel": "self", "method": "GET", "href": format!("/v2/checkout/orders/{}", trade.reference) }],
    })
}

/// By what was told of it last.
pub fn tracker(trigger: &Trigger) -> Value {
    let (transaction, number) = trigger.id.split_once('-').unwrap_or((&trigger.id, ""));
    let status = if trigger.action == Action::Deliver { "DELIVERED" } else { "SHIPPED" };
    json!({
        "transaction_id": transaction,
        "tracking_number": number,
        "status": status,
        "last_updated_time": rfc3339(trigger.received_at),
        "links": [{ "rel": "self", "method": "GET", "href": format!("/v1/shipping/trackers/{}", trigger.id) }],
    })
}

/// With what was refunded of the capture up to and with this one.
pub fn refund(trigger: &Trigger, trade: &Trade) -> Value {
    let total = trigger.after.and_then(|after| Some(Money::new(after.refunded_minor, after.held?.currency)));
    json!({
        "id": refund_id(trigger),
        "status": "COMPLETED",
        "amount": trigger.moved().map(written),
        "seller_payable_breakdown": { "total_refunded_amount": total.map(written) },
        "create_time": rfc3339(trigger.received_at),
        "update_time": rfc3339(trigger.received_at),
        "links": [
            { "rel": "self", "method": "GET", "href": format!("/v2/payments/refunds/{}", refund_id(trigger)) },
            { "rel": "up", "method": "GET", "href": format!("/v2/payments/captures/{}", capture_id(trade)) },
        ],
    })
}
