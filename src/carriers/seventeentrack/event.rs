//! One event as 17TRACK writes it, field by field.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::carriers::json::{object, text_or_empty};

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    time_iso: Option<&'a RawValue>,
    #[serde(borrow)]
    time_utc: Option<&'a RawValue>,
    #[serde(borrow)]
    time_raw: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    description_translation: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    stage: Option<&'a RawValue>,
    #[serde(borrow)]
    sub_status: Option<&'a RawValue>,
    #[serde(borrow)]
    address: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct TimeRaw<'a> {
    #[serde(borrow)]
    date: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    timezone: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Translation<'a> {
    #[serde(borrow)]
    description: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Address<'a> {
    #[serde(borrow)]
    country: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    city: Option<&'a RawValue>,
    #[serde(borrow)]
    postal_code: Option<&'a RawValue>,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Coordinates<'a> {
    #[serde(borrow)]
    longitude: Option<&'a RawValue>,
    #[serde(borrow)]
    latitude: Option<&'a RawValue>,
}

/// As text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    pub time_iso: String,
    pub time_utc: String,
    /// As the carrier behind it wrote it: date, time, and the offset where it gave one.
    pub time_raw: String,
    /// The carrier's own words, then their translation.
    pub texts: [String; 2],
    pub location: String,
    /// The coarse word.
    pub stage: String,
    /// The fine one; older answers have none.
    pub sub_status: String,
    pub country: String,
    pub state: String,
    pub city: String,
    pub postal_code: String,
    pub longitude: String,
    pub latitude: String,
}

/// `None` where `raw` is not even an object.
pub fn fields(raw: &RawValue) -> Option<Fields> {
    let event: Event = object(Some(raw))?;
    let time: TimeRaw = object(event.time_raw).unwrap_or_default();
    let translation: Translation = object(event.description_translation).unwrap_or_default();
    let address: Address = object(event.address).unwrap_or_default();
    let coordinates: Coordinates = object(address.coordinates).unwrap_or_default();
    let [date, clock, offset] = [time.date, time.time, time.timezone].map(text_or_empty);
    Some(Fields {
        time_iso: text_or_empty(event.time_iso),
        time_utc: text_or_empty(event.time_utc),
        time_raw: if date.is_empty() { date } else { format!("{date}T{clock}{offset}") },
        texts: [event.description, translation.description].map(text_or_empty),
        location: text_or_empty(event.location),
        stage: text_or_empty(event.stage),
        sub_status: text_or_empty(event.sub_status),
        country: text_or_empty(address.country),
        state: text_or_empty(address.state),
        city: text_or_empty(address.city),
        postal_code: text_or_empty(address.postal_code),
        longitude: text_or_empty(coordinates.longitude),
        latitude: text_or_empty(coordinates.latitude),
    })
}
