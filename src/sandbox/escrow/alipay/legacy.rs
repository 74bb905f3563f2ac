//! Alipay's older gateway, where 担保交易 lives: `send_goods_confirm_by_platform`, `single_trade_query`.
//!
//! Parameters in the query or as a form; MD5 over all but `sign` and `sign_type`, sorted, with the
//! key behind it. Answers are XML. Sending goods has no key of its own: the trade is the key, the
//! same parcel may be said again, another one not. It starts the provider's own clock.

use serde_json::json;
use subtle::ConstantTimeEq;

use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::sandbox::escrow::ask::{Action, Ask, Format, Refusal};
use crate::sandbox::escrow::books::{Books, Verdict};
use crate::sandbox::escrow::crypto::md5_hex;
use crate::sandbox::escrow::trade::Trade;
use crate::sandbox::escrow::wire::{Asked, Reply, Turned, Wire, digest, pairs, sorted};

pub struct Legacy {
    pub partner: String,
    pub md5_key: String,
}

pub enum Call {
    SendGoods(Ask),
    Query(String),
}

impl Wire for Legacy {
    type Call = Call;

    fn read(&self, asked: &Asked, _: Instant) -> Result<Call, Turned> {
        let form = std::str::from_utf8(asked.body).ok();
        let Some((mut form, in_body)) = pairs(asked.query).zip(form.and_then(pairs)) else {
            return Err(Turned::Unreadable(error("ILLEGAL_CHARSET")));
        };
        form.extend(in_body);
        // Alipay's own libraries say `_input_charset` in both places, and sign it once.
        form.sort();
        form.dedup();
        let value = |name: &str| {
            let found = form.iter().find(|(known, value)| known == name && !value.is_empty());
            found.map(|(_, value)| value.as_str())
        };
        let unreadable = |code| Turned::Unreadable(error(code));
        if value("partner") != Some(self.partner.as_str()) {
            return Err(unreadable("ILLEGAL_PARTNER"));
        }
        if value("sign_type") != Some("MD5") {
            return Err(unreadable("ILLEGAL_SIGN_TYPE"));
        }
        let expected = self.sign(&form);
        let matches: bool = value("sign").unwrap_or_default().as_bytes().ct_eq(expected.as_bytes()).into();
        if !matches {
            return Err(Turned::Unbelieved(error("ILLEGAL_SIGN")));
        }
        match value("service") {
            Some("send_goods_confirm_by_platform") => {
                send_goods(&value).ok_or_else(|| unreadable("ILLEGAL_ARGUMENT"))
            }
            Some("single_trade_query") => {
                let trade = value("trade_no").or(value("out_trade_no"));
                trade.map(|trade| Call::Query(trade.to_owned())).ok_or_else(|| unreadable("ILLEGAL_ARGUMENT"))
            }
            Some(_) | None => Err(unreadable("ILLEGAL_SERVICE")),
        }
    }

    fn key(call: &Call) -> Option<&str> {
        match call {
            Call::SendGoods(ask) => Some(&ask.key),
            Call::Query(_) => None,
        }
    }

    fn perform(&self, call: Call, books: &mut Books, now: Instant) -> Reply {
        let reference = match call {
            Call::SendGoods(ask) => match books.perform(ask, now) {
                Verdict::Done { trigger, .. } => trigger.reference,
                Verdict::Refused { why: Refusal::NoSuchTrade, .. } => return error("TRADE_NOT_EXIST"),
                Verdict::Refused { .. } | Verdict::OtherBody => return error("TRADE_STATUS_NOT_AVAILD"),
            },
            Call::Query(reference) => {
                books.release_due(now);
                reference
            }
        };
        match books.find(Format::Alipay, &reference) {
            Some(trade) => self.told(trade),
            None => error("TRADE_NOT_EXIST"),
        }
    }

    fn unknown(&self, _: &Call, _: Instant) -> Reply {
        error("SYSTEM_ERROR")
    }

    fn refused(&self, _: &Call, _: Instant) -> Reply {
        error("ILLEGAL_ARGUMENT")
    }
}

impl Legacy {
    fn sign(&self, form: &[(String, String)]) -> String {
        md5_hex(format!("{}{}", sorted(form, &["sign", "sign_type"]), self.md5_key).as_bytes())
    }

    fn told(&self, trade: &Trade) -> Reply {
        let fields = [
            ("out_trade_no", trade.terms.also.clone().unwrap_or_else(|| trade.reference.clone())),
            ("total_fee", trade.held.map(Money::amount).unwrap_or_default()),
            ("trade_no", trade.reference.clone()),
            ("trade_status", status(trade).to_owned()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let inner: String = fields.iter().map(|(name, value)| element(name, value)).collect();
        let sign = self.sign(&fields);
        xml(&format!(
            "<is_success>T</is_success><response><tradeBase>{inner}</tradeBase></response>\
             <sign>{sign}</sign><sign_type>MD5</sign_type>"
        ))
    }
}

fn send_goods<'a>(value: &dyn Fn(&str) -> Option<&'a str>) -> Option<Call> {
    let (trade, company) = (value("trade_no")?, value("logistics_name")?);
    let transport = value("transport_type").or(value("create_transport_type"))?;
    if !["POST", "EXPRESS", "EMS", "DIRECT"].contains(&transport) {
        return None;
    }
    let parcel = json!([company, transport, value("invoice_no")]);
    let key = format!("alipay:send_goods:{trade}");
    let mut ask = Ask::new(Format::Alipay, &key, trade, Action::Ship, digest("send_goods", &parcel));
    ask.id = trade.to_owned();
    Some(Call::SendGoods(ask))
}

/// The states of 担保交易.
pub fn status(trade: &Trade) -> &'static str {
    if trade.is_refunded() {
        "TRADE_CLOSED"
    } else if trade.is_over() {
        "TRADE_FINISHED"
    } else if trade.shipped_at.is_some() {
        "WAIT_BUYER_CONFIRM_GOODS"
    } else {
        "WAIT_SELLER_SEND_GOODS"
    }
}

fn element(name: &str, value: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;");
    format!("<{name}>{value}</{name}>")
}

fn error(code: &str) -> Reply {
    xml(&format!("<is_success>F</is_success>{}", element("error", code)))
}

fn xml(inner: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><alipay>{inner}</alipay>");
    Reply::text(200, "text/xml;charset=utf-8", body)
}
