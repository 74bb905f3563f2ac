//! `/v1/consolidations`: what was packed, and its papers, for the hubs at either end and for operators.

use actix_web::http::header::{CONTENT_DISPOSITION, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::{Data, Path, Query, block};
use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Credentials, Station};
use super::problem::Problem;
use crate::consolidation::{labels, manifest};
use crate::domain::consolidation::ConsolidationState;
use crate::domain::network::DepartureId;
use crate::domain::sscc::Sscc;
use crate::flows::views::{ConsolidationDetailView, ConsolidationPage};
use crate::flows::{Deps, show_consolidations};
use crate::store::consolidations::Consolidation;

/// The consolidation, if the caller may see it. An id that is none is nobody's.
async fn find(deps: &Deps, caller: &Credentials, id: &str) -> Result<Consolidation, Problem> {
    let station = caller.station(deps).await?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let found = show_consolidations::find(deps, id).await?.ok_or_else(Problem::not_found)?;
    station.sees([&found.from, &found.to])?;
    Ok(found)
}

/// The same, if it may have papers.
async fn find_with_papers(deps: &Deps, caller: &Credentials, id: &str) -> Result<Consolidation, Problem> {
    let found = find(deps, caller, id).await?;
    match found.state {
        ConsolidationState::Packed | ConsolidationState::Opened | ConsolidationState::Settled => Ok(found),
        ConsolidationState::Dissolved => Err(Problem::does_not_leave(&found.departure)),
    }
}

/// Draws a paper of many pages where it holds up nobody who is answered meanwhile.
async fn draw<T: Send + 'static>(paper: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    block(paper).await.map_err(Problem::page)
}

/// A paper to be kept under its name.
fn paper(content_type: &'static str, name: String, body: impl Into<actix_web::web::Bytes>) -> HttpResponse {
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name)],
    };
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_DISPOSITION, disposition))
        .body(body.into())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only that of this departure.
    #[param(example = "L0002-20260303")]
    departure: Option<String>,
}

/// What leaves the caller's hub and what ends there, the last closed first; all of them for an operator.
#[utoipa::path(
    tag = "hubs",
    params(ListQuery),
    security(("hub_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, body = ConsolidationPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The departure neither leaves the key's hub nor ends there", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/consolidations")]
pub async fn list(
    deps: Data<Deps>,
    caller: Credentials,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let station = caller.station(&deps).await?;
    let page = match query.into_inner().departure.filter(|text| !text.is_empty()) {
        Some(text) => {
            let departure: DepartureId =
                text.parse().map_err(|error| Problem::parameter("departure", error))?;
            let found = show_consolidations::find_by_departure(&deps, &departure).await?;
            if let Some(found) = &found {
                station.sees([&found.from, &found.to])?;
            }
            show_consolidations::page(found.as_slice())
        }
        None => match &station {
            Station::Hub(hub) => show_consolidations::of_hub(&deps, hub).await?,
            Station::Everywhere => show_consolidations::newest(&deps).await?,
        },
    };
    Ok(HttpResponse::Ok().json(page))
}

/// One with its bags and units, who stayed behind, and what is missing or too many at the other end.
#[utoipa::path(
    tag = "hubs",
    security(("hub_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, body = ConsolidationDetailView),
        (status = 403, description = "It neither leaves the key's hub nor ends there", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/consolidations/{id}")]
pub async fn read(deps: Data<Deps>, caller: Credentials, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = find(&deps, &caller, &id).await?;
    Ok(HttpResponse::Ok().json(show_consolidations::detail(&deps, &found).await?))
}

/// The manifest, as it was closed: as JSON, as CSV with a row a parcel, or as PDF.
#[utoipa::path(
    tag = "hubs",
    params(("id" = String, Path), ("form" = String, Path, description = "json, csv or pdf")),
    security(("hub_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, description = "The manifest", content(
            (Object = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf"),
        )),
        (status = 403, description = "It neither leaves the key's hub nor ends there", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its departure does not leave", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/consolidations/{id}/manifest.{form}")]
pub async fn read_manifest(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, form) = path.into_inner();
    let found = find_with_papers(&deps, &caller, &id).await?;
    if !["json", "csv", "pdf"].contains(&form.as_str()) {
        return Err(Problem::not_found());
    }
    let manifest = show_consolidations::manifest(&deps, &found).await?;
    let name = format!("manifest-{}.{form}", found.departure);
    let (content_type, body) = draw(move || match form.as_str() {
        "csv" => ("text/csv; charset=utf-8", manifest::to_csv(&manifest).into_bytes()),
        "pdf" => ("application/pdf", manifest::to_pdf(&manifest)),
        _ => ("application/json", manifest::to_json(&manifest).into_bytes()),
    })
    .await?;
    Ok(paper(content_type, name, body))
}

/// A label for each bag, A6, a page each.
#[utoipa::path(
    tag = "hubs",
    security(("hub_key" = []), ("operator_key" = [])),
    responses(
        (status = 200, description = "The labels", body = Vec<u8>, content_type = "application/pdf"),
        (status = 403, description = "It neither leaves the key's hub nor ends there", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its departure does not leave", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/consolidations/{id}/labels.pdf")]
pub async fn read_labels(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = find_with_papers(&deps, &caller, &id).await?;
    let labels = show_consolidations::labels(&deps, &found).await?;
    let pdf = draw(move || labels::to_pdf(&labels)).await?;
    Ok(paper("application/pdf", format!("labels-{}.pdf", found.departure), pdf))
}

/// The label of one bag, for a screen.
#[utoipa::path(
    tag = "hubs",
    security(("hub_key" = []), ("operator_key" = [])),
    params(("id" = String, Path), ("sscc" = String, Path, description = "The number of a bag in it")),
    responses(
        (status = 200, description = "The label", body = String, content_type = "image/svg+xml"),
        (status = 403, description = "It neither leaves the key's hub nor ends there", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its departure does not leave", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/consolidations/{id}/labels/{sscc}.svg")]
pub async fn read_label(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, sscc) = path.into_inner();
    let found = find_with_papers(&deps, &caller, &id).await?;
    let sscc: Sscc = sscc.parse().map_err(|_| Problem::not_found())?;
    let label = show_consolidations::label(&deps, &found, sscc).await?.ok_or_else(Problem::not_found)?;
    let svg = draw(move || labels::to_svg(&label)).await?;
    Ok(paper("image/svg+xml", format!("label-{sscc}.svg"), svg))
}
