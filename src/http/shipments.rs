//! `/v1/shipments`, each merchant's own.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::ClearanceBody;
use crate::domain::id::ShipmentId;
use crate::flows::views::{ShipmentDetailView, ShipmentPage};
use crate::flows::{Deps, cancel_shipment, change_clearance, show};
use crate::store::shipments::Filter;

/// An id that is none is nobody's shipment.
fn id(text: &str) -> Result<ShipmentId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// One shipment with its plan, its money and its events: a merchant's own, or an operator's any.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, body = ShipmentDetailView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/shipments/{id}")]
pub async fn read(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let side = caller.side(&deps).await?;
    let shipment = show::shipment_to(&deps, &side, id(&path)?).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(shipment))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only shipments of this status.
    status: Option<String>,
    /// Only the shipment of this reference.
    reference: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 where it is left out.
    limit: Option<String>,
}

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// A merchant's shipments, newest first.
#[utoipa::path(
    tag = "merchants",
    params(ListQuery),
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = ShipmentPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/shipments")]
pub async fn list(
    deps: Data<Deps>,
    caller: Credentials,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let ListQuery { status, reference, cursor, limit } = query.into_inner();
    // `?status=&limit=` is how forms say that nothing was chosen.
    let [status, reference, cursor, limit] =
        [status, reference, cursor, limit].map(|value| value.filter(|value| !value.is_empty()));
    let parse_status = |text: String| text.parse().map_err(|error| Problem::parameter("status", error));
    let parse_cursor = |text: String| text.parse().map_err(|error| Problem::parameter("cursor", error));
    let filter = Filter {
        status: status.map(parse_status).transpose()?,
        reference,
        before: cursor.map(parse_cursor).transpose()?,
    };
    let limit = match limit {
        None => LIMIT,
        Some(text) => text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
            Problem::parameter("limit", format!("has to be a whole number from 1 to {LIMIT_MAX}"))
        })?,
    };
    Ok(HttpResponse::Ok().json(show::shipments(&deps, merchant.id, &filter, limit).await?))
}

/// Calls a shipment off, as long as no hub has any of it. Again: the same answer.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = ShipmentDetailView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too late", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/cancel")]
pub async fn cancel(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    cancel_shipment::cancel(&deps, merchant.id, id).await?;
    let shipment = show::shipment(&deps, merchant.id, id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(shipment))
}

/// Has a shipment cleared another way, as long as customs has not seen it and it is in no bag; its plan is looked at and made anew
/// where it does not hold. Again: nothing changes.
#[utoipa::path(
    tag = "merchants",
    request_body = ClearanceBody,
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = ShipmentDetailView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too late, or in a bag whose papers say its clearance", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not for these goods, or no clearance", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/clearance")]
pub async fn clear_as(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    change_clearance::change(&deps, merchant.id, id, &body).await?;
    let shipment = show::shipment(&deps, merchant.id, id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(shipment))
}
