//! What Alipay's codes mean for money.
//!
//! A refusal is believed where it can only be about what was asked, and never where an earlier attempt of the
//! same command could be the reason for it: then the answer is unknown, and Alipay is asked. What the gateway turns
//! away because of who asks (a key, a signature, a contract) had no effect, and may have one when that is mended.

use super::super::json::Fields;
use super::super::provider::{Found, Reading, Trade, TradeState, Unsayable};
use super::wire::Signed;
use crate::domain::escrow::TriggerFacts;
use crate::domain::id::TriggerId;
use crate::domain::money::{Currency, Money};

/// The gateway did not let the call through: 20001 pass, 40001 and 40002 fields, 40003 conditions, 40006 rights.
const TURNED_AWAY: [&str; 5] = ["20001", "40001", "40002", "40003", "40006"];
/// The business behind the gateway refused; its sub-code says why.
const BUSINESS: &str = "40004";

/// Refused, whoever asks and however often.
const NEVER: [&str; 3] = ["ACQ.INVALID_PARAMETER", "ACQ.TRADE_NOT_EXIST", "ACQ.CURRENCY_NOT_SUPPORT"];
/// Of a refund alone.
const NEVER_REFUNDED: [&str; 7] = [
    "ACQ.TRADE_NOT_ALLOW_REFUND",
    "ACQ.REFUND_FEE_ERROR",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR",
    "ACQ.NOT_ALLOW_PARTIAL_REFUND",
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND",
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR",
    "ACQ.BUYER_NOT_EXIST",
];
/// No effect now, and one under the same number when it is mended.
const NOT_NOW: [&str; 4] = [
    "ACQ.SELLER_BALANCE_NOT_ENOUGH",
    "ACQ.REASON_TRADE_BEEN_FREEZEN",
    "ACQ.ACCESS_FORBIDDEN",
    "ACQ.PARTNER_ERROR",
];

/// The only currency of the calls that move money.
fn yuan_currency() -> Option<Currency> {
    "CNY".parse().ok()
}

/// `19.90`. Alipay's amounts are yuan.
pub fn yuan(facts: &TriggerFacts) -> Result<String, Unsayable> {
    let currency: Currency = facts
        .currency
        .parse()
        .map_err(|_| Unsayable(format!("{} is no currency", super::super::json::shown(&facts.currency))))?;
    let money = Money::parse(&facts.amount, currency).map_err(|error| Unsayable(error.to_string()))?;
    yuan_of(money)
}

pub fn yuan_of(money: Money) -> Result<String, Unsayable> {
    if money.currency.code() != "CNY" {
        return Err(Unsayable(format!("Alipay moves CNY alone, and this is {}", money.currency)));
    }
    if money.minor <= 0 {
        return Err(Unsayable("there is nothing to move".to_owned()));
    }
    Ok(money.amount())
}

/// `trade_no` as Alipay has them.
pub fn trade_number(text: &str) -> Result<&str, Unsayable> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        Ok(text)
    } else {
        Err(Unsayable("the payment reference is no trade number of Alipay".to_owned()))
    }
}

/// Of an answer that is no success.
pub fn refusal(signed: &Signed, is_refund: bool) -> Reading {
    let reason = signed.said();
    let sub_code = signed.sub_code.as_str();
    match signed.code.as_str() {
        code if TURNED_AWAY.contains(&code) => Reading::Later { reason, after: None },
        BUSINESS if NOT_NOW.contains(&sub_code) => Reading::Later { reason, after: None },
        BUSINESS if NEVER.contains(&sub_code) => Reading::Refused { reason },
        BUSINESS if is_refund && NEVER_REFUNDED.contains(&sub_code) => Reading::Refused { reason },
        _ => unknown(reason),
    }
}

pub fn unknown(reason: impl Into<String>) -> Reading {
    Reading::Unknown { reason: reason.into(), after: None }
}

pub fn no_word(reason: impl Into<String>) -> Found {
    Found::NoWord { reason: reason.into(), after: None }
}

