//! China Post's format, as it really comes.

use serde_json::value::RawValue;

use crate::carriers::json::Object;

/// One trace's fields; empty where there is none.
#[derive(Debug, Default)]
pub struct Trace {
    pub number: String,
    pub op_time: String,
    /// In capitals.
    pub op_code: String,
    pub op_name: String,
    pub op_desc: String,
    pub province: String,
    pub city: String,
    pub organisation: String,
    /// To whom, for a delivery.
    pub deliver_code: String,
    /// Why not, for one that failed.
    pub attempt_code: String,
}

/// `None` where it is no trace.
pub fn trace(raw: &RawValue) -> Option<Trace> {
    let fields = Object::of(Some(raw))?;
    let is_trace = ["opCode", "opTime", "opDesc"].into_iter().any(|name| fields.has(name));
    let numbers = ["waybillNo", "traceNo", "mailNo"].map(|name| fields.text(name));
    is_trace.then(|| Trace {
        number: numbers.into_iter().find(|number| !number.is_empty()).unwrap_or_default(),
        op_time: fields.text("opTime"),
        op_code: code(&fields.text("opCode")),
        op_name: fields.text("opName"),
        op_desc: fields.text("opDesc"),
        province: fields.text("opOrgProvName"),
        city: fields.text("opOrgCity"),
        organisation: fields.text("opOrgName"),
        deliver_code: fields.text("deliverCode"),
        attempt_code: fields.text("attemptDeliveryCode"),
    })
}

/// A number has lost the zeros before it.
fn code(text: &str) -> String {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{text:0>3}") } else { text.to_ascii_uppercase() }
}

/// The traces in a body: a list, or an object that has one, or is one.
pub fn traces(raw: &RawValue) -> Option<Vec<&RawValue>> {
    if raw.get().starts_with('[') {
        return Some(crate::carriers::json::list(Some(raw)));
    }
    let fields = Object::of(Some(raw))?;
    let list = ["responseItems", "traces", "items", "retBody"].into_iter().find_map(|name| fields.get(name));
    match list {
        Some(list) if list.get().starts_with('[') => Some(crate::carriers::json::list(Some(list))),
        Some(_) => None,
        None => trace(raw).map(|_| vec![raw]),
    }
}
