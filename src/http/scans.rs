//! `POST /v1/hubs/{code}/scans`

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, ResponseError, post};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::ScanBody;
use crate::domain::network::HubCode;
use crate::flows::record_scans::{Recorded, ScanError};
use crate::flows::{Deps, record_scans};
use crate::intake::FieldError;

/// Scans in one list.
const SCANS_MAX: usize = 500;

#[derive(Serialize, ToSchema)]
pub struct ScanView {
    pub parcel: String,
    pub parcel_status: String,
    pub shipment_status: String,
    /// recorded, or duplicate: it was recorded before and nothing changed
    pub result: &'static str,
}

/// One result of a list: either a scan's, or a problem.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ScanResult {
    Recorded(ScanView),
    Refused { result: &'static str, problem: Problem },
}

#[derive(Serialize, ToSchema)]
pub struct ScanResults {
    /// In the order of the scans that were sent.
    pub results: Vec<ScanResult>,
}

impl From<Recorded> for ScanView {
    fn from(recorded: Recorded) -> Self {
        Self {
            parcel: recorded.parcel.to_string(),
            parcel_status: recorded.status.to_string(),
            shipment_status: recorded.shipment_status.to_string(),
            result: if recorded.duplicate { "duplicate" } else { "recorded" },
        }
    }
}

/// Reports what happened to parcels in a hub: one scan, or a list of up to 500.
///
/// Each scan of a list is answered by itself; one that is wrong costs the others nothing.
#[utoipa::path(
    tag = "hubs",
    request_body(content = ScanBody, description = "One scan, or an array of up to 500"),
    security(("hub_key" = [])),
    responses(
        (status = 200, description = "A list's results, or a scan that was recorded before", body = ScanResults),
        (status = 201, description = "One scan, recorded", body = ScanView),
        (status = 403, description = "The key belongs to another hub", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such parcel", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/hubs/{code}/scans")]
pub async fn record(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let code: HubCode = path.parse().map_err(|_| Problem::not_found())?;
    caller.hub(&deps, &code).await?;
    let body = body.read().await?;
    match serde_json::from_slice(&body).map_err(Problem::not_json)? {
        Value::Array(scans) => {
            if scans.is_empty() || scans.len() > SCANS_MAX {
                let detail = format!("a list has 1 to {SCANS_MAX} scans, this one has {}", scans.len());
                return Err(Problem::fields(vec![FieldError { pointer: String::new(), detail }]));
            }
            let results = record_scans::record_all(&deps, &code, &scans).await;
            Ok(HttpResponse::Ok().json(ScanResults { results: results.into_iter().map(result).collect() }))
        }
        scan => {
            let recorded = record_scans::record(&deps, &code, &scan).await?;
            let mut response = if recorded.duplicate { HttpResponse::Ok() } else { HttpResponse::Created() };
            Ok(response.json(ScanView::from(recorded)))
        }
    }
}

fn result(outcome: Result<Recorded, ScanError>) -> ScanResult {
    match outcome {
        Ok(recorded) => ScanResult::Recorded(recorded.into()),
        Err(error) => {
            let problem = Problem::from(error);
            let ours = problem.status_code().is_server_error();
            ScanResult::Refused { result: if ours { "failed" } else { "refused" }, problem }
        }
    }
}
