//! DHL's format, as it really comes.
//!
//! Every field is kept as the text it was, until somebody wants its value: a field of
//! another type than documented is a field that is missing, not an answer that is lost.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The body of a `200`.
#[derive(Deserialize)]
pub struct Page<'a> {
    #[serde(borrow)]
    pub shipments: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment<'a> {
    /// A string as documented, a number as often.
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    #[serde(borrow)]
    piece_ids: Option<&'a RawValue>,
}

impl<'a> Shipment<'a> {
    pub fn id(&self) -> Option<String> {
        text(self.id)
    }

    /// Newest first.
    pub fn events(&self) -> Vec<&'a RawValue> {
        list(self.events)
    }

    pub fn piece_ids(&self) -> Vec<String> {
        let piece_ids = object::<Details>(self.details).and_then(|details| details.piece_ids);
        texts(piece_ids)
    }
}

/// An event, or the shipment's `status`, which has the same form.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    status_code: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    remark: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    piece_ids: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Location<'a> {
    #[serde(borrow)]
    address: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    #[serde(borrow)]
    country_code: Option<&'a RawValue>,
    #[serde(borrow)]
    postal_code: Option<&'a RawValue>,
    #[serde(borrow)]
    address_locality: Option<&'a RawValue>,
}

/// An event's fields as text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    pub timestamp: String,
    pub status_code: String,
    pub status: String,
    pub description: String,
    pub remark: String,
    pub country_code: String,
    pub postal_code: String,
    pub locality: String,
    /// The pieces the event is about; none named means all.
    pub piece_ids: Vec<String>,
}

/// `None` where `raw` is not even an object.
pub fn fields(raw: &RawValue) -> Option<Fields> {
    let event = object::<Event>(Some(raw))?;
    let address = object::<Location>(event.location).and_then(|location| object::<Address>(location.address));
    let address = address.unwrap_or_default();
    let or_empty = |field| text(field).unwrap_or_default();
    Some(Fields {
        timestamp: or_empty(event.timestamp),
        status_code: or_empty(event.status_code),
        status: or_empty(event.status),
        description: or_empty(event.description),
        remark: or_empty(event.remark),
        country_code: or_empty(address.country_code),
        postal_code: or_empty(address.postal_code),
        locality: or_empty(address.address_locality),
        piece_ids: texts(event.piece_ids),
    })
}

pub fn page(body: &str) -> Option<Page<'_>> {
    object(serde_json::from_str(body).ok())
}

/// Whether a body is the problem that DHL describes an error with.
pub fn is_problem(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Problem {
        #[serde(rename = "status")]
        _status: serde::de::IgnoredAny,
        #[serde(rename = "title")]
        _title: serde::de::IgnoredAny,
    }
    object::<Problem>(serde_json::from_slice(body).ok()).is_some()
}

/// `None` where `raw` is no object: serde alone would take a list for one.
pub fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    raw.filter(|raw| raw.get().starts_with('{')).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

fn texts(raw: Option<&RawValue>) -> Vec<String> {
    list(raw).into_iter().filter_map(|entry| text(Some(entry))).collect()
}

/// A string without control characters (no database takes a NUL), or a number's digits
/// as they were written: a long one would lose its end as a float.
fn text(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get();
    if raw.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(raw.to_owned());
    }
    let text: String = serde_json::from_str(raw).ok()?;
    Some(text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned())
}
