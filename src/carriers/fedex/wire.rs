//! FedEx's format: `output.completeTrackResults[].trackResults[]`, or `errors[]`.

use serde_json::value::RawValue;

use crate::carriers::json::Object;
use crate::carriers::problem::Problem;

/// One or several under `name`; what has no code is no problem.
pub fn problems(fields: &Object<'_>, name: &str) -> Vec<Problem> {
    let entries = fields.list(name).into_iter().filter_map(|entry| Object::of(Some(entry)));
    entries.map(|entry| Problem::of(&entry)).filter(|problem| !problem.code.is_empty()).collect()
}

/// A list of problems, or one as `CODE - words`.
pub fn alerts(output: &Object<'_>) -> Vec<Problem> {
    let text = output.text("alerts");
    match text.split_once(" - ") {
        Some((code, message)) => {
            vec![Problem { code: code.trim().to_owned(), message: message.trim().to_owned() }]
        }
        None => problems(output, "alerts"),
    }
}

/// All results under one number that was asked about.
pub struct Complete<'a> {
    pub tracking_number: String,
    pub results: Vec<Shipment<'a>>,
}

/// One of the shipments that bore that number.
pub struct Shipment<'a> {
    pub tracking_number: String,
    /// `2461101000~794810209259~FX`: it begins with the day, in a count of days.
    pub unique_id: String,
    /// The code of its present status.
    pub latest_code: String,
    pub problems: Vec<Problem>,
    pub scan_events: Vec<&'a RawValue>,
    /// Kinds of dates, and the dates.
    pub dates: Vec<(String, String)>,
    /// Where it was left, as a word of a closed set and as people say it.
    pub delivery_place: String,
    pub delivery_words: String,
}

/// `None` where the body is no answer of FedEx.
pub fn output<'a>(body: &Object<'a>) -> Option<Object<'a>> {
    Object::of(body.get("output"))
}

pub fn complete(raw: &RawValue) -> Option<Complete<'_>> {
    let fields = Object::of(Some(raw))?;
    Some(Complete {
        tracking_number: fields.text("trackingNumber"),
        results: fields.list("trackResults").into_iter().filter_map(shipment).collect(),
    })
}

fn shipment(raw: &RawValue) -> Option<Shipment<'_>> {
    let fields = Object::of(Some(raw))?;
    let info = fields.object("trackingNumberInfo");
    let latest = fields.object("latestStatusDetail");
    let derived = Some(latest.text("derivedCode")).filter(|code| !code.is_empty());
    let delivery = fields.object("deliveryDetails");
    let dates = fields.list("dateAndTimes").into_iter().filter_map(|entry| Object::of(Some(entry)));
    Some(Shipment {
        tracking_number: info.text("trackingNumber"),
        unique_id: info.text("trackingNumberUniqueId"),
        latest_code: derived.unwrap_or_else(|| latest.text("code")).to_ascii_uppercase(),
        problems: problems(&fields, "error"),
        scan_events: fields.list("scanEvents"),
        dates: dates.map(|date| (date.text("type").to_ascii_uppercase(), date.text("dateTime"))).collect(),
        delivery_place: delivery.text("locationType").to_ascii_uppercase(),
        delivery_words: delivery.text("locationDescription"),
    })
}

/// A scan's fields as text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    pub date: String,
    /// Two capitals.
    pub event_type: String,
    pub derived_code: String,
    pub description: String,
    pub exception: String,
    pub derived_status: String,
    pub country: String,
    pub region: String,
    pub city: String,
    pub postal_code: String,
}

pub fn fields(raw: &RawValue) -> Option<Fields> {
    let event = Object::of(Some(raw))?;
    let location = event.object("scanLocation");
    let nested = location.object("locationContactAndAddress");
    let address = Object::of(nested.get("address")).unwrap_or(location);
    Some(Fields {
        date: event.text("date"),
        event_type: event.text("eventType").to_ascii_uppercase(),
        derived_code: event.text("derivedStatusCode").to_ascii_uppercase(),
        description: event.text("eventDescription"),
        exception: event.text("exceptionDescription"),
        derived_status: event.text("derivedStatus"),
        country: address.text("countryCode"),
        region: address.text("stateOrProvinceCode"),
        city: address.text("city"),
        postal_code: address.text("postalCode"),
    })
}
