//! AfterShip Tracking: an aggregator of a thousand carriers.
//!
//! It tells only of trackings that were created with it, many numbers a question, and says nothing of the others:
//! those are created, one a question that finds them missing. What it sees it also pushes, with an HMAC
//! over the body. Times come with an offset, without one, or as a bare date, whose beginning is taken.
//!
//! A tag and a subtag of different families contradict each other, and nobody knows. Deliberately absent: its
//! estimates of delivery, and trackings that were begun more than ninety days ago, which it forgets.

mod config;
mod failure;
mod push;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    Abilities, Adapter, Failure, FailureKind, Introduce, NotAnAnswer, Occasion, Opening, Question, Reading,
    Receive, Track,
};
use crate::config::ConfigError;
use crate::domain::instant::rfc3339;
use crate::outbound::{Answer, Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "aftership",
    name: "AfterShip",
    numbers_max: 50,
    wants_phone: false,
    aggregates: true,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.api_key.expose_secret().is_empty() {
        return Ok(None);
    }
    let account = AfterShip {
        address: format!("{}/tracking/{}/trackings", opening.base_url, settings.version),
        api_key: settings.api_key,
        slug: settings.slug,
    };
    let receive = |secret| Arc::new(push::Pushes::signed_with(secret)) as Arc<dyn Receive>;
    Ok(Some(Abilities {
        introduce: Some(Arc::new(account.clone())),
        receive: opening.push_secret.map(receive),
        ..Abilities::tracking(account)
    }))
}

#[derive(Clone)]
struct AfterShip {
    address: String,
    api_key: SecretString,
    /// AfterShip's name of the carrier; where there is none, it guesses from the number's form.
    slug: String,
}

/// The most that fit on one page: one number can be several carriers'.
const PAGE: u32 = 200;
/// Unless told otherwise, AfterShip leaves out what was begun more than thirty days ago.
const REMEMBERED: chrono::Duration = chrono::Duration::days(90);

impl AfterShip {
    fn signed(&self, request: Request) -> Request {
        request.header("as-api-key", self.api_key.expose_secret()).header("Content-Type", "application/json")
    }
}

impl Track for AfterShip {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let numbers: Vec<&str> = questions.iter().map(|question| question.number.as_str()).collect();
        let since = percent_encoded(&rfc3339(occasion.now - REMEMBERED));
        let (address, numbers) = (&self.address, numbers.join(","));
        let mut url = format!("{address}?tracking_numbers={numbers}&limit={PAGE}&created_at_min={since}");
        if !self.slug.is_empty() {
            url.push_str("&slug=");
            url.push_str(&percent_encoded(&self.slug));
        }
        self.signed(Request::get(url))
    }
}

impl Introduce for AfterShip {
    /// A number that the answer does not speak of.
    fn is_asked_for(&self, failure: &Failure) -> bool {
        failure.kind == FailureKind::NotFound && (failure.code.is_empty() || failure.code == failure::UNKNOWN)
    }

    fn wants_all(&self) -> bool {
        false
    }

    fn numbers_max(&self) -> usize {
        1
    }

    /// One number: there is no list of them here. The others have their turn with the next question.
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let mut tracking = json!({"tracking_number": number});
        if !self.slug.is_empty() {
            tracking["slug"] = json!(self.slug);
        }
        self.signed(Request::post(self.address.clone(), tracking.to_string().into_bytes()))
    }

    fn read(&self, answer: &Answer) -> Result<Reading, NotAnAnswer> {
        translate::created(answer)
    }
}