/// The answer has to be about this trade, and about this command where it names one.
pub fn is_about(fields: &Fields, payment_reference: &str, id: TriggerId) -> bool {
    let number = fields.text("out_request_no");
    fields.is("trade_no", payment_reference) && number.is_none_or(|number| number == id.to_string())
}

/// Accepted for good: the same number is answered the same ever after.
pub fn settled(signed: &Signed, facts: &TriggerFacts, id: TriggerId) -> Reading {
    if !signed.is_success() {
        return refusal(signed, false);
    }
    if is_about(&signed.fields, &facts.payment_reference, id) {
        Reading::Acknowledged
    } else {
        unknown("the answer is about another trade")
    }
}

/// `fund_change` says whether money moved by this very call; where it does not, Alipay has to be asked.
pub fn refunded(signed: &Signed, facts: &TriggerFacts, id: TriggerId) -> Reading {
    if !signed.is_success() {
        return refusal(signed, true);
    }
    if !is_about(&signed.fields, &facts.payment_reference, id) {
        return unknown("the answer is about another trade");
    }
    if signed.fields.is("fund_change", "Y") {
        Reading::Acknowledged
    } else {
        unknown("no money moved by this call")
    }
}

/// `alipay.trade.fastpay.refund.query`. Without a status Alipay has not received the refund, or it failed.
pub fn found_refund(signed: &Signed, facts: &TriggerFacts, id: TriggerId) -> Found {
    let fields = &signed.fields;
    if !signed.is_success() {
        return match (signed.code.as_str(), signed.sub_code.as_str()) {
            (BUSINESS, "ACQ.TRADE_NOT_EXIST") => Found::NotThere,
            _ => no_word(signed.said()),
        };
    }
    let amount = fields.text("refund_amount");
    match fields.text("refund_status").as_deref() {
        Some("REFUND_SUCCESS") => {
            let is_ours =
                is_about(fields, &facts.payment_reference, id) && fields.text("out_request_no").is_some();
            let same = amount.is_none_or(|amount| minor(&amount) == minor(&facts.amount));
            match (is_ours, same) {
                (true, true) => Found::TookEffect,
                (true, false) => no_word("another amount was refunded under this number"),
                (false, _) => no_word("the answer is about another refund"),
            }
        }
        Some(other) => no_word(super::super::json::shown(other)),
        // Some answers of old have an amount and no status.
        None if amount.is_some() => no_word("an amount without a status"),
        None => Found::NotThere,
    }
}

/// Settlements of a trade name the number they were asked for under.
pub fn found_settlement(signed: &Signed, facts: &TriggerFacts, id: TriggerId) -> Found {
    if !signed.is_success() {
        return match (signed.code.as_str(), signed.sub_code.as_str()) {
            (BUSINESS, "ACQ.TRADE_NOT_EXIST") => Found::NotThere,
            _ => no_word(signed.said()),
        };
    }
    if !signed.fields.is("trade_no", &facts.payment_reference) {
        return no_word("the answer is about another trade");
    }
    let info = signed.fields.object("trade_settle_info");
    let details = info.objects("trade_settle_detail_list").unwrap_or_default();
    let number = id.to_string();
    let ours = details.iter().filter(|detail| detail.is("operation_serial_no", &number));
    let ours: Vec<_> = ours.map(|detail| detail.text("operation_type").unwrap_or_default()).collect();
    if !ours.is_empty() {
        return found_operation(&ours);
    }
    let settlements: Vec<_> = details.iter().filter(|detail| detail.is("operation_type", "settle")).collect();
    let is_open = signed.fields.is("trade_status", "TRADE_SUCCESS");
    let unsettled = info.text("trade_unsettled_amount").and_then(|amount| minor(&amount));
    let is_untouched = settlements.is_empty() && unsettled.is_some_and(|minor| minor > 0);
    if is_open && (is_untouched || others_account_for_it(signed, facts, &settlements, unsettled)) {
        Found::NotThere
    } else {
        no_word("no settlement under this number, and the trade is not untouched")
    }
}

