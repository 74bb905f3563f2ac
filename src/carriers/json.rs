//! JSON as carriers really send it.
//!
//! Every field is kept as the text it was, until somebody wants its value: a field of another type than
//! documented is a field that is missing, not an answer that is lost.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A whole body, if it is an object.
pub fn body<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    object(serde_json::from_str(text).ok())
}

/// `None` where `raw` is no object: serde alone would take a list for one.
pub fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    raw.filter(|raw| raw.get().starts_with('{')).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

/// The entries of a list; none where it is no list.
pub fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

pub fn texts(raw: Option<&RawValue>) -> Vec<String> {
    list(raw).into_iter().filter_map(|entry| text(Some(entry))).collect()
}

/// A string without control characters (no database takes a NUL), or a number's digits
/// as they were written: a long one would lose its end as a float.
pub fn text(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?.get();
    if raw.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
        return Some(raw.to_owned());
    }
    let text: String = serde_json::from_str(raw).ok()?;
    Some(clean(&text))
}

/// As [`text`]; empty where there is none.
pub fn text_or_empty(raw: Option<&RawValue>) -> String {
    text(raw).unwrap_or_default()
}

/// Without control characters and the space around it.
pub fn clean(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned()
}

/// The entries of a list; an object by itself is a list of one.
pub fn entries(raw: Option<&RawValue>) -> Vec<&RawValue> {
    match raw {
        Some(raw) if raw.get().starts_with('{') => vec![raw],
        raw => list(raw),
    }
}

/// A body that is JSON, whatever it is of.
pub fn raw(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// JSON in a string, as some document it, or as it is.
pub fn unquoted(raw: &RawValue) -> Option<Cow<'_, str>> {
    if raw.get().starts_with('"') {
        return serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(raw.get()))
}

/// An object whose fields are looked up by name, whatever the capitals: for carriers whose documents and
/// answers differ in them, in what is left out, and in whether one thing is a list of one. A name that comes in
/// several spellings, and in none of them as it is looked up, is nobody's.
#[derive(Default)]
pub struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    /// A whole body, if it is an object.
    pub fn body(text: &'a str) -> Option<Self> {
        Self::of(raw(text))
    }

    /// `None` where `raw` is no object.
    pub fn of(raw: Option<&'a RawValue>) -> Option<Self> {
        object(raw).map(Self)
    }

    fn find(&self, name: &str) -> Option<&'a RawValue> {
        let exact = self.0.get(name).copied();
        exact.or_else(|| {
            let mut alike = self.0.iter().filter(|(other, _)| other.to_lowercase() == name.to_lowercase());
            let first = alike.next().map(|(_, value)| *value);
            first.filter(|_| alike.next().is_none())
        })
    }

    /// Whether there is such a field, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// How many fields there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// `null` is a field that is missing.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.find(name).filter(|raw| raw.get() != "null")
    }

    /// `true`, `"True"`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.get().trim_matches('"').to_ascii_lowercase().parse().ok()
    }

    /// Empty where there is none.
    pub fn text(&self, name: &str) -> String {
        text_or_empty(self.get(name))
    }

    /// Without fields where there is none.
    pub fn object(&self, name: &str) -> Object<'a> {
        Self::of(self.get(name)).unwrap_or_default()
    }

    /// The entries of a list; an object by itself is a list of one.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        entries(self.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_capitals_and_null_is_nothing() {
        let text = "\u{feff} {\"eventCODE\": 12, \"Name\": null, \"one\": {}, \"list\": [1, 2]}";
        let fields = Object::body(text).expect("an object");
        assert_eq!((fields.text("EventCode"), fields.text("name")), ("12".into(), String::new()));
        assert!(fields.has("name") && fields.get("name").is_none() && !fields.has("other"));
        assert_eq!(
            (fields.list("one").len(), fields.list("LIST").len(), fields.list("other").len()),
            (1, 2, 0)
        );
        let twice = r#"{"opCode": "80", "opcode": "44", "a": 1, "A": 2, "ok": "True"}"#;
        let fields = Object::body(twice).expect("an object");
        assert_eq!([fields.text("opCode"), fields.text("opcode")], ["80", "44"]);
        assert_eq!(
            (fields.text("OPCODE"), fields.has("OPCODE"), fields.text("A")),
            ("".into(), false, "2".into())
        );
        assert_eq!((fields.flag("ok"), fields.flag("a")), (Some(true), None));
        assert!(Object::body("[{}]").is_none() && Object::body("{").is_none());
    }
}
