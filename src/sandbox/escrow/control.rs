//! What whoever runs the sandbox may do and see: trades, faults, the deadline, notices.
//!
//! No keys are asked for: the sandbox listens where its owner says, loopback unless told otherwise.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::ask::Format;
use super::books::NotMade;
use super::deliver::{Delivery, deliver};
use super::faults::Shares;
use super::notice::Notice;
use super::server::EscrowState;
use super::trade::{Terms, Trade};
use crate::domain::instant::Instant;
use crate::domain::money::{Currency, Money};
use crate::sandbox::lock;

type State = web::Data<EscrowState>;

pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/sandbox/trades", web::post().to(create))
        .route("/sandbox/trades", web::get().to(list))
        .route("/sandbox/trades/{reference}", web::get().to(show))
        .route("/sandbox/trades/{reference}/{verb}", web::post().to(change))
        .route("/sandbox/triggers", web::get().to(triggers))
        .route("/sandbox/counts", web::get().to(counts))
        .route("/sandbox/faults", web::get().to(faults))
        .route("/sandbox/faults", web::post().to(set_faults))
        .route("/sandbox/notify/{reference}", web::post().to(notify))
        .route("/sandbox/notifications", web::get().to(notifications));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTrade {
    format: Format,
    payment_reference: String,
    amount: String,
    currency: Currency,
    also: Option<String>,
    release_deadline_at: Option<Instant>,
    earliest_release_at: Option<Instant>,
    #[serde(default)]
    payer_differs: bool,
}

#[derive(Deserialize)]
struct Which {
    format: Option<Format>,
}

async fn create(state: State, body: web::Bytes) -> HttpResponse {
    let new: NewTrade = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(error) => return refused(&error.to_string()),
    };
    let held = match Money::parse(&new.amount, new.currency) {
        Ok(held) => held,
        Err(error) => return refused(&error.to_string()),
    };
    let terms = Terms {
        also: new.also,
        release_deadline_at: new.release_deadline_at,
        earliest_release_at: new.earliest_release_at,
        payer_differs: new.payer_differs,
    };
    let now = state.clock.now();
    match state.books().create(new.format, &new.payment_reference, held, terms, now) {
        Ok(trade) => HttpResponse::Created().json(trade),
        Err(error @ NotMade::Exists) => HttpResponse::Conflict().json(json!({ "error": error.to_string() })),
        Err(error @ NotMade::NoAmount) => refused(&error.to_string()),
    }
}

fn refused(what: &str) -> HttpResponse {
    HttpResponse::UnprocessableEntity().json(json!({ "error": what }))
}

async fn list(state: State) -> HttpResponse {
    let now = state.clock.now();
    let mut books = state.books();
    books.release_due(now);
    HttpResponse::Ok().json(books.trades().collect::<Vec<_>>())
}

async fn triggers(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.books().triggers())
}

async fn counts(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.snapshot())
}

enum NotOne {
    None,
    Several,
}

impl NotOne {
    fn answer(&self) -> HttpResponse {
        match self {
            NotOne::None => HttpResponse::NotFound().json(json!({ "error": "no such trade" })),
            NotOne::Several => {
                let what = "several trades are called so: name one by ?format=";
                HttpResponse::Conflict().json(json!({ "error": what }))
            }
        }
    }
}

/// The same reference can be known in several formats; then one has to be named.
fn the_trade(state: &EscrowState, reference: &str, which: &Which) -> Result<Trade, NotOne> {
    let now = state.clock.now();
    let mut books = state.books();
    books.release_due(now);
    let fits = |trade: &&Trade| which.format.is_none_or(|format| format == trade.format);
    let mut found = books.named(reference).filter(fits);
    match (found.next(), found.next()) {
        (Some(trade), None) => Ok(trade.clone()),
        (None, _) => Err(NotOne::None),
        (Some(_), Some(_)) => Err(NotOne::Several),
    }
}

async fn show(state: State, reference: web::Path<String>, which: web::Query<Which>) -> HttpResponse {
    match the_trade(&state, &reference, &which) {
        Err(not_one) => not_one.answer(),
        Ok(trade) => {
            let books = state.books();
            let about = |trigger: &&super::ask::Trigger| {
                trigger.format == trade.format && trigger.reference == trade.reference
            };
            let triggers: Vec<_> = books.triggers().iter().filter(about).collect();
            HttpResponse::Ok().json(json!({ "trade": trade, "triggers": triggers }))
        }
    }
}

async fn change(state: State, path: web::Path<(String, String)>, which: web::Query<Which>) -> HttpResponse {
    let (reference, verb) = path.into_inner();
    let trade = match the_trade(&state, &reference, &which) {
        Ok(trade) => trade,
        Err(not_one) => return not_one.answer(),
    };
    let now = state.clock.now();
    match verb.as_str() {
        "release" => {
            let released = state.books().release_now(trade.format, &trade.reference, now);
            if released == Some(false) {
                let what = "frozen, or nothing is left";
                return HttpResponse::Conflict().json(json!({ "error": what }));
            }
        }
        "freeze" | "thaw" => {
            state.books().set_frozen(trade.format, &trade.reference, verb == "freeze", now);
        }
        _ => return HttpResponse::NotFound().json(json!({ "error": "release, freeze or thaw" })),
    }
    HttpResponse::Ok().json(state.books().find(trade.format, &trade.reference))
}

async fn faults(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.faults().shares)
}

/// What is left out is nought.
async fn set_faults(state: State, body: web::Bytes) -> HttpResponse {
    match serde_json::from_slice::<Shares>(&body) {
        Ok(shares) if shares.are_shares() => {
            state.faults().shares = shares;
            HttpResponse::Ok().json(shares)
        }
        Ok(_) => refused("shares are between 0 and 1"),
        Err(error) => refused(&error.to_string()),
    }
}

async fn notify(state: State, reference: web::Path<String>, which: web::Query<Which>) -> HttpResponse {
    let trade = match the_trade(&state, &reference, &which) {
        Ok(trade) => trade,
        Err(not_one) => return not_one.answer(),
    };
    let Some(target) = state.notify.clone() else {
        return HttpResponse::Conflict().json(json!({ "error": "no address to notify was given" }));
    };
    let mut deliveries = lock(&state.deliveries);
    let id = format!("sbx-{}-{}", trade.reference, deliveries.len() + 1);
    let delivery = Delivery {
        id: id.clone(),
        reference: trade.reference.clone(),
        acknowledged: false,
        tries: Vec::new(),
    };
    deliveries.push(delivery.clone());
    drop(deliveries);
    let notice = Notice::of(&state.books(), trade, id);
    tokio::spawn(deliver(Arc::clone(&state), notice, target));
    HttpResponse::Accepted().json(delivery)
}

async fn notifications(state: State) -> HttpResponse {
    HttpResponse::Ok().json(lock(&state.deliveries).as_slice())
}
