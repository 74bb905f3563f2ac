//! The forms that carriers give their numbers.
//!
//! The tables are part of the binary, so a malformed row is a mistake of ours that the first
//! test to touch it shows; there is nobody at run time who could mend it.

use std::fmt::Display;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::checks::Check;
use super::form::Form;
use super::spelling::{LENGTH_MAX, Symbols};
use super::{Fit, Verdict};

const FORMATS: &str = include_str!("data/formats.csv");

#[derive(Debug, Deserialize)]
pub struct Row {
    pub carrier: String,
    pub service: Option<String>,
    forms: String,
    check: Option<String>,
    /// Symbols in front that the check does not count.
    skip: Option<usize>,
    /// Symbols behind the check digit.
    tail: Option<usize>,
    /// `yes`: all numbers of these forms carry the check digit.
    sure: Option<String>,
    /// A number that fits, its check digit too.
    #[cfg(test)]
    pub example: String,
    #[cfg(test)]
    pub source: String,
}

impl Row {
    pub fn check(&self) -> Option<Checked> {
        let check = sound(self.check.as_ref()?.parse());
        let is_sure = self.sure.as_deref() == Some("yes");
        Some(Checked { check, skip: self.skip.unwrap_or(0), tail: self.tail.unwrap_or(0), is_sure })
    }

    pub fn forms(&self) -> Vec<Form> {
        sound(Form::all(&self.forms))
    }
}

/// The rows of one of our tables.
pub fn embedded<T: DeserializeOwned>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes()).into_deserialize().map(sound)
}

fn sound<T>(read: Result<T, impl Display>) -> T {
    // Part of the binary: a test reads every row of it.
    read.unwrap_or_else(|error| panic!("an embedded table is malformed: {error}"))
}

pub fn rows() -> impl Iterator<Item = Row> {
    embedded(FORMATS)
}

/// Where a form has its check digit.
#[derive(Debug, Clone, Copy)]
pub struct Checked {
    pub check: Check,
    pub skip: usize,
    pub tail: usize,
    pub is_sure: bool,
}

impl Checked {
    pub fn verdict(&self, symbols: &[u8]) -> Verdict {
        let counted = symbols.get(self.skip..symbols.len().saturating_sub(self.tail)).unwrap_or_default();
        match counted.split_last() {
            Some((digit, body)) if self.check.of(body) == *digit => Verdict::Holds,
            Some(_) | None if self.is_sure => Verdict::Fails,
            Some(_) | None => Verdict::Doubtful,
        }
    }
}

struct Format {
    carrier: String,
    service: Option<String>,
    form: Form,
    check: Option<Checked>,
}

/// By their length; within one, in the order of the table.
static BY_LENGTH: LazyLock<[Vec<Format>; LENGTH_MAX + 1]> = LazyLock::new(|| {
    let mut by_length = std::array::from_fn(|_| Vec::new());
    for row in rows() {
        for form in row.forms() {
            let (carrier, service) = (row.carrier.clone(), row.service.clone());
            if let Some(formats) = by_length.get_mut(form.length()) {
                formats.push(Format { carrier, service, form, check: row.check() });
            }
        }
    }
    by_length
});

pub fn fits(symbols: &Symbols) -> impl Iterator<Item = Fit> {
    let symbols = symbols.as_slice();
    let formats: &'static [Format] = BY_LENGTH.get(symbols.len()).map_or(&[], Vec::as_slice);
    formats.iter().filter(|format| format.form.fits(symbols)).map(|format| Fit {
        carrier: &format.carrier,
        service: format.service.as_deref(),
        verdict: format.check.map_or(Verdict::Unchecked, |check| check.verdict(symbols)),
        is_marked: format.form.is_marked(),
        prescribed: format.form.prescribed(),
    })
}
