//! The check digits of carriers, each computed from the symbols it stands for.
//!
//! Symbols are values: digits as they are, A as 10 to Z as 35. A check is a symbol as well, a
//! letter in ISO 7064 mod 37, 36 alone.

use std::str::FromStr;

/// A rule by which a check digit is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// GS1: weights 3, 1, 3 … from the right, to the next ten.
    Gs1,
    /// The same as if 91 stood in front, which labels of the United States leave out.
    Gs1Behind91,
    Gs1Behind92,
    /// UPS: weights 1, 2, 1 … from the left, to the next ten; letters count 2 for A, 3 for B …
    Ups,
    /// UPS Freight: weights 3, 1, 7 … from the left, to the next ten.
    UpsFreight,
    /// FedEx: weights 1, 3, 7 … from the right, the rest of 11; 10 is written 0.
    Fedex,
    /// Doubles every second digit from the right and adds the digits of what comes out.
    Luhn,
    /// The rest when the whole is divided by 7.
    Mod7,
    /// Deutsche Post: weights 4, 9, 4 … from the left, to the next ten.
    Identcode,
    /// UPU S10: weights 8, 6, 4, 2, 3, 5, 9, 7, to the next eleven; 10 is written 0 and 11 is 5.
    S10,
    /// ISO 7064, hybrid system.
    Mod37And36,
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "gs1" => Check::Gs1,
            "gs1_91" => Check::Gs1Behind91,
            "gs1_92" => Check::Gs1Behind92,
            "ups" => Check::Ups,
            "ups_freight" => Check::UpsFreight,
            "fedex" => Check::Fedex,
            "luhn" => Check::Luhn,
            "mod7" => Check::Mod7,
            "identcode" => Check::Identcode,
            "s10" => Check::S10,
            "mod37_36" => Check::Mod37And36,
            _ => return Err(format!("{text:?} is no check")),
        })
    }
}

impl Check {
    /// The symbol that `body` has to be followed by.
    pub fn of(self, body: &[u8]) -> u8 {
        match self {
            Check::Gs1 => to_next_ten(gs1_sum(body)),
            Check::Gs1Behind91 => to_next_ten(gs1_sum(body) + in_front(body, 9, 1)),
            Check::Gs1Behind92 => to_next_ten(gs1_sum(body) + in_front(body, 9, 2)),
            Check::Ups => to_next_ten(weighted(from_left(body).map(ups_value), &[1, 2])),
            Check::UpsFreight => to_next_ten(weighted(from_left(body).map(ups_value), &[3, 1, 7])),
            Check::Fedex => small(weighted(from_right(body), &[1, 3, 7]) % 11 % 10),
            Check::Luhn => to_next_ten(from_right(body).enumerate().map(luhn_value).sum()),
            Check::Mod7 => small(body.iter().fold(0, |rest, digit| (rest * 10 + u32::from(*digit)) % 7)),
            Check::Identcode => to_next_ten(weighted(from_left(body), &[4, 9])),
            Check::S10 => s10(body),
            Check::Mod37And36 => mod_37_and_36(body),
        }
    }
}

fn from_left(body: &[u8]) -> impl Iterator<Item = u32> {
    body.iter().map(|value| u32::from(*value))
}

fn from_right(body: &[u8]) -> impl Iterator<Item = u32> {
    body.iter().rev().map(|value| u32::from(*value))
}

fn weighted(values: impl Iterator<Item = u32>, weights: &[u32]) -> u32 {
    values.zip(weights.iter().cycle()).map(|(value, weight)| value * weight).sum()
}

/// All rules end below 36.
fn small(symbol: u32) -> u8 {
    u8::try_from(symbol).unwrap_or_default()
}

fn to_next_ten(sum: u32) -> u8 {
    small((10 - sum % 10) % 10)
}

fn gs1_sum(body: &[u8]) -> u32 {
    weighted(from_right(body), &[3, 1])
}

/// What two digits in front of `body` add to its GS1 sum.
fn in_front(body: &[u8], first: u32, second: u32) -> u32 {
    if body.len().is_multiple_of(2) { first + 3 * second } else { 3 * first + second }
}

fn ups_value(value: u32) -> u32 {
    if value < 10 { value } else { (value - 8) % 10 }
}

fn luhn_value((place, digit): (usize, u32)) -> u32 {
    let doubled = if place.is_multiple_of(2) { 2 * digit } else { digit };
    if doubled > 9 { doubled - 9 } else { doubled }
}

