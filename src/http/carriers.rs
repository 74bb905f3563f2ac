//! `/v1/carriers`: what carriers send by themselves, and whose a tracking number can be.

use actix_web::http::header::HeaderName;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Credentials};
use super::problem::Problem;
use crate::carriers::Pushed;
use crate::carriers::numbers::{self, Detection};
use crate::flows::{Deps, take_pushes};

/// Takes what a carrier sends by itself, signed as that carrier signs; from those that have no way of their own
/// in the neutral form, signed by Standard Webhooks. It is stored and answered, and read later; the same body
/// again changes nothing.
#[utoipa::path(
    tag = "carriers",
    request_body(content = Vec<u8>, description = "As the carrier sends it", content_type = "application/json"),
    responses(
        (status = 200, description = "Stored; the body is what the carrier expects"),
        (status = 401, description = "It is not the carrier's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No account of ours takes pushes from this carrier", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/carriers/{carrier}/push")]
pub async fn push(
    deps: Data<Deps>,
    path: Path<String>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let carrier = path.parse().map_err(|_| Problem::not_found())?;
    if !take_pushes::are_taken(&deps, &carrier) {
        return Err(Problem::not_found());
    }
    let body = body.read().await?;
    let header = |name: &str| -> Option<&str> {
        request.headers().get(HeaderName::try_from(name).ok()?)?.to_str().ok()
    };
    let pushed = Pushed { header: &header, query: request.query_string(), body: &body };
    let expected = take_pushes::receive(&deps, &carrier, &pushed).await?;
    Ok(HttpResponse::Ok().content_type(expected.content_type).body(expected.body))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DetectQuery {
    /// As it was typed, with or without spaces and hyphens; at most 100 characters.
    #[param(required, value_type = String, example = "1Z 999 AA1 01 2345 6784")]
    number: Option<String>,
}

/// More than any number has with a space behind every letter.
const NUMBER_LENGTH_MAX: usize = 100;

/// Which carriers a tracking number can belong to, best first, by its form and its check digit.
#[utoipa::path(
    tag = "merchants",
    params(DetectQuery),
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = Detection),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/carriers/detect")]
pub async fn detect(
    deps: Data<Deps>,
    caller: Credentials,
    query: Query<DetectQuery>,
) -> Result<HttpResponse, Problem> {
    caller.merchant(&deps).await?;
    let number = query.into_inner().number.filter(|number| !number.trim().is_empty());
    let number = number.ok_or_else(|| Problem::parameter("number", "is missing"))?;
    if number.chars().count() > NUMBER_LENGTH_MAX {
        let detail = format!("has to be at most {NUMBER_LENGTH_MAX} characters long");
        return Err(Problem::parameter("number", detail));
    }
    Ok(HttpResponse::Ok().json(numbers::detect(&number)))
}
