//! `/v1/carriers`: what carriers send by themselves.

use actix_web::http::header::HeaderName;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, post};

use super::extract::Body;
use super::problem::Problem;
use crate::carriers::Pushed;
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