fn s10(body: &[u8]) -> u8 {
    match 11 - weighted(from_left(body), &[8, 6, 4, 2, 3, 5, 9, 7]) % 11 {
        10 => 0,
        11 => 5,
        digit => small(digit),
    }
}

fn mod_37_and_36(body: &[u8]) -> u8 {
    let product = from_left(body).fold(36, |product, value| match (product + value) % 36 {
        0 => 72 % 37,
        sum => 2 * sum % 37,
    });
    small((37 - product) % 36)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<u8> {
        text.chars().map(|letter| letter.to_digit(36).expect("a symbol") as u8).collect()
    }

    fn holds(check: Check, text: &str) -> bool {
        let values = values(text);
        let (last, body) = values.split_last().expect("a symbol");
        check.of(body) == *last
    }

    const ALL: [Check; 11] = [
        Check::Gs1,
        Check::Gs1Behind91,
        Check::Gs1Behind92,
        Check::Ups,
        Check::UpsFreight,
        Check::Fedex,
        Check::Luhn,
        Check::Mod7,
        Check::Identcode,
        Check::S10,
        Check::Mod37And36,
    ];

    /// Published numbers; the sources are those of `data/ATTRIBUTION.md`.
    #[test]
    fn published_numbers_hold() {
        let published: [(Check, &[&str]); 10] = [
            (Check::Gs1, &["00340434292135100186", "9400111202508825522526", "7023210039414604"]),
            (Check::Gs1Behind91, &["71969010756003077385", "02931503799192766588"]),
            (Check::Gs1Behind92, &["61299998820821171811"]),
            (Check::Ups, &["5R89390357567127", "879E930346834440", "8V92A70367203024"]),
            (Check::Fedex, &["986578788855", "477179081230", "799531274483"]),
            (Check::Luhn, &["07209562763", "80003280379", "79927398713"]),
            (Check::Mod7, &["3318810025", "73891051146", "444413758703"]),
            (Check::Identcode, &["563102430313", "201298452277"]),
            (Check::S10, &["123456785", "044620100", "473124829"]),
            (
                Check::Mod37And36,
                &["008182709980000020033350276C", "008182709980000020045327276N", "09599003049519Y"],
            ),
        ];
        for (check, texts) in published {
            for text in texts {
                assert!(holds(check, text), "{check:?} {text}");
            }
        }
    }

    #[test]
    fn each_place_has_its_weight() {
        for (check, weights) in [
            (Check::Gs1, [1, 3, 1, 3, 1, 3]),
            (Check::Ups, [1, 2, 1, 2, 1, 2]),
            (Check::UpsFreight, [3, 1, 7, 3, 1, 7]),
            (Check::Identcode, [4, 9, 4, 9, 4, 9]),
        ] {
            for (place, weight) in weights.into_iter().enumerate() {
                let mut body = [0; 6];
                body[place] = 1;
                assert_eq!(check.of(&body), 10 - weight, "{check:?} {place}");
            }
        }
    }

    #[test]
    fn the_ends_of_s10_are_written_as_digits() {
        // Rests 1 and 0: 10 is written 0, and 11 is 5.
        assert_eq!(Check::S10.of(&values("04462010")), 0);
        assert_eq!(Check::S10.of(&values("00000000")), 5);
    }

    proptest! {
        #[test]
        fn a_check_is_a_symbol_and_a_digit_but_in_mod_37_36(body in "[0-9A-Z]{0,39}") {
            for check in ALL {
                let symbol = check.of(&values(&body));
                prop_assert!(symbol < if check == Check::Mod37And36 { 36 } else { 10 }, "{check:?}");
            }
        }

        #[test]
        fn digits_in_front_count_as_if_they_were_written(body in "[0-9]{0,39}") {
            prop_assert_eq!(Check::Gs1Behind91.of(&values(&body)), Check::Gs1.of(&values(&format!("91{body}"))));
            prop_assert_eq!(Check::Gs1Behind92.of(&values(&body)), Check::Gs1.of(&values(&format!("92{body}"))));
        }

        #[test]
        fn one_wrong_digit_is_always_found(body in "[0-9]{1,30}", at in 0_usize..30, by in 1_u8..10) {
            let right = values(&body);
            let mut wrong = right.clone();
            let at = at % wrong.len();
            wrong[at] = (wrong[at] + by) % 10;
            for check in [Check::Gs1, Check::Luhn, Check::Mod37And36] {
                prop_assert_ne!(check.of(&right), check.of(&wrong), "{:?}", check);
            }
        }
    }
}
