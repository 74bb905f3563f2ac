//! Antom's calls that are about kept money, and their answers.
//!
//! Pure. Each call has its own space of request ids. One that ended in S or F is answered the same
//! way for ever; the same id with other content is `REPEAT_REQ_INCONSISTENT`. Amounts are whole
//! minor units, as text.

use serde_json::{Value, json};

use super::facts::{self, key};
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::sandbox::escrow::ask::{Action, Ask, Format, Refusal, Trigger};
use crate::sandbox::escrow::books::{Books, Verdict};
use crate::sandbox::escrow::trade::Trade;
use crate::sandbox::escrow::wire::{digest, text};

pub enum Call {
    Settle(Ask),
    Refund(Ask),
    Declare { ask: Ask, facts: Value },
    InquirePayment { payment: String },
    InquireRefund { key: String },
    InquireDeclarations { ids: Vec<String> },
}

type Failed = (&'static str, &'static str);

impl Call {
    /// None: no such interface. The inner error names what is wrong with the body.
    pub fn read(endpoint: &str, body: &Value) -> Option<Result<Self, String>> {
        let call = match endpoint {
            "payments/settle" => settle(body),
            "payments/refund" => refund(body),
            "payments/inquiryPayment" => {
                let payment = text(body, "paymentId").or(text(body, "paymentRequestId"));
                let payment =
                    payment.ok_or_else(|| "paymentId and paymentRequestId are both missing".to_owned());
                payment.map(|payment| Call::InquirePayment { payment: payment.to_owned() })
            }
            "payments/inquiryRefund" => {
                let given = text(body, "refundId").map(|id| id.strip_prefix(facts::REFUND_ID).unwrap_or(id));
                let request = given.or(text(body, "refundRequestId"));
                let request =
                    request.ok_or_else(|| "refundId and refundRequestId are both missing".to_owned());
                request.map(|request| Call::InquireRefund { key: key("refund", request) })
            }
            "customs/declare" => declare(body),
            "customs/inquiryDeclarationRequests" => inquire_declarations(body),
            _ => return None,
        };
        Some(call)
    }

    pub fn key(&self) -> Option<&str> {
        match self {
            Call::Settle(ask) | Call::Refund(ask) | Call::Declare { ask, .. } => Some(&ask.key),
            Call::InquirePayment { .. } | Call::InquireRefund { .. } | Call::InquireDeclarations { .. } => {
                None
            }
        }
    }

    pub fn perform(self, books: &mut Books, now: Instant) -> Result<Value, Failed> {
        match self {
            Call::Settle(ask) => done(books, ask, now).map(|(trigger, _)| {
                json!({ "settlementRequestId": trigger.id, "settlementId": format!("{}{}", facts::SETTLEMENT_ID, trigger.id) })
            }),
            Call::Refund(ask) => done(books, ask, now).map(|(trigger, trade)| {
                let mut fields = facts::refund(&trigger);
                fields["paymentId"] = json!(trade.reference);
                fields
            }),
            Call::Declare { ask, facts } => {
                done(books, ask, now).map(|(trigger, trade)| facts::declared(&trigger, &facts, &trade))
            }
            Call::InquirePayment { payment } => {
                books.release_due(now);
                let trade = books.find(Format::Antom, &payment).ok_or_else(|| failed(Refusal::NoSuchTrade, Action::Refund))?;
                Ok(facts::payment(trade, books))
            }
            Call::InquireRefund { key } => {
                let found = books.by_key(&key).ok_or(("REFUND_NOT_EXIST", "no such refund"))?;
                let mut fields = facts::refund(found);
                let status = if found.took_effect { "SUCCESS" } else { "FAIL" };
                fields["refundStatus"] = json!(status);
                Ok(fields)
            }
            Call::InquireDeclarations { ids } => Ok(facts::declarations(books, &ids)),
        }
    }
}

fn need<'v>(body: &'v Value, name: &str) -> Result<&'v str, String> {
    text(body, name).ok_or_else(|| format!("{name} is missing or no text"))
}

/// No longer than `most` letters, and nothing but letters that a number may have.
fn number<'v>(body: &'v Value, name: &str, most: usize) -> Result<&'v str, String> {
    let found = need(body, name)?;
    let is_plain = found.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.:".contains(letter));
    let fits = is_plain && found.len() <= most;
    if fits { Ok(found) } else { Err(format!("{name} is longer than {most}, or has special characters")) }
}

fn amount(value: Option<&Value>) -> Result<Money, String> {
    let bad = || "an amount is {\"currency\", \"value\"}, whole minor units as text".to_owned();
    let value = value.ok_or_else(bad)?;
    let currency = need(value, "currency")?.parse().map_err(|_| bad())?;
    let digits = need(value, "value")?;
    let minor = digits.parse::<i64>().ok().filter(|minor| *minor > 0 && minor.to_string() == digits);
    minor.map(|minor| Money::new(minor, currency)).ok_or_else(bad)
}

