//! Alipay's open platform: `alipay.trade.settle.confirm` releases, `alipay.trade.refund` gives back.
//!
//! An answer counts only if Alipay signed it and it is about the trade that was asked about; everything else is
//! unknown, and Alipay is asked: `alipay.trade.fastpay.refund.query` knows a refund by its number, and
//! `alipay.trade.query` names the settlements of a trade with theirs. Numbers (`out_request_no`) are triggers' ids,
//! and Alipay keeps them with the trade. Amounts are yuan: nothing else can be said.
//!
//! There is no call for `delivered`, and none that freezes. `shipped` is the legacy gateway's ([`legacy`]), for
//! those who have a partner's key. Absent: certificates in place of keys, and notifications of the legacy gateway.

mod legacy;
mod notice;
mod translate;
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};

use self::legacy::Legacy;
use super::keys::{KeyRing, Rings};
use super::provider::{
    Abilities, Command, ConfirmReceipt, Declaration, DeclareCustoms, Declared, Found, Inquire, NotIts,
    Provider, Reading, Refund, ReleasesAfter, Since, Trade, Unsayable,
};
use super::signing::{RsaPrivate, RsaPublic};
use crate::config::{self, ConfigError, KeySource};
use crate::domain::escrow::TriggerAction;
use crate::domain::instant::Instant;
use crate::domain::money::Money;
use crate::outbound::{Answer, Request};

pub const NAME: &str = "alipay";

const SETTLE: &str = "alipay.trade.settle.confirm";
const REFUND: &str = "alipay.trade.refund";
const REFUND_QUERY: &str = "alipay.trade.fastpay.refund.query";
const QUERY: &str = "alipay.trade.query";
const DECLARE: &str = "alipay.trade.customs.declare";

pub struct Alipay {
    url: String,
    app_id: String,
    private: Arc<KeyRing<RsaPrivate>>,
    public: Arc<KeyRing<RsaPublic>>,
    settle_to_type: String,
    settle_to: String,
    legacy: Option<Arc<Legacy>>,
}

/// None where no `app_id` is configured. Reads key files, and blocks.
pub fn open(settings: &config::Alipay) -> Result<Option<(Provider, Rings)>, ConfigError> {
    if settings.app_id.is_empty() {
        return Ok(None);
    }
    let key = |name: &str| format!("escrow.alipay.{name}");
    let wanted_by = key("app_id");
    let source = KeySource::new(&settings.private_key_file, &settings.private_key);
    let private = KeyRing::needed(&key("private_key"), &source, RsaPrivate::parse_one, &wanted_by)?;
    let source = KeySource::public(&settings.public_key_file, &settings.public_key);
    let public = KeyRing::needed(&key("public_key"), &source, RsaPublic::parse_all, &wanted_by)?;
    let legacy = Legacy::open(settings)?.map(Arc::new);
    let mut rings: Rings = vec![private.clone(), public.clone()];
    rings.extend(legacy.iter().map(|legacy| legacy.keys()));
    let alipay = Arc::new(Alipay {
        url: wire::address(&settings.base_url),
        app_id: settings.app_id.clone(),
        private,
        public,
        settle_to_type: settings.settle_to_type.clone(),
        settle_to: settings.settle_to.clone(),
        legacy: legacy.clone(),
    });
    let abilities = Abilities {
        shipped: legacy.clone().map(|legacy| legacy as _),
        confirm_receipt: Some(alipay.clone()),
        refund: Some(alipay.clone()),
        inquire: Some(alipay.clone()),
        declare_customs: Some(alipay.clone()),
        notified: Some(alipay),
        ..Abilities::default()
    };
    // The open platform's trades wait for the call; those of the gateway of old do not.
    let releases_after = ReleasesAfter::days(settings.releases_after_days, Since::Shipping);
    let releases_after = releases_after.filter(|_| abilities.shipped.is_some());
    let could_hold = |reference: &str, held: Money| {
        translate::trade_number(reference).map_err(NotIts::reference)?;
        translate::yuan_of(held).map(drop).map_err(NotIts::currency)
    };
    let (name, keeps_keys, ships_whole) = (NAME, None, abilities.shipped.is_some());
    let step_minor = |_| 1;
    let provider =
        Provider { name, abilities, keeps_keys, releases_after, ships_whole, could_hold, step_minor };
    Ok(Some((provider, rings)))
}

impl Alipay {
    fn request(&self, method: &str, content: &Value, wall: Instant) -> Request {
        let keys = self.private.keys();
        // A ring of private keys has one.
        let body =
            keys.first().map(|key| wire::sealed(&self.app_id, method, &content.to_string(), wall, key));
        Request::post(self.url.clone(), body.unwrap_or_default().into_bytes())
            .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
    }

    /// An error: nothing that can be believed, and why.
    fn open<'a>(&self, method: &str, answer: &'a Answer) -> Result<wire::Signed<'a>, String> {
        if answer.status != 200 {
            return Err(format!("answered {}", answer.status));
        }
        wire::open(&answer.body, method, &self.public.keys())
    }

    fn read(&self, method: &str, answer: &Answer, judge: impl FnOnce(&wire::Signed) -> Reading) -> Reading {
        match self.open(method, answer) {
            Ok(signed) => judge(&signed),
            Err(reason) if answer.status == 429 => Reading::Later { reason, after: answer.retry_after },
            Err(reason) => Reading::Unknown { reason, after: answer.retry_after },
        }
    }
}

