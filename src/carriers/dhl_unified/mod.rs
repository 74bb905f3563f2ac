//! DHL Shipment Tracking - Unified: all divisions of DHL behind one address.
//!
//! One `GET` a number, the key in a header. Times without an offset are the place's own;
//! the same digits can be shipments of several divisions; a new number is a `404` for
//! ten to thirty minutes. Quotas (250 calls a day, one a second, unless agreed otherwise)
//! are kept by whoever asks. Texts are asked for in English: [`wording`](super::wording) reads no other.

mod config;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::{Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "dhl_unified",
    name: "DHL",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.api_key.expose_secret().is_empty() {
        return Ok(None);
    }
    let mut parameters = String::from("&language=en");
    if !settings.service.is_empty() {
        parameters.push_str("&service=");
        parameters.push_str(&percent_encoded(&settings.service));
    }
    Ok(Some(Abilities::tracking(DhlUnified {
        base_url: opening.base_url,
        api_key: settings.api_key,
        parameters,
    })))
}

struct DhlUnified {
    base_url: String,
    api_key: SecretString,
    /// Query parameters that are the same for every number, ready to append.
    parameters: String,
}

impl Track for DhlUnified {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let (base, number) = (&self.base_url, percent_encoded(number));
        let url = format!("{base}/track/shipments?trackingNumber={number}{}", self.parameters);
        Request::get(url)
            .header("DHL-API-Key", self.api_key.expose_secret())
            .header("Accept", "application/json")
    }
}
