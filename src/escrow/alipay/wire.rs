//! The open platform's format: one gateway, forms in, JSON out, RSA2 both ways.
//!
//! Source: the vendor's published SDKs and opendocs.alipay.com, November 2026. What is signed of a request is every
//! field that is not empty, sorted by name, `sign_type` included; of a notification the same without `sign_type`, in
//! the bytes of whatever charset it is in; of an answer the inner object, byte for byte as it came, or with `/` for
//! every `\/`.

use std::collections::BTreeMap;

use chrono::FixedOffset;

use super::super::json::Fields;
use super::super::signing::{RsaPrivate, RsaPublic, is_signed};
use crate::domain::instant::Instant;
use crate::outbound::percent_encoded;

/// Alipay's clocks, in all the world.
const OFFSET_SECONDS: i32 = 8 * 3600;
const SUCCESS: &str = "10000";
const CHARSET: &str = "utf-8";

/// `a=1&b=2`: sorted by name, without what is empty.
pub fn canonical<'f, T>(fields: impl IntoIterator<Item = (&'f T, &'f T)>) -> Vec<u8>
where
    T: AsRef<[u8]> + ?Sized + 'f,
{
    let fields = fields.into_iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let sorted: BTreeMap<&[u8], &[u8]> = fields.filter(|(_, value)| !value.is_empty()).collect();
    let pairs: Vec<Vec<u8>> = sorted.into_iter().map(|(name, value)| [name, b"=", value].concat()).collect();
    pairs.join(&b'&')
}

/// `application/x-www-form-urlencoded`.
pub fn form(fields: &[(&str, String)]) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> =
        filled.map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    pairs.join("&")
}

/// A form that came, in bytes: a notification is in the charset of the request that made its trade, which may be GBK.
pub struct Form(BTreeMap<Vec<u8>, Vec<u8>>);

impl Form {
    /// None: it is no form, or a name stands in it twice.
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut fields = BTreeMap::new();
        // Beyond ASCII no character, of UTF-8 or of GBK, has a byte in it that separates fields.
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            if fields.insert(decoded(&pair[..equals])?, decoded(&pair[equals + 1..])?).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }

    pub fn canonical(&self, without: &[&str]) -> Vec<u8> {
        let is_signed = |name: &[u8]| !without.iter().any(|known| known.as_bytes() == name);
        canonical(self.0.iter().filter(|(name, _)| is_signed(name)))
    }

    /// Empty where there is none.
    pub fn bytes(&self, name: &str) -> &[u8] {
        self.0.get(name.as_bytes()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same as text. An error names what is none.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        std::str::from_utf8(self.bytes(name)).map_err(|_| format!("its {name} is no UTF-8"))
    }
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(bytes)
}

/// As Alipay writes times.
pub fn time(at: Instant) -> String {
    // Eight hours are an offset that there is.
    let zone = FixedOffset::east_opt(OFFSET_SECONDS);
    let local = zone.map_or_else(|| at.fixed_offset(), |zone| at.with_timezone(&zone));
    local.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Where calls are posted to. Alipay looks for the charset here alone: without it a body is taken for GBK, and the
/// signature over anything Chinese for wrong.
pub fn address(gateway: &str) -> String {
    format!("{gateway}?charset={CHARSET}")
}

/// A whole request's form, signed together with what stands in its address.
pub fn sealed(app_id: &str, method: &str, content: &str, wall: Instant, key: &RsaPrivate) -> String {
    let mut fields = vec![
        ("app_id", app_id.to_owned()),
        ("method", method.to_owned()),
        ("format", "JSON".to_owned()),
        ("sign_type", "RSA2".to_owned()),
        ("timestamp", time(wall)),
        ("version", "1.0".to_owned()),
        ("biz_content", content.to_owned()),
    ];
    let in_body = fields.iter().map(|(name, value)| (*name, value.as_str()));
    let to_sign = canonical(in_body.chain([("charset", CHARSET)]));
    fields.push(("sign", key.sign(&to_sign)));
    form(&fields)
}

/// An answer that Alipay signed.
pub struct Signed<'a> {
    pub code: String,
    pub sub_code: String,
    pub fields: Fields<'a>,
}

impl Signed<'_> {
    pub fn is_success(&self) -> bool {
        self.code == SUCCESS
    }

    /// For people.
    pub fn said(&self) -> String {
        super::super::json::shown(&format!("{} {}", self.code, self.sub_code))
    }
}

/// The answer to a call of `method`, if one of `keys` signed it. An error says why it says nothing.
pub fn open<'a>(body: &'a [u8], method: &str, keys: &[RsaPublic]) -> Result<Signed<'a>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
    let whole = Fields::of(text).ok_or("the answer is no JSON object")?;
    let node = format!("{}_response", method.replace('.', "_"));
    let inner = whole.raw(&node).or_else(|| whole.raw("error_response"));
    let inner = inner.ok_or_else(|| format!("the answer has no {node}"))?;
    let fields = Fields::of(inner).ok_or("what is in the answer is no object")?;
    let (code, sub_code) =
        (fields.text("code").unwrap_or_default(), fields.text("sub_code").unwrap_or_default());
    let signed = Signed { code, sub_code, fields };
    let signature = whole.text("sign").filter(|signature| !signature.is_empty());
    let Some(signature) = signature else {
        return Err(format!("the answer is not signed ({})", signed.said()));
    };
    // It can be signed before its slashes are escaped, and the vendor's SDKs look twice, too. A backslash before a slash
    // neither begins nor ends a value.
    let is_alipays = is_signed(keys, inner.as_bytes(), &signature)
        || (inner.contains(r"\/") && is_signed(keys, inner.replace(r"\/", "/").as_bytes(), &signature));
    if is_alipays {
        Ok(signed)
    } else {
        Err(format!("the answer's signature is not Alipay's ({})", signed.said()))
    }
}
