//! The gateway of old (担保交易): `send_goods_confirm_by_platform` says that the goods are on their way, and starts
//! the clock after which Alipay releases by itself.
//!
//! Forms in, XML out, both signed with MD5 over the sorted fields and the partner's key. RSA as that gateway knows
//! it signs SHA-1, and is absent. A refusal is not signed; it moves no money, and is read all the same. That a trade
//! is in another state than the call wants may be our own doing: then the trade is asked about (`single_trade_query`).

use std::sync::Arc;

use md5::{Digest, Md5};
use quick_xml::Reader;
use quick_xml::events::Event;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::super::json::shown;
use super::super::keys::{KeyRing, Refresh, lines};
use super::super::provider::{Command, Found, Reading, Shipped, Unsayable};
use super::{translate, wire};
use crate::config::{self, ConfigError, KeySource};
use crate::domain::instant::Instant;
use crate::outbound::{Answer, Request};

const SHIPPED: [&str; 2] = ["WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED"];
const INVOICE_LETTERS_MAX: usize = 32;
const DEPTH_MAX: usize = 16;

pub struct Legacy {
    url: String,
    partner: String,
    keys: Arc<KeyRing<SecretString>>,
}

impl Legacy {
    pub fn open(settings: &config::Alipay) -> Result<Option<Self>, ConfigError> {
        if settings.legacy_partner.is_empty() {
            return Ok(None);
        }
        let source = KeySource::new(&settings.legacy_key_file, &settings.legacy_key);
        let wanted_by = "escrow.alipay.legacy_partner";
        let keys = KeyRing::needed("escrow.alipay.legacy_key", &source, lines, wanted_by)?;
        let url = format!("{}?_input_charset=utf-8", settings.legacy_base_url);
        Ok(Some(Self { url, partner: settings.legacy_partner.clone(), keys }))
    }

    pub fn keys(&self) -> Arc<dyn Refresh> {
        self.keys.clone()
    }

    fn request(&self, service: &str, own: &[(&'static str, &str)]) -> Request {
        let mut fields: Vec<(&str, String)> = vec![
            ("service", service.to_owned()),
            ("partner", self.partner.clone()),
            ("_input_charset", "utf-8".to_owned()),
        ];
        fields.extend(own.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let content = wire::canonical(fields.iter().map(|(name, value)| (*name, value.as_str())));
        // A ring has a key.
        let sign = self.keys.keys().first().map(|key| signature(&content, key)).unwrap_or_default();
        fields.extend([("sign", sign), ("sign_type", "MD5".to_owned())]);
        Request::post(self.url.clone(), wire::form(&fields).into_bytes())
            .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
    }

    /// Whether and how a trade goes on.
    pub fn about(&self, trade: &str) -> Request {
        self.request("single_trade_query", &[("trade_no", trade)])
    }

    pub fn read_about(&self, trade: &str, answer: &Answer) -> Found {
        let said = match self.hear(answer) {
            Ok(said) => said,
            Err(reason) => return translate::no_word(reason),
        };
        if !said.is_signed || said.get("trade_no") != trade {
            return translate::no_word("the answer is not signed, or is about another trade");
        }
        match said.get("trade_status") {
            status if SHIPPED.contains(&status) => Found::TookEffect,
            "WAIT_SELLER_SEND_GOODS" => Found::NotThere,
            "TRADE_CLOSED" => Found::Refused { reason: "the trade is closed".to_owned() },
            other => translate::no_word(shown(other)),
        }
    }

    fn hear(&self, answer: &Answer) -> Result<Spoken, String> {
        if answer.status != 200 {
            return Err(format!("answered {}", answer.status));
        }
        let text = std::str::from_utf8(&answer.body).map_err(|_| "the answer is no text")?;
        let leaves = leaves(text).ok_or("the answer is no XML")?;
        let leaf = |path: &str| {
            let found = leaves.iter().find(|(known, _)| known == path);
            found.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let (is_success, error, sign) =
            (leaf("alipay/is_success"), leaf("alipay/error"), leaf("alipay/sign"));
        let prefix = "alipay/response/";
        let fields: Vec<(String, String)> = leaves
            .iter()
            .filter(|(path, _)| path.starts_with(prefix))
            .map(|(path, text)| (path.rsplit('/').next().unwrap_or_default().to_owned(), text.clone()))
            .collect();
        let content = wire::canonical(fields.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let matches = |key| bool::from(signature(&content, key).as_bytes().ct_eq(sign.as_bytes()));
        let is_signed = !fields.is_empty() && self.keys.keys().iter().any(matches);
        Ok(Spoken { is_success: is_success == "T", error, fields, is_signed })
    }
}

fn signature(content: &[u8], key: &SecretString) -> String {
    let digest = Md5::new().chain_update(content).chain_update(key.expose_secret()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Spoken {
    is_success: bool,
    error: String,
    fields: Vec<(String, String)>,
    is_signed: bool,
}

impl Spoken {
    fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str()).unwrap_or_default()
    }
}

/// Every text with the names above it, or nothing where it is not well-formed to its end.
fn leaves(xml: &str) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::from_str(xml.trim());
    let (mut path, mut leaves): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut text = String::new();
    let mut is_over = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if path.len() < DEPTH_MAX && !is_over => {
                path.push(tag.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::End(_) => {
                if !text.trim().is_empty() {
                    leaves.push((path.join("/"), text.trim().to_owned()));
                }
                text.clear();
                path.pop()?;
                is_over = path.is_empty();
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.push_str(quick_xml::escape::resolve_xml_entity(&name)?),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof if is_over => return Some(leaves),
            Event::Start(_) | Event::DocType(_) | Event::Eof => return None,
        }
    }
}

impl Shipped for Legacy {
    fn shipped(&self, command: &Command, _wall: Instant) -> Result<Request, Unsayable> {
        let facts = command.facts;
        let trade = translate::trade_number(&facts.payment_reference)?;
        // One number a trade. Without one of a carrier, our own leads the buyer to the tracking page.
        let own = facts.shipment.to_string();
        let (name, number) = facts
            .consignments
            .iter()
            .find(|one| one.tracking_number.len() <= INVOICE_LETTERS_MAX)
            .map_or(("Sampan", own.as_str()), |one| (one.carrier.as_str(), one.tracking_number.as_str()));
        Ok(self.request(
            "send_goods_confirm_by_platform",
            &[
                ("trade_no", trade),
                ("logistics_name", name),
                ("invoice_no", number),
                ("transport_type", "EXPRESS"),
            ],
        ))
    }

    fn read_shipped(&self, command: &Command, answer: &Answer) -> Reading {
        let said = match self.hear(answer) {
            Ok(said) => said,
            Err(reason) if answer.status == 429 => {
                return Reading::Later { reason, after: answer.retry_after };
            }
            Err(reason) => return Reading::Unknown { reason, after: answer.retry_after },
        };
        if said.is_success {
            let is_ours = said.is_signed && said.get("trade_no") == command.facts.payment_reference;
            return if is_ours && SHIPPED.contains(&said.get("trade_status")) {
                Reading::Acknowledged
            } else {
                translate::unknown("a success that is not signed, or not of this trade")
            };
        }
        let reason = shown(&said.error);
        match said.error.as_str() {
            "TRADE_NOT_EXIST" | "ILLEGAL_ARGUMENT" => Reading::Refused { reason },
            "ILLEGAL_SIGN" | "ILLEGAL_PARTNER" | "ILLEGAL_SERVICE" | "HAS_NO_PRIVILEGE" => {
                Reading::Later { reason, after: None }
            }
            _ => translate::unknown(reason),
        }
    }
}
