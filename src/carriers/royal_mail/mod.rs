//! Royal Mail Tracking API v2.
//!
//! One `GET` a number, identifier and secret in headers, and the terms accepted in another. An answer is
//! one mail piece with its events; the summary call's form, a list of pieces each with its last event or
//! with its own error, is read too. Times come with an offset. A number is not found until its first
//! scan. Deliberately absent: the signature, which is a person's name.

mod config;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::{Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "royal_mail",
    name: "Royal Mail",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let config::Settings { client_id, client_secret } = opening.settings()?;
    if client_id.expose_secret().is_empty() || client_secret.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(Some(Abilities::tracking(RoyalMail { base_url: opening.base_url, client_id, client_secret })))
}

struct RoyalMail {
    base_url: String,
    client_id: SecretString,
    client_secret: SecretString,
}

impl Track for RoyalMail {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        Request::get(format!("{}/mailpieces/v2/{}/events", self.base_url, percent_encoded(number)))
            .header("X-IBM-Client-Id", self.client_id.expose_secret())
            .header("X-IBM-Client-Secret", self.client_secret.expose_secret())
            .header("X-Accept-RMG-Terms", "yes")
            .header("Accept", "application/json")
    }
}
