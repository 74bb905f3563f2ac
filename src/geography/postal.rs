//! Postal codes: normalised by each country's own shape, then the longest known prefix.

use std::collections::{BTreeMap, HashMap};

use crate::domain::place::{Country, Point};

/// What of a code tells the place, once spaces, dashes and case are gone.
enum Shape {
    /// Digits alone; a code with another number of them is not one of this country. Letters go,
    /// so that `D-10115` and `1012 AB` are read.
    Digits(&'static [usize]),
    /// The letters in front of the first digit, as a whole: `SW1A 1AA` is in `SW`, never in `S`.
    Letters,
    /// The whole code.
    Whole,
}

fn shape(country: Country) -> Shape {
    match country.as_str() {
        "GB" => Shape::Letters,
        "US" => Shape::Digits(&[5, 9]),
        "JP" => Shape::Digits(&[7]),
        // Five digits since 2015. The six of before mean other places, and are not read.
        "KR" => Shape::Digits(&[5]),
        "TW" => Shape::Digits(&[3, 5, 6]),
        "AT" | "AU" | "BE" | "NL" => Shape::Digits(&[4]),
        "DE" | "ES" | "FR" | "IT" | "PL" => Shape::Digits(&[5]),
        _ => Shape::Whole,
    }
}

/// Prefixes in upper case, by country.
pub struct Postal(HashMap<Country, BTreeMap<String, Point>>);

impl Postal {
    pub fn new(rows: impl Iterator<Item = (Country, String, Point)>) -> Self {
        let mut prefixes: HashMap<Country, BTreeMap<String, Point>> = HashMap::new();
        for (country, prefix, point) in rows {
            prefixes.entry(country).or_default().insert(prefix, point);
        }
        Self(prefixes)
    }

    pub fn find(&self, country: Country, code: &str) -> Option<Point> {
        let prefixes = self.0.get(&country)?;
        let code = normalise(code);
        match shape(country) {
            Shape::Whole => prefixes.get(&code).copied(),
            Shape::Letters => {
                let letters: String = code.chars().take_while(char::is_ascii_alphabetic).collect();
                prefixes.get(&letters).copied()
            }
            Shape::Digits(lengths) => {
                let digits: String = code.chars().filter(char::is_ascii_digit).collect();
                if !lengths.contains(&digits.len()) {
                    return None;
                }
                (1..=digits.len()).rev().find_map(|length| prefixes.get(&digits[..length]).copied())
            }
        }
    }

    /// Every postal area of the country.
    pub fn points(&self, country: Country) -> impl Iterator<Item = Point> {
        self.0.get(&country).into_iter().flat_map(|prefixes| prefixes.values().copied())
    }
}

/// Letters and digits in upper case; the wide digits of a Japanese keyboard as ordinary ones.
fn normalise(code: &str) -> String {
    code.chars()
        .map(|c| match c {
            '０'..='９' => char::from(b'0' + (c as u32 - '０' as u32) as u8),
            other => other.to_ascii_uppercase(),
        })
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_by_the_shape_of_its_country() {
        let at = |lat| Point { lat, lon: 0.0 };
        let country = |code: &str| code.parse::<Country>().expect("a country of the test");
        let rows = [
            ("GB", "S", 1.0),
            ("GB", "SW", 2.0),
            ("AU", "26", 3.0),
            ("AU", "260", 4.0),
            ("HK", "CW", 5.0),
            ("JP", "100", 6.0),
            ("NL", "10", 7.0),
            ("KR", "13", 8.0),
        ];
        let postal =
            Postal::new(rows.into_iter().map(|(code, prefix, lat)| (country(code), prefix.into(), at(lat))));
        for (code, text, found) in [
            ("GB", "sw1a 1aa", Some(2.0)),
            ("GB", "S1 2HE", Some(1.0)),
            // Not in the table: never taken for the shorter `S`.
            ("GB", "SY1 1AA", None),
            ("AU", "2600", Some(4.0)),
            ("AU", "2611", Some(3.0)),
            ("AU", "260", None),
            ("HK", "CW", Some(5.0)),
            ("HK", "CW1", None),
            ("JP", "〒１００－０００１", Some(6.0)),
            ("NL", "1012 ab", Some(7.0)),
            ("KR", "13487", Some(8.0)),
            ("KR", "135-080", None),
            ("US", "10001", None),
        ] {
            assert_eq!(postal.find(country(code), text).map(|point| point.lat), found, "{code} {text}");
        }
    }
}
