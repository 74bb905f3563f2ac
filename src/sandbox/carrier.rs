//! A carrier that speaks DHL Unified's format, faults included.
//!
//! A label has to be booked first (`POST /sandbox/labels`); then the number's events
//! appear as the clock passes them. Booking a number again changes nothing.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::header::RETRY_AFTER;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::journey::{Step, ZONE, journey};
use super::{dice, lock};
use crate::clock::Clock;
use crate::domain::carrier::TrackingNumber;
use crate::domain::instant::Instant;
use crate::domain::place::Country;

#[derive(Debug, Clone)]
pub struct CarrierOptions {
    pub seed: u64,
    /// What `DHL-API-Key` has to say.
    pub api_key: String,
    /// The share of questions that are answered with 429, 503 or half a body.
    pub faults: f64,
}

pub struct CarrierState {
    clock: Clock,
    options: CarrierOptions,
    labels: Mutex<HashMap<TrackingNumber, Label>>,
    questions: AtomicU64,
}

#[derive(Clone)]
struct Label {
    place: String,
    booked_at: Instant,
}

/// Serves on `listener` until the server is stopped. The state books labels without HTTP.
pub fn carrier(
    listener: TcpListener,
    clock: Clock,
    options: CarrierOptions,
) -> std::io::Result<(actix_web::dev::Server, Arc<CarrierState>)> {
    let state =
        Arc::new(CarrierState { clock, options, labels: Mutex::default(), questions: AtomicU64::new(0) });
    let shared = web::Data::from(Arc::clone(&state));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/track/shipments", web::get().to(track))
            .route("/sandbox/labels", web::post().to(label))
    });
    let server = server.workers(1).disable_signals().listen(listener)?.run();
    Ok((server, state))
}

impl CarrierState {
    pub fn book(&self, number: TrackingNumber, place: &str) {
        self.book_at(number, place, self.clock.now());
    }

    /// As if the label had been booked at `booked_at`.
    pub fn book_at(&self, number: TrackingNumber, place: &str, booked_at: Instant) {
        let label = || Label { place: place.to_owned(), booked_at };
        lock(&self.labels).entry(number).or_insert_with(label);
    }

    /// How often it was asked, whatever it answered.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelRequest {
    tracking_number: String,
    country_code: String,
    place: String,
}

async fn label(state: web::Data<CarrierState>, request: web::Json<LabelRequest>) -> HttpResponse {
    let LabelRequest { tracking_number, country_code, place } = request.into_inner();
    match tracking_number.parse::<TrackingNumber>() {
        Ok(_) if country_code != Country::CHINA.as_str() => {
            problem(422, "This carrier delivers in CN alone.")
        }
        Ok(number) => {
            state.book(number.clone(), &place);
            HttpResponse::Created().json(json!({ "trackingNumber": number }))
        }
        Err(error) => problem(422, &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    tracking_number: String,
}

async fn track(state: web::Data<CarrierState>, request: HttpRequest) -> HttpResponse {
    let question = state.questions.fetch_add(1, Ordering::Relaxed);
    let key = request.headers().get("DHL-API-Key").and_then(|key| key.to_str().ok());
    if key != Some(state.options.api_key.as_str()) {
        return problem(401, "The key is not valid for this resource.");
    }
    let mut dice = dice(state.options.seed, &format!("question {question}"));
    let fault = (dice.f64() < state.options.faults).then(|| dice.u8(0..3));
    match fault {
        Some(0) => return limited(),
        Some(1) => return problem(503, "Try again later."),
        _ => {}
    }
    let asked = web::Query::<Question>::from_query(request.query_string()).ok();
    let Some(number) = asked.and_then(|asked| asked.tracking_number.parse::<TrackingNumber>().ok()) else {
        return problem(400, "trackingNumber is missing or malformed.");
    };
    let label = lock(&state.labels).get(&number).cloned();
    match label {
        None => problem(404, "No shipment with the given tracking number was found."),
        Some(label) => {
            let steps = journey(state.options.seed, number.as_str(), label.booked_at);
            let mut body = page(&number, &label.place, &steps, state.clock.now()).to_string();
            if fault.is_some() {
                body.truncate(body.floor_char_boundary(body.len() / 2));
            }
            HttpResponse::Ok().content_type("application/json").body(body)
        }
    }
}

/// The answer about a number: of its `steps`, oldest first, what has happened by `now`.
pub fn page(number: &TrackingNumber, place: &str, steps: &[Step], now: Instant) -> Value {
    let happened: Vec<Value> =
        steps.iter().rev().filter(|step| step.at <= now).map(|step| event(step, place)).collect();
    json!({
        "url": format!("/track/shipments?trackingNumber={number}"),
        "shipments": [{
            "id": number,
            "service": "express",
            "destination": location(place),
            "status": happened.first(),
            "details": { "totalNumberOfPieces": 1 },
            "events": happened,
        }],
        "possibleAdditionalShipmentsUrl": [],
    })
}

/// Local time without an offset, as the real one has it.
fn event(step: &Step, place: &str) -> Value {
    json!({
        "timestamp": step.at.with_timezone(&ZONE).format("%Y-%m-%dT%H:%M:%S").to_string(),
        "location": location(place),
        "statusCode": step.status_code,
        "status": step.status_code,
        "description": step.text,
    })
}

fn location(place: &str) -> Value {
    json!({ "address": { "countryCode": Country::CHINA, "addressLocality": place } })
}

fn limited() -> HttpResponse {
    HttpResponse::TooManyRequests()
        .insert_header((RETRY_AFTER, "1"))
        .json(json!({ "title": "Too Many Requests", "status": 429, "detail": "More than one a second." }))
}

fn problem(status: u16, detail: &str) -> HttpResponse {
    // All callers name a status that HTTP has.
    let code = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    let title = code.canonical_reason().unwrap_or_default();
    HttpResponse::build(code).json(json!({ "title": title, "status": status, "detail": detail }))
}
