//! `/v1/shipments/{id}/escrow/…`: what operators do about an order's money.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use super::extract::{Body, Credentials};
use super::problem::Problem;
use super::schema::{ApprovalBody, InstructionBody, ReasonBody, RefundBody, SettledBody, ThawBody};
use crate::domain::escrow::Act;
use crate::domain::id::ShipmentId;
use crate::flows::act_on_order::{Wish, act};
use crate::flows::own_payment::own;
use crate::flows::views::OrderView;
use crate::flows::{Deps, show_orders};
use crate::intake::{Instruction, Says, read_instruction, read_settled};

/// Reads the body, does what is wished on behalf of the operator who calls, and shows how the money stands then.
async fn done(
    deps: &Deps,
    caller: &Credentials,
    id: &str,
    body: Body,
    says: Says,
    wish: impl FnOnce(Instruction) -> Wish,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(deps).await?;
    let id: ShipmentId = id.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let instruction = read_instruction(&body, says).map_err(Problem::fields)?;
    let order = act(deps, id, None, wish(instruction), operator.actor()).await?;
    Ok(HttpResponse::Ok().json(show_orders::one(deps, &order).await?))
}

/// No money moves by itself until somebody thaws the order; the provider is told, where it can be.
#[utoipa::path(
    tag = "operators",
    request_body = ReasonBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The money has moved", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/freeze")]
pub async fn freeze(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let wish = |said: Instruction| Wish::Do(Act::Frozen { reason: said.reason });
    done(&deps, &caller, &id, body, Says::ReasonAlone, wish).await
}

/// Sets aside what is known to be wrong with the order, and lets its money go on as the goods do. Where more than
/// one thing is wrong, each has to be named: the refusal says how.
#[utoipa::path(
    tag = "operators",
    request_body = ThawBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is not frozen, a dispute is open, or something is wrong that was not named", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/thaw")]
pub async fn thaw(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let wish = |said: Instruction| Wish::Thaw { reason: said.reason, set_aside: said.set_aside };
    done(&deps, &caller, &id, body, Says::SetAside, wish).await
}

/// Says that a payment is this order's, though another order named it first: that one is contested instead.
#[utoipa::path(
    tag = "operators",
    request_body = ReasonBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is this order's, or its money may have moved", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/own-payment")]
pub async fn own_payment(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(&deps).await?;
    let id: ShipmentId = id.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let said = read_instruction(&body, Says::ReasonAlone).map_err(Problem::fields)?;
    let order = own(&deps, id, said.reason, operator.actor()).await?;
    Ok(HttpResponse::Ok().json(show_orders::one(&deps, &order).await?))
}

/// Says which way the money of an order went that waited for a person, and was settled at the provider's console.
/// No money is asked for any more.
#[utoipa::path(
    tag = "operators",
    request_body = SettledBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Some of it moves by itself, a dispute is open, or nobody knows what came of a command", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/settled")]
pub async fn settled(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let operator = caller.operator(&deps).await?;
    let id: ShipmentId = id.parse().map_err(|_| Problem::not_found())?;
    let body = serde_json::from_slice(&body.read().await?).map_err(Problem::not_json)?;
    let said = read_settled(&body).map_err(Problem::fields)?;
    let wish = Wish::Settled { outcome: said.outcome, reason: said.reason };
    let order = act(&deps, id, None, wish, operator.actor()).await?;
    Ok(HttpResponse::Ok().json(show_orders::one(&deps, &order).await?))
}

/// Orders that money goes back to the buyer: all that is left, or a part. Above the configured amount another
/// operator has to approve; nothing is released meanwhile.
#[utoipa::path(
    tag = "operators",
    request_body = RefundBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It cannot be refunded now; it says why", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/refund")]
pub async fn refund(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let wish =
        |said: Instruction| Wish::Refund { share: said.parcel, amount: said.amount, reason: said.reason };
    done(&deps, &caller, &id, body, Says::ParcelAndAmount, wish).await
}

/// Approves a refund that another operator ordered, of exactly this amount.
#[utoipa::path(
    tag = "operators",
    request_body = ApprovalBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to approve, or the same person ordered it", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/refund/approve")]
pub async fn approve_refund(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let wish = |said: Instruction| Wish::Approve { share: said.parcel, amount: said.amount };
    done(&deps, &caller, &id, body, Says::ParcelAndAmount, wish).await
}

/// Takes an order of a refund back, as long as the provider cannot have it.
#[utoipa::path(
    tag = "operators",
    request_body = InstructionBody,
    security(("operator_key" = [])),
    responses(
        (status = 200, body = OrderView),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is none, or it was sent", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields are wrong", body = Problem, content_type = "application/problem+json"),
    )
)]
#[post("/v1/shipments/{id}/escrow/refund/withdraw")]
pub async fn withdraw_refund(
    deps: Data<Deps>,
    caller: Credentials,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let wish = |said: Instruction| Wish::Do(Act::RefundWithdrawn { share: said.parcel, reason: said.reason });
    done(&deps, &caller, &id, body, Says::Parcel, wish).await
}
