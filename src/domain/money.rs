//! Money: whole minor units of a currency of ISO 4217. Never a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::serde_as_text;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMoney {
    #[error("{0:?} is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    #[error("{0:?} is not a decimal number such as 19.99")]
    NotDecimal(String),
    #[error("{currency} has {places} decimal places, {found:?} has more")]
    TooManyPlaces { found: String, currency: Currency, places: u32 },
    #[error("{0:?} is more than can be kept")]
    TooLarge(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal places the currency's minor unit has: 2 for CNY, 0 for JPY.
    pub fn places(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = BadMoney;

    fn from_str(text: &str) -> Result<Self, BadMoney> {
        iso_currency::Currency::from_code(text)
            // Gold, drawing rights and test codes have no minor unit, and nobody pays in them.
            .filter(|currency| currency.exponent().is_some())
            .map(Currency)
            .ok_or_else(|| BadMoney::UnknownCurrency(text.chars().take(12).collect()))
    }
}

serde_as_text!(Currency);

/// In JSON: `{"amount": "19.99", "currency": "CNY"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

#[derive(Serialize, Deserialize)]
struct Written {
    amount: String,
    currency: Currency,
}

impl TryFrom<Written> for Money {
    type Error = BadMoney;

    fn try_from(written: Written) -> Result<Self, BadMoney> {
        Money::parse(&written.amount, written.currency)
    }
}

impl From<Money> for Written {
    fn from(money: Money) -> Self {
        Written { amount: money.amount(), currency: money.currency }
    }
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads `19.99`. No sign, no exponent, no grouping, and no more places than the
    /// currency has, so that nothing is ever rounded on the way in.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, BadMoney> {
        let short = || text.chars().take(40).collect::<String>();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(BadMoney::NotDecimal(short()));
        }
        let places = currency.places();
        let written = text.split_once('.').map_or("", |(_, fraction)| fraction);
        if written.len() > places as usize {
            return Err(BadMoney::TooManyPlaces { found: short(), currency, places });
        }
        let padded = format!("{whole}{written:0<width$}", width = places as usize);
        let minor = padded.parse().map_err(|_| BadMoney::TooLarge(short()))?;
        Ok(Self { minor, currency })
    }

    /// The amount as a decimal string with exactly the currency's places.
    pub fn amount(self) -> String {
        let places = self.currency.places();
        if places == 0 {
            return self.minor.to_string();
        }
        let unit = 10_i64.pow(places).unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, fraction) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        format!("{sign}{whole}.{fraction:0width$}", width = places as usize)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency of the test")
    }

    proptest! {
        #[test]
        fn an_amount_is_read_back_as_it_was_written(minor in 0_i64.., code in prop::sample::select(vec!["CNY", "JPY", "KWD"])) {
            let money = Money::new(minor, currency(code));
            prop_assert_eq!(Money::parse(&money.amount(), money.currency), Ok(money));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Money::parse(&text, currency("CNY"));
        }
    }

    #[test]
    fn amounts_that_would_need_rounding_or_guessing_are_refused() {
        let parse = |text, code| Money::parse(text, currency(code)).map(|money| money.minor);
        assert_eq!(parse("19.9", "CNY"), Ok(1990));
        assert_eq!(parse("19", "CNY"), Ok(1900));
        assert_eq!(parse("1200", "JPY"), Ok(1200));
        for (text, code) in [("1.999", "CNY"), ("1.0", "JPY"), ("1.2345", "KWD")] {
            assert!(matches!(parse(text, code), Err(BadMoney::TooManyPlaces { .. })), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,000", " 1", "１"] {
            assert!(matches!(parse(text, "CNY"), Err(BadMoney::NotDecimal(_))), "{text}");
        }
        assert!(matches!(parse("99999999999999999999", "CNY"), Err(BadMoney::TooLarge(_))));
        assert!("XAU".parse::<Currency>().is_err() && "usd".parse::<Currency>().is_err());
    }
}
