//! Cainiao's traces into our events.

use chrono::{FixedOffset, TimeZone};
use chrono_tz::Tz;
use serde_json::value::RawValue;

use super::status::{codes, is_in_china, status};
use super::wire::{self, Trace};
use crate::carriers::discretion::{shown, without_phones};
use crate::carriers::json::Object;
use crate::carriers::moment::{self, Moment, moment};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{
    Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Place, Reading, Seen, beijing, excuses,
};
use crate::domain::event::{Happening, Occurred, OffsetSource};
use crate::domain::instant::cut;
use crate::outbound::Answer;

/// The gateway's own errors, as public integrations of it list them.
const CODES: &[(&str, FailureKind)] = &[
    // The digest is wrong.
    ("S02", FailureKind::Auth),
    // The provider is not known.
    ("S03", FailureKind::Auth),
    // A time-out behind the gateway.
    ("S06", FailureKind::CarrierDown),
    ("S07", FailureKind::CarrierDown),
    ("S08", FailureKind::CarrierDown),
    ("S13", FailureKind::CarrierDown),
];

pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one trace it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let Some(body) = Object::body(&text) else { return without_body(answer) };
    let code = body.text("errorCode");
    let message = [body.text("errorMsg"), body.text("errorMessage")].concat();
    let is_refused = body.flag("success") == Some(false);
    // SF refuses in fields of the same names, and has data beside them.
    if body.has("msgData") || body.has("apiResultCode") {
        return without_body(answer);
    }
    if is_refused && !(code.is_empty() && message.is_empty()) {
        return Ok(Reading::failed(failure(&code, &message).with_wait(answer)));
    }
    let is_list = |raw: &&RawValue| raw.get().starts_with(['[', '{']);
    let modules = body.get("module").filter(is_list).filter(|_| answer.is_success() && !is_refused);
    if modules.is_none() {
        return empty(&body, answer);
    }
    let mut reading = Reading::default();
    for raw in body.list("module") {
        add(&mut reading, raw, gazetteer);
    }
    if reading == Reading::default() {
        reading.failures.push(Failure::new(FailureKind::NotFound, code, "there is no module"));
    }
    Ok(reading)
}

/// An envelope with nothing in it, if it is one.
fn empty(body: &Object, answer: &Answer) -> Result<Reading, NotAnAnswer> {
    match body.flag("success") {
        Some(done) if answer.is_success() && (body.has("module") || body.count() == 1) => {
            let (kind, message) = match done {
                true => (FailureKind::NotFound, "there is no module"),
                false => (FailureKind::Unparsable, "refused without a reason"),
            };
            Ok(Reading::failed(Failure::new(kind, "", message)))
        }
        Some(_) | None => without_body(answer),
    }
}

fn failure(code: &str, message: &str) -> Failure {
    let known = CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
    let kind = known.map_or_else(|| excuses::kind(&format!("{code} {message}")), |(_, kind)| *kind);
    Failure::new(kind, code, without_phones(message))
}

/// One number and its traces. Without any, Cainiao does not know it, or not yet.
fn add(reading: &mut Reading, raw: &RawValue, gazetteer: &dyn Gazetteer) {
    let fields = Object::of(Some(raw));
    let number = fields.as_ref().and_then(|fields| fields.text("mailNo").parse().ok());
    let (Some(fields), Some(number)) = (fields, number) else {
        let failure = Failure::new(FailureKind::Unparsable, "", "a module without a number");
        return reading.failures.push(failure);
    };
    let mut traces = fields.list("detailList");
    // The newest trace once more, and rarely the only one.
    traces.extend(fields.get("latestTrace").filter(|raw| raw.get().starts_with('{')));
    if traces.is_empty() {
        let failure = Failure::new(FailureKind::NotFound, "", "there are no traces yet");
        return reading.failures.push(failure.of(Some(number)));
    }
    let also = fields.text("copyRealMailNo").parse().ok().filter(|other| *other != number);
    let (seen, unreadable) = (Vec::new(), Vec::new());
    let mut package = Package { number, also: also.into_iter().collect(), seen, unreadable };
    for raw in traces {
        match wire::trace(raw).and_then(|trace| happening(&trace, gazetteer)) {
            // The same trace twice is one.
            Some(happening) if package.seen.iter().any(|seen| seen.happening == happening) => {}
            Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => package.unreadable.push(raw.get().to_owned()),
        }
    }
    mark_what_came_back(&mut package.seen);
    reading.packages.push(package);
}

