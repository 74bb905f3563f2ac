//! Whom triggers go to.
//!
//! Each provider is switched on by its own name for us (`app_id`, `client_id`). Secrets are wrapped; a key is
//! named by the path of a file, which is read again when it changes, or given as text.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::{ConfigError, Outbound, invalid};
use crate::domain::escrow::CustomsOffice;
use crate::domain::money::Money;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escrow {
    pub webhook_url: String,
    pub webhook_secret: SecretString,
    pub webhook_secret_file: String,
    pub webhook_signing_key: SecretString,
    pub webhook_signing_key_file: String,
    pub webhook_inquire_url: String,
    pub webhook_notice_key: SecretString,
    pub webhook_notice_key_file: String,
    pub webhook_releases_after_days: u32,
    pub webhook_keeps_keys_days: u32,
    /// Refunds above these amounts need a second person, and so does every refund in another currency.
    #[serde(deserialize_with = "amounts")]
    pub second_person_above: Vec<Money>,
    pub dispute_days: u32,
    pub reconciliation: Reconciliation,
    pub customs: Customs,
    pub alipay: Alipay,
    pub antom: Antom,
    pub paypal: Paypal,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconciliation {
    pub nightly: bool,
    pub hour_utc: u32,
    pub days: u32,
    pub concurrency_max: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customs {
    pub place: String,
    pub merchant_code: String,
    pub merchant_name: String,
}

impl Customs {
    /// None: payments are declared nowhere.
    pub fn office(&self) -> Option<CustomsOffice> {
        let Self { place, merchant_code, merchant_name } = self.clone();
        (!place.is_empty()).then_some(CustomsOffice { place, merchant_code, merchant_name })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alipay {
    pub base_url: String,
    pub app_id: String,
    pub private_key: SecretString,
    pub private_key_file: String,
    pub public_key: String,
    pub public_key_file: String,
    pub settle_to_type: String,
    pub settle_to: String,
    pub legacy_base_url: String,
    pub legacy_partner: String,
    pub legacy_key: SecretString,
    pub legacy_key_file: String,
    pub releases_after_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Antom {
    pub base_url: String,
    pub client_id: String,
    pub key_version: u32,
    pub private_key: SecretString,
    pub private_key_file: String,
    pub public_key: String,
    pub public_key_file: String,
    pub settle_to: String,
    pub notice_path: String,
    pub releases_after_days: u32,
    pub keeps_keys_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paypal {
    pub base_url: String,
    pub client_id: String,
    pub client_secret: SecretString,
    pub client_secret_file: String,
    pub webhook_id: String,
    pub keeps_keys_days: u32,
    pub releases_after_days: u32,
}

/// `1000.00 CNY, 150.00 USD`, or a list of such.
fn amounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Money>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Line(String),
        List(Vec<String>),
    }
    let texts = match Written::deserialize(deserializer)? {
        Written::Line(line) => line.split(',').map(str::to_owned).collect(),
        Written::List(list) => list,
    };
    let amount = |text: &String| {
        let bad = || serde::de::Error::custom(format!("{text:?} is not an amount such as 1000.00 CNY"));
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(bad)?;
        Money::parse(amount, currency.parse().map_err(serde::de::Error::custom)?)
            .map_err(serde::de::Error::custom)
    };
    texts.iter().filter(|text| !text.trim().is_empty()).map(amount).collect()
}

/// Where keys come from: a file, a text, or both.
#[derive(Debug, Clone, Default)]
pub struct KeySource {
    pub file: String,
    pub text: SecretString,
}

impl KeySource {
    pub fn new(file: &str, text: &SecretString) -> Self {
        Self { file: file.to_owned(), text: text.clone() }
    }

    /// Of a key that is no secret.
    pub fn public(file: &str, text: &str) -> Self {
        Self::new(file, &SecretString::from(text.to_owned()))
    }

    pub fn is_empty(&self) -> bool {
        self.file.is_empty() && self.text.expose_secret().is_empty()
    }
}

pub fn check(escrow: &Escrow, outbound: &Outbound) -> Result<(), ConfigError> {
    for (key, url) in [
        ("escrow.webhook_url", &escrow.webhook_url),
        ("escrow.webhook_inquire_url", &escrow.webhook_inquire_url),
        ("escrow.alipay.base_url", &escrow.alipay.base_url),
        ("escrow.alipay.legacy_base_url", &escrow.alipay.legacy_base_url),
        ("escrow.antom.base_url", &escrow.antom.base_url),
        ("escrow.paypal.base_url", &escrow.paypal.base_url),
    ] {
        if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
            return invalid(key, "has to begin with http:// or https://");
        }
        if url.starts_with("http://") && !outbound.is_at_home(url) {
            return invalid(
                key,
                "has to begin with https:// unless its host is one of outbound.private_hosts",
            );
        }
    }
    if !(1..=90).contains(&escrow.dispute_days) {
        return invalid("escrow.dispute_days", "has to be a whole number from 1 to 90");
    }
    check_alipay(&escrow.alipay)?;
    let Customs { place, merchant_code, merchant_name } = &escrow.customs;
    let parts = [place, merchant_code, merchant_name];
    if parts.iter().any(|part| part.is_empty()) && !parts.iter().all(|part| part.is_empty()) {
        return invalid(
            "escrow.customs",
            "has to have a place, a merchant_code and a merchant_name, or none of them",
        );
    }
    let reconciliation = &escrow.reconciliation;
    if reconciliation.hour_utc > 23 {
        return invalid("escrow.reconciliation.hour_utc", "has to be a whole number from 0 to 23");
    }
    if !(1..=365).contains(&reconciliation.days) {
        return invalid("escrow.reconciliation.days", "has to be a whole number from 1 to 365");
    }
    if !(1..=64).contains(&reconciliation.concurrency_max) {
        return invalid("escrow.reconciliation.concurrency_max", "has to be a whole number from 1 to 64");
    }
    let secret = KeySource::new(&escrow.webhook_secret_file, &escrow.webhook_secret);
    if !escrow.webhook_url.is_empty() && secret.is_empty() {
        return invalid("escrow.webhook_secret", "has to be set where escrow.webhook_url is, or its _file");
    }
    Ok(())
}

/// Alipay refuses a release whose receiver does not go with its type, and says so no earlier than that.
fn check_alipay(alipay: &Alipay) -> Result<(), ConfigError> {
    for (key, url) in [
        ("escrow.alipay.base_url", &alipay.base_url),
        ("escrow.alipay.legacy_base_url", &alipay.legacy_base_url),
    ] {
        if url.contains('?') {
            return invalid(key, "has to be without a query, for the charset is put there");
        }
    }
    match (alipay.settle_to_type.as_str(), alipay.settle_to.is_empty()) {
        ("defaultSettle", false) => {
            invalid("escrow.alipay.settle_to", "has to be empty where settle_to_type is defaultSettle")
        }
        ("defaultSettle", true) | (_, false) => Ok(()),
        (_, true) => {
            invalid("escrow.alipay.settle_to", "has to be set unless settle_to_type is defaultSettle")
        }
    }
}
