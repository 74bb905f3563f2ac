//! For those who run the daemon: is it alive, is it ready, how is it doing.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::flows::reconcile::nightly;
use crate::flows::{Deps, show_consolidations};
use crate::store::{outbox, replans, schema, waiting_orders};
use crate::telemetry;

/// The process runs and answers.
#[utoipa::path(tag = "operators", responses((status = 200, description = "Alive")))]
#[get("/healthz")]
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

#[derive(Serialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    /// ok, or what is wrong
    pub database: &'static str,
    pub migrations: &'static str,
    pub scheduler: &'static str,
    /// empty: no network was imported yet, pickups are refused until then
    pub network: &'static str,
    /// ok, or for whom the numbers on bags mean something
    pub bag_numbers: &'static str,
}

/// Whether requests should be sent here.
#[utoipa::path(
    tag = "operators",
    responses(
        (status = 200, description = "Ready", body = Readiness),
        (status = 503, description = "Not ready; it says why", body = Readiness),
    )
)]
#[get("/readyz")]
pub async fn ready(deps: Data<Deps>) -> HttpResponse {
    let word = |good, otherwise| if good { "ok" } else { otherwise };
    let database = deps.store.ping().await.is_ok();
    let migrations = database && schema::is_current(&deps.store).await.unwrap_or(false);
    let scheduler = deps.pulse.beats(deps.clock.wall());
    let readiness = Readiness {
        ready: database && migrations && scheduler,
        database: word(database, "does not answer"),
        migrations: word(migrations, "not those of this version; see sampan migrate"),
        scheduler: word(scheduler, "does not tick"),
        network: word(!deps.network.current().is_empty(), "empty; see sampan network import"),
        bag_numbers: word(
            !deps.consolidation.is_within_a_company,
            "within the company only; see consolidation.sscc_company_prefix",
        ),
    };
    if readiness.ready { HttpResponse::Ok().json(readiness) } else { Problem::not_ready().json(readiness) }
}

/// Prometheus' text format.
#[utoipa::path(tag = "operators", responses((status = 200, description = "Metrics")))]
#[get("/metrics")]
pub async fn metrics(deps: Data<Deps>, handle: Data<PrometheusHandle>) -> Result<HttpResponse, Problem> {
    for (state, messages) in outbox::open_counts(deps.store.reader()).await? {
        telemetry::outbox(state, messages);
    }
    for (state, orders) in waiting_orders::counts(deps.store.reader()).await? {
        telemetry::waiting_orders(state, orders);
    }
    telemetry::unroutable(replans::unroutable(deps.store.reader()).await?);
    let (missing, surplus) = show_consolidations::astray(&deps).await?;
    telemetry::astray(missing, surplus);
    nightly::measure(&deps).await?;
    handle.run_upkeep();
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render()))
}
