//! UPS's format: `trackResponse.shipment[].package[].activity[]`, or `response.errors[]`.

use serde_json::value::RawValue;

use crate::carriers::json::Object;
use crate::carriers::problem::Problem;

fn problems(entries: Vec<&RawValue>) -> Vec<Problem> {
    let objects = entries.into_iter().filter_map(|entry| Object::of(Some(entry)));
    objects.map(|entry| Problem::of(&entry)).collect()
}

/// The errors of a body that is an error; they come with `response` around them, or without, or as the
/// older interface's fault.
pub fn errors(body: &Object<'_>) -> Vec<Problem> {
    let mut entries = body.object("response").list("errors");
    entries.extend(body.list("errors"));
    let mut problems = problems(entries);
    let older = body.object("fault").object("detail").object("errors").object("errorDetail");
    let older = Object::of(older.get("primaryErrorCode"));
    problems
        .extend(older.map(|fault| Problem { code: fault.text("code"), message: fault.text("description") }));
    problems
}

pub struct Shipment<'a> {
    pub inquiry_number: String,
    pub packages: Vec<&'a RawValue>,
    /// Each with its code; a number that is not known is one of them.
    pub warnings: Vec<Problem>,
}

/// `None` where the body does not track anything.
pub fn shipments<'a>(body: &Object<'a>) -> Option<Vec<&'a RawValue>> {
    let response = Object::of(body.get("trackResponse"))?;
    Some(response.list("shipment"))
}

pub fn shipment(raw: &RawValue) -> Option<Shipment<'_>> {
    let fields = Object::of(Some(raw))?;
    Some(Shipment {
        inquiry_number: fields.text("inquiryNumber"),
        packages: fields.list("package"),
        warnings: problems(fields.list("warnings")),
    })
}

pub struct Package<'a> {
    pub tracking_number: String,
    pub alternate_numbers: Vec<String>,
    /// How many packages the shipment has; 0 where it is not said.
    pub package_count: u32,
    /// Newest first.
    pub activity: Vec<&'a RawValue>,
    /// The words for where it is now.
    pub current: String,
    /// Where it was left.
    pub location: String,
}

pub fn package(raw: &RawValue) -> Option<Package<'_>> {
    let fields = Object::of(Some(raw))?;
    let alternates = fields.list("alternateTrackingNumber").into_iter();
    Some(Package {
        tracking_number: fields.text("trackingNumber"),
        alternate_numbers: alternates
            .filter_map(|entry| Object::of(Some(entry)))
            .map(|entry| entry.text("number"))
            .collect(),
        package_count: fields.text("packageCount").parse().unwrap_or_default(),
        activity: fields.list("activity"),
        current: fields.object("currentStatus").text("description"),
        location: fields.object("deliveryInformation").text("location"),
    })
}

/// An activity's fields as text; empty where there is none.
#[derive(Debug, Default)]
pub struct Fields {
    pub date: String,
    pub time: String,
    pub gmt_date: String,
    pub gmt_time: String,
    pub gmt_offset: String,
    /// One or two capitals.
    pub kind: String,
    /// Means something else under every `kind`.
    pub code: String,
    /// Three digits.
    pub detail_code: String,
    pub description: String,
    pub simplified: String,
    pub country: String,
    pub region: String,
    pub city: String,
    pub postal_code: String,
}

pub fn fields(raw: &RawValue) -> Option<Fields> {
    let activity = Object::of(Some(raw))?;
    let status = activity.object("status");
    let address = activity.object("location").object("address");
    let country = Some(address.text("countryCode")).filter(|code| !code.is_empty());
    let detail_code = status.text("statusCode");
    Some(Fields {
        date: activity.text("date"),
        time: activity.text("time"),
        gmt_date: activity.text("gmtDate"),
        gmt_time: activity.text("gmtTime"),
        gmt_offset: activity.text("gmtOffset"),
        kind: status.text("type").to_ascii_uppercase(),
        code: status.text("code").to_ascii_uppercase(),
        detail_code: if detail_code.is_empty() { detail_code } else { format!("{detail_code:0>3}") },
        description: status.text("description"),
        simplified: status.text("simplifiedTextDescription"),
        country: country.unwrap_or_else(|| address.text("country")),
        region: address.text("stateProvince"),
        city: address.text("city"),
        postal_code: address.text("postalCode"),
    })
}
