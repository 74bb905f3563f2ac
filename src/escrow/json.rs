//! JSON as providers send it: an object whose values stay the text they were until somebody wants one.
//!
//! The raw text matters: what a provider signs is its own bytes, not what they would look like written again.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

#[derive(Default)]
pub struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// A whole body, if it is an object.
    pub fn of(text: &'a str) -> Option<Self> {
        // serde alone would take a list for an object.
        let is_object = text.trim_start().starts_with('{');
        is_object.then(|| serde_json::from_str(text).ok()).flatten().map(Self)
    }

    /// `null` is a field that is missing.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }

    /// A string, or a number's digits as they were written. None where there is neither.
    pub fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        if raw.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            return Some(raw.to_owned());
        }
        serde_json::from_str(raw).ok()
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.text(name).is_some_and(|text| text == value)
    }

    /// Without fields where there is none.
    pub fn object(&self, name: &str) -> Fields<'a> {
        self.raw(name).and_then(Self::of).unwrap_or_default()
    }

    /// The objects of a list; none where it is no list, or not of objects alone.
    pub fn objects(&self, name: &str) -> Option<Vec<Fields<'a>>> {
        let list: Vec<&RawValue> = serde_json::from_str(self.raw(name)?).ok()?;
        list.into_iter().map(|raw| Self::of(raw.get())).collect()
    }
}

/// What somebody else wrote, as far as it is shown to people: short, and without line ends.
pub fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}
