//! The calls of the open platform that are about kept money, and their answers.
//!
//! Pure. `out_request_no` is a key within its call and its trade; the same number with other
//! content is `ACQ.DISCORDANT_REPEAT_REQUEST`; a refund that was made before is answered with
//! `fund_change` N. A declaration that is sent again says nothing of the payer's identity.

use serde_json::{Value, json};

use super::written;
use crate::domain::instant::Instant;
use crate::domain::money::{Currency, Money};
use crate::sandbox::escrow::ask::{Action, Ask, Format, Refusal, Trigger};
use crate::sandbox::escrow::books::{Books, Verdict};
use crate::sandbox::escrow::trade::Trade;
use crate::sandbox::escrow::wire::{decimal, digest, text};

pub enum Call {
    Settle(Ask),
    Refund(Ask),
    Declare { ask: Ask, names_buyer: bool },
    Query { trade: String, with_settlements: bool },
    RefundQuery { trade: String, request: String },
}

type Failed = (&'static str, &'static str);

/// The only currency of these calls.
pub fn yuan() -> Option<Currency> {
    "CNY".parse().ok()
}

impl Call {
    /// None: no such method. The inner error names what is wrong with the content.
    pub fn read(method: &str, content: &Value) -> Option<Result<Self, String>> {
        let call = match method {
            "alipay.trade.settle.confirm" => settle(content),
            "alipay.trade.refund" => refund(content),
            "alipay.trade.customs.declare" => declare(content),
            "alipay.trade.query" => trade_of(content).map(|trade| {
                let options = content.get("query_options").and_then(Value::as_array);
                let with_settlements =
                    options.is_some_and(|options| options.contains(&json!("trade_settle_info")));
                Call::Query { trade, with_settlements }
            }),
            "alipay.trade.fastpay.refund.query" => trade_of(content).and_then(|trade| {
                let request = need(content, "out_request_no")?.to_owned();
                Ok(Call::RefundQuery { trade, request })
            }),
            _ => return None,
        };
        Some(call)
    }

    pub fn key(&self) -> Option<&str> {
        match self {
            Call::Settle(ask) | Call::Refund(ask) | Call::Declare { ask, .. } => Some(&ask.key),
            Call::Query { .. } | Call::RefundQuery { .. } => None,
        }
    }

    pub fn perform(self, books: &mut Books, now: Instant) -> Result<Value, Failed> {
        match self {
            Call::Settle(ask) => done(books, "settle", ask, now).map(|(trigger, _, trade)| {
                json!({
                    "trade_no": trade.reference,
                    "out_request_no": trigger.id,
                    "settle_amount": amount_of(&trigger),
                })
            }),
            Call::Refund(ask) => done(books, "refund", ask, now)
                .map(|(trigger, again, trade)| refunded(&trigger, again, &trade)),
            Call::Declare { ask, names_buyer } => done(books, "declare", ask, now)
                .map(|(trigger, again, trade)| declared(&trigger, names_buyer && !again, &trade)),
            Call::Query { trade, with_settlements } => {
                books.release_due(now);
                let found = books.find(Format::Alipay, &trade);
                let trade = found.ok_or_else(|| failed(Refusal::NoSuchTrade, Action::Refund))?;
                let mut fields = queried(trade);
                if with_settlements {
                    fields["trade_settle_info"] = settlements(trade, books);
                }
                Ok(fields)
            }
            Call::RefundQuery { trade, request } => {
                let Some(trade) = books.find(Format::Alipay, &trade) else {
                    return Err(failed(Refusal::NoSuchTrade, Action::Refund));
                };
                let found = books.by_key(&key("refund", &trade.reference, &request));
                // One that never came, or was refused, is answered without a word about it.
                Ok(found
                    .filter(|trigger| trigger.took_effect)
                    .map_or(json!({}), |trigger| found_refund(trigger, trade)))
            }
        }
    }
}

fn need<'v>(content: &'v Value, name: &str) -> Result<&'v str, String> {
    text(content, name).ok_or_else(|| format!("{name} is missing or no text"))
}

fn trade_of(content: &Value) -> Result<String, String> {
    let name = text(content, "trade_no").or(text(content, "out_trade_no"));
    name.map(str::to_owned).ok_or_else(|| "trade_no and out_trade_no are both missing".to_owned())
}

fn key(call: &str, trade: &str, request: &str) -> String {
    format!("alipay:{call}:{trade}:{request}")
}

