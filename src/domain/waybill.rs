//! The numbers under which a consolidation travels: one master reference for all of it, and
//! one house number for each shipment inside.
//!
//! By air the master reference is an air waybill number, drawn from a stock that the airline
//! gave out. Sea, road and rail carriers give none beforehand, so there it is derived from
//! the departure, and whatever the carrier says later can take its place.
//!
//! A house number is the end of the shipment's id, so that nobody has to look it up or keep
//! it: the twelve characters that air waybill systems have room for (IATA Cargo-IMP, FHL).
//! They are 60 of an id's random bits. Two shipments on one departure of ten thousand share
//! a house number once in some twenty thousand million departures; storage that holds
//! `(consolidation, house number)` unique turns even that into an error that is seen. A
//! running number would need a place where it is kept, and would change whenever a shipment
//! is left behind and goes with the next departure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::ShipmentId;
use crate::domain::network::DepartureId;
use crate::domain::text::serde_as_text;

const SERIAL_MAX: u32 = 9_999_999;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWaybill {
    #[error("{0:?} is not an airline's prefix of three digits")]
    Prefix(String),
    #[error("{0} is not a serial of seven digits")]
    Serial(u32),
    #[error("{0:?} is not an air waybill number such as 160-12345675")]
    Form(String),
    #[error("{found} has a wrong check digit: it should be {expected}")]
    CheckDigit { found: String, expected: u32 },
    #[error("a stock from {first} to {last} has nothing in it")]
    EmptyStock { first: u32, last: u32 },
    #[error("{0:?} is not a master reference: 1 to 35 printable ASCII characters")]
    Master(String),
    #[error("{0:?} is not a house number: 1 to 12 capital letters or digits")]
    House(String),
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Which airline's waybills: `160` is Cathay Pacific.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AirlinePrefix(u16);

impl FromStr for AirlinePrefix {
    type Err = BadWaybill;

    fn from_str(text: &str) -> Result<Self, BadWaybill> {
        let number = text.parse().ok().filter(|_| text.len() == 3 && is_digits(text));
        number.map(AirlinePrefix).ok_or_else(|| BadWaybill::Prefix(short(text)))
    }
}

impl fmt::Display for AirlinePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for AirlinePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

serde_as_text!(AirlinePrefix);

/// A master air waybill's number: `160-12345675`. One that exists has the right check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AirWaybill {
    prefix: AirlinePrefix,
    /// Without the check digit.
    serial: u32,
}

impl AirWaybill {
    pub fn new(prefix: AirlinePrefix, serial: u32) -> Result<Self, BadWaybill> {
        if serial > SERIAL_MAX {
            return Err(BadWaybill::Serial(serial));
        }
        Ok(Self { prefix, serial })
    }

    /// What the serial leaves over when it is divided by seven (IATA Resolution 600a).
    fn check_digit(self) -> u32 {
        self.serial % 7
    }
}

impl fmt::Display for AirWaybill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:07}{}", self.prefix, self.serial, self.check_digit())
    }
}

impl fmt::Debug for AirWaybill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The prefix and the eight digits behind it, if `text` is written as an air waybill number is.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (prefix, number) = match text.split_once('-') {
        Some(parts) => parts,
        None => text.split_at_checked(3)?,
    };
    let is_one = prefix.len() == 3 && number.len() == 8 && is_digits(prefix) && is_digits(number);
    is_one.then_some((prefix, number))
}

impl FromStr for AirWaybill {
    type Err = BadWaybill;

    /// With or without the hyphen.
    fn from_str(text: &str) -> Result<Self, BadWaybill> {
        let bad = || BadWaybill::Form(short(text));
        let (prefix, number) = parts(text).ok_or_else(bad)?;
        let number: u32 = number.parse().map_err(|_| bad())?;
        let waybill = Self::new(prefix.parse()?, number / 10)?;
        let expected = waybill.check_digit();
        if number % 10 != expected {
            return Err(BadWaybill::CheckDigit { found: text.to_owned(), expected });
        }
        Ok(waybill)
    }
}

serde_as_text!(AirWaybill);

/// A run of waybill numbers that an airline gave out: serials from `first` to `last`, both
/// included and both without the check digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StockWritten", into = "StockWritten")]
pub struct Stock {
    prefix: AirlinePrefix,
    first: u32,
    last: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StockWritten {
    prefix: AirlinePrefix,
    first: u32,
    last: u32,
}

impl TryFrom<StockWritten> for Stock {
    type Error = BadWaybill;

