//! A form that comes back as it was filled in.

use std::collections::BTreeMap;

/// What was typed into one form of the page, to be typed no second time. What proves the buyer is no part of it: a
/// page may be kept, printed or looked at over a shoulder.
#[derive(Debug, Default)]
pub struct Draft {
    act: String,
    fields: BTreeMap<String, String>,
}

impl Draft {
    pub fn new(act: String, mut fields: BTreeMap<String, String>) -> Self {
        fields.remove("proof");
        Self { act, fields }
    }

    pub fn is_of(&self, act: &str) -> bool {
        self.act == act
    }

    /// Empty in every form but its own.
    pub fn typed(&self, act: &str, field: &str) -> &str {
        let typed = self.fields.get(field).filter(|_| self.is_of(act));
        typed.map_or("", String::as_str)
    }
}