fn money(value: Option<&Value>, name: &str) -> Result<Money, String> {
    yuan().and_then(|yuan| decimal(value, yuan)).ok_or_else(|| format!("{name} is no amount in yuan"))
}

fn ask(call: &str, content: &Value, trade: &str, request: &str, action: Action, amount: Money) -> Ask {
    let key = key(call, trade, request);
    let mut same = content.clone();
    if let Some(fields) = same.as_object_mut() {
        // A trade may be called by either of its names.
        fields.retain(|name, _| name != "trade_no" && name != "out_trade_no");
    }
    let mut ask = Ask::new(Format::Alipay, &key, trade, action, digest(call, &same));
    (ask.id, ask.amount) = (request.to_owned(), Some(amount));
    ask.also = text(content, "out_trade_no").map(str::to_owned);
    ask
}

fn settle(content: &Value) -> Result<Call, String> {
    let (trade, request) = (need(content, "trade_no")?, need(content, "out_request_no")?);
    let details = content.pointer("/settle_info/settle_detail_infos").and_then(Value::as_array);
    let details =
        details.filter(|details| !details.is_empty()).ok_or("settle_info has no settle_detail_infos")?;
    // One that names a part settles parts alone; `amount` is of all that was not refunded.
    let is_part = details.iter().any(|detail| detail.get("actual_amount").is_some());
    let name = if is_part { "actual_amount" } else { "amount" };
    let mut total: Option<Money> = None;
    for detail in details {
        // With defaultSettle the account is the one that was agreed, and no other may be named.
        if need(detail, "trans_in_type")? != "defaultSettle" {
            need(detail, "trans_in")?;
        } else if text(detail, "trans_in").is_some() {
            return Err("trans_in has to be empty with defaultSettle".to_owned());
        }
        let one = money(detail.get(name), name)?;
        let sum = total.map_or(Some(one.minor), |total| total.minor.checked_add(one.minor));
        total = Some(Money::new(sum.ok_or("amount is too large")?, one.currency));
    }
    let total = total.ok_or("amount is missing")?;
    let mut ask = ask("settle", content, trade, request, Action::Release, total);
    ask.must_be_whole = !is_part;
    Ok(Call::Settle(ask))
}

fn refund(content: &Value) -> Result<Call, String> {
    let trade = trade_of(content)?;
    let amount = money(content.get("refund_amount"), "refund_amount")?;
    let request = text(content, "out_request_no");
    let number = request.or(text(content, "out_trade_no")).unwrap_or(&trade);
    let mut ask = ask("refund", content, &trade, number, Action::Refund, amount);
    ask.must_be_whole = request.is_none();
    Ok(Call::Refund(ask))
}

fn declare(content: &Value) -> Result<Call, String> {
    let (trade, request) = (need(content, "trade_no")?, need(content, "out_request_no")?);
    if !(6..=64).contains(&request.chars().count()) {
        return Err("out_request_no has to have 6 to 64 letters".to_owned());
    }
    for name in ["merchant_customs_code", "merchant_customs_name", "customs_place"] {
        need(content, name)?;
    }
    let is_split = match content.get("is_split") {
        None | Some(Value::Null) => false,
        Some(value) => {
            value.as_bool().or(value.as_str().map(|text| text == "T" || text == "true")).unwrap_or(false)
        }
    };
    if is_split {
        need(content, "sub_out_biz_no")?;
    }
    let amount = money(content.get("amount"), "amount")?;
    let names_buyer = content.get("buyer_info").is_some_and(Value::is_object);
    if names_buyer {
        need(&content["buyer_info"], "buyer_name")?;
        need(&content["buyer_info"], "buyer_cert_no")?;
    }
    let ask = ask("declare", content, trade, request, Action::Declare, amount);
    Ok(Call::Declare { ask, names_buyer })
}

fn done(books: &mut Books, call: &str, mut ask: Ask, now: Instant) -> Result<(Trigger, bool, Trade), Failed> {
    let action = ask.action;
    if let Some(trade) = books.find(Format::Alipay, &ask.reference) {
        ask.reference = trade.reference.clone();
        ask.key = key(call, &ask.reference, &ask.id);
    }
    match books.perform(ask, now) {
        Verdict::Done { trigger, again } => match books.find(Format::Alipay, &trigger.reference) {
            Some(trade) => Ok((trigger, again, trade.clone())),
            None => Err(failed(Refusal::NoSuchTrade, action)),
        },
        Verdict::Refused { why, .. } => Err(failed(why, action)),
        Verdict::OtherBody => {
            Err(("ACQ.DISCORDANT_REPEAT_REQUEST", "the number was used for another request"))
        }
    }
}

