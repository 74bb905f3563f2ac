//! USPS's format: one number's `trackingEvents[]`, or an `error`.

use serde_json::value::RawValue;

use crate::carriers::json::Object;
use crate::carriers::problem::Problem;

/// `{"apiVersion", "error": {"code", "message", "errors": [{"title", "detail"}]}}`, and the older
/// `{"error": {"number", "description"}}`.
pub fn problem(body: &Object<'_>) -> Option<Problem> {
    let error = Object::of(body.get("error"))?;
    let first = |names: [&str; 2]| {
        let texts = names.map(|name| error.text(name));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let (code, message) = (first(["code", "number"]), first(["message", "description"]));
    let details = error.list("errors").into_iter().filter_map(|entry| Object::of(Some(entry)));
    let details = details.map(|detail| (detail.text("code"), first_of(&detail, ["detail", "title"])));
    let (inner_code, detail) = details.into_iter().next().unwrap_or_default();
    Some(Problem {
        code: if code.is_empty() { inner_code } else { code },
        message: if message.is_empty() { detail } else { message },
    })
}

fn first_of(fields: &Object<'_>, names: [&str; 2]) -> String {
    let texts = names.map(|name| fields.text(name));
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

pub struct Page<'a> {
    pub tracking_number: String,
    /// `Delivered`, `Alert`: what its newest event comes to.
    pub category: String,
    /// Where it was posted, where that is not where it goes.
    pub origin: Option<String>,
    /// Newest first.
    pub events: Vec<&'a RawValue>,
}

/// `None` where the body is no answer of USPS.
pub fn page<'a>(body: &Object<'a>) -> Option<Page<'a>> {
    let (origin, destination) = (body.text("originZIP"), body.text("destinationZIP"));
    let is_elsewhere = !origin.is_empty() && !destination.is_empty() && origin != destination;
    let is_status = ["statusCategory", "status", "statusSummary"].iter().any(|name| body.get(name).is_some());
    let is_page = body.has("trackingEvents") || (body.get("trackingNumber").is_some() && is_status);
    is_page.then(|| Page {
        tracking_number: body.text("trackingNumber"),
        category: body.text("statusCategory"),
        origin: Some(origin).filter(|_| is_elsewhere),
        events: body.list("trackingEvents"),
    })
}

/// An event's fields as text; empty where there is none. Who signed is not among them.
#[derive(Debug, Default)]
pub struct Fields {
    pub code: String,
    /// What happened, in words.
    pub kind: String,
    pub timestamp: String,
    pub gmt_timestamp: String,
    pub gmt_offset: String,
    /// In words: `CHINA`. Empty: at home.
    pub country: String,
    pub region: String,
    pub city: String,
    pub postal_code: String,
}

pub fn fields(raw: &RawValue) -> Option<Fields> {
    let event = Object::of(Some(raw))?;
    let code = event.text("eventCode").to_ascii_uppercase();
    // A number that lost its zero.
    let is_short = code.len() == 1 && code.bytes().all(|byte| byte.is_ascii_digit());
    Some(Fields {
        code: if is_short { format!("0{code}") } else { code },
        kind: event.text("eventType"),
        timestamp: event.text("eventTimestamp"),
        gmt_timestamp: event.text("GMTTimestamp"),
        gmt_offset: event.text("GMTOffset"),
        country: event.text("eventCountry"),
        region: event.text("eventState"),
        city: event.text("eventCity"),
        postal_code: event.text("eventZIP"),
    })
}
