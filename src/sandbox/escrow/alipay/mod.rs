//! The gateway of Alipay's open platform: `POST /gateway.do`, signed with RSA2.
//!
//! A request is a form, and what stands in its address belongs to it; what is signed is all of it
//! but `sign`, sorted, empty values left out. Unless the address names the charset, what is not
//! ASCII is read in GBK, and no signature fits it. An answer is
//! `{"<method>_response": {…}, "sign"}`, signed over the text of the inner object. Errors
//! come with status 200 and a code: 40001 and 40002 for what cannot be read, 40004 for what the
//! business refuses, 20000 for what nobody knows (codes of the public SDKs, November 2026).
//! Stricter than the real one: a timestamp may be ten minutes off, so that a clock in the wrong
//! zone is found. Absent: certificates, encryption, calls that are not about settled money.

pub mod calls;
pub mod legacy;

use chrono::{FixedOffset, NaiveDateTime, TimeDelta};
use serde_json::{Map, Value, json};

use self::calls::Call;
use super::books::Books;
use super::crypto::{RsaPrivate, RsaPublic};
use super::wire::{Asked, Reply, Turned, Wire, pairs, sorted};
use crate::domain::instant::Instant;

const TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Alipay's clock.
// Eight hours are less than a day: this is checked when it is compiled.
pub const ZONE: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours");

pub struct Alipay {
    pub app_id: String,
    pub merchant: RsaPublic,
    pub provider: RsaPrivate,
}

pub struct Read {
    method: String,
    call: Call,
}

/// What a common parameter is wrong about: code, message, sub_code.
type Wrong = (&'static str, &'static str, String);

impl Wire for Alipay {
    type Call = Read;

    fn read(&self, asked: &Asked, now: Instant) -> Result<Read, Turned> {
        let form = std::str::from_utf8(asked.body).ok();
        let read = pairs(asked.query).zip(form.and_then(pairs));
        let Some((mut form, in_body)) = read else {
            return Err(self.unreadable("", invalid("isv.invalid-encoding")));
        };
        let names_charset = form.iter().any(|(name, _)| name == "charset");
        form.extend(in_body);
        let mut names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(self.unreadable("", invalid("isv.invalid-parameter")));
        }
        let value =
            |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let method = value("method").unwrap_or_default().to_owned();
        self.check_common(&value, now).map_err(|wrong| self.unreadable(&method, wrong))?;
        let signed = sorted(&form, &["sign"]);
        let is_as_meant = names_charset || signed.is_ascii();
        if !is_as_meant || !self.merchant.verifies(signed.as_bytes(), value("sign").unwrap_or_default()) {
            return Err(Turned::Unbelieved(self.wrong(&method, invalid("isv.invalid-signature"))));
        }
        let content = value("biz_content").unwrap_or("{}");
        let Ok(Value::Object(content)) = serde_json::from_str(content) else {
            return Err(self.unreadable(&method, invalid("isv.invalid-parameter")));
        };
        match Call::read(&method, &Value::Object(content)) {
            Some(Ok(call)) => Ok(Read { method, call }),
            Some(Err(what)) => Err(Turned::Unreadable(self.refusal(&method, "ACQ.INVALID_PARAMETER", &what))),
            None => Err(self.unreadable("", invalid("isv.invalid-method"))),
        }
    }

    fn key(read: &Read) -> Option<&str> {
        read.call.key()
    }

    fn perform(&self, read: Read, books: &mut Books, now: Instant) -> Reply {
        match read.call.perform(books, now) {
            Ok(fields) => self.answer(&read.method, "10000", "Success", fields),
            Err((code, what)) => self.refusal(&read.method, code, what),
        }
    }

    fn unknown(&self, read: &Read, _: Instant) -> Reply {
        let more = json!({ "sub_code": "isp.unknow-error", "sub_msg": "nobody knows what became of it" });
        self.answer(&read.method, "20000", "Service Currently Unavailable", more)
    }

    fn refused(&self, read: &Read, _: Instant) -> Reply {
        self.refusal(&read.method, "ACQ.INVALID_PARAMETER", "refused on purpose")
    }
}

impl Alipay {
    fn check_common<'a>(&self, value: &dyn Fn(&str) -> Option<&'a str>, now: Instant) -> Result<(), Wrong> {
        let present = |name: &str, code: &str| {
            let missing = || ("40001", "Missing Required Arguments", format!("isv.missing-{code}"));
            value(name).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        let must = |holds: bool, code: &str| if holds { Ok(()) } else { Err(invalid(code)) };
        must(present("app_id", "app-id")? == self.app_id, "isv.invalid-app-id")?;
        present("method", "method")?;
        present("sign", "signature")?;
        must(present("sign_type", "signature-type")? == "RSA2", "isv.invalid-signature-type")?;
        must(present("version", "version")? == "1.0", "isv.invalid-version")?;
        let charset = present("charset", "charset")?;
        must(charset.eq_ignore_ascii_case("utf-8"), "isv.invalid-charset")?;
        let is_json = value("format").is_none_or(|format| format.eq_ignore_ascii_case("json"));
        must(is_json, "isv.invalid-format")?;
        let sent_at = moment(present("timestamp", "timestamp")?);
        let is_now = sent_at.is_some_and(|sent_at| (now - sent_at).abs() <= TOLERANCE);
        must(is_now, "isv.invalid-timestamp")
    }

    fn unreadable(&self, method: &str, wrong: Wrong) -> Turned {
        Turned::Unreadable(self.wrong(method, wrong))
    }

    fn wrong(&self, method: &str, (code, message, sub_code): Wrong) -> Reply {
        self.answer(method, code, message, json!({ "sub_msg": sub_code, "sub_code": sub_code }))
    }

    fn refusal(&self, method: &str, sub_code: &str, what: &str) -> Reply {
        let more = json!({ "sub_code": sub_code, "sub_msg": what });
        self.answer(method, "40004", "Business Failed", more)
    }

    /// The outer object is put together as text: what is signed is what is sent.
    fn answer(&self, method: &str, code: &str, message: &str, more: Value) -> Reply {
        let mut fields =
            Map::from_iter([("code".to_owned(), json!(code)), ("msg".to_owned(), json!(message))]);
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        let inner = Value::Object(fields).to_string();
        let name = if method.is_empty() { "error".to_owned() } else { method.replace('.', "_") };
        let (name, sign) = (json!(format!("{name}_response")), self.provider.sign(inner.as_bytes()));
        let body = format!("{{{name}:{inner},\"sign\":\"{sign}\"}}");
        Reply::text(200, "application/json;charset=utf-8", body)
    }
}

fn invalid(sub_code: &str) -> Wrong {
    ("40002", "Invalid Arguments", sub_code.to_owned())
}

fn moment(text: &str) -> Option<Instant> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
    local.and_local_timezone(ZONE).single().map(|at| at.to_utc())
}

/// The time of a refund, in its notice.
pub fn written_to_millis(at: Instant) -> String {
    at.with_timezone(&ZONE).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

pub fn written(at: Instant) -> String {
    at.with_timezone(&ZONE).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests;