fn failed(why: Refusal, action: Action) -> Failed {
    let code = match why {
        Refusal::NoSuchTrade => "ACQ.TRADE_NOT_EXIST",
        Refusal::NoAmount | Refusal::OtherCurrency => "ACQ.INVALID_PARAMETER",
        Refusal::Exceeds if action == Action::Refund => "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        Refusal::NotTheWhole if action == Action::Refund => "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
        Refusal::Exceeds | Refusal::NotTheWhole => "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR",
        Refusal::NothingLeft => "ACQ.TRADE_HAS_FINISHED",
        Refusal::TooEarly | Refusal::DoneAlready => "ACQ.TRADE_STATUS_ERROR",
        Refusal::Frozen => "ACQ.REASON_TRADE_BEEN_FREEZEN",
        Refusal::Closed => "ACQ.TRADE_HAS_CLOSE",
    };
    (code, why.as_str())
}

fn amount_of(trigger: &Trigger) -> String {
    trigger.moved().map(Money::amount).unwrap_or_default()
}

fn other_name(trade: &Trade) -> &str {
    trade.terms.also.as_deref().unwrap_or(&trade.reference)
}

/// `refund_fee` is what was refunded of the trade, up to and with this one.
fn refunded(trigger: &Trigger, again: bool, trade: &Trade) -> Value {
    let after = trigger.after.and_then(|after| Some(Money::new(after.refunded_minor, after.held?.currency)));
    json!({
        "trade_no": trade.reference,
        "out_trade_no": other_name(trade),
        "buyer_logon_id": "buy***@example.com",
        "fund_change": if again { "N" } else { "Y" },
        "refund_fee": after.map(Money::amount),
        "send_back_fee": amount_of(trigger),
        "gmt_refund_pay": written(trigger.received_at),
    })
}

fn found_refund(trigger: &Trigger, trade: &Trade) -> Value {
    json!({
        "trade_no": trade.reference,
        "out_trade_no": other_name(trade),
        "out_request_no": trigger.id,
        "refund_amount": amount_of(trigger),
        "total_amount": trade.held.map(Money::amount),
        "refund_status": "REFUND_SUCCESS",
    })
}

fn declared(trigger: &Trigger, is_checked: bool, trade: &Trade) -> Value {
    let mut fields = json!({
        "alipay_declare_no": format!("D{}", trigger.id),
        "trade_no": trade.reference,
        "pay_code": "ZF14021901",
        "pay_transaction_id": format!("PT{}", trade.reference),
        "ver_dept": "3",
        "currency": "CNY",
        // In fen, unlike all other amounts here.
        "total_amount": trade.held.map(|held| held.minor.to_string()),
    });
    if is_checked {
        fields["identity_check"] = json!(if trade.terms.payer_differs { "F" } else { "T" });
    }
    fields
}

fn queried(trade: &Trade) -> Value {
    json!({
        "trade_no": trade.reference,
        "out_trade_no": other_name(trade),
        "buyer_logon_id": "buy***@example.com",
        "trade_status": status(trade),
        "total_amount": trade.held.map(Money::amount),
        "send_pay_date": written(trade.created_at),
    })
}

/// Said where it is asked for. What the deadline released has no number of the merchant's.
fn settlements(trade: &Trade, books: &Books) -> Value {
    let of_it = |trigger: &&Trigger| {
        trigger.took_effect
            && (trigger.format, trigger.action) == (Format::Alipay, Action::Release)
            && trigger.reference == trade.reference
    };
    let mut details: Vec<Value> = books
        .triggers()
        .iter()
        .filter(of_it)
        .map(|trigger| {
            json!({
                "operation_type": "settle",
                "operation_serial_no": trigger.id,
                "operation_dt": written(trigger.received_at),
                "amount": amount_of(trigger),
            })
        })
        .collect();
    if let (Some(at), Some(held)) = (trade.released_by_itself_at, trade.held) {
        let amount = Money::new(trade.released_by_itself_minor, held.currency).amount();
        details.push(json!({ "operation_type": "settle", "operation_dt": written(at), "amount": amount }));
    }
    json!({ "trade_settle_detail_list": details, "trade_unsettled_amount": trade.left().map(Money::amount) })
}

pub fn status(trade: &Trade) -> &'static str {
    if trade.is_refunded() {
        "TRADE_CLOSED"
    } else if trade.is_over() {
        "TRADE_FINISHED"
    } else {
        "TRADE_SUCCESS"
    }
}
