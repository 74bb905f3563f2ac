//! The number on a bag: a Serial Shipping Container Code of GS1, 18 digits.
//!
//! An extension digit, the company prefix that GS1 gave to the operator, a serial that the
//! operator counts up, a check digit. Whoever scans it anywhere knows whose bag it is, and
//! no two bags in the world share one as long as no serial is used twice: GS1 asks for a
//! year before it is, the counter that serials are drawn from never goes back at all.

use std::fmt;
use std::str::FromStr;

use crate::domain::text::serde_as_text;

const DIGITS: usize = 18;
/// The application identifier that stands before an SSCC in a bar code.
pub const APPLICATION_IDENTIFIER: &str = "00";
/// What scanners that name the symbology put before a GS1-128.
const SYMBOLOGY: &str = "]C1";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSscc {
    #[error("{0:?} is not an extension digit from 0 to 9")]
    Extension(String),
    #[error("{0:?} is not a GS1 company prefix of 7 to 10 digits")]
    CompanyPrefix(String),
    #[error("serial {serial} does not fit behind {prefix}, which leaves {digits} digits for it")]
    Serial { serial: u64, prefix: SsccPrefix, digits: u32 },
    #[error("{0:?} is not an SSCC of 18 digits")]
    Form(String),
    #[error("{found} has a wrong check digit: it should be {expected}")]
    CheckDigit { found: String, expected: u8 },
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// What all of an operator's bags begin with: `0` and `0614141`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SsccPrefix {
    /// Extension digit and company prefix, as one number.
    value: u64,
    /// 8 to 11, the extension digit among them.
    digits: u32,
}

impl SsccPrefix {
    /// Both as they are written in the settings: leading zeros count.
    pub fn parse(extension: &str, company: &str) -> Result<Self, BadSscc> {
        if extension.len() != 1 || !is_digits(extension) {
            return Err(BadSscc::Extension(short(extension)));
        }
        let bad = || BadSscc::CompanyPrefix(short(company));
        if !(7..=10).contains(&company.len()) || !is_digits(company) {
            return Err(bad());
        }
        let value = format!("{extension}{company}").parse().map_err(|_| bad())?;
        // Seven to ten digits, and the extension before them.
        Ok(Self { value, digits: company.len() as u32 + 1 })
    }

    /// How many serials there are, from 0: 10⁹ behind a prefix of seven digits, 10⁶ behind one of ten.
    pub fn serials(self) -> u64 {
        10_u64.pow(self.serial_digits())
    }

    fn serial_digits(self) -> u32 {
        DIGITS as u32 - 1 - self.digits
    }
}

impl fmt::Display for SsccPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = self.digits as usize)
    }
}

impl fmt::Debug for SsccPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The number of one bag. One that exists has the right check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sscc(u64);

impl Sscc {
    /// The same serial gives the same number: repeating this is harmless, drawing a serial
    /// twice is not.
    pub fn new(prefix: SsccPrefix, serial: u64) -> Result<Self, BadSscc> {
        if serial >= prefix.serials() {
            return Err(BadSscc::Serial { serial, prefix, digits: prefix.serial_digits() });
        }
        let body = prefix.value * prefix.serials() + serial;
        Ok(Self(body * 10 + u64::from(check_digit(body))))
    }
}

/// GS1's, modulo 10: from the right, digits count three times and once in turn (GS1 General
/// Specifications, section 7.9). `body` is the number without its check digit.
fn check_digit(body: u64) -> u8 {
    let mut rest = body;
    let mut sum = 0;
    let mut weight = 3;
    while rest > 0 {
        sum += rest % 10 * weight;
        weight = 4 - weight;
        rest /= 10;
    }
    ((10 - sum % 10) % 10) as u8
}

impl FromStr for Sscc {
    type Err = BadSscc;

    /// Eighteen digits, as stored; with `(00)` before them, as printed; with `00` or `]C100`,
    /// as scanners send them. Blanks between the digits are a person's and do not count.
    fn from_str(text: &str) -> Result<Self, BadSscc> {
        let bad = || BadSscc::Form(short(text));
        let packed: String = text.chars().filter(|letter| !letter.is_whitespace()).take(32).collect();
        let behind = packed.strip_prefix(SYMBOLOGY).unwrap_or(&packed);
        let identified = behind
            .strip_prefix("(00)")
            .or_else(|| behind.strip_prefix(APPLICATION_IDENTIFIER).filter(|rest| rest.len() == DIGITS));
        let digits = identified.unwrap_or(behind);
        if digits.len() != DIGITS || !is_digits(digits) {
            return Err(bad());
        }
        let value: u64 = digits.parse().map_err(|_| bad())?;
        let expected = check_digit(value / 10);
        if value % 10 != u64::from(expected) {
            return Err(BadSscc::CheckDigit { found: digits.to_owned(), expected });
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:018}", self.0)
    }
}

