//! Reading the embedded tables.
//!
//! They are part of the binary, so a malformed one is a mistake of ours that the first test to
//! touch it shows; there is nobody at run time who could mend it.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;

pub fn rows<T: DeserializeOwned>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        // Part of the binary: a test reads every row of it.
        .map(|row| row.unwrap_or_else(|error| panic!("an embedded table is malformed: {error}")))
}

/// What stands in one field with `;` between; nothing where the field is empty.
pub fn several<T: FromStr<Err: Display>>(field: &str) -> Vec<T> {
    field.split(';').filter(|part| !part.is_empty()).map(one).collect()
}

fn one<T: FromStr<Err: Display>>(part: &str) -> T {
    // Part of the binary: a test reads every row of it.
    part.parse().unwrap_or_else(|error| panic!("an embedded table is malformed: {error}"))
}
