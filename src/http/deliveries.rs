//! `/v1/webhooks/{id}/deliveries`: what an endpoint was told, and told again.

use std::str::FromStr;

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::ReplayBody;
use super::webhooks::id;
use crate::flows::views::{DeliveryPage, DeliveryView, ReplayView};
use crate::flows::{Deps, replay_webhooks};
use crate::store::webhook_log::Filter;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// Only those that are pending, acknowledged or dead.
    state: Option<String>,
    /// Only those of this kind, as shipment.status_changed. `type`, as the messages have it, does too.
    #[serde(alias = "type")]
    kind: Option<String>,
    /// `next_before` of the page before: what is older than this message.
    before: Option<String>,
    /// 1 to 200; 100 where it is left out.
    limit: Option<String>,
}

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 200;

/// `?state=&kind=` is how forms say that nothing was chosen.
fn parameter<T: FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<String>,
) -> Result<Option<T>, Problem> {
    let chosen = text.filter(|text| !text.is_empty());
    chosen.map(|text| text.parse().map_err(|error| Problem::parameter(name, error))).transpose()
}

impl LogQuery {
    fn read(self) -> Result<(Filter, usize), Problem> {
        let filter = Filter {
            state: parameter("state", self.state)?,
            kind: parameter("kind", self.kind)?,
            before: parameter("before", self.before)?,
        };
        let range = || Problem::parameter("limit", format!("has to be a whole number from 1 to {LIMIT_MAX}"));
        let limit = match self.limit.filter(|text| !text.is_empty()) {
            None => LIMIT,
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(range)?
            }
        };
        Ok((filter, limit))
    }
}

/// The messages of an endpoint, newest first, and what became of each.
#[utoipa::path(
    tag = "merchants",
    params(LogQuery),
    security(("merchant_key" = [])),
    responses(
        (status = 200, body = DeliveryPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/webhooks/{id}/deliveries")]
pub async fn list(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    query: Query<LogQuery>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    let (filter, limit) = query.into_inner().read()?;
    let page = replay_webhooks::deliveries(&deps, merchant.id, id, &filter, limit).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Sends again what was settled of what was made in a time: what is dead, or all of it, the oldest first and at most
/// 10,000 messages a call, each under the `webhook-id` that it always had.
#[utoipa::path(
    tag = "merchants",
    request_body = ReplayBody,
    security(("merchant_key" = [])),
    responses(
        (status = 202, description = "On their way; see the deliveries", body = ReplayView),
        (status = 400, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/webhooks/{id}/replay")]
pub async fn replay(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let id = id(&path)?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    Ok(HttpResponse::Accepted().json(replay_webhooks::replay(&deps, merchant.id, id, &body).await?))
}

/// Sends one message again, whatever became of it, and one that waits for its next try at once.
#[utoipa::path(
    tag = "merchants",
    security(("merchant_key" = [])),
    responses(
        (status = 202, description = "On its way", body = DeliveryView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/webhooks/{id}/deliveries/{message}/replay")]
pub async fn replay_one(
    deps: Data<Deps>,
    caller: Credentials,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let merchant = caller.merchant(&deps).await?;
    let (endpoint, message) = path.into_inner();
    let message = message.parse().map_err(|_| Problem::not_found())?;
    let view = replay_webhooks::replay_one(&deps, merchant.id, id(&endpoint)?, message).await?;
    Ok(HttpResponse::Accepted().json(view))
}
