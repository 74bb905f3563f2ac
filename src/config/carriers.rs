//! A table a carrier. What its keys are, its adapter knows.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Keys and values of a table, secrets among them.
pub type Table = config::Map<String, config::Value>;

#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Carriers(BTreeMap<String, Table>);

impl Carriers {
    pub fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.0.iter().map(|(name, table)| (name.as_str(), table))
    }
}

/// The values may be secrets: only the names are shown.
impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
