//! Canada Post Developer Program, Get Tracking Details (XML, version 2).
//!
//! One `GET` a number, the two halves of the API key as Basic credentials. A body is read as XML whole or
//! not at all: cut off, ill-formed, with a document type or entities of its own, it is no answer. Times
//! bear the letters of a clock (`EST`), read by [`clocks`]. Deliberately absent: the signatory, who is a
//! person, and the notice card's number as another way to ask.

mod clocks;
mod config;
mod translate;
mod tree;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::oauth::basic;
use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::{Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "canada_post",
    name: "Canada Post",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    let (user, password) = (settings.user.expose_secret(), settings.password.expose_secret());
    if user.is_empty() || password.is_empty() {
        return Ok(None);
    }
    let basic = basic(user, password);
    Ok(Some(Abilities::tracking(CanadaPost { base_url: opening.base_url, basic })))
}

struct CanadaPost {
    base_url: String,
    /// The whole header.
    basic: SecretString,
}

impl Track for CanadaPost {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        Request::get(format!("{}/vis/track/pin/{}/detail", self.base_url, percent_encoded(number)))
            .header("Authorization", self.basic.expose_secret())
            .header("Accept", "application/vnd.cpc.track-v2+xml")
            .header("Accept-Language", "en-CA")
    }
}
