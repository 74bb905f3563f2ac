//! `POST /v1/pickups`

use actix_web::web::Data;
use actix_web::{HttpResponse, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::PickupBody;
use crate::flows::views::AcceptedView;
use crate::flows::{Deps, accept_pickup};

/// Asks that an order be collected and taken to its buyer.
///
/// The answer has the plan and the tracking address. With an `Idempotency-Key` (or a signed
/// message's `webhook-id`) the same body gets the same answer, however often it is sent.
#[utoipa::path(
    tag = "merchants",
    request_body = PickupBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters")),
    security(("merchant_key" = []), ("webhook_signature" = [])),
    responses(
        (status = 201, description = "Accepted, with its plan", body = AcceptedView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key or signature", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The reference or the payment is a shipment already, or the same key is at work", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Larger than http.body_bytes_max", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong, there is no route, or the key was used for another body", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/pickups")]
pub async fn create(deps: Data<Deps>, caller: Credentials, body: Body) -> Result<HttpResponse, Problem> {
    let (merchant, body) = caller.merchant_or_signer(&deps, body).await?;
    let key = caller.idempotency_key()?;
    let answer = accept_pickup::accept(&deps, &merchant, key, &body).await?;
    let mut response = HttpResponse::Created();
    if answer.replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    Ok(response.content_type("application/json").body(answer.body))
}
