//! FedEx Track: thirty numbers a question, under a pass.
//!
//! Every number of an answer stands or fails by itself. Numbers are given out again after a while: of several
//! results under one number the latest shipment is meant, and where they are of the same day nobody knows
//! which, so all of them have to be delivered.
//! Times come with their offset. Texts are asked for in English.

mod config;
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
    code: "fedex",
    name: "FedEx",
    numbers_max: 30,
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
    let fedex = Arc::new(Fedex {
        base_url: opening.base_url,
        client_id: settings.client_id,
        client_secret: settings.client_secret,
    });
    Ok(Some(Abilities { track: fedex.clone(), authorise: Some(fedex), introduce: None, receive: None }))
}

struct Fedex {
    base_url: String,
    client_id: String,
    client_secret: SecretString,
}

impl Track for Fedex {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let info =
            |question: &Question| json!({"trackingNumberInfo": {"trackingNumber": question.number.as_str()}});
        let numbers: Vec<_> = questions.iter().map(info).collect();
        let body = json!({"includeDetailedScans": true, "trackingInfo": numbers});
        Request::post(format!("{}/track/v1/trackingnumbers", self.base_url), body.to_string().into_bytes())
            .header("Authorization", bearer(occasion))
            .header("Content-Type", "application/json")
            .header("X-locale", "en_US")
            .header("x-customer-transaction-id", occasion.id.to_string())
    }
}

impl Authorise for Fedex {
    fn request(&self, _occasion: &Occasion) -> Request {
        let (id, secret) = (&self.client_id, self.client_secret.expose_secret());
        let (id, secret) = (percent_encoded(id), percent_encoded(secret));
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        Request::post(format!("{}/oauth/token", self.base_url), body.into_bytes())
            .header("Content-Type", "application/x-www-form-urlencoded")
    }

    fn read(&self, answer: &Answer) -> Result<Token, Failure> {
        token(answer, |body| {
            wire::problems(body, "errors").first().map(|error| translate::failure(error, answer))
        })
    }
}
