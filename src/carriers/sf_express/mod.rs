//! SF Express (顺丰): routes of waybills, from its open platform.
//!
//! One form a question, up to ten numbers, signed with a digest over the message as a form would encode it;
//! the answer's data is JSON in a string of JSON. Only those who know the last four digits of the sender's or
//! consignee's telephone number are told anything: without them the routes are empty, as they are for a number
//! that is not known yet. Times are Beijing's, without an offset.

mod config;
mod errors;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

use super::form::{encoded, form};
use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::Request;

pub const ADAPTER: Adapter = Adapter {
    code: "sf_express",
    name: "SF Express",
    numbers_max: 10,
    wants_phone: true,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.partner_id.is_empty() || settings.checkword.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(Some(Abilities::tracking(SfExpress {
        base_url: opening.base_url,
        partner_id: settings.partner_id,
        checkword: settings.checkword,
    })))
}

struct SfExpress {
    base_url: String,
    partner_id: String,
    checkword: SecretString,
}

impl Track for SfExpress {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let message = wire::message(questions);
        let timestamp = occasion.now.timestamp_millis().to_string();
        let digest = digest(&message, &timestamp, self.checkword.expose_secret());
        let body = form(&[
            ("partnerID", &self.partner_id),
            ("requestID", &occasion.id.to_string()),
            ("serviceCode", "EXP_RECE_SEARCH_ROUTES"),
            ("timestamp", &timestamp),
            ("msgDigest", &digest),
            ("msgData", &message),
        ]);
        Request::post(format!("{}/std/service", self.base_url), body.into_bytes())
            .header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
    }
}

/// `msgDigest` (open.sf-express.com, digital signature): of the form's encoding, not of the text.
fn digest(message: &str, timestamp: &str, checkword: &str) -> String {
    STANDARD.encode(Md5::digest(encoded(&format!("{message}{timestamp}{checkword}")).as_bytes()))
}
