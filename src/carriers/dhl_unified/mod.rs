//! DHL Shipment Tracking - Unified: all divisions of DHL behind one address.
//!
//! One `GET` a number, the key in a header. Times without an offset are the place's own;
//! the same digits can be shipments of several divisions; a new number is a `404` for
//! ten to thirty minutes. Quotas (250 calls a day, one a second, unless agreed otherwise)
//! are kept by whoever asks. Texts are asked for in English: [`wording`] reads no other.

mod status;
mod translate;
mod wire;
mod wording;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::{Reading, Track};
use crate::config;
use crate::domain::carrier::{CarrierCode, TrackingNumber};
use crate::outbound::{Answer, Request};

pub struct DhlUnified {
    code: CarrierCode,
    base_url: String,
    api_key: SecretString,
    /// Query parameters that are the same for every number, ready to append.
    parameters: String,
}

impl DhlUnified {
    /// `None` without a key: nobody to ask as.
    pub fn new(settings: &config::DhlUnified) -> Option<Self> {
        if settings.api_key.expose_secret().is_empty() {
            return None;
        }
        let mut parameters = String::from("&language=en");
        if !settings.service.is_empty() {
            parameters.push_str("&service=");
            parameters.push_str(&percent_encoded(&settings.service));
        }
        Some(Self {
            // Of the form that a code has, so this never fails; a test holds it.
            code: "dhl_unified".parse().expect("a carrier code"),
            base_url: settings.base_url.clone(),
            api_key: settings.api_key.clone(),
            parameters,
        })
    }
}

impl Track for DhlUnified {
    fn code(&self) -> &CarrierCode {
        &self.code
    }

    fn name(&self) -> &'static str {
        "DHL"
    }

    fn request(&self, number: &TrackingNumber) -> Request {
        let (base, number) = (&self.base_url, percent_encoded(number.as_str()));
        let url = format!("{base}/track/shipments?trackingNumber={number}{}", self.parameters);
        Request::get(url)
            .header("DHL-API-Key", self.api_key.expose_secret())
            .header("Accept", "application/json")
    }

    fn read(&self, number: &TrackingNumber, answer: &Answer) -> Reading {
        let retry_after = answer.retry_after;
        let reason = format!("DHL answered {}", answer.status);
        match answer.status {
            200 => translate::page(number, &answer.body),
            // The gateway in front of DHL has a 404 of its own, for a wrong address.
            404 if wire::is_problem(&answer.body) => Reading::NotFound,
            401 | 403 => Reading::Refused { reason },
            429 => Reading::RateLimited { retry_after },
            408 | 500..=599 => Reading::CarrierDown { reason, retry_after },
            _ => Reading::Unparsable { reason },
        }
    }
}

/// Everything but RFC 3986's unreserved letters.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
