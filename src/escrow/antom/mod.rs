//! Antom (Alipay+): `payments/settle` releases to the seller, `payments/refund` gives back.
//!
//! Requests are signed and so are answers: one that is not, or not by Antom, says nothing. Request ids are triggers'
//! ids; once a request came to `S` or `F` the same id is answered the same, and `U` means asking, or asking again under
//! the same id. There is no inquiry about a settlement, so a settlement is repeated. Amounts are minor units of ISO 4217.
//!
//! There is no call for `shipped` and `delivered`. Absent: holds, which are a product of their own and say nothing of
//! one order's dispute.

mod dispute;
mod notice;
mod translate;
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};

use super::json::Fields;
use super::keys::{KeyRing, Rings};
use super::provider::{
    Abilities, Command, ConfirmReceipt, Declaration, DeclareCustoms, Declared, Found, Inquire, NotIts,
    Provider, Reading, Refund, ReleasesAfter, Since, Trade, Unsayable, kept_for_days,
};
use super::signing::{RsaPrivate, RsaPublic};
use crate::config::{self, ConfigError, KeySource};
use crate::domain::escrow::TriggerAction;
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Request, percent_encoded};

pub const NAME: &str = "antom";

const SETTLE: &str = "/v1/payments/settle";
const REFUND: &str = "/v1/payments/refund";
const INQUIRE_PAYMENT: &str = "/v1/payments/inquiryPayment";
const INQUIRE_REFUND: &str = "/v1/payments/inquiryRefund";
const DECLARE: &str = "/v1/customs/declare";

const KEPT: &[&str] = &[wire::SIGNATURE, wire::RESPONSE_TIME, wire::CLIENT_ID];

pub struct Antom {
    base_url: String,
    client_id: String,
    key_version: u32,
    private: Arc<KeyRing<RsaPrivate>>,
    public: Arc<KeyRing<RsaPublic>>,
    settle_to: String,
    notice_path: String,
}

/// None where no `client_id` is configured. Reads key files, and blocks.
pub fn open(settings: &config::Antom) -> Result<Option<(Provider, Rings)>, ConfigError> {
    if settings.client_id.is_empty() {
        return Ok(None);
    }
    let key = |name: &str| format!("escrow.antom.{name}");
    let wanted_by = key("client_id");
    let source = KeySource::new(&settings.private_key_file, &settings.private_key);
    let private = KeyRing::needed(&key("private_key"), &source, RsaPrivate::parse_one, &wanted_by)?;
    let source = KeySource::public(&settings.public_key_file, &settings.public_key);
    let public = KeyRing::needed(&key("public_key"), &source, RsaPublic::parse_all, &wanted_by)?;
    let rings: Rings = vec![private.clone(), public.clone()];
    let antom = Arc::new(Antom {
        base_url: settings.base_url.trim_end_matches('/').to_owned(),
        client_id: settings.client_id.clone(),
        key_version: settings.key_version,
        private,
        public,
        settle_to: settings.settle_to.clone(),
        notice_path: settings.notice_path.clone(),
    });
    let abilities = Abilities {
        confirm_receipt: Some(antom.clone()),
        refund: Some(antom.clone()),
        inquire: Some(antom.clone()),
        declare_customs: Some(antom.clone()),
        notified: Some(antom),
        ..Abilities::default()
    };
    let releases_after = ReleasesAfter::days(settings.releases_after_days, Since::Payment);
    let keeps_keys = kept_for_days(settings.keeps_keys_days);
    let could_hold =
        |reference: &str, _| translate::payment_id(reference).map(drop).map_err(NotIts::reference);
    let (name, ships_whole) = (NAME, false);
    let step_minor = translate::step_minor;
    let provider =
        Provider { name, abilities, keeps_keys, releases_after, ships_whole, could_hold, step_minor };
    Ok(Some((provider, rings)))
}

impl Antom {
    fn request(&self, call: &str, body: &Value, wall: Instant) -> Request {
        let (url, body) = (format!("{}{call}", self.base_url), body.to_string());
        let time = wall.timestamp_millis().to_string();
        let content = wire::content(wire::path(&url), &self.client_id, &time, body.as_bytes());
        let keys = self.private.keys();
        // A ring of private keys has one.
        let signature = keys.first().map(|key| key.sign(&content)).unwrap_or_default();
        // Without a version it is the newest key that Antom has of us.
        let version = match self.key_version {
            0 => String::new(),
            version => format!("keyVersion={version},"),
        };
        let signature = format!("algorithm=RSA256,{version}signature={}", percent_encoded(&signature));
        Request::post(url, body.into_bytes())
            .header("content-type", "application/json; charset=UTF-8")
            .header(wire::CLIENT_ID, self.client_id.clone())
            .header(wire::REQUEST_TIME, time)
            .header(wire::SIGNATURE, signature)
            .keep(KEPT)
    }

