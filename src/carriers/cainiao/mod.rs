//! Cainiao (菜鸟), Alibaba's logistics network: traces of cross-border parcels, through its Link gateway.
//!
//! One form a number, signed with a digest over its content and the account's secret. Each trace
//! has the local time and the offset of its place; the count since 1970 beside them takes every local time
//! for Beijing's, and is read back so where it stands alone. A number that is not known yet is a module
//! without traces. That a pick-up point signed for a parcel does not deliver it. Codes may be added at any
//! time, says Cainiao: those that the table does not know are `unknown`.

mod config;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::form::form;
use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::Request;

pub const ADAPTER: Adapter = Adapter {
    code: "cainiao",
    name: "Cainiao",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.logistic_provider_id.is_empty() || settings.secret.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(Some(Abilities::tracking(Cainiao {
        url: format!("{}/gateway/link.do", opening.base_url),
        logistic_provider_id: settings.logistic_provider_id,
        secret: settings.secret,
        msg_type: settings.msg_type,
        to_code: settings.to_code,
    })))
}

struct Cainiao {
    url: String,
    logistic_provider_id: String,
    secret: SecretString,
    msg_type: String,
    to_code: String,
}

impl Track for Cainiao {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let content = json!({"mailNo": number, "locale": "en_US"}).to_string();
        let digest = digest(&content, self.secret.expose_secret());
        let mut fields = vec![
            ("logistics_interface", content.as_str()),
            ("msg_type", &self.msg_type),
            ("logistic_provider_id", &self.logistic_provider_id),
            ("data_digest", &digest),
        ];
        if !self.to_code.is_empty() {
            fields.push(("to_code", &self.to_code));
        }
        Request::post(self.url.clone(), form(&fields).into_bytes())
            .header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
    }
}

/// `data_digest`: of the content as it is, before the form encodes it.
fn digest(content: &str, secret: &str) -> String {
    STANDARD.encode(Md5::new().chain_update(content).chain_update(secret).finalize())
}
