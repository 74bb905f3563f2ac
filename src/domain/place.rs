//! Countries, points on the globe, Chinese divisions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::serde_as_text;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    #[error("{0:?} is not a country code of two capital letters")]
    Country(String),
    #[error("{0:?} is not a division code of six digits")]
    Division(String),
    #[error("{0} is not between -90 and 90 degrees")]
    Latitude(String),
    #[error("{0} is not between -180 and 180 degrees")]
    Longitude(String),
}

/// ISO 3166-1 alpha-2, by form alone: which countries are served is the network's to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    pub const CHINA: Country = Country(*b"CN");

    pub fn as_str(&self) -> &str {
        // Made of two ASCII capitals by `from_str`, the only way in.
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl FromStr for Country {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        match *text.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([a, b])),
            _ => Err(BadPlace::Country(text.chars().take(12).collect())),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Country);

/// A six-digit code of GB/T 2260: province (`440000`), city (`440300`) or district (`440305`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Division(u32);

impl Division {
    pub fn province(self) -> Division {
        Division(self.0 / 10_000 * 10_000)
    }

    /// The prefecture that a district lies in. Those of the municipalities lie in none.
    pub fn city(self) -> Division {
        Division(self.0 / 100 * 100)
    }
}

impl FromStr for Division {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let six_digits = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|code| six_digits && *code >= 100_000)
            .map(Division)
            .ok_or_else(|| BadPlace::Division(text.chars().take(12).collect()))
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

serde_as_text!(Division);

/// WGS 84, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub lat: f64,
    pub lon: f64,
}

impl Point {
    pub fn new(lat: f64, lon: f64) -> Result<Self, BadPlace> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(BadPlace::Latitude(lat.to_string()));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(BadPlace::Longitude(lon.to_string()));
        }
        Ok(Self { lat, lon })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_checked_by_form() {
        assert_eq!("US".parse::<Country>().map(|c| c.to_string()), Ok("US".into()));
        for text in ["us", "USA", "U", "", "ÄA"] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
        let futian: Division = "440304".parse().expect("a division");
        assert_eq!(futian.province().to_string(), "440000");
        for text in ["44030", "4403040", "044030", "44030x", ""] {
            assert!(text.parse::<Division>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_point_off_the_globe_is_refused() {
        assert!(Point::new(31.2, 121.4).is_ok());
        assert!(Point::new(121.4, 31.2).is_err());
        assert!(Point::new(f64::NAN, 0.0).is_err() && Point::new(0.0, f64::INFINITY).is_err());
    }
}
