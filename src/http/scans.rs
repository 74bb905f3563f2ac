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
use crate::flows::record_bag_scans::{BagRecorded, Outcome};
use crate::flows::record_scans::{Recorded, ScanError};
use crate::flows::{Deps, record_bag_scans};
use crate::intake::{FieldError, Load};

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

/// What came of the scan of a bag or a unit.
#[derive(Serialize, ToSchema)]
pub struct BagScanView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// recorded; duplicate: it was recorded for every parcel before; failed: for some it could not be recorded
    pub result: &'static str,
    /// Parcels in it
    pub parcels: usize,
    /// Parcels for which it was new
    pub moved: usize,
    /// Parcels that it could not be recorded for now: scan it again
    pub failed: Vec<FailedView>,
}

#[derive(Serialize, ToSchema)]
pub struct FailedView {
    pub parcel: String,
    pub problem: Problem,
}

/// One result of a list: either a scan's, or a problem.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ScanResult {
    Recorded(ScanView),
    OfABag(BagScanView),
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

impl From<BagRecorded> for BagScanView {
    fn from(recorded: BagRecorded) -> Self {
        let (bag, unit) = match &recorded.load {
            Load::Bag(sscc) => (Some(sscc.to_string()), None),
            Load::Unit(unit) => (None, Some(unit.to_string())),
        };
        let failed = recorded
            .failed
            .into_iter()
            .map(|(parcel, error)| FailedView { parcel: parcel.to_string(), problem: Problem::from(error) });
        let (parcels, moved) = (recorded.parcels, recorded.moved);
        let failed: Vec<_> = failed.collect();
        let result = match (failed.is_empty(), moved) {
            (false, _) => "failed",
            (true, 0) => "duplicate",
            (true, _) => "recorded",
        };
        Self { bag, unit, result, parcels, moved, failed }
    }
}

/// Reports what happened to parcels in a hub: one scan, or a list of up to 500.
///
/// A scan of a bag or a unit, named in place of a parcel, happens to all that is in it. A parcel that is packed
/// into a bag it does not belong to is refused under `/bag`, which says where it belongs.
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
        (status = 503, description = "A bag's scan that could not be recorded for any parcel: send it again", body = BagScanView),
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
            let results = record_bag_scans::record_all(&deps, &code, &scans).await;
            Ok(HttpResponse::Ok().json(ScanResults { results: results.into_iter().map(result).collect() }))
        }
        scan => Ok(match record_bag_scans::record(&deps, &code, &scan).await? {
            Outcome::Parcel(recorded) if recorded.duplicate => {
                HttpResponse::Ok().json(ScanView::from(recorded))
            }
            Outcome::Parcel(recorded) => HttpResponse::Created().json(ScanView::from(recorded)),
            // What was not recorded for anybody is answered as such: the same again is harmless.
            Outcome::Bag(recorded) if recorded.moved == 0 && !recorded.failed.is_empty() => {
                Problem::not_ready().json(BagScanView::from(recorded))
            }
            Outcome::Bag(recorded) if recorded.moved == 0 => {
                HttpResponse::Ok().json(BagScanView::from(recorded))
            }
            Outcome::Bag(recorded) => HttpResponse::Created().json(BagScanView::from(recorded)),
        }),
    }
}

fn result(outcome: Result<Outcome, ScanError>) -> ScanResult {
    match outcome {
        Ok(Outcome::Parcel(recorded)) => ScanResult::Recorded(recorded.into()),
        Ok(Outcome::Bag(recorded)) => ScanResult::OfABag(recorded.into()),
        Err(error) => {
            let problem = Problem::from(error);
            let ours = problem.status_code().is_server_error();
            ScanResult::Refused { result: if ours { "failed" } else { "refused" }, problem }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{ParcelId, ShipmentId};
    use crate::store::StoreError;

    #[test]
    fn a_scan_of_a_bag_that_failed_for_some_is_no_success() {
        let shipment = ShipmentId::from_uuid(uuid::Uuid::nil());
        let result = |moved, failed: usize| {
            let error = || StoreError::Unavailable("away".to_owned());
            let failed = (0..failed).map(|_| (ParcelId { shipment, number: 1 }, error())).collect();
            let load = Load::Bag("106141411234567897".parse().expect("a number"));
            BagScanView::from(BagRecorded { load, parcels: 2, moved, failed }).result
        };
        for (moved, failed, expected) in
            [(2, 0, "recorded"), (0, 0, "duplicate"), (1, 1, "failed"), (0, 2, "failed")]
        {
            assert_eq!(result(moved, failed), expected);
        }
    }
}
