//! Numbers of postal operators: two letters, eight digits and a check digit, a country.
//!
//! The Universal Postal Union's standard S10. The country is the operator's that accepted the
//! item (`data/s10_operators.csv`); the first letter says what it is. Letters that the standard
//! gives to a service carry the check digit for sure; of those it keeps in reserve, which
//! some couriers use as they like, a wrong one says nothing.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Fit;
use super::checks::Check;
use super::spelling::Symbols;
use super::table::{Checked, embedded};

const OPERATORS: &str = include_str!("data/s10_operators.csv");

#[derive(Debug, Deserialize)]
pub struct Operator {
    pub country: String,
    pub carrier: String,
    /// What people call it.
    #[cfg(test)]
    pub operator: String,
}

pub fn operators() -> impl Iterator<Item = Operator> {
    embedded(OPERATORS)
}

/// The carrier of each country, under its two letters as values.
static CARRIERS: LazyLock<HashMap<[u8; 2], String>> = LazyLock::new(|| {
    let value = |letter: u8| letter.saturating_sub(b'A') + 10;
    let of = |Operator { country, carrier, .. }: Operator| match country.as_bytes() {
        [first, second] => Some(([value(*first), value(*second)], carrier)),
        _ => None,
    };
    operators().filter_map(of).collect()
});

/// What the first letter says of the item, and whether S10 gives it to a service.
fn service(letter: u8) -> (Option<&'static str>, bool) {
    match letter.saturating_sub(10) + b'A' {
        b'C' => (Some("parcel"), true),
        b'E' => (Some("ems"), true),
        b'H' => (Some("ecommerce_parcel"), true),
        b'L' => (Some("tracked_letter"), true),
        b'M' => (Some("m_bag"), true),
        b'Q' => (Some("business_reply"), true),
        b'R' => (Some("registered"), true),
        b'U' => (Some("letter"), true),
        b'V' => (Some("insured"), true),
        b'A' | b'B' | b'D' | b'G' | b'N' | b'P' | b'Z' => (Some("domestic"), true),
        _ => (None, false),
    }
}

/// Of the German operator DHL carries the parcels, under its own names for services.
fn of_dhl(letter: u8) -> &'static str {
    match letter.saturating_sub(10) + b'A' {
        b'C' | b'E' | b'H' => "parcel_de",
        _ => "deutsche_post",
    }
}

pub fn fit(symbols: &Symbols) -> Option<Fit> {
    let symbols = symbols.as_slice();
    let [first, second, digits @ .., country_1, country_2] = symbols else { return None };
    let is_letter = |symbol: &u8| *symbol >= 10;
    if digits.len() != 9 || digits.iter().any(is_letter) || ![first, second].into_iter().all(is_letter) {
        return None;
    }
    let carrier = CARRIERS.get(&[*country_1, *country_2])?;
    let (service, is_sure) = service(*first);
    let verdict = Checked { check: Check::S10, skip: 2, tail: 2, is_sure }.verdict(symbols);
    let service = if carrier == "dhl_unified" { Some(of_dhl(*first)) } else { service };
    Some(Fit { carrier, service, verdict, is_marked: true, prescribed: 4 })
}
