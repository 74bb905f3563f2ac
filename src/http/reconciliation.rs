//! `/v1/escrow/reconciliation`: how what we hold compared with providers' word last night.

use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Credentials;
use super::problem::Problem;
use crate::escrow::reconciliation::{Difference, report};
use crate::flows::Deps;
use crate::flows::reconcile::nightly;
use crate::flows::views::ReconciliationView;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationQuery {
    /// json, or csv: the differences alone. json where it is left out.
    #[param(inline)]
    format: Option<Format>,
    /// `next_after` of the page before, as json has it.
    after: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Csv,
}

/// Differences of one answer.
const PAGE: u64 = 10_000;

/// What the last nightly comparison with the escrow providers came to. `sampan escrow reconcile` makes one at once.
#[utoipa::path(
    tag = "operators",
    params(ReconciliationQuery),
    security(("operator_key" = [])),
    responses(
        (status = 200, body = ReconciliationView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "None was finished yet", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/escrow/reconciliation")]
pub async fn read(
    deps: Data<Deps>,
    caller: Credentials,
    query: Query<ReconciliationQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator(&deps).await?;
    let night = nightly::last(&deps).await?.ok_or_else(Problem::not_found)?;
    let found = nightly::differences(&deps, &night, query.after.unwrap_or(0), PAGE).await?;
    let next_after = found.last().map(|(number, _)| *number).filter(|_| found.len() as u64 == PAGE);
    let found: Vec<Difference> = found.into_iter().map(|(_, difference)| difference).collect();
    match query.format.unwrap_or(Format::Json) {
        Format::Json => {
            let times = (night.began_at, night.finished_at, night.since);
            Ok(HttpResponse::Ok().json(ReconciliationView::new(times, &night.totals, &found, next_after)))
        }
        Format::Csv => {
            let body = report::csv(&found, true);
            Ok(HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(body))
        }
    }
}