impl ConfirmReceipt for Alipay {
    fn confirm_receipt(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        let facts = command.facts;
        let mut detail = json!({"trans_in_type": self.settle_to_type});
        // A share has a field of its own; the whole has to be all that was not refunded.
        let field = if facts.parcel.is_some() { "actual_amount" } else { "amount" };
        detail[field] = json!(translate::yuan(facts)?);
        if !self.settle_to.is_empty() {
            detail["trans_in"] = json!(self.settle_to);
        }
        let content = json!({
            "out_request_no": command.id,
            "trade_no": translate::trade_number(&facts.payment_reference)?,
            "settle_info": {"settle_detail_infos": [detail]},
        });
        Ok(self.request(SETTLE, &content, wall))
    }

    fn read_confirm_receipt(&self, command: &Command, answer: &Answer) -> Reading {
        self.read(SETTLE, answer, |signed| translate::settled(signed, command.facts, command.id))
    }
}

impl Refund for Alipay {
    fn refund(&self, command: &Command, wall: Instant) -> Result<Request, Unsayable> {
        let content = json!({
            "out_request_no": command.id,
            "trade_no": translate::trade_number(&command.facts.payment_reference)?,
            "refund_amount": translate::yuan(command.facts)?,
        });
        Ok(self.request(REFUND, &content, wall))
    }

    fn read_refund(&self, command: &Command, answer: &Answer) -> Reading {
        self.read(REFUND, answer, |signed| translate::refunded(signed, command.facts, command.id))
    }
}

impl Inquire for Alipay {
    fn about_command(&self, command: &Command, wall: Instant) -> Option<Request> {
        let reference = &command.facts.payment_reference;
        match command.facts.action {
            TriggerAction::ConfirmReceipt => Some(self.about_trade(reference, wall)),
            TriggerAction::Refund => {
                let content = json!({"trade_no": reference, "out_request_no": command.id});
                Some(self.request(REFUND_QUERY, &content, wall))
            }
            TriggerAction::Shipped => self.legacy.as_ref().map(|legacy| legacy.about(reference)),
            // Asked for again under the same number, it is the same declaration.
            TriggerAction::Delivered
            | TriggerAction::Freeze
            | TriggerAction::Thaw
            | TriggerAction::DeclareCustoms => None,
        }
    }

    fn read_about_command(&self, command: &Command, answer: &Answer) -> Found {
        let (facts, id) = (command.facts, command.id);
        let found = match facts.action {
            TriggerAction::ConfirmReceipt => {
                self.open(QUERY, answer).map(|signed| translate::found_settlement(&signed, facts, id))
            }
            TriggerAction::Refund => {
                self.open(REFUND_QUERY, answer).map(|signed| translate::found_refund(&signed, facts, id))
            }
            TriggerAction::Shipped => match &self.legacy {
                Some(legacy) => Ok(legacy.read_about(&facts.payment_reference, answer)),
                None => Err("there is no legacy partner".to_owned()),
            },
            TriggerAction::Delivered
            | TriggerAction::Freeze
            | TriggerAction::Thaw
            | TriggerAction::DeclareCustoms => Err("Alipay has no such call".to_owned()),
        };
        found.unwrap_or_else(|reason| Found::NoWord { reason, after: answer.retry_after })
    }

    fn about_trade(&self, payment_reference: &str, wall: Instant) -> Request {
        let content = json!({"trade_no": payment_reference, "query_options": ["trade_settle_info"]});
        self.request(QUERY, &content, wall)
    }

    fn read_about_trade(&self, payment_reference: &str, answer: &Answer) -> Result<Trade, String> {
        translate::trade(&self.open(QUERY, answer)?, payment_reference)
    }
}

impl DeclareCustoms for Alipay {
    fn declare(&self, declaration: &Declaration, wall: Instant) -> Result<Request, Unsayable> {
        let mut content = json!({
            "out_request_no": declaration.id,
            "trade_no": translate::trade_number(&declaration.payment_reference)?,
            "merchant_customs_code": declaration.merchant_customs_code,
            "merchant_customs_name": declaration.merchant_customs_name,
            "customs_place": declaration.customs_place,
            "amount": translate::yuan_of(declaration.amount)?,
        });
        if let Some(part) = &declaration.split {
            content["is_split"] = json!("T");
            content["sub_out_biz_no"] = json!(part);
        }
        Ok(self.request(DECLARE, &content, wall))
    }

    fn read_declaration(&self, declaration: &Declaration, answer: &Answer) -> Result<Declared, Reading> {
        let signed = self.open(DECLARE, answer).map_err(translate::unknown)?;
        if !signed.is_success() {
            return Err(translate::refusal(&signed, false));
        }
        if !translate::is_about(&signed.fields, &declaration.payment_reference, declaration.id) {
            return Err(translate::unknown("the answer is about another trade"));
        }
        let text = |name: &str| signed.fields.text(name).filter(|text| !text.is_empty());
        let number = text("alipay_declare_no");
        Ok(Declared {
            declaration_number: number.ok_or_else(|| translate::unknown("no number of a declaration"))?,
            pay_code: text("pay_code"),
            pay_transaction_id: text("pay_transaction_id"),
            identity_matches: text("identity_check").and_then(|check| match check.as_str() {
                "T" => Some(true),
                "F" => Some(false),
                _ => None,
            }),
        })
    }
}

#[cfg(test)]
mod tests;
