//! `/track/{token}/order`: what buyers do, for those who have a browser.
//!
//! The same acts by the same flows as `/v1/tracking/{token}/…`; a form's fields are read as a body's are.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, post};
use serde_json::{Map, Value, json};

use super::extract::Body;
use super::problem::Problem;
use super::tracking::{PageQuery, language, not_found, plausible};
use crate::domain::id::ShipmentId;
use crate::escrow::rules::acts::NotNow;
use crate::flows::Deps;
use crate::flows::act_on_order::ActError;
use crate::flows::buyer_acts::{self, Addressed, BuyerError, BuyerWish, Done};
use crate::flows::views::{DisputeView, DisputesView};
use crate::intake::{FieldError, Proven, read_extension, read_objection, read_proof, read_proven_statement};
use crate::web::{self, BuyerView, Draft, Field, Language, Told};

async fn find(deps: &Deps, token: &str) -> Result<Option<Addressed>, Problem> {
    if !plausible(token) {
        return Ok(None);
    }
    match buyer_acts::find_for_page(deps, token).await {
        Ok(found) => Ok(Some(found)),
        Err(BuyerError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[get("/track/{token}/order")]
pub async fn show(
    request: HttpRequest,
    deps: Data<Deps>,
    token: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let language = language(&request, &query);
    let Some(Addressed { proof, is_delivered, .. }) = find(&deps, &token).await? else {
        return not_found(language);
    };
    let (told, draft) = (None, Draft::default());
    let view = BuyerView { token: &token, proof, is_delivered, told, draft, disputes: &[] };
    page(StatusCode::OK, view, language)
}

#[post("/track/{token}/order")]
pub async fn take(
    request: HttpRequest,
    deps: Data<Deps>,
    token: Path<String>,
    query: Query<PageQuery>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let language = language(&request, &query);
    let Some(Addressed { shipment, proof, is_delivered }) = find(&deps, &token).await? else {
        return not_found(language);
    };
    let mut fields = read_form(&body.read().await?)?;
    let act = fields.remove("act").unwrap_or_default();
    let (status, told, draft, disputes) = match done(&deps, shipment, &act, &fields).await {
        Ok((told, disputes)) => (StatusCode::OK, told, Draft::default(), disputes),
        Err(refused) => {
            let (status, told) = told_of(refused)?;
            (status, told, Draft::new(act, fields), Vec::new())
        }
    };
    let told = Some(told);
    let view = BuyerView { token: &token, proof, is_delivered, told, draft, disputes: &disputes };
    page(status, view, language)
}

fn page(status: StatusCode, view: BuyerView, language: Language) -> Result<HttpResponse, Problem> {
    let html = web::buyer_page(view, language).map_err(Problem::page)?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY_OF_FORMS))
        .body(html))
}

/// What was sent and not done.
enum Refused {
    Fields(Vec<FieldError>),
    Buyer(BuyerError),
    Other(Problem),
}