fn happening(trace: &Trace, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let place = place(trace);
    let occurred = occurred(trace, &place, gazetteer)?;
    let (status, delivered_to) = status(trace);
    let text = if trace.standerd_desc.is_empty() { &trace.desc } else { &trace.standerd_desc };
    Some(Happening {
        status,
        delivered_to,
        occurred,
        code: trace.action_code.clone(),
        description: shown(text, status, codes().get(&trace.action_code)),
        location: place.location(gazetteer),
        cancels: None,
    })
}

/// The place is often in brackets before the text: `[Shanghai] Out for delivery`.
fn place(trace: &Trace) -> Place {
    let bracketed = |text: &str| Some(text.trim().strip_prefix('[')?.split_once(']')?.0.trim().to_owned());
    let texts = [&trace.standerd_desc, &trace.desc];
    let named = texts.into_iter().find_map(|text| bracketed(text)).unwrap_or_default();
    let town = if trace.city.is_empty() { named } else { trace.city.clone() };
    let is_code = trace.country.len() == 2 && trace.country.bytes().all(|byte| byte.is_ascii_alphabetic());
    let country = if is_code {
        trace.country.clone()
    } else if is_in_china(&trace.action_code) {
        "CN".to_owned()
    } else {
        String::new()
    };
    Place { country, region: String::new(), town, postal_code: String::new() }
}

fn occurred(trace: &Trace, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let written = if trace.local_time.is_empty() { &trace.time } else { &trace.local_time };
    let counted = beijing::since_1970(written).map(on_beijings_wall);
    let moment = counted.or_else(|| moment(written, &["%Y/%m/%d %H:%M:%S"]))?;
    let Moment::Local(local) = moment else { return Some(moment.occurred(written, place, gazetteer)) };
    if let Ok(zone) = trace.time_zone.parse::<Tz>() {
        return Some(moment.on_clock_of(written, zone));
    }
    let at = offset(&trace.time_zone).and_then(|offset| offset.from_local_datetime(&local).single());
    Some(match at {
        Some(at) => Occurred {
            at: cut(at.to_utc()),
            local_time: written.clone(),
            offset_source: OffsetSource::Carrier,
        },
        None => moment.occurred(written, place, gazetteer),
    })
}

/// The count takes the place's clock for Beijing's: what it shows there is what the place's clock showed.
fn on_beijings_wall(moment: Moment) -> Moment {
    match moment {
        Moment::Absolute(at) => Moment::Local(at.with_timezone(&Tz::Asia__Shanghai).naive_local()),
        Moment::Local(_) => moment,
    }
}

/// `GMT+8`, `UTC+5:30`, `+08:00`, `+0800`, `-3`, `8`.
fn offset(text: &str) -> Option<FixedOffset> {
    let text = text.trim().to_ascii_uppercase();
    moment::offset(text.trim_start_matches("GMT").trim_start_matches("UTC").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_in_many_spellings() {
        let hours = |text: &str| offset(text).map(|offset| f64::from(offset.local_minus_utc()) / 3600.0);
        for (text, expected) in [
            ("GMT+8", 8.0),
            ("gmt-3", -3.0),
            ("UTC+05:30", 5.5),
            ("+08:00", 8.0),
            ("+0800", 8.0),
            ("-0330", -3.5),
            ("8", 8.0),
            ("+0", 0.0),
        ] {
            assert_eq!(hours(text), Some(expected), "{text}");
        }
        for text in ["", "GMT", "here", "+99", "+8:99", "+-8", "é1", "+é12", "1é2"] {
            assert_eq!(hours(text), None, "{text}");
        }
    }
}