fn ask(call: &str, body: &Value, request: &str, action: Action, amount: Money) -> Result<Ask, String> {
    let payment = number(body, "paymentId", 64)?;
    let mut ask = Ask::new(Format::Antom, &key(call, request), payment, action, digest(call, body));
    (ask.id, ask.amount) = (request.to_owned(), Some(amount));
    Ok(ask)
}

fn settle(body: &Value) -> Result<Call, String> {
    let request = number(body, "settlementRequestId", 64)?;
    let details = body.get("settlementDetails").and_then(Value::as_array);
    let details = details.filter(|details| !details.is_empty()).ok_or("settlementDetails are missing")?;
    let mut total: Option<Money> = None;
    for detail in details {
        if !["SELLER", "MARKETPLACE"].contains(&need(detail, "settleTo")?) {
            return Err("settleTo is SELLER or MARKETPLACE".to_owned());
        }
        let one = amount(detail.get("settlementAmount"))?;
        total = match total {
            None => Some(one),
            Some(total) if total.currency != one.currency => return Err("two currencies".to_owned()),
            Some(total) => {
                let minor = total.minor.checked_add(one.minor).ok_or("settlementAmount is too large")?;
                Some(Money::new(minor, one.currency))
            }
        };
    }
    let total = total.ok_or("settlementDetails are missing")?;
    ask("settle", body, request, Action::Release, total).map(Call::Settle)
}

fn refund(body: &Value) -> Result<Call, String> {
    let request = number(body, "refundRequestId", 64)?;
    let total = amount(body.get("refundAmount"))?;
    ask("refund", body, request, Action::Refund, total).map(Call::Refund)
}

fn declare(body: &Value) -> Result<Call, String> {
    let request = number(body, "declarationRequestId", 32)?;
    let total = amount(body.get("declarationAmount"))?;
    if total.currency.code() != "CNY" {
        return Err("declarationAmount has to be in CNY".to_owned());
    }
    let part = |name: &str| body.get(name).ok_or_else(|| format!("{name} is missing"));
    let (customs, merchant) = (part("customs")?, part("merchantCustomsInfo")?);
    need(customs, "customsCode")?;
    if need(customs, "region")? != "CN" {
        return Err("customs.region has to be CN".to_owned());
    }
    need(merchant, "merchantCustomsCode")?;
    need(merchant, "merchantCustomsName")?;
    let is_split = match part("splitOrder")? {
        Value::Bool(is_split) => *is_split,
        Value::String(text) => text == "true",
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err("splitOrder is true or false".to_owned());
        }
    };
    // The documents write suborderId, the libraries subOrderId.
    let order = text(body, "subOrderId").or(text(body, "suborderId")).filter(|_| is_split);
    if is_split && order.is_none() {
        return Err("subOrderId is missing or no text".to_owned());
    }
    let facts = json!({
        "customs": customs, "merchantCustomsInfo": merchant, "splitOrder": is_split,
        "suborderId": order, "isChecked": body.get("buyerCertificate").is_some(),
    });
    let ask = ask("declare", body, request, Action::Declare, total)?;
    Ok(Call::Declare { ask, facts })
}

fn inquire_declarations(body: &Value) -> Result<Call, String> {
    let ids = body
        .get("declarationRequestIds")
        .and_then(Value::as_array)
        .ok_or("declarationRequestIds are missing")?;
    if !(1..=10).contains(&ids.len()) {
        return Err("1 to 10 declarationRequestIds at a time".to_owned());
    }
    let ids = ids.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    ids.map(|ids| Call::InquireDeclarations { ids })
        .ok_or_else(|| "declarationRequestIds are texts".to_owned())
}

fn done(books: &mut Books, ask: Ask, now: Instant) -> Result<(Trigger, Trade), Failed> {
    let action = ask.action;
    match books.perform(ask, now) {
        Verdict::Done { trigger, .. } => match books.find(Format::Antom, &trigger.reference) {
            Some(trade) => Ok((trigger, trade.clone())),
            None => Err(failed(Refusal::NoSuchTrade, action)),
        },
        Verdict::Refused { why, .. } => Err(failed(why, action)),
        Verdict::OtherBody => Err(("REPEAT_REQ_INCONSISTENT", "the id was used for another request")),
    }
}

fn failed(why: Refusal, action: Action) -> Failed {
    let code = match why {
        Refusal::NoSuchTrade => "ORDER_NOT_EXIST",
        Refusal::NoAmount => "PARAM_ILLEGAL",
        Refusal::OtherCurrency => "CURRENCY_NOT_SUPPORT",
        Refusal::Exceeds | Refusal::NothingLeft if action == Action::Refund => "REFUND_AMOUNT_EXCEED",
        Refusal::Exceeds => "PROCESS_FAIL",
        Refusal::Closed => "ORDER_IS_CLOSED",
        Refusal::NothingLeft
        | Refusal::TooEarly
        | Refusal::Frozen
        | Refusal::DoneAlready
        | Refusal::NotTheWhole => "ORDER_STATUS_INVALID",
    };
    (code, why.as_str())
}
