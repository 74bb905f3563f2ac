//! Royal Mail's format, as it really comes.

use serde_json::value::RawValue;

use crate::carriers::json::{Object, entries};

/// What an answer is made of: the pieces, and what went wrong with the whole question.
pub struct Page<'a> {
    /// None: it does not speak of mail pieces at all.
    pub pieces: Option<Vec<&'a RawValue>>,
    pub problems: Vec<Problem>,
}

/// An event, or the summary's last one.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Event {
    pub code: String,
    pub name: String,
    pub time: String,
    pub location: String,
}

pub struct Summary<'a> {
    pub raw: &'a RawValue,
    pub last: Event,
    /// DELIVERED, IN TRANSIT: Royal Mail's verdict on the last event.
    pub category: String,
    pub barcodes: [String; 2],
    /// Three letters each.
    pub countries: [String; 2],
}

pub struct Piece<'a> {
    pub id: String,
    pub summary: Option<Summary<'a>>,
    pub events: Vec<&'a RawValue>,
    pub problems: Vec<Problem>,
}

/// What went wrong, in Royal Mail's words.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Problem {
    /// E1142; empty where the gateway in front of Royal Mail speaks.
    pub code: String,
    /// As the body says it, whatever the answer's status.
    pub http_code: String,
    pub message: String,
}

pub fn page(body: &str) -> Option<Page<'_>> {
    let body = Object::body(body)?;
    let pieces = body.has("mailPieces").then(|| entries(body.get("mailPieces")));
    Some(Page { pieces, problems: problems(&body) })
}

/// Those of a whole answer, or of one piece of it.
fn problems(fields: &Object) -> Vec<Problem> {
    let (http_code, http_message) = (fields.text("httpCode"), fields.text("httpMessage"));
    let listed = fields.list("errors").into_iter().chain(fields.list("error"));
    let mut found: Vec<Problem> = listed
        .filter_map(|raw| {
            let error = Object::of(Some(raw))?;
            let message =
                first([error.text("errorDescription"), error.text("errorCause"), http_message.clone()]);
            Some(Problem { code: error.text("errorCode"), http_code: http_code.clone(), message })
        })
        .collect();
    // The gateway tells without a list. Others have an errorCode too, for what went well.
    let told = first([fields.text("errorDescription"), fields.text("errorCause")]);
    let went_well = http_code.len() == 3 && http_code.starts_with('2');
    if found.is_empty() && (!(http_code.is_empty() || went_well) || !told.is_empty()) {
        let message = first([fields.text("moreInformation"), told, http_message]);
        found.push(Problem { code: fields.text("errorCode"), http_code, message });
    }
    found
}

fn first<const N: usize>(texts: [String; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

pub fn piece(raw: &RawValue) -> Option<Piece<'_>> {
    let fields = Object::of(Some(raw))?;
    let summary = fields.get("summary").and_then(|raw| summary(raw, &Object::of(Some(raw))?));
    Some(Piece {
        id: fields.text("mailPieceId"),
        summary,
        events: fields.list("events"),
        problems: problems(&fields),
    })
}

fn summary<'a>(raw: &'a RawValue, fields: &Object) -> Option<Summary<'a>> {
    Some(Summary {
        raw,
        last: Event {
            code: fields.text("lastEventCode"),
            name: fields.text("lastEventName"),
            time: fields.text("lastEventDateTime"),
            location: fields.text("lastEventLocationName"),
        },
        category: fields.text("statusCategory"),
        barcodes: [fields.text("oneDBarcode"), fields.text("uniqueItemId")],
        countries: [fields.text("originCountryCode"), fields.text("destinationCountryCode")],
    })
}

pub fn event(raw: &RawValue) -> Option<Event> {
    let fields = Object::of(Some(raw))?;
    Some(Event {
        code: fields.text("eventCode"),
        name: fields.text("eventName"),
        time: fields.text("eventDateTime"),
        location: fields.text("locationName"),
    })
}
