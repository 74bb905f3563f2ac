//! How errors look from outside: `application/problem+json` (RFC 9457).
//!
//! The only place that knows status codes of errors. `type` is stable and meant for
//! programs, `detail` for people. What is our fault says nothing about itself but a
//! request id, under which the log has the rest.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::failure::Class;
use crate::domain::network::DepartureId;
use crate::flows::accept_pickup::AcceptError;
use crate::flows::act_on_order::ActError;
use crate::flows::authenticate::AuthError;
use crate::flows::buyer_acts::BuyerError;
use crate::flows::cancel_shipment::CancelError;
use crate::flows::change_clearance::ClearanceError;
use crate::flows::change_network::ChangeError;
use crate::flows::manage_webhooks::WebhookError;
use crate::flows::record_scans::ScanError;
use crate::flows::take_notices::NoticeError;
use crate::flows::take_pushes::PushError;
use crate::intake::FieldError;
use crate::store::StoreError;

#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable: `urn:sampan:problem:` and a code.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schema(value_type = String, example = "urn:sampan:problem:invalid-fields")]
    pub code: &'static str,
    pub title: &'static str,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Every field that is wrong, by its JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<FieldError>,
    /// The shipment that is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipment: Option<String>,
    /// How often a proof can still be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u8>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

fn urn<S: serde::Serializer>(code: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:sampan:problem:{code}"))
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self {
            code,
            title,
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
            shipment: None,
            tries_left: None,
            retry_after_seconds: None,
        }
    }

    fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here")
    }

    pub fn too_large(bytes_max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            .detail(format!("at most {bytes_max} bytes are read"))
    }

    pub fn body_cut_off() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "body-cut-off", "The body did not arrive whole")
    }

    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body took too long to arrive")
    }

    pub fn not_json(reason: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "not-json", "The body is not JSON").detail(reason)
    }

    pub fn fields(errors: Vec<FieldError>) -> Self {
        let title = "Some fields are wrong";
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields", title);
        problem.detail = Some(format!("{} to correct, each by its JSON pointer in errors", errors.len()));
        problem.errors = errors;
        problem
    }

    /// A parameter of the query or of the path.
    pub fn parameter(name: &str, reason: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", "A parameter is wrong")
            .detail(format!("{name}: {reason}"))
    }

    pub fn header(name: &str, reason: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-header", "A header is wrong")
            .detail(format!("{name}: {reason}"))
    }

    pub fn other_hub() -> Self {
        Self::new(StatusCode::FORBIDDEN, "other-hub", "The key belongs to another hub")
    }

    /// What was packed for it has no papers any more.
    pub fn does_not_leave(departure: &DepartureId) -> Self {
        Self::new(StatusCode::CONFLICT, "departure-does-not-leave", "The departure does not leave")
            .detail(format!("{departure} does not leave: what was packed for it goes otherwise"))
    }

    /// A page or a paper that could not be made.
    pub fn page(error: impl fmt::Display) -> Self {
        Self::internal(&error)
    }

    /// For a page of its own where nothing is.
    pub fn not_found_page() -> HttpResponseBuilder {
        HttpResponse::build(StatusCode::NOT_FOUND)
    }

    /// For a report of its own on what is not ready, or could not be done now.
    pub fn not_ready() -> HttpResponseBuilder {
        HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// `error` is logged here, once, and not shown.
    fn internal(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "a request failed by our own fault");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }

    fn unavailable(error: &dyn fmt::Display) -> Self {
        tracing::warn!(%error, "a request could not be served now");
        let mut problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not now; the same request can succeed later",
        );
        problem.retry_after_seconds = Some(1);
        problem
    }

    /// What did not turn out to be about something the caller knows.
    fn by_class(class: Class, error: &dyn fmt::Display) -> Self {
        match class {
            Class::Retry => Self::unavailable(error),
            // Nobody knows whether it was written; asking again under the same key finds out.
            Class::OutcomeUnknown => Self::unavailable(error),
            // Somebody was quicker, and what they did was not to be found: the next attempt finds it.
            Class::Conflict => Self::unavailable(error),
            Class::Caller | Class::NotFound | Class::Bug => Self::internal(error),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.body(serde_json::to_string(self).unwrap_or_default())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::by_class(error.class(), &error)
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let refused = |code| Self::new(StatusCode::UNAUTHORIZED, code, "Who is calling?").detail(&error);
        match &error {
            AuthError::Missing => refused("unauthenticated"),
            AuthError::UnknownKey => refused("unknown-key"),
            AuthError::BadSignature(_) => refused("bad-signature"),
            AuthError::Suspended => {
                Self::new(StatusCode::FORBIDDEN, "suspended", "This merchant is suspended").detail(&error)
            }
            AuthError::Store(_) | AuthError::StoredSecret(_) | AuthError::Random(_) => {
                Self::by_class(error.class(), &error)
            }
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        let conflict = |code, title| Self::new(StatusCode::CONFLICT, code, title).detail(&error);
        match &error {
            AcceptError::NotJson(reason) => Self::not_json(reason),
            AcceptError::Fields(errors) => Self::fields(errors.clone()),
            AcceptError::NoRoute(reason) if reason.class() == Class::Retry => {
                let mut problem = Self::unavailable(reason);
                problem.detail = Some(reason.to_string());
                problem
            }
            AcceptError::NoRoute(reason) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no-route", "There is no way to take it")
                    .detail(reason)
            }
            AcceptError::ReferenceTaken { shipment, .. } => {
                let mut problem = conflict("reference-taken", "This reference is a shipment already");
                problem.shipment = Some(shipment.to_string());
                problem
            }
            AcceptError::PaymentTaken { shipment, .. } => {
                let mut problem = conflict("payment-taken", "This payment is held for a shipment already");
                problem.shipment = Some(shipment.to_string());
                problem
            }
            AcceptError::KeyReused => {
                let title = "The idempotency key was used for another body";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title)
            }
            AcceptError::KeyInFlight => {
                let mut problem = conflict("idempotency-key-in-flight", "The same request is still at work");
                problem.retry_after_seconds = Some(1);
                problem
            }
            AcceptError::Contended(_)
            | AcceptError::NewEdition
            | AcceptError::Network(_)
            | AcceptError::Store(_)
            | AcceptError::Random(_)
            | AcceptError::Answer(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match &error {
            ActError::NotFound => Self::not_found(),
            ActError::NotNow(_) => {
                Self::new(StatusCode::CONFLICT, "not-as-things-stand", "This cannot be done now")
                    .detail(&error)
            }
            ActError::OtherCurrency { .. } => {
                Self::fields(vec![FieldError { pointer: "/currency".to_owned(), detail: error.to_string() }])
            }
            ActError::NotInSteps { .. } => {
                Self::fields(vec![FieldError { pointer: "/amount".to_owned(), detail: error.to_string() }])
            }
            ActError::NoSuchShare(_) => {
                Self::fields(vec![FieldError { pointer: "/parcel".to_owned(), detail: error.to_string() }])
            }
            ActError::Store(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<BuyerError> for Problem {
    fn from(error: BuyerError) -> Self {
        let said = |status, code, title| Self::new(status, code, title).detail(&error);
        let too_many = || said(StatusCode::TOO_MANY_REQUESTS, "too-many-tries", "There were too many tries");
        match error {
            BuyerError::NotFound => Self::not_found(),
            BuyerError::NoCodes => {
                said(StatusCode::CONFLICT, "proof-by-phone", "The merchant asks for the telephone number")
            }
            BuyerError::WrongProof { tries_left } => {
                let mut problem = said(StatusCode::FORBIDDEN, "wrong-proof", "It is not proved");
                problem.tries_left = u8::try_from(tries_left).ok();
                problem
            }
            BuyerError::NoCode => said(StatusCode::FORBIDDEN, "no-code-in-force", "A new code is needed"),
            BuyerError::CodeSpent => too_many(),
            BuyerError::TooManyCodes(wait) | BuyerError::TooManyTries(wait) => {
                let mut problem = too_many();
                problem.retry_after_seconds = Some(wait.seconds);
                problem
            }
            BuyerError::Act(error) => error.into(),
            BuyerError::Store(_) | BuyerError::Random(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match &error {
            CancelError::NotFound => Self::not_found(),
            CancelError::TooLate(_) => {
                Self::new(StatusCode::CONFLICT, "too-late-to-cancel", "It cannot be cancelled any more")
                    .detail(&error)
            }
            CancelError::Store(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Fields(errors) => Self::fields(errors.clone()),
            ChangeError::NotFound => Self::not_found(),
            ChangeError::HasLeft { .. } => {
                Self::new(StatusCode::CONFLICT, "departure-has-left", "The departure has left").detail(&error)
            }
            ChangeError::Store(_) | ChangeError::Network(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<ClearanceError> for Problem {
    fn from(error: ClearanceError) -> Self {
        match &error {
            ClearanceError::Fields(errors) => Self::fields(errors.clone()),
            ClearanceError::NotFound => Self::not_found(),
            ClearanceError::TooLate(_) => {
                let title = "Its clearance cannot be changed any more";
                Self::new(StatusCode::CONFLICT, "too-late-to-change-clearance", title).detail(&error)
            }
            ClearanceError::Packed { .. } => {
                let title = "It is packed, and its papers say its clearance";
                Self::new(StatusCode::CONFLICT, "clearance-on-papers", title).detail(&error)
            }
            ClearanceError::Store(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let conflict = |code, title| Self::new(StatusCode::CONFLICT, code, title).detail(&error);
        match &error {
            WebhookError::Fields(errors) => Self::fields(errors.clone()),
            WebhookError::NotFound => Self::not_found(),
            WebhookError::TooMany => conflict("too-many-webhooks", "There are too many endpoints"),
            WebhookError::Disabled(_) => conflict("webhook-disabled", "The endpoint is disabled"),
            WebhookError::OtherEvents(_) => {
                conflict("webhook-with-other-events", "The address is registered with other events")
            }
            WebhookError::SameAddress(_) => {
                conflict("webhook-address-taken", "Another open endpoint has the same address")
            }
            WebhookError::Store(_) | WebhookError::Random(_) => Self::by_class(error.class(), &error),
        }
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        match &error {
            PushError::NotTaken => Self::not_found(),
            PushError::NotVerified(_) => {
                let title = "It is not the carrier's";
                Self::new(StatusCode::UNAUTHORIZED, "not-the-carriers", title).detail(&error)
            }
            PushError::Store(store) => Self::by_class(store.class(), &error),
        }
    }
}

impl From<NoticeError> for Problem {
    fn from(error: NoticeError) -> Self {
        match &error {
            NoticeError::NotTaken => Self::not_found(),
            NoticeError::NotBelieved(_) => {
                let title = "It is not the provider's";
                Self::new(StatusCode::UNAUTHORIZED, "not-the-providers", title).detail(&error)
            }
            NoticeError::NotNow(_) => Self::unavailable(&error),
            NoticeError::Store(store) => Self::by_class(store.class(), &error),
        }
    }
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Self {
        match &error {
            ScanError::Fields(errors) => Self::fields(errors.clone()),
            ScanError::UnknownParcel(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-parcel", "No such parcel").detail(&error)
            }
            ScanError::UnknownBag(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-bag", "No such bag or unit").detail(&error)
            }
            ScanError::UnknownHub(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-hub", "No such hub").detail(&error)
            }
            ScanError::Store(_) => Self::by_class(error.class(), &error),
        }
    }
}
