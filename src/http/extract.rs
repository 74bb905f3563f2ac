//! What handlers are given: bodies within their limits, and who is calling.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use super::problem::Problem;
use crate::domain::network::HubCode;
use crate::flows::authenticate::{self, AuthError, Operator};
use crate::flows::disputes::Side;
use crate::flows::{Deps, authenticate::merchant_by_key};
use crate::standard_webhooks::{self, Signed};
use crate::store::merchants::Merchant;

/// A body that nobody has read yet: strangers are turned away before it is.
pub struct Body {
    payload: Payload,
    bytes_max: usize,
}

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

impl FromRequest for Body {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes_max = deps(request).map(|deps| deps.settings.http.body_bytes_max).unwrap_or(0);
        ready(Ok(Self { payload: payload.take(), bytes_max }))
    }
}

impl Body {
    /// The whole of it, at most as large and as slow as is allowed.
    pub async fn read(mut self) -> Result<Bytes, Problem> {
        let read = async {
            let mut body = BytesMut::new();
            while let Some(chunk) = self.payload.next().await {
                let chunk = chunk.map_err(|_| Problem::body_cut_off())?;
                if body.len() + chunk.len() > self.bytes_max {
                    return Err(Problem::too_large(self.bytes_max));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body.freeze())
        };
        tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(Problem::too_slow()))
    }
}

fn deps(request: &HttpRequest) -> Option<&Data<Deps>> {
    request.app_data::<Data<Deps>>()
}

/// The headers by which callers say who they are and what they ask for.
pub struct Credentials {
    pub bearer: Option<String>,
    pub merchant: Option<String>,
    pub webhook_id: Option<String>,
    pub webhook_timestamp: Option<String>,
    pub webhook_signature: Option<String>,
    pub idempotency_key: Option<String>,
}

/// Names the merchant whose secret a signature was made with.
pub const MERCHANT: &str = "sampan-merchant";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl FromRequest for Credentials {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.headers()))
    }
}

impl Credentials {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: &'static str| match headers.get(HeaderName::from_static(name)) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Ok(text) => Ok(Some(text.trim().to_owned())),
                Err(_) => Err(Problem::header(name, "is not plain text")),
            },
        };
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = authorization.and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
        });
        Ok(Self {
            bearer,
            merchant: text(MERCHANT)?,
            webhook_id: text(standard_webhooks::ID)?,
            webhook_timestamp: text(standard_webhooks::TIMESTAMP)?,
            webhook_signature: text(standard_webhooks::SIGNATURE)?,
            idempotency_key: text(IDEMPOTENCY_KEY)?,
        })
    }

    /// The merchant who calls with an API key.
    pub async fn merchant(&self, deps: &Deps) -> Result<Merchant, Problem> {
        let key = self.bearer.as_deref().ok_or(AuthError::Missing)?;
        Ok(merchant_by_key(deps, key).await?)
    }

    /// The merchant who calls with an API key, or who signed the body, and the body.
    pub async fn merchant_or_signer(&self, deps: &Deps, body: Body) -> Result<(Merchant, Bytes), Problem> {
        if self.bearer.is_some() || self.webhook_signature.is_none() {
            let merchant = self.merchant(deps).await?;
            return Ok((merchant, body.read().await?));
        }
        let named = self.merchant.as_deref();
        let named = named.ok_or_else(|| Problem::header(MERCHANT, "has to name the merchant who signed"))?;
        let id = named.parse().map_err(|error| Problem::header(MERCHANT, error))?;
        let signed = Signed {
            id: self.webhook_id.as_deref(),
            timestamp: self.webhook_timestamp.as_deref(),
            signature: self.webhook_signature.as_deref(),
        };
        let signer = authenticate::signer(deps, id, &signed).await?;
        let body = body.read().await?;
        Ok((authenticate::merchant_by_signature(deps, signer, &signed, &body)?, body))
    }

    /// The hub who calls, if it is `hub`.
    pub async fn hub(&self, deps: &Deps, hub: &HubCode) -> Result<(), Problem> {
        let key = self.bearer.as_deref().ok_or(AuthError::Missing)?;
        let known = authenticate::hub_by_key(deps, key).await?;
        if known == *hub { Ok(()) } else { Err(Problem::other_hub()) }
    }

    /// The operator who calls.
    pub async fn operator(&self, deps: &Deps) -> Result<Operator, Problem> {
        let key = self.bearer.as_deref().ok_or(AuthError::Missing)?;
        Ok(authenticate::operator_by_key(deps, key).await?)
    }

    /// The merchant or the operator who calls.
    pub async fn side(&self, deps: &Deps) -> Result<Side, Problem> {
        let key = self.bearer.as_deref().ok_or(AuthError::Missing)?;
        match authenticate::operator_by_key(deps, key).await {
            Ok(operator) => Ok(Side::Operator(operator)),
            Err(AuthError::UnknownKey) => self.merchant(deps).await.map(|found| Side::Merchant(found.id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whoever calls for a hub, by the hub's key, or an operator, by theirs.
    pub async fn station(&self, deps: &Deps) -> Result<Station, Problem> {
        let key = self.bearer.as_deref().ok_or(AuthError::Missing)?;
        match authenticate::hub_by_key(deps, key).await {
            Ok(hub) => Ok(Station::Hub(hub)),
            Err(AuthError::UnknownKey) => self.operator(deps).await.map(|_| Station::Everywhere),
            Err(error) => Err(error.into()),
        }
    }

    /// Under which key an answer is kept: `Idempotency-Key`, or the id of a signed message.
    pub fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        let signed_id = self.webhook_id.as_ref().filter(|_| self.webhook_signature.is_some());
        match self.idempotency_key.as_ref().or(signed_id) {
            None => Ok(None),
            Some(key) if (1..=255).contains(&key.len()) => Ok(Some(key.clone())),
            Some(_) => Err(Problem::header(IDEMPOTENCY_KEY, "has to be 1 to 255 characters long")),
        }
    }
}

/// On whose behalf somebody looks at what travels between hubs.
pub enum Station {
    /// They see what leaves the hub and what ends there.
    Hub(HubCode),
    Everywhere,
}

impl Station {
    /// Whether what runs between these two concerns them.
    pub fn sees(&self, ends: [&HubCode; 2]) -> Result<(), Problem> {
        match self {
            Station::Everywhere => Ok(()),
            Station::Hub(hub) if ends.contains(&hub) => Ok(()),
            Station::Hub(_) => Err(Problem::other_hub()),
        }
    }
}
