//! `/v1/departures` and the closures of hubs: what operators change.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::{CancellationBody, ClosingBody};
use crate::domain::network::HubCode;
use crate::flows::views::{CancelledView, ClosureList, ClosureView};
use crate::flows::{Deps, change_network};

/// What is no code is nobody's hub.
fn hub(text: &str) -> Result<HubCode, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Cancels a departure that has not left; what was planned on it is planned anew. Again: the same answer.
#[utoipa::path(
    tag = "operators",
    request_body = CancellationBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = CancelledView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such lane, or it does not run that day", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has left", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/departures/{id}/cancel")]
pub async fn cancel(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(&deps).await?;
    let id = path.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let cancelled = change_network::cancel_departure(&deps, &operator, &id, &body).await?;
    Ok(HttpResponse::Ok().json(cancelled))
}

/// Closes a hub for a while: it receives nothing and nothing leaves it. Plans that lead over it then are
/// looked at, and made anew where they do not hold.
#[utoipa::path(
    tag = "operators",
    request_body = ClosingBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, description = "It was closed so already", body = ClosureView),
        (status = 201, description = "Closed", body = ClosureView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such hub", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/hubs/{code}/closures")]
pub async fn close(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(&deps).await?;
    let hub = hub(&path)?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let (closure, is_new) = change_network::close_hub(&deps, &operator, &hub, &body).await?;
    let mut response = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(closure))
}

/// A hub's closures, oldest first.
#[utoipa::path(
    tag = "operators",
    security(("operator_key" = [])),
    responses(
        (status = 200, body = ClosureList),
        (status = 404, description = "No such hub", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/hubs/{code}/closures")]
pub async fn closures(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.operator(&deps).await?;
    Ok(HttpResponse::Ok().json(change_network::closures(&deps, &hub(&path)?).await?))
}

/// Takes a closure back: the hub is open again. What was planned around it stays so.
#[utoipa::path(
    tag = "operators",
    security(("operator_key" = [])),
    responses(
        (status = 204, description = "Taken back"),
        (status = 404, description = "No such closure, or it came with the network's files", body = Problem, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/hubs/{code}/closures/{id}")]
pub async fn open(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    caller.operator(&deps).await?;
    let (code, id) = path.into_inner();
    let id = id.parse().map_err(|_| Problem::not_found())?;
    change_network::open_hub(&deps, &hub(&code)?, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
