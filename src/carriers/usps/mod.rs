//! USPS Tracking v3: one number a question, under a pass.
//!
//! The code of an event is the axis; its words tell to whom a delivery went, and whether it went back to
//! where it came from. Times are the place's own; most events say beside them what the time was in
//! Greenwich. An application whose pass lacks the scope `tracking` is refused with a `401`.

mod config;
mod countries;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::oauth::{bearer, token};
use super::{Abilities, Adapter, Authorise, Failure, Occasion, Opening, Question, Token, Track};
use crate::config::ConfigError;
use crate::outbound::{Answer, Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "usps",
    name: "USPS",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.client_id.is_empty() || settings.client_secret.expose_secret().is_empty() {
        return Ok(None);
    }
    let usps = Arc::new(Usps {
        base_url: opening.base_url,
        client_id: settings.client_id,
        client_secret: settings.client_secret,
    });
    Ok(Some(Abilities { track: usps.clone(), authorise: Some(usps), introduce: None, receive: None }))
}

struct Usps {
    base_url: String,
    client_id: String,
    client_secret: SecretString,
}

impl Track for Usps {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let (base, number) = (&self.base_url, percent_encoded(number));
        Request::get(format!("{base}/tracking/v3/tracking/{number}?expand=DETAIL"))
            .header("Authorization", bearer(occasion))
            .header("Accept", "application/json")
    }
}

impl Authorise for Usps {
    fn request(&self, _occasion: &Occasion) -> Request {
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose_secret(),
            "scope": "tracking",
        });
        Request::post(format!("{}/oauth2/v3/token", self.base_url), body.to_string().into_bytes())
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
    }

    fn read(&self, answer: &Answer) -> Result<Token, Failure> {
        token(answer, |body| wire::problem(body).map(|problem| translate::failure(&problem, answer)))
    }
}
