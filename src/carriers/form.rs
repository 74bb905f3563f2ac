//! `application/x-www-form-urlencoded`, both ways.

use crate::outbound::percent_encoded;

pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// As HTML forms and Java's `URLEncoder` have it: a space is `+`, `*` stays and `~` does not.
pub fn encoded(text: &str) -> String {
    percent_encoded(text).replace("%20", "+").replace("%2A", "*").replace('~', "%7E")
}

/// The value of the first field of that name. What is no escape stays as it is.
pub fn field(body: &[u8], name: &str) -> Option<Vec<u8>> {
    body.split(|byte| *byte == b'&').find_map(|pair| {
        let split = pair.iter().position(|byte| *byte == b'=')?;
        (decoded(&pair[..split]) == name.as_bytes()).then(|| decoded(&pair[split + 1..]))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*digits.first()?)? * 16 + digit(*digits.get(1)?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_are_encoded_as_javas_encoder_does() {
        assert_eq!(encoded("{\"a\": 1}*~-_."), "%7B%22a%22%3A+1%7D*%7E-_.");
        assert_eq!(encoded("顺"), "%E9%A1%BA");
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(field(b"x=1&a%62=%2G+%4&ab=2", "ab"), Some(b"%2G %4".to_vec()));
        assert_eq!(field(b"ab", "ab"), None);
    }

    proptest! {
        #[test]
        fn a_form_is_read_back_as_it_was_written(name in ".{1,8}", value in ".*") {
            let body = form(&[("other", "1"), (&name, &value)]);
            let read = field(body.as_bytes(), &name);
            prop_assert!(name == "other" || read == Some(value.into_bytes()));
        }
    }
}
