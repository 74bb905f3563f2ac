//! Disputes, for the merchant whose order it is and for operators.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::{DecisionBody, StatementBody};
use crate::flows::views::{DisputeView, DisputesView};
use crate::flows::{Deps, disputes};
use crate::intake::{read_decision, read_statement};

/// All disputes over a shipment, newest first.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, body = DisputesView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/shipments/{id}/disputes")]
pub async fn list(deps: Data<Deps>, caller: Credentials, id: Path<String>) -> Result<HttpResponse, Problem> {
    let side = caller.side(&deps).await?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let disputes = disputes::list(&deps, &side, id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(DisputesView { disputes }))
}

/// Says something in a dispute that is open.
#[utoipa::path(
    tag = "merchants",
    request_body = StatementBody,
    security(("merchant_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, body = DisputeView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not open", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/disputes/{id}/messages")]
pub async fn say(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let side = caller.side(&deps).await?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let said = read_statement(&body).map_err(Problem::fields)?;
    Ok(HttpResponse::Ok().json(disputes::add_message(&deps, side, id, said).await?))
}

/// Decides a dispute. A refund is ordered with it, and above the configured amount another operator has to
/// approve that.
#[utoipa::path(
    tag = "operators",
    request_body = DecisionBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = DisputeView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not open, or the money cannot be refunded; it says why", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/disputes/{id}/close")]
pub async fn close(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(&deps).await?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let decision = read_decision(&body).map_err(Problem::fields)?;
    Ok(HttpResponse::Ok().json(disputes::close(&deps, operator, id, decision).await?))
}
