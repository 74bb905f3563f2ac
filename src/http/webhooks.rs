//! `/v1/webhooks`, each merchant's own.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, patch, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::{RotationBody, WebhookBody, WebhookChangeBody};
use crate::domain::id::WebhookId;
use crate::flows::views::{DeliveryView, RotatedView, WebhookList, WebhookView};
use crate::flows::{Deps, manage_webhooks};

/// An id that is none is nobody's endpoint.
pub(super) fn id(text: &str) -> Result<WebhookId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Registers an address that is told what happens to shipments: up to 10 a merchant.
///
/// Messages are Standard Webhooks, each under one `webhook-id` however often it is sent, signed with the
/// endpoint's own secret, which this answer alone shows. The same address again finds what is there.
#[utoipa::path(
    tag = "merchants",
    request_body = WebhookBody,
    security(("merchant_key" = [])),
    responses(
        (status = 200, description = "It was registered before; its secret is not shown again", body = WebhookView),
        (status = 201, description = "Registered, with its secret", body = WebhookView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There are 10 already, or this one with other events", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/webhooks")]
pub async fn create(deps: Data<Deps>, caller: Credentials, body: Body) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let body = body.read().await?;
    let body = serde_json::from_slice(&body).map_err(Problem::not_json)?;
    let registered = manage_webhooks::register(&deps, merchant.id, &body).await?;
    let mut response = if registered.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(response.json(registered.webhook))
}

/// A merchant's endpoints, oldest first.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses((status = 200, body = WebhookList))
)]
#[get("/v1/webhooks")]
pub async fn list(deps: Data<Deps>, caller: Credentials) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    Ok(HttpResponse::Ok().json(manage_webhooks::list(&deps, merchant.id).await?))
}

/// One endpoint.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = WebhookView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/webhooks/{id}")]
pub async fn read(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    Ok(HttpResponse::Ok().json(manage_webhooks::show(&deps, merchant.id, id(&path)?).await?))
}

/// Changes what an endpoint is told, switches it off, or enables one that was disabled; what is left out stays.
///
/// What waits for an endpoint that is switched off is dead; once it is enabled, it can be replayed. What happens meanwhile makes no
/// message for it.
#[utoipa::path(
    tag = "merchants",
    request_body = WebhookChangeBody,
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = WebhookView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another open endpoint has its address", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[patch("/v1/webhooks/{id}")]
pub async fn change(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    Ok(HttpResponse::Ok().json(manage_webhooks::change(&deps, merchant.id, id, &body).await?))
}

/// Gives an endpoint a new secret, shown this once. Messages are signed with those before it, too, for 24 hours or
/// as long as the body says; a body may be left out.
#[utoipa::path(
    tag = "merchants",
    request_body = Option<RotationBody>,
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = RotatedView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/webhooks/{id}/secret/rotate")]
pub async fn rotate(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    let body = body.read().await?;
    let body = match body.trim_ascii() {
        b"" => serde_json::json!({}),
        body => serde_json::from_slice(body).map_err(Problem::not_json)?,
    };
    Ok(HttpResponse::Ok().json(manage_webhooks::rotate_secret(&deps, merchant.id, id, &body).await?))
}

/// Takes an endpoint back, and what waits for it.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 204, description = "Taken back"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/webhooks/{id}")]
pub async fn remove(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    manage_webhooks::remove(&deps, merchant.id, id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a `ping`, at once even to an endpoint that is left alone for a while.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 202, description = "On its way; see the deliveries", body = DeliveryView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/webhooks/{id}/ping")]
pub async fn ping(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    Ok(HttpResponse::Accepted().json(manage_webhooks::ping(&deps, merchant.id, id(&path)?).await?))
}
