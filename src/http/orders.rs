//! `/v1/escrow/orders`: orders whose money waits for a person.

use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Credentials;
use super::problem::Problem;
use crate::flows::views::OrderPage;
use crate::flows::{Deps, show_orders};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OrdersQuery {
    /// frozen or failed; both where it is left out.
    state: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 where it is left out.
    limit: Option<String>,
}

const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// Orders whose money waits for a person, those that wait longest first, with why they do and what is to go back of it.
#[utoipa::path(
    tag = "operators",
    params(OrdersQuery),
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderPage),
        (status = 400, description = "A parameter is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
    )
)]
#[get("/v1/escrow/orders")]
pub async fn waiting(
    deps: Data<Deps>,
    caller: Credentials,
    query: Query<OrdersQuery>,
) -> Result<HttpResponse, Problem> {
    caller.operator(&deps).await?;
    let OrdersQuery { state, cursor, limit } = query.into_inner();
    let [state, cursor, limit] = [state, cursor, limit].map(|value| value.filter(|value| !value.is_empty()));
    let state = state.map(|text| show_orders::read_state(&text)).transpose();
    let state = state.map_err(|error| Problem::parameter("state", error))?;
    let cursor = cursor.map(|text| text.parse()).transpose();
    let cursor = cursor.map_err(|error| Problem::parameter("cursor", error))?;
    let limit = match limit {
        None => LIMIT,
        Some(text) => text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
            Problem::parameter("limit", format!("has to be a whole number from 1 to {LIMIT_MAX}"))
        })?,
    };
    Ok(HttpResponse::Ok().json(show_orders::waiting_page(&deps, state, cursor, limit).await?))
}
