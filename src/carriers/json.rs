//! JSON as carriers really send it.
//!
//! Every field is kept as the text it was, until somebody wants its value: a field of another type than
//! documented is a field that is missing, not an answer that is lost.

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

/// An object's fields, found whatever the capitals of their names.
#[derive(Default)]
pub struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    pub fn body(text: &'a str) -> Option<Self> {
        Self::of(serde_json::from_str(text).ok())
    }

    pub fn of(raw: Option<&'a RawValue>) -> Option<Self> {
        let fields: HashMap<String, &'a RawValue> = object(raw)?;
        Some(Self(fields.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()))
    }

    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(&name.to_lowercase()).copied()
    }

    /// Empty where there is none.
    pub fn text(&self, name: &str) -> String {
        text_or_empty(self.get(name))
    }

    /// Without fields where there is none.
    pub fn object(&self, name: &str) -> Object<'a> {
        Self::of(self.get(name)).unwrap_or_default()
    }

    /// The entries of a list, or the one object that stands where a list should.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        match self.get(name) {
            Some(raw) if raw.get().starts_with('{') => vec![raw],
            raw => list(raw),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|raw| raw.get() != "null")
    }
}
