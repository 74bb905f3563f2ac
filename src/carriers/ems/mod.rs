//! China Post and EMS (中国邮政): contract customers' interface to traces, and the traces it pushes.
//!
//! One form a number, its body encrypted with the account's key; the answer is not encrypted, and its
//! body is JSON in a string. Pushes are encrypted as questions are: what opens with the key was
//! written by who has it, and nothing else vouches for it; `push_secret` is that key. Some codes take an
//! earlier event back: these name it. Times are Beijing's.

mod cipher;
mod config;
mod push;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use self::cipher::Key;
use super::form::form;
use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::Request;

pub const ADAPTER: Adapter = Adapter {
    code: "ems",
    name: "China Post EMS",
    numbers_max: 1,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    let authorization = settings.authorization.expose_secret();
    if settings.sender_no.is_empty() || authorization.is_empty() {
        return Ok(None);
    }
    let of_account = settings.sign_key.expose_secret();
    let of_account = if of_account.is_empty() { authorization } else { of_account };
    let key = |name: &str, text: &str| {
        Key::of(text).ok_or_else(|| ConfigError::Invalid {
            key: format!("{}.{name}", opening.key),
            reason: "has to be base64 of 16 bytes".into(),
        })
    };
    let pushed = opening.push_secret.as_ref().map(|secret| key("push_secret", secret.expose_secret()));
    let track = Ems {
        url: format!("{}{}", opening.base_url, if settings.sandbox { SANDBOX } else { SERVICE }),
        key: key("sign_key", of_account)?,
        sender_no: settings.sender_no,
        authorization: settings.authorization,
        body_mark: settings.body_mark.clone(),
    };
    let mut abilities = Abilities::tracking(track);
    if let Some(key) = pushed.transpose()? {
        abilities.receive = Some(Arc::new(push::Pushes { key, body_mark: settings.body_mark }));
    }
    Ok(Some(abilities))
}

const SERVICE: &str = "/amp-prod-api/f/amp/api/open";
const SANDBOX: &str = "/amp-prod-api/f/amp/api/test";

/// The interface that answers about one number.
const TRACES: &str = "040001";

struct Ems {
    url: String,
    key: Key,
    sender_no: String,
    authorization: SecretString,
    body_mark: String,
}

impl Track for Ems {
    fn request(&self, questions: &[Question], occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let message = json!({"waybillNo": number, "direction": "0"}).to_string();
        let sealed = format!("{}{}", self.body_mark, self.key.sealed(&message));
        let local = occasion.now.with_timezone(&Tz::Asia__Shanghai);
        let body = form(&[
            ("apiCode", TRACES),
            ("senderNo", &self.sender_no),
            ("authorization", self.authorization.expose_secret()),
            ("timeStamp", &local.format("%Y-%m-%d %H:%M:%S").to_string()),
            // Spelt so by them.
            ("logitcsInterface", &sealed),
        ]);
        Request::post(self.url.clone(), body.into_bytes())
            .header("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
    }
}
