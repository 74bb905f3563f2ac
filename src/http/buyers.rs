//! `/v1/tracking/{token}/…`: what buyers do, with a proof beyond the token.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use serde_json::Value;

use super::extract::Body;
use super::problem::Problem;
use super::schema::{ExtensionBody, ObjectionBody, ProofBody, ProvenStatementBody};
use super::tracking::plausible;
use crate::domain::id::ShipmentId;
use crate::flows::Deps;
use crate::flows::buyer_acts::{self, BuyerWish, Done};
use crate::flows::views::{BuyerStandingView, DisputeView, DisputesView};
use crate::intake::{FieldError, Proven, read_extension, read_objection, read_proof, read_proven_statement};

async fn find(deps: &Deps, token: &str) -> Result<ShipmentId, Problem> {
    if !plausible(token) {
        return Err(Problem::not_found());
    }
    Ok(buyer_acts::find(deps, token).await?)
}

/// Strangers to the token are turned away before the body is read.
async fn done<T>(
    deps: &Deps,
    token: &str,
    body: Body,
    read: impl FnOnce(&Value) -> Result<Proven<T>, Vec<FieldError>>,
    wish: impl FnOnce(T) -> BuyerWish,
) -> Result<HttpResponse, Problem> {
    let shipment = find(deps, token).await?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let Proven { proof, said } = read(&body).map_err(Problem::fields)?;
    let done = buyer_acts::act(deps, shipment, Proven { proof, said: wish(said) }).await?;
    Ok(match done {
        Done::Order(view) => HttpResponse::Ok().json(view),
        Done::Dispute(view) => HttpResponse::Ok().json(view),
        Done::Disputes(view) => HttpResponse::Ok().json(view),
    })
}

/// Sends the buyer a code, good for 15 minutes, by way of the merchant: `escrow.code`. The answer is the same
/// whether or not the merchant listens.
#[utoipa::path(
    tag = "buyers",
    responses(
        (status = 202, description = "It is on its way, if the merchant listens"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The merchant asks for the telephone number", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Five were sent in the last hour", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/code")]
pub async fn code(deps: Data<Deps>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let shipment = find(&deps, &token).await?;
    buyer_acts::send_code(&deps, shipment).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Everything is there and well: the merchant may be paid.
#[utoipa::path(
    tag = "buyers",
    request_body = ProofBody,
    responses(
        (status = 200, body = BuyerStandingView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nothing was delivered, or it is settled", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/confirm")]
pub async fn confirm(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_proof, |()| BuyerWish::Confirm).await
}

/// More days to object, once.
#[utoipa::path(
    tag = "buyers",
    request_body = ExtensionBody,
    responses(
        (status = 200, body = BuyerStandingView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is no window that could be extended", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/extend")]
pub async fn extend(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_extension, |days| BuyerWish::Extend { days }).await
}

/// Something is wrong: no money moves until an operator decides, or the buyer withdraws.
#[utoipa::path(
    tag = "buyers",
    request_body = ObjectionBody,
    responses(
        (status = 200, body = DisputeView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A dispute is open already, or the money has moved", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/dispute")]
pub async fn dispute(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_objection, BuyerWish::Dispute).await
}

/// Takes the objection back.
#[utoipa::path(
    tag = "buyers",
    request_body = ProofBody,
    responses(
        (status = 200, body = DisputeView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No dispute is open", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/dispute/withdraw")]
pub async fn withdraw(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_proof, |()| BuyerWish::Withdraw).await
}

/// Says something in the dispute that is open.
#[utoipa::path(
    tag = "buyers",
    request_body = ProvenStatementBody,
    responses(
        (status = 200, body = DisputeView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No dispute is open", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/dispute/messages")]
pub async fn say(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_proven_statement, BuyerWish::Say).await
}

/// What was said and decided in the buyer's disputes, newest first. A code is not used up by it.
#[utoipa::path(
    tag = "buyers",
    request_body = ProofBody,
    responses(
        (status = 200, body = DisputesView),
        (status = 403, description = "The proof is wrong, and tries_left says how often it can be tried; or no code is in force", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "There were too many wrong tries", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/tracking/{token}/disputes")]
pub async fn disputes(deps: Data<Deps>, token: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    done(&deps, &token, body, read_proof, |()| BuyerWish::Look).await
}
