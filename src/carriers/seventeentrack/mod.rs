//! 17TRACK Tracking API v2.2: an aggregator of some thousands of carriers.
//!
//! It looks up numbers by itself and remembers what it saw: a number has to be registered, which counts
//! against the account's quota once, and is answered from then on. Asking for it at once says nothing yet.
//! What it sees it also pushes, signed with the same key; a push that fails three times is lost, so polls go on.
//! What several carriers say of one number comes together, each happening once.
//!
//! Deliberately absent: translated texts, which cost another unit of quota a number; moving a number from one carrier
//! to another. The codes of its errors are those of its help pages and of public integrations.

mod config;
mod event;
mod failure;
mod push;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    Abilities, Adapter, Failure, Introduce, NotAnAnswer, Occasion, Opening, Question, Reading, Track,
};
use crate::config::ConfigError;
use crate::outbound::{Answer, Request};

pub const ADAPTER: Adapter = Adapter {
    code: "seventeentrack",
    name: "17TRACK",
    numbers_max: 40,
    wants_phone: true,
    aggregates: true,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.api_key.expose_secret().is_empty() {
        return Ok(None);
    }
    let signs = opening.push_secret.unwrap_or_else(|| settings.api_key.clone());
    let account = SeventeenTrack {
        address: format!("{}/track/{}", opening.base_url, settings.version),
        api_key: settings.api_key,
        carrier: Some(settings.carrier).filter(|carrier| *carrier > 0),
        send_phone: settings.send_phone,
    };
    Ok(Some(Abilities {
        introduce: Some(std::sync::Arc::new(account.clone())),
        receive: Some(std::sync::Arc::new(push::Pushes::signed_with(signs))),
        ..Abilities::tracking(account)
    }))
}

#[derive(Clone)]
struct SeventeenTrack {
    address: String,
    api_key: SecretString,
    /// 17TRACK's number of the carrier; where there is none, it guesses from the number's form.
    carrier: Option<u32>,
    /// Some carriers tell only those who know to whom it goes.
    send_phone: bool,
}

impl SeventeenTrack {
    fn post(&self, verb: &str, questions: &[Question]) -> Request {
        let entries: Vec<_> = questions.iter().map(|question| self.entry(verb, question)).collect();
        Request::post(format!("{}/{verb}", self.address), json!(entries).to_string().into_bytes())
            .header("17token", self.api_key.expose_secret())
            .header("Content-Type", "application/json")
    }

    fn entry(&self, verb: &str, question: &Question) -> serde_json::Value {
        let mut entry = json!({"number": question.number.as_str()});
        if let Some(carrier) = self.carrier {
            entry["carrier"] = json!(carrier);
        }
        let phone = question.phone_tail.as_ref().filter(|_| self.send_phone && verb == REGISTER);
        if let Some(phone) = phone {
            entry["param"] = json!(phone.as_str());
        }
        entry
    }
}

const REGISTER: &str = "register";

impl Track for SeventeenTrack {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        self.post("gettrackinfo", questions)
    }
}

impl Introduce for SeventeenTrack {
    fn is_asked_for(&self, failure: &Failure) -> bool {
        failure.code == failure::NOT_REGISTERED
    }

    fn wants_all(&self) -> bool {
        false
    }

    fn numbers_max(&self) -> usize {
        ADAPTER.numbers_max
    }

    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        self.post(REGISTER, questions)
    }

    fn read(&self, answer: &Answer) -> Result<Reading, NotAnAnswer> {
        translate::registered(answer)
    }
}
