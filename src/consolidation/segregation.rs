//! Which dangerous goods may not share a bag or a unit.
//!
//! The rule is that for aircraft, kept for all modes: what is packed for a ship may be put on
//! a later flight. A dated table with its sources (`data/segregation.csv`) names the pairs;
//! what is not in it goes together, and what is not dangerous goes with anything.
//!
//! Absent on purpose: what ships (IMDG Code 7.2.4) and roads (ADR 7.5.2) ask for beyond that,
//! from which small parcels in limited quantities are exempt for the greater part; subsidiary
//! hazards, which nobody declares here; the compatibility groups of explosives among
//! themselves; quantities. Whether goods may travel at all is decided long before they are
//! packed.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::dangerous::UnNumber;

const TABLE: &str = include_str!("data/segregation.csv");

/// Of goods that are not dangerous.
pub const NONE: &str = "";
/// Of cells and batteries that are packed by themselves.
pub const LITHIUM: &str = "lithium";
/// Of what has a class that nobody knows: apart from all dangerous goods, its own kind too.
pub const UNKNOWN: &str = "unknown";

/// Lithium ion and lithium metal batteries, by themselves. Those in or with equipment, UN3481
/// and UN3091, are not meant by the rule.
const LITHIUM_ALONE: [&str; 2] = ["UN3480", "UN3090"];

/// The classes and divisions of the United Nations' model regulations, explosives as one.
const CLASSES: [&str; 16] =
    ["1", "1.4S", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2", "6.1", "6.2", "7", "8", "9"];

/// The name under which goods are kept apart or together. `class` is as declared: `9`, `2.1`,
/// `1.4G`; empty for goods that are not dangerous.
pub fn packing_class(un: Option<UnNumber>, class: &str) -> &'static str {
    let is_lithium = un.is_some_and(|un| LITHIUM_ALONE.contains(&un.to_string().as_str()));
    let class = class.trim();
    if is_lithium {
        LITHIUM
    } else if class.is_empty() {
        if un.is_some() { UNKNOWN } else { NONE }
    } else if let Some(known) = CLASSES.iter().find(|known| **known == class) {
        known
    } else if class.starts_with("1.") {
        "1"
    } else {
        UNKNOWN
    }
}

#[derive(Deserialize)]
struct Row {
    one: String,
    other: String,
}

static APART: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let known = |name: String| {
        let names = CLASSES.iter().chain([&LITHIUM]);
        // Part of the binary: a test reads every row of it.
        *names.into_iter().find(|known| **known == name).expect("an unknown class in segregation.csv")
    };
    let rows = csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize::<Row>();
    // Part of the binary: a test reads every row of it.
    let rows = rows.map(|row| row.expect("a malformed segregation.csv"));
    let pairs = rows.map(|row| (known(row.one), known(row.other)));
    pairs.chain(CLASSES.iter().chain([&LITHIUM, &UNKNOWN]).map(|class| (*class, UNKNOWN))).collect()
});

/// Every pair of classes that may not share a bag or a unit, each once, in either order.
pub fn apart() -> &'static [(&'static str, &'static str)] {
    &APART
}

/// Whether goods of these two classes may share a bag or a unit.
pub fn may_share(one: &str, other: &str) -> bool {
    !apart().iter().any(|pair| *pair == (one, other) || *pair == (other, one))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn class(un: &str, class: &str) -> &'static str {
        packing_class(un.parse().ok(), class)
    }

    #[test]
    fn goods_are_named_by_what_they_must_be_kept_from() {
        for (un, declared, name) in [
            ("", "", NONE),
            ("UN3480", "9", LITHIUM),
            ("UN3090", "", LITHIUM),
            ("UN3481", "9", "9"),
            ("UN1266", "3", "3"),
            ("UN1950", " 2.1 ", "2.1"),
            ("UN0336", "1.4G", "1"),
            ("UN0323", "1.4S", "1.4S"),
            ("UN1263", "", UNKNOWN),
            ("UN1263", "III", UNKNOWN),
            ("", "12", UNKNOWN),
        ] {
            assert_eq!(class(un, declared), name, "{un} {declared}");
        }
    }

    #[test]
    fn batteries_stay_away_from_what_feeds_a_fire() {
        for other in ["1", "2.1", "3", "4.1", "5.1", UNKNOWN] {
            assert!(!may_share(LITHIUM, other) && !may_share(other, LITHIUM), "{other}");
        }
        for other in [NONE, LITHIUM, "1.4S", "2.2", "4.2", "5.2", "6.1", "8", "9"] {
            assert!(may_share(LITHIUM, other) && may_share(other, LITHIUM), "{other}");
        }
    }

    #[test]
    fn what_reacts_is_apart_and_nothing_is_apart_from_plain_goods() {
        for (one, other) in [
            ("3", "5.1"),
            ("4.2", "5.1"),
            ("4.3", "8"),
            ("1", "8"),
            ("1", "2.2"),
            ("1", "4.1"),
            (UNKNOWN, UNKNOWN),
        ] {
            assert!(!may_share(one, other), "{one} {other}");
        }
        for (one, other) in [("3", "8"), ("5.1", "8"), ("2.1", "3"), ("1.4S", "3"), ("6.1", "3")] {
            assert!(may_share(one, other), "{one} {other}");
        }
        for one in CLASSES.iter().chain([&LITHIUM, &UNKNOWN, &NONE]) {
            assert!(may_share(one, NONE), "{one}");
        }
    }

    #[test]
    fn every_pair_is_there_once_and_has_its_source() {
        let sorted: HashSet<_> =
            apart().iter().map(|(one, other)| (one.min(other), one.max(other))).collect();
        assert_eq!(sorted.len(), apart().len());
        let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
        for row in reader.records() {
            let row = row.expect("a row");
            assert!(row.len() == 4 && row[2].len() == 10 && !row[3].is_empty(), "{row:?}");
        }
    }
}
