//! A number as people type it, in one spelling.

/// The longest that any carrier prints.
pub const LENGTH_MAX: usize = 40;

/// A number as values: digits as they are, A as 10 to Z as 35.
#[derive(Debug, Clone, Copy)]
pub struct Symbols {
    values: [u8; LENGTH_MAX],
    length: usize,
}

impl Symbols {
    pub fn as_slice(&self) -> &[u8] {
        &self.values[..self.length]
    }
}

/// The spelling, and its values unless something is in it that no number has.
pub fn read(text: &str) -> (String, Option<Symbols>) {
    let spelt: String = text.chars().map(narrow).filter(|letter| !separates(*letter)).collect();
    let spelt = spelt.to_ascii_uppercase();
    let symbols = symbols(&spelt);
    (spelt, symbols)
}

/// The ASCII form of a full-width letter or digit, as an input method for Chinese leaves it.
fn narrow(letter: char) -> char {
    match letter {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        _ => letter,
    }
}

/// What people and labels put between the groups of a number: spaces, hyphens and dashes, the
/// parentheses of GS1, marks that are not seen at all.
fn separates(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '-' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}')
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}')
}

fn symbols(spelt: &str) -> Option<Symbols> {
    let mut values = [0; LENGTH_MAX];
    if spelt.len() > LENGTH_MAX {
        return None;
    }
    for (value, byte) in values.iter_mut().zip(spelt.bytes()) {
        *value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => return None,
        };
    }
    Some(Symbols { values, length: spelt.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelt(text: &str) -> String {
        read(text).0
    }

    #[test]
    fn a_number_has_one_spelling() {
        for text in [
            "1Z999AA10123456784",
            " 1z 999 aa1 01 2345 6784\n",
            "1Z-999-AA1‐01–2345—6784",
            "１Ｚ９９９ＡＡ１０１２３４５６７８４",
            "１ｚ９９９ａａ１－０１２３４５６７８４",
            "1Z999AA1\u{3000}0123456784\u{200B}\u{FEFF}",
        ] {
            assert_eq!(spelt(text), "1Z999AA10123456784", "{text:?}");
        }
        assert_eq!(spelt("(00) 340434161094042557"), "00340434161094042557");
    }

    #[test]
    fn what_is_no_number_has_no_values() {
        for text in ["1Z99/9", "RB123456785GB😀", "号1234567890", "Ä123456789", &"1".repeat(41)] {
            assert!(read(text).1.is_none(), "{text}");
        }
        assert_eq!(read("").1.map(|symbols| symbols.as_slice().len()), Some(0));
        assert!(read(&"1".repeat(40)).1.is_some());
    }

    proptest! {
        #[test]
        fn the_spelling_of_a_spelling_is_itself(text in ".*") {
            let once = spelt(&text);
            prop_assert_eq!(spelt(&once), once);
        }

        #[test]
        fn values_are_read_letter_by_letter(text in "[0-9A-Z]{0,40}") {
            let values: Vec<_> = text.chars().map(|letter| letter.to_digit(36)).collect();
            let read = read(&text).1.map(|symbols| symbols.as_slice().iter().map(|v| Some(u32::from(*v))).collect());
            prop_assert_eq!(read, Some(values));
        }
    }
}
