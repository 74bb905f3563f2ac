//! Australia Post Shipping and Tracking, and StarTrack behind the same address.
//!
//! Up to ten numbers a question; key and password as Basic credentials, the account in a header. A number
//! is an article's or a consignment's: the articles of a consignment are packages of their own, and the
//! consignment is delivered when all of them are. There are no codes: a [description](descriptions) is all
//! that an event says. Errors come number by number.

mod config;
mod descriptions;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::oauth::basic;
use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::{Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "australia_post",
    name: "Australia Post",
    numbers_max: 10,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    let (key, password) = (settings.api_key.expose_secret(), settings.password.expose_secret());
    if key.is_empty() || password.is_empty() || settings.account_number.is_empty() {
        return Ok(None);
    }
    let basic = basic(key, password);
    let account_number = settings.account_number;
    Ok(Some(Abilities::tracking(AustraliaPost { base_url: opening.base_url, basic, account_number })))
}

struct AustraliaPost {
    base_url: String,
    /// The whole header.
    basic: SecretString,
    account_number: String,
}

impl Track for AustraliaPost {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let numbers: Vec<_> = questions.iter().map(|one| percent_encoded(one.number.as_str())).collect();
        Request::get(format!("{}/shipping/v1/track?tracking_ids={}", self.base_url, numbers.join(",")))
            .header("Authorization", self.basic.expose_secret())
            .header("Account-Number", &self.account_number)
            .header("Accept", "application/json")
    }
}
