//! Asking whoever takes our messages, where `escrow.webhook_inquire_url` says that it can be asked.
//!
//! `GET {url}/{trigger}` and `GET {url}?payment_reference=…`, signed like a message without a body. The answer about
//! a trigger repeats its id, `{"id", "state"?, "reason"?}`: 200 with `took_effect` (or no state), `under_way` or
//! `refused`; 404 with the id: it is not there. A 404 without the id may be anybody's, and says nothing. The answer
//! about a trade is `{"payment_reference", "state": open | released | refunded | closed | absent, "held"?:
//! {"amount", "currency"}, "released"?, "refunded"?, "releases_at"?, "frozen"?: true | false}`, amounts as decimals in
//! the currency held.

use chrono::{DateTime, Utc};

use super::super::json::{Fields, shown};
use super::super::provider::{Command, Found, Inquire, Trade, TradeState};
use super::Webhook;
use crate::domain::instant::{Instant, cut};
use crate::domain::money::{Currency, Money};
use crate::outbound::{Answer, Request, percent_encoded};

impl Inquire for Webhook {
    fn about_command(&self, command: &Command, wall: Instant) -> Option<Request> {
        let url = self.inquire_url.as_ref()?;
        let id = command.id.to_string();
        Some(self.signed(Request::get(format!("{url}/{id}")), &id, b"", wall))
    }

    fn read_about_command(&self, command: &Command, answer: &Answer) -> Found {
        let no_word =
            || Found::NoWord { reason: format!("answered {}", answer.status), after: answer.retry_after };
        let text = String::from_utf8_lossy(&answer.body);
        let Some(fields) = Fields::of(&text).filter(|fields| fields.is("id", &command.id.to_string())) else {
            return no_word();
        };
        match (answer.status, fields.text("state").as_deref()) {
            (200, None | Some("took_effect")) => Found::TookEffect,
            (200, Some("under_way")) => Found::UnderWay,
            (200, Some("refused")) => {
                Found::Refused { reason: shown(&fields.text("reason").unwrap_or_default()) }
            }
            (404, None | Some("not_there")) => Found::NotThere,
            _ => no_word(),
        }
    }

    fn about_trade(&self, payment_reference: &str, wall: Instant) -> Request {
        let url = self.inquire_url.as_deref().unwrap_or(&self.url);
        let url = format!("{url}?payment_reference={}", percent_encoded(payment_reference));
        // Nobody acts on a question, so one a second has a name of its own.
        self.signed(Request::get(url), &format!("inq_{}", wall.timestamp()), b"", wall)
    }

    fn read_about_trade(&self, payment_reference: &str, answer: &Answer) -> Result<Trade, String> {
        let text = String::from_utf8_lossy(&answer.body);
        let fields = Fields::of(&text).filter(|fields| fields.is("payment_reference", payment_reference));
        let fields = fields.filter(|_| answer.status == 200).ok_or(format!("answered {}", answer.status))?;
        let state = match fields.text("state").as_deref() {
            Some("open") => TradeState::Open,
            Some("released") => TradeState::Released,
            Some("refunded") => TradeState::Refunded,
            Some("closed") => TradeState::Closed,
            Some("absent") => TradeState::Absent,
            other => return Err(format!("the state {}", shown(other.unwrap_or("is missing")))),
        };
        let held = fields.object("held");
        let currency: Option<Currency> = held.text("currency").and_then(|code| code.parse().ok());
        let money = |text: Option<String>| Money::parse(&text?, currency?).ok();
        let at = fields.text("releases_at").and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        Ok(Trade {
            state,
            held: money(held.text("amount")),
            released_minor: money(fields.text("released")).map(|money| money.minor),
            refunded_minor: money(fields.text("refunded")).map(|money| money.minor),
            release_deadline_at: at.map(|at| cut(at.with_timezone(&Utc))),
            frozen: fields.raw("frozen").and_then(|raw| raw.parse().ok()),
        })
    }
}
