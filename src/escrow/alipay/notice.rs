//! What Alipay posts by itself: a form, signed like a request but for `sign_type`.

use super::super::json::shown;
use super::super::provider::{NotBelieved, Notice, Notified, Said};
use super::super::signing::is_signed;
use super::{Alipay, translate, wire};
use crate::domain::instant::Instant;

impl Notified for Alipay {
    /// `wall` does not count: Alipay sends the same notice, as it was signed, for up to a day.
    fn read(
        &self,
        _header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        _wall: Instant,
    ) -> Result<Notice, NotBelieved> {
        let unsigned = |reason: &str| NotBelieved(reason.to_owned());
        // What is signed are its fields.
        let fields = wire::read_form(body).ok_or_else(|| unsigned("it is no form in UTF-8"))?;
        let get = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if get("sign_type") != "RSA2" {
            return Err(unsigned("it is not signed with RSA2"));
        }
        let signed = fields.iter().filter(|(name, _)| !["sign", "sign_type"].contains(&name.as_str()));
        let content = wire::canonical(signed.map(|(name, value)| (name.as_str(), value.as_str())));
        if !is_signed(&self.public.keys(), content.as_bytes(), get("sign")) {
            return Err(unsigned("the signature is not Alipay's"));
        }
        // Alipay signs for all its applications with the same key.
        if get("app_id") != self.app_id {
            return Err(unsigned("it is for another application"));
        }
        let (id, trade) = (get("notify_id"), get("trade_no"));
        if id.is_empty() || trade.is_empty() {
            return Ok(Notice::unreadable(Some(id.to_owned()), body, "it names no notice or no trade"));
        }
        // A notice about a refund bears the refund's own number.
        let refund = get("out_biz_no").parse().ok().filter(|_| !get("gmt_refund").is_empty());
        let says = refund.map_or_else(|| Said::Changed(shown(get("trade_status"))), Said::TookEffect);
        Ok(Notice {
            id: id.to_owned(),
            payment_reference: trade.to_owned(),
            total: translate::money(get("total_amount")),
            says,
        })
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("text/plain", "success")
    }
}
