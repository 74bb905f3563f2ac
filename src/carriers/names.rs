//! English tracking texts without the people in them.
//!
//! Who signed is in the raw event, and nowhere else. A text is cut where it would name somebody: what is left
//! may be short of a word; a name that stays would be worse.

use super::codes::Row;
use super::registry::ADAPTERS;
use super::verdict::is_same;

/// What follows these words is a person's name, or a carrier's.
const BY: &[&str] = &["signed for by", "signed by", "received by", "accepted by"];

/// A name may follow these, or what became of the parcel there.
const NEIGHBOURS: &[&str] = &["neighbour", "neighbor"];

/// What is said of a neighbour and names nobody.
const NO_NAMES: &[&str] = &[
    "address",
    "and",
    "as",
    "at",
    "by",
    "delivery",
    "failed",
    "instead",
    "is",
    "no",
    "not",
    "on",
    "possible",
    "request",
    "requested",
    "s",
    "unsuccessful",
    "was",
    "your",
];

/// A text up to where it would name somebody.
pub fn without_names(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    let ends = |phrases: &'static [&str]| {
        let of = |phrase: &'static str| small.match_indices(phrase).map(move |(at, _)| at + phrase.len());
        phrases.iter().copied().flat_map(of).collect::<Vec<_>>()
    };
    let by = ends(BY).into_iter().filter(|end| !is_carrier(&small[*end..]));
    let neighbours = ends(NEIGHBOURS).into_iter().map(|end| end + bare_words(&small[end..]));
    let end = by.chain(neighbours).min().unwrap_or(text.len());
    text[..end].trim_end().to_owned()
}

/// As [`without_names`], of a text that may be the one of its row, which names nobody.
pub fn described(text: &str, row: Option<&Row>) -> String {
    let is_rows = row.is_some_and(|row| is_same(text, &row.meaning));
    if is_rows { text.to_owned() } else { without_names(text) }
}

fn is_carrier(rest: &str) -> bool {
    let rest = rest.trim_start();
    let is_end = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    let names = ADAPTERS.iter().map(|adapter| adapter.name.to_ascii_lowercase());
    names.into_iter().any(|name| rest.strip_prefix(name.as_str()).is_some_and(is_end))
}

/// How far `rest` goes on without a name.
fn bare_words(rest: &str) -> usize {
    let mut end = 0;
    loop {
        let behind = &rest[end..];
        let gap = behind.len() - behind.trim_start_matches([' ', '\'', '’']).len();
        let word = &behind[gap..];
        let length = word.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(word.len());
        if length == 0 || !NO_NAMES.contains(&&word[..length]) {
            return end;
        }
        end += gap + length;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::EventStatus;

    #[test]
    fn a_person_is_left_out_and_a_carrier_is_not() {
        for (text, expected) in [
            ("Received by Australia Post", "Received by Australia Post"),
            ("Accepted by Royal Mail at Leeds", "Accepted by Royal Mail at Leeds"),
            ("Received by UPS, signed by JESSICA", "Received by UPS, signed by"),
            ("Received by Upsala", "Received by"),
            ("Delivered - Signed for by: JESSICA", "Delivered - Signed for by"),
            ("Left with neighbour JESSICA", "Left with neighbour"),
            ("Delivered to a neighbour (Frau Beispiel)", "Delivered to a neighbour"),
            ("Delivered, Neighbor as Requested", "Delivered, Neighbor as Requested"),
            ("Delivery to neighbour not possible", "Delivery to neighbour not possible"),
            ("Left at your neighbour’s address", "Left at your neighbour’s address"),
            ("Left with neighbour not JESSICA", "Left with neighbour not"),
            ("Delivered", "Delivered"),
        ] {
            assert_eq!(without_names(text), expected, "{text}");
        }
    }

    #[test]
    fn the_text_of_a_row_names_nobody() {
        let meaning = "Accepted by the post".into();
        let row = Row { status: EventStatus::PickedUp, delivered_to: None, cancels: None, meaning };
        assert_eq!(described("ACCEPTED BY THE POST", Some(&row)), "ACCEPTED BY THE POST");
        assert_eq!(described("Accepted by JESSICA", Some(&row)), "Accepted by");
        assert_eq!(described("Accepted by the post", None), "Accepted by");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[sined by:’nghbour éA-Z(,王 ]{0,40}") {
            prop_assert!(text.starts_with(&without_names(&text)));
        }
    }
}
