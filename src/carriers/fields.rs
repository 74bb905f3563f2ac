//! An object of JSON whose fields are looked up by name.
//!
//! For carriers whose documents and answers differ in capitals, in what is left out, and in whether one
//! thing is a list of one. Names are compared without regard to capitals; `null` is a field that is missing.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::json;

pub struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// A whole body, if it is an object.
    pub fn body(text: &'a str) -> Option<Self> {
        Self::of(raw(text)?)
    }

    /// `None` where `raw` is no object.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        let fields: BTreeMap<String, &'a RawValue> = json::object(Some(raw))?;
        Some(Self(fields.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()))
    }

    /// Whether there is such a field, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(&name.to_ascii_lowercase())
    }

    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(&name.to_ascii_lowercase()).copied().filter(|raw| raw.get() != "null")
    }

    /// Empty where there is none.
    pub fn text(&self, name: &str) -> String {
        json::text_or_empty(self.raw(name))
    }

    /// The entries of a list; an object by itself is a list of one.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        entries(self.raw(name))
    }
}

/// The entries of a list; an object by itself is a list of one.
pub fn entries(raw: Option<&RawValue>) -> Vec<&RawValue> {
    match raw {
        Some(raw) if raw.get().starts_with('{') => vec![raw],
        raw => json::list(raw),
    }
}

/// A body that is JSON, whatever it is of.
pub fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_capitals_and_null_is_nothing() {
        let fields =
            Fields::body("\u{feff} {\"eventCODE\": 12, \"Name\": null, \"one\": {}, \"list\": [1, 2]}");
        let fields = fields.expect("an object");
        assert_eq!((fields.text("EventCode"), fields.text("name")), ("12".into(), String::new()));
        assert!(fields.has("name") && fields.raw("name").is_none() && !fields.has("other"));
        assert_eq!(
            (fields.list("one").len(), fields.list("LIST").len(), fields.list("other").len()),
            (1, 2, 0)
        );
        assert!(Fields::body("[{}]").is_none() && Fields::body("{").is_none());
    }
}
