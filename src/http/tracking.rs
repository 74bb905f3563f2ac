//! What anybody with a tracking token may see: `/v1/tracking/{token}` and `/track/{token}`.

use actix_web::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::flows::views::TrackingView;
use crate::flows::{Deps, show};
use crate::web::{self, Language};

/// Tokens are 22 characters of base64url; longer paths are not even looked up.
pub(super) fn plausible(token: &str) -> bool {
    token.len() == 22 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

async fn find(deps: &Deps, token: &str) -> Result<Option<TrackingView>, Problem> {
    if !plausible(token) {
        return Ok(None);
    }
    Ok(show::tracking(deps, token).await?)
}

/// The public timeline of a shipment. Nothing in it identifies a person.
#[utoipa::path(
    tag = "buyers",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of the answer you have")),
    responses(
        (status = 200, body = TrackingView),
        (status = 304, description = "What you have is still true"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/tracking/{token}")]
pub async fn read(
    request: HttpRequest,
    deps: Data<Deps>,
    token: Path<String>,
) -> Result<HttpResponse, Problem> {
    let view = find(&deps, &token).await?.ok_or_else(Problem::not_found)?;
    let body = serde_json::to_string(&view).unwrap_or_default();
    Ok(answer(&request, "application/json", body))
}

#[derive(Deserialize)]
pub struct PageQuery {
    lang: Option<String>,
}

pub(super) fn language(request: &HttpRequest, query: &PageQuery) -> Language {
    let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let chosen = query.lang.as_deref().and_then(Language::from_code);
    chosen.unwrap_or_else(|| Language::negotiate(accepted))
}

pub(super) fn not_found(language: Language) -> Result<HttpResponse, Problem> {
    let html = web::not_found_page(language).map_err(Problem::page)?;
    let mut response = Problem::not_found_page();
    Ok(secured(&mut response).body(html))
}

#[get("/track/{token}")]
pub async fn page(
    request: HttpRequest,
    deps: Data<Deps>,
    token: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let language = language(&request, &query);
    let html = match find(&deps, &token).await? {
        Some(view) => web::tracking_page(&view, &token, language),
        None => return not_found(language),
    };
    Ok(answer(&request, "text/html; charset=utf-8", html.map_err(Problem::page)?))
}

#[get("/assets/tracking.css")]
pub async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        // Its address has its hash in it.
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(web::STYLESHEET)
}

fn secured(response: &mut actix_web::HttpResponseBuilder) -> &mut actix_web::HttpResponseBuilder {
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY))
}

/// 304 where the caller has this very body already.
fn answer(request: &HttpRequest, content_type: &str, body: String) -> HttpResponse {
    let digest = Sha256::digest(&body);
    let etag: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{etag}\"");
    let known =
        request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag);
    let mut response = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    secured(&mut response).content_type(content_type).insert_header((ETAG, etag));
    response.insert_header(("vary", "accept-language"));
    if same { response.finish() } else { response.body(body) }
}