impl fmt::Debug for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

serde_as_text!(Sscc);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(extension: &str, company: &str) -> SsccPrefix {
        SsccPrefix::parse(extension, company).expect("a prefix")
    }

    #[test]
    fn known_numbers_come_out() {
        for (extension, company, serial, number) in [
            // The example of the GS1 General Specifications, and others computed by hand.
            ("1", "0614141", 123_456_789, "106141411234567897"),
            ("0", "0614141", 0, "006141410000000005"),
            ("0", "0614141", 999_999_999, "006141419999999994"),
            ("3", "4012345000", 1, "340123450000000017"),
            ("0", "00000000", 0, "000000000000000000"),
            ("9", "9999999999", 999_999, "999999999999999995"),
        ] {
            let sscc = Sscc::new(prefix(extension, company), serial).expect("a number");
            assert_eq!(sscc.to_string(), number);
        }
    }

    #[test]
    fn a_number_is_read_in_every_form_in_which_it_is_met() {
        let sscc: Sscc = "106141411234567897".parse().expect("a number");
        for text in [
            "(00)106141411234567897",
            "(00) 1 0614141 123456789 7",
            "00106141411234567897",
            "]C100106141411234567897\r\n",
        ] {
            assert_eq!(text.parse(), Ok(sscc), "{text}");
        }
        // It begins like an application identifier and is none.
        assert!("006141410000000005".parse::<Sscc>().is_ok());
        for text in
            ["", "10614141123456789", "1061414112345678970", "(01)106141411234567897", "1061414112345678x7"]
        {
            assert!(matches!(text.parse::<Sscc>(), Err(BadSscc::Form(_))), "{text}");
        }
        let error = "106141411234567890".parse::<Sscc>().expect_err("a wrong check digit");
        assert_eq!(error.to_string(), "106141411234567890 has a wrong check digit: it should be 7");
    }

    #[test]
    fn json_knows_it_as_text() {
        let sscc: Sscc = "006141410000000005".parse().expect("a number");
        let text = serde_json::to_string(&sscc).expect("JSON");
        assert_eq!(text, "\"006141410000000005\"");
        assert_eq!(serde_json::from_str::<Sscc>(&text).expect("a number"), sscc);
        assert!(serde_json::from_str::<Sscc>("\"006141410000000006\"").is_err());
    }

    #[test]
    fn a_serial_has_to_fit() {
        let seven = prefix("0", "0614141");
        assert_eq!(seven.serials(), 1_000_000_000);
        assert!(Sscc::new(seven, 999_999_999).is_ok() && Sscc::new(seven, 1_000_000_000).is_err());
        let ten = prefix("0", "0614141000");
        let error = Sscc::new(ten, 1_000_000).expect_err("too large");
        assert_eq!(
            error.to_string(),
            "serial 1000000 does not fit behind 00614141000, which leaves 6 digits for it"
        );
    }

    #[test]
    fn a_prefix_is_held_to_its_form() {
        for (extension, company) in [
            ("", "0614141"),
            ("10", "0614141"),
            ("x", "0614141"),
            ("0", "061414"),
            ("0", "06141410000"),
            ("0", "06141x1"),
        ] {
            assert!(SsccPrefix::parse(extension, company).is_err(), "{extension} {company}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_back_as_it_was_written(extension in 0..10_u8, company in "[0-9]{7,10}", serial in 0..1_000_000_u64) {
            let sscc = Sscc::new(prefix(&extension.to_string(), &company), serial).expect("a number");
            prop_assert_eq!(sscc.to_string().parse(), Ok(sscc));
            prop_assert_eq!(format!("(00){sscc}").parse(), Ok(sscc));
        }

        #[test]
        fn every_single_wrong_digit_is_found(serial in 0..1_000_000_000_u64, at in 0..18_usize, other in 1..10_u8) {
            let mut digits = Sscc::new(prefix("3", "4012345"), serial).expect("a number").to_string().into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + other) % 10;
            let text = String::from_utf8(digits).expect("digits");
            prop_assert!(text.parse::<Sscc>().is_err());
        }

        /// All but those of two digits that differ by five.
        #[test]
        fn a_swap_of_neighbours_is_found(serial in 0..1_000_000_000_u64, at in 0..17_usize) {
            let mut digits = Sscc::new(prefix("3", "4012345"), serial).expect("a number").to_string().into_bytes();
            let apart = digits[at].abs_diff(digits[at + 1]);
            digits.swap(at, at + 1);
            let text = String::from_utf8(digits).expect("digits");
            prop_assert_eq!(text.parse::<Sscc>().is_err(), ![0, 5].contains(&apart));
        }

        #[test]
        fn anything_else_is_refused_and_nothing_crashes(text in ".*") {
            if let Ok(sscc) = text.parse::<Sscc>() {
                prop_assert_eq!(sscc.to_string().len(), 18);
            }
        }
    }
}