    /// An error: nothing that can be believed, and why.
    fn open<'a>(&self, call: &str, answer: &'a Answer) -> Result<Fields<'a>, String> {
        if answer.status != 200 {
            return Err(format!("answered {}", answer.status));
        }
        let header = |name: &str| answer.header(name).ok_or(format!("the answer has no header {name}"));
        let (signature, time) = (header(wire::SIGNATURE)?, header(wire::RESPONSE_TIME)?);
        let url = format!("{}{call}", self.base_url);
        let content = wire::content(wire::path(&url), &self.client_id, time, &answer.body);
        if !wire::is_believed(signature, &self.public.keys(), &content) {
            return Err("the answer's signature is not Antom's".to_owned());
        }
        let text = std::str::from_utf8(&answer.body).map_err(|_| "the answer is no text")?;
        Fields::of(text).ok_or_else(|| "the answer is no JSON object".to_owned())
    }

    fn read(&self, call: &str, answer: &Answer, number: &str, command: &Command) -> Reading {
        match self.open(call, answer) {
            Ok(fields) => translate::command(&fields, number, command.id),
            Err(reason) if answer.status == 429 => Reading::Later { reason, after: answer.retry_after },
            Err(reason) => Reading::Unknown { reason, after: answer.retry_after },
        }
    }
}

impl ConfirmReceipt for Antom {
    fn confirm_receipt(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        let facts = command.facts;
        let body = json!({
            "settlementRequestId": command.id,
            "paymentId": translate::payment_id(&facts.payment_reference)?,
            "settlementDetails": [
                {"settleTo": self.settle_to, "settlementAmount": translate::amount_of(facts)?},
            ],
        });
        Ok(self.request(SETTLE, &body, wall))
    }

    fn read_confirm_receipt(&self, command: &Command, answer: &Answer) -> Reading {
        self.read(SETTLE, answer, "settlementRequestId", command)
    }
}

impl Refund for Antom {
    fn refund(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        let facts = command.facts;
        let body = json!({
            "refundRequestId": command.id,
            "paymentId": translate::payment_id(&facts.payment_reference)?,
            "refundAmount": translate::amount_of(facts)?,
        });
        Ok(self.request(REFUND, &body, wall))
    }

    fn read_refund(&self, command: &Command, answer: &Answer) -> Reading {
        self.read(REFUND, answer, "refundRequestId", command)
    }
}

impl Inquire for Antom {
    fn about_command(&self, command: &Command, wall: Instant) -> Option<Request> {
        match command.facts.action {
            TriggerAction::Refund => {
                Some(self.request(INQUIRE_REFUND, &json!({"refundRequestId": command.id}), wall))
            }
            TriggerAction::Shipped
            | TriggerAction::Delivered
            | TriggerAction::ConfirmReceipt
            | TriggerAction::Freeze
            | TriggerAction::Thaw
            | TriggerAction::DeclareCustoms => None,
        }
    }

    fn read_about_command(&self, command: &Command, answer: &Answer) -> Found {
        match self.open(INQUIRE_REFUND, answer) {
            Ok(fields) => translate::found_refund(&fields, command.facts, command.id),
            Err(reason) => Found::NoWord { reason, after: answer.retry_after },
        }
    }

    fn about_trade(&self, payment_reference: &str, wall: Instant) -> Request {
        self.request(INQUIRE_PAYMENT, &json!({"paymentId": payment_reference}), wall)
    }

    fn read_about_trade(&self, payment_reference: &str, answer: &Answer) -> Result<Trade, String> {
        translate::trade(&self.open(INQUIRE_PAYMENT, answer)?, payment_reference)
    }
}

impl DeclareCustoms for Antom {
    fn declare(&self, declaration: &Declaration, wall: Instant) -> Result<Request, Unsayable> {
        if declaration.amount.currency.code() != "CNY" {
            let reason = format!("customs take CNY alone, and this is {}", declaration.amount.currency);
            return Err(Unsayable(reason));
        }
        let mut body = json!({
            "declarationRequestId": declaration.id,
            "paymentId": translate::payment_id(&declaration.payment_reference)?,
            "declarationAmount": translate::amount(declaration.amount)?,
            "customs": {"customsCode": declaration.customs_place, "region": "CN"},
            "merchantCustomsInfo": {
                "merchantCustomsCode": declaration.merchant_customs_code,
                "merchantCustomsName": declaration.merchant_customs_name,
            },
            "splitOrder": declaration.split.is_some(),
        });
        if let Some(part) = &declaration.split {
            body["subOrderId"] = json!(part);
        }
        Ok(self.request(DECLARE, &body, wall))
    }

    fn read_declaration(&self, declaration: &Declaration, answer: &Answer) -> Result<Declared, Reading> {
        let fields = self.open(DECLARE, answer).map_err(translate::unknown)?;
        translate::declared(&fields, declaration)
    }
}

#[cfg(test)]
mod tests;
