//! Countries as carriers write them: two letters or three, small or large.

use std::collections::HashMap;
use std::sync::LazyLock;

const CODES: &str = include_str!("data/country_codes.csv");

static BY_THREE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    CODES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .collect()
});

/// ISO 3166-1 with two letters; empty where `text` is no such code.
pub fn alpha2(text: &str) -> String {
    let text = text.trim().to_ascii_uppercase();
    match text.len() {
        2 if text.bytes().all(|b| b.is_ascii_uppercase()) => text,
        3 => BY_THREE.get(text.as_str()).copied().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Country;

    #[test]
    fn codes_of_two_and_three_letters_are_one_country() {
        for (text, expected) in
            [("CHN", "CN"), ("gbr", "GB"), (" us ", "US"), ("XYZ", ""), ("China", ""), ("", ""), ("1A", "")]
        {
            assert_eq!(alpha2(text), expected, "{text}");
        }
    }

    #[test]
    fn every_row_is_a_country_once() {
        let rows = CODES.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!(BY_THREE.len(), rows);
        assert!(BY_THREE.iter().all(|(three, two)| three.len() == 3 && two.parse::<Country>().is_ok()));
    }
}
