//! Kuaidi100 (快递100): an aggregator of China's carriers, and of many others.
//!
//! One number a question, signed with MD5 over the very text that is sent; the company has to be named. Questions about
//! one number in short order get it locked, and bulk polling is forbidden: numbers are subscribed to
//! with the first question about them, and then pushed. A push is signed with MD5 over its text and
//! a salt of ours; without a salt none are taken. Times are Beijing's, without an offset.
//!
//! What a code says and what the Chinese text says must agree, or nobody knows. Texts name couriers and whoever
//! signed, with their telephone numbers: clauses that do are left out of descriptions.

mod company;
mod config;
mod failure;
mod push;
mod sign;
mod status;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;

use super::form::form;
use super::{
    Abilities, Adapter, Failure, Introduce, NotAnAnswer, Occasion, Opening, PhoneTail, Question, Reading,
    Receive, Track,
};
use crate::config::ConfigError;
use crate::outbound::{Answer, Request};

pub const ADAPTER: Adapter = Adapter {
    code: "kuaidi100",
    name: "Kuaidi100",
    numbers_max: 1,
    wants_phone: true,
    aggregates: true,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let settings: config::Settings = opening.settings()?;
    if settings.key.expose_secret().is_empty() || settings.customer.is_empty() {
        return Ok(None);
    }
    let account = Kuaidi100 {
        base_url: opening.base_url,
        customer: settings.customer,
        key: settings.key,
        company: settings.company,
    };
    let salt = opening.push_secret;
    let receive = salt.clone().map(|salt| Arc::new(push::Pushes::salted(salt)) as Arc<dyn Receive>);
    let subscription = salt.filter(|_| !settings.callback_url.is_empty()).map(|salt| {
        let account = account.clone();
        let subscription = Subscription { account, callback_url: settings.callback_url, salt };
        Arc::new(subscription) as Arc<dyn Introduce>
    });
    Ok(Some(Abilities { introduce: subscription, receive, ..Abilities::tracking(account) }))
}

#[derive(Clone)]
struct Kuaidi100 {
    base_url: String,
    customer: String,
    key: SecretString,
    /// Kuaidi100's code of the company that the numbers belong to; empty: told from their form.
    company: String,
}

impl Kuaidi100 {
    fn company_of(&self, number: &str) -> &str {
        if self.company.is_empty() { company::of(number).unwrap_or_default() } else { &self.company }
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        Request::post(format!("{}{path}", self.base_url), form(fields).into_bytes())
            .header("Content-Type", "application/x-www-form-urlencoded")
    }
}

/// States in detail, with places and their coordinates.
const RESULT_VERSION: &str = "4";

#[derive(Serialize)]
struct Param<'a> {
    com: &'a str,
    num: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    resultv2: &'a str,
    show: &'a str,
    order: &'a str,
}

impl Track for Kuaidi100 {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let phone = questions.first().and_then(|question| question.phone_tail.as_ref());
        let param = Param {
            com: self.company_of(number),
            num: number,
            phone: phone.map(PhoneTail::as_str),
            resultv2: RESULT_VERSION,
            show: "0",
            order: "desc",
        };
        let param = serde_json::to_string(&param).unwrap_or_default();
        let sign = sign::upper_md5(&[&param, self.key.expose_secret(), &self.customer]);
        let fields = [("customer", self.customer.as_str()), ("sign", &sign), ("param", &param)];
        self.post("/poll/query.do", &fields)
    }
}

/// Being pushed what happens to a number from now on.
struct Subscription {
    account: Kuaidi100,
    callback_url: String,
    salt: SecretString,
}

impl Introduce for Subscription {
    /// Nothing is known of it yet.
    fn is_asked_for(&self, failure: &Failure) -> bool {
        failure.code == failure::NO_RESULT
    }

    /// Whoever is not pushed what happens would have to ask often.
    fn wants_all(&self) -> bool {
        true
    }

    fn numbers_max(&self) -> usize {
        ADAPTER.numbers_max
    }

    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let number = questions.first().map(|question| question.number.as_str()).unwrap_or_default();
        let phone = questions.first().and_then(|question| question.phone_tail.as_ref());
        let company = self.account.company_of(number);
        let mut parameters = json!({
            "callbackurl": self.callback_url, "salt": self.salt.expose_secret(), "resultv2": RESULT_VERSION,
        });
        if let Some(phone) = phone {
            parameters["phone"] = json!(phone.as_str());
        }
        if company.is_empty() {
            parameters["autoCom"] = json!("1");
        }
        let key = self.account.key.expose_secret();
        let param = json!({"company": company, "number": number, "key": key, "parameters": parameters});
        self.account.post("/poll", &[("schema", "json"), ("param", &param.to_string())])
    }

    fn read(&self, answer: &Answer) -> Result<Reading, NotAnAnswer> {
        translate::subscribed(answer)
    }
}
