//! The keys of all formats, in a folder: made where they are missing, readable by their owner alone.
//!
//! Both sides' keys are there: what the provider signs with, and what a daemon needs to talk to it.
//! Nothing here prints a private key.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::alipay::Alipay;
use super::alipay::legacy::Legacy;
use super::antom::Antom;
use super::crypto::{BadKey, EdPrivate, EdPublic, RsaPrivate, RsaPublic};
use super::paypal::Paypal;
use super::server::Wires;
use super::webhook::Webhook;
use crate::chance;
use crate::standard_webhooks::{BadSecret, Secret};

pub const APP_ID: &str = "2021000000000001";
pub const PARTNER: &str = "2088000000000001";
pub const ANTOM_CLIENT_ID: &str = "SANDBOX_SAMPAN";
pub const PAYPAL_CLIENT_ID: &str = "sampan-sandbox";
pub const PAYPAL_WEBHOOK_ID: &str = "SAMPANSANDBOX0001";

#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{path}: {error}")]
    Key { path: PathBuf, error: BadKey },
    #[error("{path}: {error}")]
    Secret { path: PathBuf, error: BadSecret },
    #[error("the machine has no randomness: {0}")]
    NoRandomness(String),
}

/// The files that a daemon is told of.
#[derive(Debug, Clone)]
pub struct Files {
    pub webhook_secret: PathBuf,
    pub webhook_merchant_key: PathBuf,
    pub webhook_provider_public: PathBuf,
    pub alipay_merchant_key: PathBuf,
    pub alipay_provider_public: PathBuf,
    pub alipay_md5_key: PathBuf,
    pub antom_merchant_key: PathBuf,
    pub antom_provider_public: PathBuf,
    pub paypal_secret: PathBuf,
    pub paypal_provider_public: PathBuf,
}

/// Reads what is in `folder`, and makes what is not.
pub fn open(folder: &Path) -> Result<(Wires, Files), KeyringError> {
    fs::create_dir_all(folder).map_err(|error| KeyringError::File { path: folder.to_owned(), error })?;
    let at = |name: &str| folder.join(name);
    let files = Files {
        webhook_secret: at("webhook-secret.txt"),
        webhook_merchant_key: at("webhook-merchant.key"),
        webhook_provider_public: at("webhook-provider.pub"),
        alipay_merchant_key: at("alipay-merchant.pem"),
        alipay_provider_public: at("alipay-provider.pub.pem"),
        alipay_md5_key: at("alipay-md5-key.txt"),
        antom_merchant_key: at("antom-merchant.pem"),
        antom_provider_public: at("antom-provider.pub.pem"),
        paypal_secret: at("paypal-secret.txt"),
        paypal_provider_public: at("paypal-provider.pub.pem"),
    };
    let provider = ed(&at("webhook-provider.key"))?;
    publish(&files.webhook_provider_public, &provider.public_text())?;
    let webhook = Webhook {
        secret: secret(&files.webhook_secret)?,
        merchant: Some(public_of(&ed(&files.webhook_merchant_key)?, &files.webhook_merchant_key)?),
        provider: Some(provider),
    };
    let alipay = Alipay {
        app_id: APP_ID.to_owned(),
        merchant: merchant(&files.alipay_merchant_key)?,
        provider: provider_key(&at("alipay-provider.pem"), &files.alipay_provider_public)?,
    };
    let legacy = Legacy { partner: PARTNER.to_owned(), md5_key: token(&files.alipay_md5_key)? };
    let antom = Antom {
        client_id: ANTOM_CLIENT_ID.to_owned(),
        merchant: merchant(&files.antom_merchant_key)?,
        provider: provider_key(&at("antom-provider.pem"), &files.antom_provider_public)?,
    };
    let paypal = Paypal {
        client_id: PAYPAL_CLIENT_ID.to_owned(),
        client_secret: token(&files.paypal_secret)?,
        provider: provider_key(&at("paypal-provider.pem"), &files.paypal_provider_public)?,
        webhook_id: PAYPAL_WEBHOOK_ID.to_owned(),
    };
    let wires = Wires {
        webhook,
        alipay: Some(alipay),
        legacy: Some(legacy),
        antom: Some(antom),
        paypal: Some(paypal),
    };
    Ok((wires, files))
}

fn secret(path: &Path) -> Result<Secret, KeyringError> {
    let made = || {
        Secret::generate()
            .map(|secret| secret.to_text())
            .map_err(|error| KeyringError::NoRandomness(error.to_string()))
    };
    let text = read_or(path, made)?;
    text.trim().parse().map_err(|error| KeyringError::Secret { path: path.to_owned(), error })
}

/// Thirty-two letters that nobody guesses.
fn token(path: &Path) -> Result<String, KeyringError> {
    let made = || {
        let mut bytes = [0; 16];
        chance::fill(&mut bytes).map_err(|error| KeyringError::NoRandomness(error.to_string()))?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    };
    read_or(path, made).map(|text| text.trim().to_owned())
}

fn bad(path: &Path) -> impl Fn(BadKey) -> KeyringError {
    move |error| KeyringError::Key { path: path.to_owned(), error }
}

fn ed(path: &Path) -> Result<EdPrivate, KeyringError> {
    let text = read_or(path, || EdPrivate::generate().map(|(_, text)| text).map_err(bad(path)))?;
    EdPrivate::read(&text).map_err(bad(path))
}

fn public_of(key: &EdPrivate, path: &Path) -> Result<EdPublic, KeyringError> {
    EdPublic::read(&key.public_text()).map_err(bad(path))
}

fn rsa(path: &Path) -> Result<RsaPrivate, KeyringError> {
    let text = read_or(path, || RsaPrivate::generate().map(|(_, text)| text).map_err(bad(path)))?;
    RsaPrivate::read(&text).map_err(bad(path))
}

/// Of the merchant the provider knows the public half alone.
fn merchant(path: &Path) -> Result<RsaPublic, KeyringError> {
    let text = rsa(path)?.public_pem().map_err(bad(path))?;
    RsaPublic::read(&text).map_err(bad(path))
}

fn provider_key(path: &Path, public: &Path) -> Result<RsaPrivate, KeyringError> {
    let key = rsa(path)?;
    publish(public, &key.public_pem().map_err(bad(path))?)?;
    Ok(key)
}

fn read_or(path: &Path, make: impl FnOnce() -> Result<String, KeyringError>) -> Result<String, KeyringError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = make()?;
            write(path, &text)?;
            Ok(text)
        }
        Err(error) => Err(KeyringError::File { path: path.to_owned(), error }),
    }
}

/// Left alone where it says so already: somebody may be reading it.
fn publish(path: &Path, text: &str) -> Result<(), KeyringError> {
    let is_there = fs::read_to_string(path).is_ok_and(|known| known == text);
    if is_there { Ok(()) } else { write(path, text) }
}

/// As one file or none: a sandbox that is stopped meanwhile leaves no half a key.
fn write(path: &Path, text: &str) -> Result<(), KeyringError> {
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&fresh).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|error| KeyringError::File { path: path.to_owned(), error })
}
