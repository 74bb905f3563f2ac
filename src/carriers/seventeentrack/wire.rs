//! 17TRACK's format, as it really comes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::carriers::json::{self, list, object, text_or_empty};

/// An answer, or a push.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Data<'a> {
    #[serde(borrow)]
    accepted: Option<&'a RawValue>,
    #[serde(borrow)]
    rejected: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

/// What is said, numbers apart.
pub struct Page<'a> {
    /// Code and message of an error that is about the whole question.
    pub error: Option<(String, String)>,
    pub accepted: Vec<&'a RawValue>,
    pub rejected: Vec<Rejected>,
    /// Said of a number that is not followed any more.
    pub is_stopped: bool,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow)]
    number: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

pub struct Rejected {
    pub number: String,
    pub code: String,
    pub message: String,
}

/// `None`: the body is nothing of 17TRACK's.
pub fn page(body: &str) -> Option<Page<'_>> {
    let envelope: Envelope = json::body(body)?;
    let event = text_or_empty(envelope.event).to_ascii_uppercase();
    if event.starts_with("TRACKING_") {
        // AfterShip's events are called so too, and its numbers otherwise.
        object::<Item>(envelope.data)?.number?;
        let accepted = envelope.data.into_iter().collect();
        let is_stopped = event == "TRACKING_STOPPED";
        return Some(Page { error: None, accepted, rejected: Vec::new(), is_stopped });
    }
    let code = text_or_empty(envelope.code);
    // Others have words for codes.
    if !code.is_empty() && code.parse::<i64>().is_err() {
        return None;
    }
    let data = object::<Data>(envelope.data);
    let is_good = code.is_empty() || code.parse() == Ok(0_i64);
    match &data {
        None if is_good => return None,
        Some(data) if code.is_empty() && data.accepted.is_none() && data.rejected.is_none() => return None,
        None | Some(_) => {}
    }
    let data = data.unwrap_or_default();
    let refusals = |raw| list(raw).into_iter().filter_map(|raw| object(Some(raw))).map(rejected);
    let first = refusals(data.errors).next();
    let rejected: Vec<Rejected> = refusals(data.rejected).collect();
    let whole = first.map(|error| (error.code, error.message));
    let by_code = || (code, text_or_empty(envelope.message));
    let error = if is_good || !rejected.is_empty() { whole } else { Some(whole.unwrap_or_else(by_code)) };
    let accepted = if is_good { list(data.accepted) } else { Vec::new() };
    Some(Page { error, accepted, rejected, is_stopped: false })
}

fn rejected(refusal: Refusal<'_>) -> Rejected {
    let inner = object::<Refusal>(refusal.error);
    let (code, message) = inner.map_or((refusal.code, refusal.message), |error| (error.code, error.message));
    Rejected {
        number: text_or_empty(refusal.number),
        code: text_or_empty(code),
        message: text_or_empty(message),
    }
}

/// One number, as one carrier has it.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    number: Option<&'a RawValue>,
    #[serde(borrow)]
    carrier: Option<&'a RawValue>,
    #[serde(borrow)]
    track_info: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct TrackInfo<'a> {
    #[serde(borrow)]
    latest_status: Option<&'a RawValue>,
    #[serde(borrow)]
    latest_event: Option<&'a RawValue>,
    #[serde(borrow)]
    tracking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tracking<'a> {
    #[serde(borrow)]
    providers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct LatestStatus<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    sub_status: Option<&'a RawValue>,
}

pub struct Followed<'a> {
    pub number: String,
    /// 17TRACK's number of the carrier.
    pub carrier: String,
    /// Of the parcel as a whole: the coarse word, then the fine one.
    pub status: [String; 2],
    /// What each carrier says, newest first.
    pub providers: Vec<Vec<&'a RawValue>>,
    pub latest_event: Option<&'a RawValue>,
}

pub fn followed(raw: &RawValue) -> Option<Followed<'_>> {
    let item: Item = object(Some(raw))?;
    let info: TrackInfo = object(item.track_info).unwrap_or_default();
    let status: LatestStatus = object(info.latest_status).unwrap_or_default();
    let providers = object::<Tracking>(info.tracking).map(|tracking| list(tracking.providers));
    Some(Followed {
        number: text_or_empty(item.number),
        carrier: text_or_empty(item.carrier),
        status: [text_or_empty(status.status), text_or_empty(status.sub_status)],
        providers: providers
            .unwrap_or_default()
            .into_iter()
            .filter_map(|raw| object::<Provider>(Some(raw)))
            .map(|provider| list(provider.events))
            .collect(),
        latest_event: info.latest_event.filter(|raw| raw.get().starts_with('{')),
    })
}
