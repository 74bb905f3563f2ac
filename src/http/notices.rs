//! `/v1/escrow/{provider}/notify`: what escrow providers send by themselves.

use actix_web::http::header::HeaderName;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, post};

use super::extract::Body;
use super::problem::Problem;
use crate::flows::{Deps, take_notices};

/// Takes a notice of an escrow provider, signed as that provider signs. It is stored and answered as the provider
/// expects, and taken in later; the same notice again is answered alike, and changes nothing. One that cannot be read is
/// stored and answered like any other, and shown to operators.
#[utoipa::path(
    tag = "providers",
    request_body(content = Vec<u8>, description = "As the provider sends it", content_type = "application/json"),
    responses(
        (status = 200, description = "Stored; the body is what the provider expects"),
        (status = 401, description = "It is not the provider's", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No notices are taken from such a provider", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Whether it is the provider's cannot be found out now", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/escrow/{provider}/notify")]
pub async fn notify(
    deps: Data<Deps>,
    provider: Path<String>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    if !take_notices::are_taken(&deps, &provider) {
        return Err(Problem::not_found());
    }
    let body = body.read().await?;
    let headers = request.headers().clone();
    let header = move |name: &str| -> Option<String> {
        Some(headers.get(HeaderName::try_from(name).ok()?)?.to_str().ok()?.to_owned())
    };
    let (content_type, text) = take_notices::receive(&deps, &provider, &header, &body).await?;
    Ok(HttpResponse::Ok().content_type(content_type).body(text))
}
