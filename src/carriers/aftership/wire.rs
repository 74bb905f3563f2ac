//! AfterShip's format, as it really comes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::carriers::json::{self, list, object, text_or_empty};

/// An answer, or a push.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// Where a tracking, or several, can be.
#[derive(Deserialize, Default)]
struct Data<'a> {
    #[serde(borrow)]
    trackings: Option<&'a RawValue>,
    #[serde(borrow)]
    tracking: Option<&'a RawValue>,
    #[serde(borrow)]
    tracking_number: Option<&'a RawValue>,
}

pub enum Page<'a> {
    Said { code: String, message: String, trackings: Vec<&'a RawValue> },
    Pushed { trackings: Vec<&'a RawValue> },
}

/// `None`: the body is nothing of AfterShip's.
pub fn page(body: &str) -> Option<Page<'_>> {
    let envelope: Envelope = json::body(body)?;
    let meta = object::<Meta>(envelope.meta).filter(|meta| !text_or_empty(meta.code).is_empty());
    if let Some(meta) = meta {
        let [code, message] = [meta.code, meta.message].map(text_or_empty);
        return Some(Page::Said { code, message, trackings: trackings(envelope.data).unwrap_or_default() });
    }
    if text_or_empty(envelope.event).is_empty() {
        // A list without its envelope's other half.
        let trackings = object::<Data>(envelope.data)?.trackings.map(|raw| list(Some(raw)))?;
        return Some(Page::Pushed { trackings });
    }
    let trackings = trackings(envelope.msg).or_else(|| trackings(envelope.data))?;
    Some(Page::Pushed { trackings })
}

fn trackings(raw: Option<&RawValue>) -> Option<Vec<&RawValue>> {
    let data: Data = object(raw)?;
    match (data.trackings, data.tracking, data.tracking_number) {
        (Some(trackings), _, _) => Some(list(Some(trackings))),
        (None, Some(tracking), _) => Some(vec![tracking]),
        (None, None, Some(_)) => raw.map(|raw| vec![raw]),
        (None, None, None) => None,
    }
}

#[derive(Deserialize)]
struct Tracking<'a> {
    #[serde(borrow)]
    tracking_number: Option<&'a RawValue>,
    #[serde(borrow)]
    slug: Option<&'a RawValue>,
    #[serde(borrow)]
    tag: Option<&'a RawValue>,
    #[serde(borrow)]
    subtag: Option<&'a RawValue>,
    #[serde(borrow)]
    return_to_sender: Option<&'a RawValue>,
    #[serde(borrow)]
    checkpoints: Option<&'a RawValue>,
}

pub struct Tracked<'a> {
    pub number: String,
    pub slug: String,
    pub tag: String,
    pub subtag: String,
    /// Some checkpoint told of a way back.
    pub is_returned: bool,
    /// Oldest first.
    pub checkpoints: Vec<&'a RawValue>,
}

pub fn tracked(raw: &RawValue) -> Option<Tracked<'_>> {
    let tracking: Tracking = object(Some(raw))?;
    Some(Tracked {
        number: text_or_empty(tracking.tracking_number),
        slug: text_or_empty(tracking.slug),
        tag: text_or_empty(tracking.tag),
        subtag: text_or_empty(tracking.subtag),
        is_returned: tracking.return_to_sender.is_some_and(|raw| raw.get() == "true"),
        checkpoints: list(tracking.checkpoints),
    })
}

#[derive(Deserialize)]
struct Checkpoint<'a> {
    #[serde(borrow)]
    checkpoint_time: Option<&'a RawValue>,
    #[serde(borrow)]
    slug: Option<&'a RawValue>,
    #[serde(borrow)]
    tag: Option<&'a RawValue>,
    #[serde(borrow)]
    subtag: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    city: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    country_iso3: Option<&'a RawValue>,
    #[serde(borrow)]
    country_region: Option<&'a RawValue>,
    #[serde(borrow)]
    zip: Option<&'a RawValue>,
    #[serde(borrow)]
    postal_code: Option<&'a RawValue>,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
    #[serde(borrow)]
    coordinate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Coordinate<'a> {
    #[serde(borrow)]
    latitude: Option<&'a RawValue>,
    #[serde(borrow)]
    longitude: Option<&'a RawValue>,
}

/// A checkpoint's fields as text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    pub time: String,
    /// Of the carrier that saw it.
    pub slug: String,
    pub tag: String,
    pub subtag: String,
    pub message: String,
    pub location: String,
    pub city: String,
    pub state: String,
    /// Three letters, or two.
    pub country: String,
    pub postal_code: String,
    pub latitude: String,
    pub longitude: String,
}

/// `None` where `raw` is not even an object.
pub fn fields(raw: &RawValue) -> Option<Fields> {
    let checkpoint: Checkpoint = object(Some(raw))?;
    let first = |one: Option<&RawValue>, other: Option<&RawValue>| {
        let text = text_or_empty(one);
        if text.is_empty() { text_or_empty(other) } else { text }
    };
    let (latitude, longitude) = coordinates(checkpoint.coordinates.or(checkpoint.coordinate));
    Some(Fields {
        time: text_or_empty(checkpoint.checkpoint_time),
        slug: text_or_empty(checkpoint.slug),
        tag: text_or_empty(checkpoint.tag),
        subtag: text_or_empty(checkpoint.subtag),
        message: text_or_empty(checkpoint.message),
        location: text_or_empty(checkpoint.location),
        city: text_or_empty(checkpoint.city),
        state: text_or_empty(checkpoint.state),
        country: first(checkpoint.country_region, checkpoint.country_iso3),
        postal_code: first(checkpoint.postal_code, checkpoint.zip),
        latitude,
        longitude,
    })
}

/// Named, or a pair with the longitude first.
fn coordinates(raw: Option<&RawValue>) -> (String, String) {
    match object::<Coordinate>(raw) {
        Some(named) => (text_or_empty(named.latitude), text_or_empty(named.longitude)),
        None => match list(raw).as_slice() {
            [longitude, latitude] => (text_or_empty(Some(latitude)), text_or_empty(Some(longitude))),
            _ => (String::new(), String::new()),
        },
    }
}
