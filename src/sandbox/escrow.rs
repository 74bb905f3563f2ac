//! An escrow provider that takes signed triggers, each once, and writes down who asked twice.
//!
//! Told to, it fails the two ways that matter: an error before anything took effect, and
//! an answer that is lost after it did. Each key is failed on its first sight alone, so
//! that a sender who repeats gets through, and one who invents a new key is caught.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{dice, lock};
use crate::clock::Clock;
use crate::domain::instant::Instant;
use crate::standard_webhooks::{self, Secret, Signed};

const TOLERANCE_SECONDS: u32 = 300;

#[derive(Debug, Clone)]
pub struct EscrowOptions {
    pub seed: u64,
    /// The share of triggers that take effect and are not told so.
    pub lose_answers: f64,
    /// The share of triggers that are answered 503 before they took effect.
    pub errors: f64,
}

/// What happened so far. `double_effects` is what an honest sender leaves at nought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EscrowCounts {
    /// Different triggers that were decided: by key, whether or not they took effect.
    pub triggers: u64,
    /// By action.
    pub effects: BTreeMap<String, u64>,
    pub seen_again: u64,
    /// Triggers that would have done for an order, under a new key, what was done already. Refused.
    pub double_effects: u64,
    pub bad_signatures: u64,
}

pub struct EscrowState {
    secret: Secret,
    options: EscrowOptions,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    counts: EscrowCounts,
    /// In the order of their coming.
    triggers: Vec<Trigger>,
    by_key: HashMap<String, usize>,
    done: HashSet<(String, String)>,
    failed_once: HashSet<String>,
}

/// One trigger as it was decided.
#[derive(Debug, Clone, Serialize)]
struct Trigger {
    id: String,
    order: String,
    action: String,
    took_effect: bool,
    received_at: Instant,
    seen: u64,
    #[serde(skip)]
    body: [u8; 32],
}

#[derive(Deserialize)]
struct Message {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    order: String,
    action: String,
}

/// Serves on `listener` until the server is stopped.
pub fn escrow(
    listener: TcpListener,
    secret: Secret,
    options: EscrowOptions,
) -> std::io::Result<(actix_web::dev::Server, Arc<EscrowState>)> {
    let state = Arc::new(EscrowState { secret, options, books: Mutex::default() });
    let shared = web::Data::from(Arc::clone(&state));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/triggers", web::post().to(take))
            .route("/sandbox/triggers", web::get().to(list))
    });
    let server = server.workers(1).disable_signals().listen(listener)?.run();
    Ok((server, state))
}

impl EscrowState {
    pub fn snapshot(&self) -> EscrowCounts {
        lock(&self.books).counts.clone()
    }
}

enum Outcome {
    Decided(Trigger),
    /// Took effect, and nobody is to know.
    AnswerLost {
        cut_off: bool,
    },
    ErrorBefore,
    OtherBody,
}

async fn list(state: web::Data<EscrowState>) -> HttpResponse {
    HttpResponse::Ok().json(&lock(&state.books).triggers)
}

async fn take(state: web::Data<EscrowState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let signed = Signed {
        id: header(standard_webhooks::ID),
        timestamp: header(standard_webhooks::TIMESTAMP),
        signature: header(standard_webhooks::SIGNATURE),
    };
    let now = Clock::real().wall();
    let secrets = std::slice::from_ref(&state.secret);
    if let Err(refused) = standard_webhooks::verify(secrets, &signed, &body, now, TOLERANCE_SECONDS) {
        lock(&state.books).counts.bad_signatures += 1;
        return HttpResponse::Unauthorized().json(json!({ "error": refused.to_string() }));
    }
    let key = match header("idempotency-key") {
        Some(key) if Some(key) == signed.id => key,
        _ => {
            return HttpResponse::BadRequest()
                .json(json!({ "error": "Idempotency-Key has to be webhook-id" }));
        }
    };
    let Ok(Message { data }) = serde_json::from_slice(&body) else {
        return HttpResponse::BadRequest().json(json!({ "error": "data.order and data.action are needed" }));
    };
    let outcome = lock(&state.books).decide(&state.options, key, data, Sha256::digest(&body).into(), now);
    answer(outcome)
}

impl Books {
    fn decide(
        &mut self,
        options: &EscrowOptions,
        key: &str,
        data: Data,
        body: [u8; 32],
        received_at: Instant,
    ) -> Outcome {
        if let Some(known) = self.by_key.get(key).and_then(|at| self.triggers.get_mut(*at)) {
            if known.body != body {
                return Outcome::OtherBody;
            }
            known.seen += 1;
            self.counts.seen_again += 1;
            return Outcome::Decided(known.clone());
        }
        let mut dice = dice(options.seed, key);
        let (errs, loses) = (dice.f64() < options.errors, dice.f64() < options.lose_answers);
        let is_first_sight = !self.failed_once.contains(key);
        if is_first_sight && errs {
            self.failed_once.insert(key.to_owned());
            return Outcome::ErrorBefore;
        }
        let took_effect = self.done.insert((data.order.clone(), data.action.clone()));
        self.counts.triggers += 1;
        if took_effect {
            *self.counts.effects.entry(data.action.clone()).or_default() += 1;
        } else {
            self.counts.double_effects += 1;
        }
        let (id, Data { order, action }) = (key.to_owned(), data);
        let trigger = Trigger { id, order, action, took_effect, received_at, seen: 1, body };
        self.by_key.insert(key.to_owned(), self.triggers.len());
        self.triggers.push(trigger.clone());
        if is_first_sight && loses {
            Outcome::AnswerLost { cut_off: dice.bool() }
        } else {
            Outcome::Decided(trigger)
        }
    }
}

fn answer(outcome: Outcome) -> HttpResponse {
    match outcome {
        Outcome::Decided(trigger) if trigger.took_effect => HttpResponse::Ok().json(
            json!({ "id": trigger.id, "order": trigger.order, "action": trigger.action, "accepted": true }),
        ),
        Outcome::Decided(trigger) => HttpResponse::Conflict()
            .json(json!({ "id": trigger.id, "error": "done already, under another key" })),
        Outcome::AnswerLost { cut_off: false } => HttpResponse::InternalServerError().finish(),
        Outcome::AnswerLost { cut_off: true } => HttpResponse::Ok().streaming(stream::once(async {
            Err::<web::Bytes, _>(std::io::Error::other("the answer is lost on purpose"))
        })),
        Outcome::ErrorBefore => HttpResponse::ServiceUnavailable().finish(),
        Outcome::OtherBody => {
            HttpResponse::UnprocessableEntity().json(json!({ "error": "the key was used for another body" }))
        }
    }
}