/// What was done under a number of ours: a settlement that awaits its turn is there and not yet made.
fn found_operation(kinds: &[String]) -> Found {
    let is = |word: &str| kinds.iter().any(|kind| kind == word);
    if is("settle") {
        Found::TookEffect
    } else if is("on_settle") {
        Found::UnderWay
    } else {
        no_word(format!("under this number {}", super::super::json::shown(&kinds.join(", "))))
    }
}

/// Whether every fen that was settled went under another number of ours, and as much as was asked for is still there.
/// A number that is none of ours may be Alipay's own name of this very settlement.
fn others_account_for_it(
    signed: &Signed,
    facts: &TriggerFacts,
    settlements: &[&Fields],
    unsettled: Option<i64>,
) -> bool {
    let amount_of = |detail: &&Fields| {
        detail.text("operation_serial_no")?.parse::<TriggerId>().ok()?;
        minor(&detail.text("amount")?)
    };
    let settled = settlements.iter().map(amount_of).try_fold(0_i64, |sum, one| sum.checked_add(one?));
    let total = signed.fields.text("total_amount").and_then(|amount| minor(&amount));
    match (settled, unsettled, total, minor(&facts.amount)) {
        (Some(settled), Some(unsettled), Some(total), Some(asked)) => {
            settled.checked_add(unsettled) == Some(total) && unsettled >= asked
        }
        _ => false,
    }
}

/// `alipay.trade.query`, with its settlements.
pub fn trade(signed: &Signed, payment_reference: &str) -> Result<Trade, String> {
    if !signed.is_success() {
        return match (signed.code.as_str(), signed.sub_code.as_str()) {
            (BUSINESS, "ACQ.TRADE_NOT_EXIST") => Ok(of_state(TradeState::Absent)),
            _ => Err(signed.said()),
        };
    }
    let fields = &signed.fields;
    if !fields.is("trade_no", payment_reference) {
        return Err("the answer is about another trade".to_owned());
    }
    let info = fields.object("trade_settle_info");
    let unsettled = info.text("trade_unsettled_amount").and_then(|amount| minor(&amount));
    // Without a list it is not said that nothing was settled.
    let released = info.objects("trade_settle_detail_list").and_then(|details| {
        let settled = details.iter().filter(|detail| detail.is("operation_type", "settle"));
        let amounts = settled.map(|detail| detail.text("amount").and_then(|text| minor(&text)));
        amounts.collect::<Option<Vec<i64>>>()?.into_iter().try_fold(0_i64, i64::checked_add)
    });
    let nothing_settled = released.is_none_or(|minor| minor == 0);
    let state = match fields.text("trade_status").as_deref() {
        Some("TRADE_SUCCESS") if unsettled == Some(0) && !nothing_settled => TradeState::Released,
        Some("TRADE_SUCCESS") => TradeState::Open,
        Some("TRADE_FINISHED") if unsettled.is_some_and(|minor| minor > 0) => TradeState::Open,
        Some("TRADE_FINISHED") if !nothing_settled => TradeState::Released,
        Some("TRADE_FINISHED" | "TRADE_CLOSED") => TradeState::Closed,
        Some("WAIT_BUYER_PAY") => return Err("the buyer has not paid yet".to_owned()),
        other => {
            return Err(format!("the state {}", super::super::json::shown(other.unwrap_or("is missing"))));
        }
    };
    let total = fields.text("total_amount").and_then(|amount| minor(&amount));
    let held = total.and_then(|minor| Some(Money::new(minor, yuan_currency()?)));
    Ok(Trade { held, released_minor: released, ..of_state(state) })
}

fn of_state(state: TradeState) -> Trade {
    Trade {
        state,
        held: None,
        released_minor: None,
        refunded_minor: None,
        release_deadline_at: None,
        frozen: None,
    }
}

/// Fen.
pub fn minor(yuan: &str) -> Option<i64> {
    Money::parse(yuan, yuan_currency()?).ok().map(|money| money.minor)
}

pub fn money(yuan: &str) -> Option<Money> {
    Money::parse(yuan, yuan_currency()?).ok()
}
