//! SF's routes into our events.

use serde_json::value::RawValue;

use super::errors::{self, failure};
use super::status::{row, status};
use super::wire::{self, Route};
use crate::carriers::beijing;
use crate::carriers::discretion::shown;
use crate::carriers::json::{self, Object};
use crate::carriers::reading::without_body;
use crate::carriers::verdict::mark_what_came_back;
use crate::carriers::{Failure, FailureKind, Gazetteer, NotAnAnswer, Package, Reading, Seen};
use crate::domain::event::Happening;
use crate::outbound::Answer;

/// Of the whole envelope, or of the data in it alone.
pub fn read(answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    // A byte that is not UTF-8 spoils the one route it is in.
    let text = String::from_utf8_lossy(&answer.body);
    let Some(body) = Object::body(&text) else { return without_body(answer) };
    let code = body.text("apiResultCode");
    if code.is_empty() {
        return read_data(&body, answer, gazetteer);
    }
    if !code.eq_ignore_ascii_case(errors::PASSED) {
        return Ok(Reading::failed(failure(&code, &body.text("apiErrorMsg")).with_wait(answer)));
    }
    let data = body.get("apiResultData").and_then(json::unquoted);
    match data.as_deref().and_then(Object::body) {
        Some(data) => read_data(&data, answer, gazetteer),
        None if answer.is_success() => Ok(Reading::failed(unreadable(&code, "there are no data"))),
        None => without_body(answer),
    }
}

fn read_data(data: &Object, answer: &Answer, gazetteer: &dyn Gazetteer) -> Result<Reading, NotAnAnswer> {
    let code = data.text("errorCode");
    let is_done = code.is_empty() || code.eq_ignore_ascii_case(errors::DONE);
    let is_refused = data.flag("success") == Some(false);
    // Cainiao refuses in fields of the same names, without room for data.
    let is_ours = data.has("msgData") || data.has("routeResps") || errors::is_known(&code);
    if is_ours && (!is_done || is_refused && data.has("errorMsg")) {
        return Ok(Reading::failed(failure(&code, &data.text("errorMsg")).with_wait(answer)));
    }
    let message = data.get("msgData").and_then(json::unquoted);
    let message = message.as_deref().and_then(Object::body);
    let holder = message.as_ref().unwrap_or(data);
    let is_answer = holder.has("routeResps") || data.has("msgData") && !code.is_empty();
    if !answer.is_success() || !is_answer || is_refused {
        return without_body(answer);
    }
    let mut reading = Reading::default();
    for raw in holder.list("routeResps") {
        add(&mut reading, raw, gazetteer);
    }
    if reading == Reading::default() {
        reading.failures.push(Failure::new(FailureKind::NotFound, code, "there are no routes"));
    }
    Ok(reading)
}

fn unreadable(code: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Unparsable, code, message)
}

/// One number and its routes. Without any, SF does not know it, or not yet, or not who asks.
fn add(reading: &mut Reading, raw: &RawValue, gazetteer: &dyn Gazetteer) {
    let fields = Object::of(Some(raw));
    let number = fields.as_ref().and_then(|fields| fields.text("mailNo").parse().ok());
    let (Some(fields), Some(number)) = (fields, number) else {
        return reading.failures.push(unreadable("", "routes without a number"));
    };
    let routes = fields.list("routes");
    if routes.is_empty() {
        let (code, message) = (fields.text("errorCode"), fields.text("errorMsg"));
        let none = || Failure::new(FailureKind::NotFound, "", "there are no routes yet");
        let failure = if code.is_empty() { none() } else { failure(&code, &message) };
        return reading.failures.push(failure.of(Some(number)));
    }
    let known = reading.packages.iter().position(|package| package.number == number);
    let mut package = match known {
        Some(at) => reading.packages.remove(at),
        None => Package { number, also: Vec::new(), seen: Vec::new(), unreadable: Vec::new() },
    };
    for raw in routes {
        match wire::route(raw).and_then(|route| happening(&route, gazetteer)) {
            // The same route twice is one.
            Some(happening) if package.seen.iter().any(|seen| seen.happening == happening) => {}
            Some(happening) => package.seen.push(Seen { happening, raw: raw.get().to_owned() }),
            None => package.unreadable.push(raw.get().to_owned()),
        }
    }
    mark_what_came_back(&mut package.seen);
    reading.packages.push(package);
}

fn happening(route: &Route, gazetteer: &dyn Gazetteer) -> Option<Happening> {
    let place = beijing::place("", &route.accept_address, gazetteer);
    let (status, delivered_to) = status(route);
    let occurred = beijing::occurred(&route.accept_time, &place, gazetteer)?;
    let code = [&route.op_code, &route.secondary_status_code, &route.first_status_code];
    let code = code.into_iter().find(|code| !code.is_empty()).cloned().unwrap_or_default();
    let description = shown(&route.remark, status, row(route));
    let location = place.location(gazetteer);
    Some(Happening { status, delivered_to, occurred, code, description, location, cancels: None })
}