    fn try_from(written: StockWritten) -> Result<Self, BadWaybill> {
        Stock::new(written.prefix, written.first, written.last)
    }
}

impl From<Stock> for StockWritten {
    fn from(stock: Stock) -> Self {
        StockWritten { prefix: stock.prefix, first: stock.first, last: stock.last }
    }
}

impl Stock {
    pub fn new(prefix: AirlinePrefix, first: u32, last: u32) -> Result<Self, BadWaybill> {
        if last > SERIAL_MAX {
            return Err(BadWaybill::Serial(last));
        }
        if first > last {
            return Err(BadWaybill::EmptyStock { first, last });
        }
        Ok(Self { prefix, first, last })
    }

    pub fn prefix(&self) -> AirlinePrefix {
        self.prefix
    }

    /// What its counter is kept under: its end may move, its beginning may not.
    pub fn name(&self) -> String {
        format!("{}-{:07}", self.prefix, self.first)
    }

    pub fn overlaps(&self, other: &Stock) -> bool {
        self.prefix == other.prefix && self.first <= other.last && other.first <= self.last
    }

    /// How many numbers there are, the used ones among them.
    pub fn size(&self) -> u32 {
        self.last - self.first + 1
    }

    /// The number that a counter at `n` stands for, counted from 0; none when the stock is
    /// used up. It keeps no count itself, so a repeat with the same `n` gives the same number.
    pub fn nth(&self, n: u64) -> Option<AirWaybill> {
        let serial = u64::from(self.first).checked_add(n).filter(|serial| *serial <= u64::from(self.last))?;
        AirWaybill::new(self.prefix, u32::try_from(serial).ok()?).ok()
    }
}

/// What carrier and customs know the whole consolidation by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MasterReference {
    Air(AirWaybill),
    /// A bill of lading, a consignment note, or what [`of_departure`](Self::of_departure) makes.
    Other(Box<str>),
}

impl MasterReference {
    /// For a departure whose carrier gave no number: `MB-L0002-20260302`.
    pub fn of_departure(departure: &DepartureId) -> Self {
        // At most 16 characters of a lane and 12 of a date: shorter than 35.
        MasterReference::Other(format!("MB-{departure}").into())
    }
}

impl fmt::Display for MasterReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterReference::Air(waybill) => waybill.fmt(f),
            MasterReference::Other(text) => f.write_str(text),
        }
    }
}

impl FromStr for MasterReference {
    type Err = BadWaybill;

    /// What is written like an air waybill number is one, and then its check digit has to be right.
    fn from_str(text: &str) -> Result<Self, BadWaybill> {
        if parts(text).is_some() {
            return text.parse().map(MasterReference::Air);
        }
        let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if (1..=35).contains(&text.len()) && printable && text.trim() == text {
            Ok(MasterReference::Other(text.into()))
        } else {
            Err(BadWaybill::Master(short(text)))
        }
    }
}

serde_as_text!(MasterReference);

/// The number of one shipment under a master reference: `8D1V6Q8H4X5N`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HouseNumber(Box<str>);

const HOUSE_NUMBER_LENGTH: usize = 12;

