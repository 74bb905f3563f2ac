//! DHL's format, as it really comes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::carriers::json::{self, list, object, text, text_or_empty, texts};

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
    #[serde(borrow)]
    total_number_of_pieces: Option<&'a RawValue>,
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

    /// How many there are, listed or not; 0 where it is not said.
    pub fn pieces_count(&self) -> usize {
        let count = object::<Details>(self.details).and_then(|details| text(details.total_number_of_pieces));
        count.and_then(|count| count.parse().ok()).unwrap_or_default()
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
    Some(Fields {
        timestamp: text_or_empty(event.timestamp),
        status_code: text_or_empty(event.status_code),
        status: text_or_empty(event.status),
        description: text_or_empty(event.description),
        remark: text_or_empty(event.remark),
        country_code: text_or_empty(address.country_code),
        postal_code: text_or_empty(address.postal_code),
        locality: text_or_empty(address.address_locality),
        piece_ids: texts(event.piece_ids),
    })
}

pub fn page(body: &str) -> Option<Page<'_>> {
    json::body(body)
}

/// What DHL describes an error with.
#[derive(Deserialize)]
pub struct Problem<'a> {
    #[serde(borrow)]
    status: &'a RawValue,
    #[serde(borrow)]
    title: &'a RawValue,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

impl Problem<'_> {
    pub fn code(&self) -> String {
        text_or_empty(Some(self.status))
    }

    pub fn message(&self) -> String {
        text(self.detail)
            .filter(|detail| !detail.is_empty())
            .unwrap_or_else(|| text_or_empty(Some(self.title)))
    }
}

pub fn problem(body: &str) -> Option<Problem<'_>> {
    json::body(body)
}
