//! UPS Tracking: one number a question, under a pass.
//!
//! A pass is asked for with Basic credentials and lasts four hours; asking for one with every question is what
//! UPS answers with `429`. One number can stand for several packages, each of which has its own. A number
//! that is not known is a warning in a good answer. What an event is, its type says; its code means
//! something else under every type. Texts are asked for in English, signatures are not asked for.

mod config;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::oauth::{basic, bearer, token};
use super::{Abilities, Adapter, Authorise, Failure, Occasion, Opening, Question, Token, Track};
use crate::config::ConfigError;
use crate::outbound::{Answer, Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "ups",
    name: "UPS",
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
    let ups = Arc::new(Ups {
        base_url: opening.base_url,
        client_id: settings.client_id,
        client_secret: settings.client_secret,
        merchant_id: settings.merchant_id,
    });
    Ok(Some(Abilities { track: ups.clone(), authorise: Some(ups), introduce: None, receive: None }))
}

struct Ups {
    base_url: String,
    client_id: String,
    client_secret: SecretString,
    merchant_id: String,
}

impl Track for Ups {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let (base, number) = (&self.base_url, percent_encoded(number));
        let url = format!("{base}/api/track/v1/details/{number}?locale=en_US&returnSignature=false");
        Request::get(url)
            .header("Authorization", bearer(occasion))
            .header("transId", occasion.id.simple().to_string())
            .header("transactionSrc", "sampan")
            .header("Accept", "application/json")
    }
}

impl Authorise for Ups {
    fn request(&self, _occasion: &Occasion) -> Request {
        let basic = basic(&self.client_id, self.client_secret.expose_secret());
        let url = format!("{}/security/v1/oauth/token", self.base_url);
        let request = Request::post(url, b"grant_type=client_credentials".to_vec())
            .header("Authorization", basic.expose_secret())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json");
        match self.merchant_id.as_str() {
            "" => request,
            merchant_id => request.header("x-merchant-id", merchant_id),
        }
    }

    fn read(&self, answer: &Answer) -> Result<Token, Failure> {
        token(answer, |body| wire::errors(body).first().map(|error| translate::failure(error, answer)))
    }
}
