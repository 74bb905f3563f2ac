//! What the other side says by itself: Standard Webhooks in our direction.
//!
//! `{"type": "escrow.took_effect" | "escrow.refused" | "escrow.trade_changed" | "escrow.releases_at", "data":
//! {"payment_reference", "trigger"?, "reason"?, "at"?}}`, signed with the secret that both sides know, or with a key of
//! `escrow.webhook_notice_key`. None of these types is one of ours, so that a message of ours that is sent back says
//! nothing.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::super::json::{Fields, shown};
use super::super::provider::{NotBelieved, Notice, Notified, Said};
use super::super::signing::BadKey;
use super::Webhook;
use crate::domain::id::TriggerId;
use crate::domain::instant::{Instant, cut};
use crate::standard_webhooks::{
    BadSecret, ID, PublicKey, Refused, SIGNATURE, Secret, Signed, TIMESTAMP, verify, verify_public,
};

/// Standard Webhooks: five minutes.
const TOLERANCE_SECONDS: u32 = 300;

pub enum NoticeKey {
    Shared(Secret),
    Public(PublicKey),
}

impl FromStr for NoticeKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let public = text.parse().map(Self::Public);
        public.or_else(|_| text.parse().map(Self::Shared)).map_err(|_: BadSecret| BadKey::NotNoticeKey)
    }
}

impl Webhook {
    /// With the keys named for it, or with those of our own messages.
    fn is_believed(&self, headers: &Signed, body: &[u8], wall: Instant) -> Result<(), Refused> {
        let shared = |secrets: &[Secret]| verify(secrets, headers, body, wall, TOLERANCE_SECONDS);
        let Some(ring) = &self.notice_keys else { return shared(&self.secrets.keys()) };
        let mut refused = Refused::NoSignatureMatches;
        for key in ring.keys().iter() {
            let checked = match key {
                NoticeKey::Shared(secret) => shared(std::slice::from_ref(secret)),
                NoticeKey::Public(key) => verify_public(&[*key], headers, body, wall, TOLERANCE_SECONDS),
            };
            match checked {
                Ok(()) => return Ok(()),
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }
}

/// Which payment it names, and what it says. An error: why it cannot be read.
fn signed(body: &[u8]) -> Result<(String, Said), &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "it is no text")?;
    let fields = Fields::of(text).ok_or("it is no JSON object")?;
    let data = fields.object("data");
    let trigger = || {
        let id = data.text("trigger").and_then(|text| text.parse::<TriggerId>().ok());
        id.ok_or("data.trigger is no trigger")
    };
    let reason = || shown(&data.text("reason").unwrap_or_default());
    let says = match fields.text("type").as_deref() {
        Some("escrow.took_effect") => Said::TookEffect(trigger()?),
        Some("escrow.refused") => Said::Refused(trigger()?, reason()),
        Some("escrow.trade_changed") => Said::Changed(reason()),
        Some("escrow.releases_at") => {
            let at = data.text("at").and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
            Said::ReleasesAt(cut(at.ok_or("data.at is no time")?.with_timezone(&Utc)))
        }
        _ => return Err("its type is none of a provider's"),
    };
    let payment_reference = data.text("payment_reference").filter(|text| !text.is_empty());
    Ok((payment_reference.ok_or("data.payment_reference is missing")?, says))
}

impl Notified for Webhook {
    fn read(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
        wall: Instant,
    ) -> Result<Notice, NotBelieved> {
        let (id, timestamp, signature) = (header(ID), header(TIMESTAMP), header(SIGNATURE));
        let headers =
            Signed { id: id.as_deref(), timestamp: timestamp.as_deref(), signature: signature.as_deref() };
        let believed = self.is_believed(&headers, body, wall);
        believed.map_err(|refused| NotBelieved(refused.to_string()))?;
        Ok(match signed(body) {
            Ok((payment_reference, says)) => {
                Notice { id: id.unwrap_or_default(), payment_reference, total: None, says }
            }
            Err(reason) => Notice::unreadable(id, body, reason),
        })
    }

    /// Any 2xx would do.
    fn acknowledgement(&self) -> (&'static str, &'static str) {
        ("application/json", "{}")
    }
}
