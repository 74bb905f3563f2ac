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
        let form = wire::Form::read(body).ok_or_else(|| unsigned("it is no form"))?;
        if form.bytes("sign_type") != b"RSA2" {
            return Err(unsigned("it is not signed with RSA2"));
        }
        let signature = form.text("sign").map_err(NotBelieved)?;
        if !is_signed(&self.public.keys(), &form.canonical(&["sign", "sign_type"]), signature) {
            return Err(unsigned("the signature is not Alipay's"));
        }
        // Alipay signs for all its applications with the same key.
        if form.bytes("app_id") != self.app_id.as_bytes() {
            return Err(unsigned("it is for another application"));
        }
        let unreadable = |reason: String| {
            let id = form.text("notify_id").ok().map(str::to_owned);
            Notice::unreadable(id, body, &reason)
        };
        Ok(said(&form).unwrap_or_else(unreadable))
    }

    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("text/plain", "success")
    }
}

/// All that is wanted of a notice is ASCII, in whatever charset the rest of it is. An error: why it says nothing.
fn said(form: &wire::Form) -> Result<Notice, String> {
    let (id, trade) = (form.text("notify_id")?, form.text("trade_no")?);
    if id.is_empty() || trade.is_empty() {
        return Err("it names no notice or no trade".to_owned());
    }
    let total = translate::money(form.text("total_amount")?);
    let is_refund = !form.bytes("gmt_refund").is_empty();
    // A notice about a refund bears the refund's own number.
    let refund = if is_refund { form.text("out_biz_no")?.parse().ok() } else { None };
    let says = match refund {
        Some(refund) => Said::TookEffect(refund),
        None => Said::Changed(shown(form.text("trade_status")?)),
    };
    Ok(Notice { id: id.to_owned(), payment_reference: trade.to_owned(), total, says })
}
