//! Cainiao's format, as it really comes.

use serde_json::value::RawValue;

use crate::carriers::json::Object;

/// One trace's fields; empty where there is none.
#[derive(Debug, Default)]
pub struct Trace {
    /// In capitals, without spaces.
    pub action_code: String,
    /// Of the place: `2026-03-04 10:12:00`.
    pub local_time: String,
    /// Milliseconds since 1970, as a rule.
    pub time: String,
    /// `GMT+8`, `+08:00`, `8`.
    pub time_zone: String,
    pub desc: String,
    /// Spelt so by them.
    pub standerd_desc: String,
    pub country: String,
    pub city: String,
}

/// `None` where it is no trace.
pub fn trace(raw: &RawValue) -> Option<Trace> {
    let fields = Object::of(Some(raw))?;
    let first = |names: &[&str]| {
        let texts = names.iter().map(|name| fields.text(name));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    Some(Trace {
        action_code: code(&first(&["actionCode", "action", "status"])),
        local_time: fields.text("timeStr"),
        time: fields.text("time"),
        time_zone: first(&["timeZone", "tz"]),
        desc: fields.text("desc"),
        standerd_desc: first(&["standerdDesc", "standardDesc"]),
        country: fields.text("country"),
        city: first(&["city", "facilityName"]),
    })
}

/// A number has lost the zero before it.
fn code(text: &str) -> String {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let words: Vec<&str> = text.split_whitespace().collect();
    if is_number { format!("{text:0>2}") } else { words.join("_").to_ascii_uppercase() }
}