impl HouseNumber {
    /// The last twelve characters of the shipment's id, in capitals: whoever sees the one
    /// recognises the other.
    pub fn of(shipment: ShipmentId) -> Self {
        let id = shipment.to_string();
        Self(id[id.len() - HOUSE_NUMBER_LENGTH..].to_ascii_uppercase().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HouseNumber {
    type Err = BadWaybill;

    fn from_str(text: &str) -> Result<Self, BadWaybill> {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if (1..=HOUSE_NUMBER_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(BadWaybill::House(short(text)))
        }
    }
}

impl fmt::Display for HouseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for HouseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(HouseNumber);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn cathay() -> AirlinePrefix {
        "160".parse().expect("a prefix")
    }

    #[test]
    fn a_waybill_number_carries_its_check_digit() {
        for (prefix, serial, number) in [
            ("160", 1_234_567, "160-12345675"),
            ("001", 0, "001-00000000"),
            ("999", 9_999_999, "999-99999992"),
            ("020", 7_654_321, "020-76543213"),
        ] {
            let prefix = prefix.parse().expect("a prefix");
            let waybill = AirWaybill::new(prefix, serial).expect("a number");
            assert_eq!(waybill.to_string(), number);
            assert_eq!(number.parse(), Ok(waybill));
            assert_eq!(number.replace('-', "").parse(), Ok(waybill));
        }
        assert_eq!(AirWaybill::new(cathay(), 10_000_000), Err(BadWaybill::Serial(10_000_000)));
    }

    #[test]
    fn a_wrong_check_digit_is_told_the_right_one() {
        let error = "160-12345678".parse::<AirWaybill>().expect_err("a wrong digit");
        assert_eq!(error.to_string(), "160-12345678 has a wrong check digit: it should be 5");
        for text in [
            "",
            "160-1234567",
            "16-012345675",
            "160-123456755",
            "160 12345675",
            "160--2345675",
            "１60-12345675",
        ] {
            assert!(matches!(text.parse::<AirWaybill>(), Err(BadWaybill::Form(_))), "{text}");
        }
    }

    #[test]
    fn a_stock_gives_its_numbers_in_turn_and_no_more() {
        let stock = Stock::new(cathay(), 1_234_566, 1_234_568).expect("a stock");
        assert_eq!(stock.size(), 3);
        let given: Vec<_> = (0..5).map(|n| stock.nth(n).map(|waybill| waybill.to_string())).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(given, [some("160-12345664"), some("160-12345675"), some("160-12345686"), None, None]);
        assert_eq!(stock.nth(u64::MAX), None);
        assert!(Stock::new(cathay(), 2, 1).is_err() && Stock::new(cathay(), 1, 10_000_000).is_err());
    }

    #[test]
    fn a_stock_is_read_from_settings() {
        let stock: Stock =
            serde_json::from_str(r#"{"prefix": "016", "first": 5, "last": 9}"#).expect("a stock");
        assert_eq!(stock.nth(0).map(|waybill| waybill.to_string()), Some("016-00000055".into()));
        for text in [
            r#"{"prefix": "16", "first": 5, "last": 9}"#,
            r#"{"prefix": "016", "first": 9, "last": 5}"#,
            r#"{"prefix": "016", "first": 5, "last": 9, "next": 7}"#,
        ] {
            assert!(serde_json::from_str::<Stock>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_master_reference_that_looks_like_a_waybill_is_one() {
        let air: MasterReference = "16012345675".parse().expect("a reference");
        assert_eq!(air.to_string(), "160-12345675");
        assert!("160-12345678".parse::<MasterReference>().is_err());
        let departure = "L0002-20260302".parse().expect("a departure");
        let other = MasterReference::of_departure(&departure);
        assert_eq!(other.to_string(), "MB-L0002-20260302");
        assert_eq!(other.to_string().parse(), Ok(other));
        for text in ["", " x", "提单", "a\nb", &"x".repeat(36)] {
            assert!(text.parse::<MasterReference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_house_number_is_the_end_of_its_shipments_id() {
        let shipment: ShipmentId = "shp_01kb2m3z8te2gt8d1v6q8h4x5n".parse().expect("an id");
        assert_eq!(HouseNumber::of(shipment).as_str(), "8D1V6Q8H4X5N");
        for text in ["", "8d1v6q8h4x5n", "8D1V6Q8H4X5N0", "A B"] {
            assert!(text.parse::<HouseNumber>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_back_as_it_was_written(prefix in "[0-9]{3}", serial in 0..=SERIAL_MAX) {
            let waybill = AirWaybill::new(prefix.parse().expect("a prefix"), serial).expect("a number");
            prop_assert_eq!(waybill.to_string().parse(), Ok(waybill));
            prop_assert_eq!(waybill.to_string().parse(), Ok(MasterReference::Air(waybill)));
        }

        /// All but those that are off by seven, of which a division by seven knows nothing. The
        /// airline's prefix is not part of what is checked.
        #[test]
        fn a_single_wrong_digit_is_found(serial in 0..=SERIAL_MAX, at in 4..12_usize, other in 1..10_u8) {
            let mut digits = AirWaybill::new(cathay(), serial).expect("a number").to_string().into_bytes();
            let before = digits[at];
            digits[at] = b'0' + (digits[at] - b'0' + other) % 10;
            let missed = at < 11 && before.abs_diff(digits[at]) == 7;
            let text = String::from_utf8(digits).expect("digits");
            prop_assert_eq!(text.parse::<AirWaybill>().is_err(), !missed);
        }

        #[test]
        fn a_swap_of_neighbours_is_found(serial in 0..=SERIAL_MAX, at in 4..10_usize) {
            let mut digits = AirWaybill::new(cathay(), serial).expect("a number").to_string().into_bytes();
            let missed = [0, 7].contains(&digits[at].abs_diff(digits[at + 1]));
            digits.swap(at, at + 1);
            let text = String::from_utf8(digits).expect("digits");
            prop_assert_eq!(text.parse::<AirWaybill>().is_err(), !missed);
        }

        #[test]
        fn house_numbers_are_read_back_and_differ_as_their_ids_do(a: u64, b: u64) {
            let house = |low: u64| HouseNumber::of(ShipmentId::from_uuid(Uuid::from_u128(u128::from(low))));
            let low_bits = |value: u64| value & ((1 << 60) - 1);
            prop_assert_eq!(house(a).to_string().parse(), Ok(house(a)));
            prop_assert_eq!(house(a) == house(b), low_bits(a) == low_bits(b));
        }

        #[test]
        fn anything_else_is_refused_and_nothing_crashes(text in ".*") {
            let _ = text.parse::<AirWaybill>();
            if let Ok(master) = text.parse::<MasterReference>() {
                prop_assert_eq!(master.to_string().parse(), Ok(master));
            }
        }
    }
}
