//! Carriers and the numbers they give to what they carry.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::instant::Instant;
use super::text::serde_as_text;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCarrierWord {
    #[error("{0:?} is not a carrier code: 2 to 32 small letters, digits or underscores, a letter first")]
    Carrier(String),
    #[error("{0:?} is not a tracking number: 4 to 40 letters, digits or hyphens")]
    TrackingNumber(String),
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Which adapter speaks with a carrier: `dhl_unified`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CarrierCode(Box<str>);

impl FromStr for CarrierCode {
    type Err = BadCarrierWord;

    fn from_str(text: &str) -> Result<Self, BadCarrierWord> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let well_formed = (2..=32).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(allowed);
        if well_formed { Ok(Self(text.into())) } else { Err(BadCarrierWord::Carrier(short(text))) }
    }
}

/// A carrier's number of one parcel, in one spelling: capitals, no spaces. What a
/// person typed from a label (`jd01 4600 0062`) becomes what the carrier prints.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackingNumber(Box<str>);

impl FromStr for TrackingNumber {
    type Err = BadCarrierWord;

    fn from_str(text: &str) -> Result<Self, BadCarrierWord> {
        let bad = || BadCarrierWord::TrackingNumber(short(text));
        let mut number = String::new();
        for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
            if number.len() == 40 || !(letter.is_ascii_alphanumeric() || letter == '-') {
                return Err(bad());
            }
            number.push(letter.to_ascii_uppercase());
        }
        if number.len() < 4 { Err(bad()) } else { Ok(Self(number.into())) }
    }
}

/// One of the accounts that we have with a carrier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    pub carrier: CarrierCode,
    /// Empty: the carrier's first.
    pub name: String,
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "{}", self.carrier),
            name => write!(f, "{}/{name}", self.carrier),
        }
    }
}

/// How much may be asked of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub calls_per_second: Option<f64>,
    pub calls_per_day: Option<u32>,
    /// When a new day of calls begins, on which clock.
    pub day_begins: (NaiveTime, Tz),
    pub calls_per_shipment_and_day: Option<u32>,
    pub concurrency_max: NonZeroUsize,
    pub numbers_per_call: NonZeroUsize,
}

impl Limits {
    /// Whether anybody has to count.
    pub fn are_any(&self) -> bool {
        self.calls_per_second.is_some() || self.calls_per_day.is_some()
    }
}

/// What was asked of an account, by all daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// No call may begin before.
    pub next_call_at: Instant,
    pub day_began_at: Instant,
    /// Since then.
    pub calls: u32,
}

macro_rules! written_as_it_is {
    ($($name:ident),+) => {$(
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        serde_as_text!($name);
    )+};
}

written_as_it_is!(CarrierCode, TrackingNumber);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_carrier_code_is_a_small_word() {
        for text in ["dhl_unified", "sf", "carrier_2"] {
            assert_eq!(text.parse::<CarrierCode>().map(|code| code.to_string()), Ok(text.into()));
        }
        for text in ["", "d", "DHL", "2go", "_dhl", "dhl-unified", "dhl unified", &"x".repeat(33)] {
            assert!(text.parse::<CarrierCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tracking_number_has_one_spelling() {
        for text in ["JD014600006281230704", " jd01 4600 0062 8123 0704\n", "jd014600006281230704"] {
            let number: TrackingNumber = text.parse().expect("a number");
            assert_eq!(number.as_str(), "JD014600006281230704");
        }
        for text in ["", "123", "1 2 3", "12/34", "ÄBCD", "AB;CD", &"1".repeat(41)] {
            assert!(text.parse::<TrackingNumber>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_back_as_it_was_written(text in ".*") {
            if let Ok(number) = text.parse::<TrackingNumber>() {
                prop_assert!((4..=40).contains(&number.as_str().len()));
                prop_assert_eq!(number.to_string().parse(), Ok(number));
            }
        }
    }
}