impl From<BuyerError> for Refused {
    fn from(error: BuyerError) -> Self {
        Self::Buyer(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<Vec<FieldError>> for Refused {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Fields(errors)
    }
}

/// What a person is told in words of the page; whatever else went wrong stays a problem.
fn told_of(refused: Refused) -> Result<(StatusCode, Told), Problem> {
    let (told, problem) = match refused {
        Refused::Fields(errors) => {
            let wrong = errors.iter().filter_map(|error| Field::at(&error.pointer)).collect();
            (Some(Told::Incomplete(wrong)), Problem::fields(errors))
        }
        Refused::Buyer(error) => (told_by(&error), error.into()),
        Refused::Other(problem) => (None, problem),
    };
    match told {
        Some(told) => Ok((problem.status_code(), told)),
        None => Err(problem),
    }
}

fn told_by(error: &BuyerError) -> Option<Told> {
    Some(match error {
        BuyerError::WrongProof { tries_left } => {
            Told::WrongProof { tries_left: u8::try_from(*tries_left).unwrap_or(u8::MAX) }
        }
        BuyerError::NoCode => Told::NoCode,
        BuyerError::CodeSpent => Told::CodeSpent,
        BuyerError::TooManyCodes(wait) => Told::TooManyCodes { again_at: wait.until },
        BuyerError::TooManyTries(wait) => Told::TooManyTries { again_at: wait.until },
        BuyerError::NoCodes => Told::ByPhone,
        BuyerError::Act(ActError::NotNow(NotNow::Known(obstacle))) => Told::NotNow(Some(*obstacle)),
        BuyerError::Act(ActError::NotNow(NotNow::Other(_))) => Told::NotNow(None),
        BuyerError::Act(
            ActError::NotFound
            | ActError::OtherCurrency { .. }
            | ActError::NotInSteps { .. }
            | ActError::NoSuchShare(_)
            | ActError::Store(_),
        )
        | BuyerError::NotFound
        | BuyerError::Store(_)
        | BuyerError::Random(_) => return None,
    })
}

/// What came of it, and the disputes that a buyer who has proved himself may see.
async fn done(
    deps: &Deps,
    shipment: ShipmentId,
    act: &str,
    fields: &BTreeMap<String, String>,
) -> Result<(Told, Vec<DisputeView>), Refused> {
    let (told, said) = match act {
        "code" => {
            buyer_acts::send_code(deps, shipment).await?;
            return Ok((Told::CodeSent, Vec::new()));
        }
        "confirm" => (Told::Confirmed, wished(fields, read_proof, |()| BuyerWish::Confirm)?),
        "extend" => (Told::Extended, wished(fields, read_extension, |days| BuyerWish::Extend { days })?),
        "dispute" => (Told::Objected, wished(fields, read_objection, BuyerWish::Dispute)?),
        "withdraw" => (Told::Withdrawn, wished(fields, read_proof, |()| BuyerWish::Withdraw)?),
        "say" => (Told::Added, wished(fields, read_proven_statement, BuyerWish::Say)?),
        "look" => (Told::Shown, wished(fields, read_proof, |()| BuyerWish::Look)?),
        _ => {
            return Err(Problem::parameter(
                "act",
                "is none of code, confirm, extend, dispute, look, say, withdraw",
            )
            .into());
        }
    };
    Ok(match buyer_acts::act(deps, shipment, said).await? {
        Done::Order(_) => (told, Vec::new()),
        Done::Dispute(dispute) => (told, vec![dispute]),
        Done::Disputes(DisputesView { disputes }) if disputes.is_empty() => (Told::NothingReported, disputes),
        Done::Disputes(DisputesView { disputes }) => (told, disputes),
    })
}

fn read_form(form: &[u8]) -> Result<BTreeMap<String, String>, Problem> {
    let text = std::str::from_utf8(form).map_err(|error| Problem::parameter("form", error))?;
    let fields = Query::<BTreeMap<String, String>>::from_query(text);
    fields.map(Query::into_inner).map_err(|error| Problem::parameter("form", error))
}

fn wished<T>(
    fields: &BTreeMap<String, String>,
    read: impl FnOnce(&Value) -> Result<Proven<T>, Vec<FieldError>>,
    wish: impl FnOnce(T) -> BuyerWish,
) -> Result<Proven<BuyerWish>, Vec<FieldError>> {
    let Proven { proof, said } = read(&as_json(fields))?;
    Ok(Proven { proof, said: wish(said) })
}

/// A form knows texts alone, and sends what was left empty.
fn as_json(fields: &BTreeMap<String, String>) -> Value {
    let said = fields.iter().filter(|(_, text)| !text.trim().is_empty());
    let value = |name: &str, text: &str| match name {
        "attachments" => {
            json!(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>())
        }
        "days" => text.trim().parse::<u32>().map_or_else(|_| json!(text), |days| json!(days)),
        _ => json!(text.trim()),
    };
    said.map(|(name, text)| (name.clone(), value(name, text))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_a_body_says() {
        let form = "act=dispute&proof=+123456&message=%E7%A0%B4&attachments=https%3A%2F%2Fa%0D%0A%0D%0Ahttps%3A%2F%2Fb&days=3&reason=";
        let fields = read_form(form.as_bytes()).unwrap_or_default();
        let expected = json!({
            "act": "dispute", "proof": "123456", "message": "破", "attachments": ["https://a", "https://b"], "days": 3,
        });
        assert_eq!(as_json(&fields), expected);
        assert!(read_form(b"a=%FF\xff").is_err());
    }

    #[test]
    fn a_line_break_is_no_reason_to_refuse_a_form() {
        let form = "proof=123456&reason=damaged&message=%0D%0Aone%0D%0A%0D%0A%09two%0D%0A";
        let fields = read_form(form.as_bytes()).unwrap_or_default();
        let read = read_objection(&as_json(&fields)).expect("an objection");
        assert_eq!(read.said.said.message, "one\n\n\ttwo");
    }
}
