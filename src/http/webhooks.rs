//! `/v1/webhooks`, each merchant's own.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::WebhookBody;
use crate::domain::id::WebhookId;
use crate::flows::views::{DeliveryList, WebhookList, WebhookView};
use crate::flows::{Deps, manage_webhooks};

/// An id that is none is nobody's endpoint.
fn id(text: &str) -> Result<WebhookId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Registers an address that is told what happens to shipments: up to 10 a merchant.
///
/// Messages are Standard Webhooks, signed with the merchant's webhook secret, each under one
/// `webhook-id` however often it is sent. The same address again finds what is there.
#[utoipa::path(
    tag = "merchants",
    request_body = WebhookBody,
    security(("merchant_key" = [])),
    responses(
        (status = 200, description = "It was registered before", body = WebhookView),
        (status = 201, description = "Registered", body = WebhookView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There are 10 already", body = Problem, content_type = "application/problem+json"),
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
        (status = 202, description = "On its way; see the deliveries"),
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
    manage_webhooks::ping(&deps, merchant.id, id(&path)?).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// The newest 100 messages of an endpoint, and what became of them.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = DeliveryList),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/webhooks/{id}/deliveries")]
pub async fn deliveries(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    Ok(HttpResponse::Ok().json(manage_webhooks::deliveries(&deps, merchant.id, id(&path)?).await?))
}
