//! The body of a scan of a bag or a unit, with all that is in it.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::reading::{Errors, FieldError, Object};
use super::scan::{OFFLOADED_FROM, read_time};
use crate::domain::event::ScanKind;
use crate::domain::id::ConsolidationId;
use crate::domain::instant::Instant;
use crate::domain::network::DepartureId;
use crate::domain::sscc::Sscc;

#[derive(Debug, Clone, PartialEq)]
pub struct BagScan {
    pub of: Load,
    pub kind: ScanKind,
    pub occurred_at: Instant,
    /// As the scanner wrote it.
    pub local_time: String,
    pub departure: Option<DepartureId>,
    pub note: Option<String>,
}

/// What was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    Bag(Sscc),
    Unit(UnitName),
}

/// A unit of a consolidation: `con_…/AKE-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitName {
    pub consolidation: ConsolidationId,
    pub number: String,
}

#[derive(Debug, thiserror::Error)]
#[error("has to be the id of a consolidation and the number of a unit in it, such as con_…/AKE-1")]
pub struct BadUnitName;

impl FromStr for UnitName {
    type Err = BadUnitName;

    fn from_str(text: &str) -> Result<Self, BadUnitName> {
        let (consolidation, number) = text.split_once('/').ok_or(BadUnitName)?;
        let consolidation = consolidation.parse().map_err(|_| BadUnitName)?;
        let is_one = (1..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_graphic());
        if is_one { Ok(Self { consolidation, number: number.to_owned() }) } else { Err(BadUnitName) }
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.consolidation, self.number)
    }
}

/// Whether a scan means all that is in a bag or a unit: it names one of them, and no parcel.
pub fn is_of_a_bag(body: &Value) -> bool {
    body.get("parcel").is_none() && (body.get("bag").is_some() || body.get("unit").is_some())
}

/// Reads one scan, or says all that is wrong with it.
pub fn read(body: &Value, now: Instant) -> Result<BagScan, Vec<FieldError>> {
    let errors = Errors::default();
    let scan = Object::new(body, String::new(), &errors).and_then(|body| scan(&body, now));
    errors.check(scan)
}

fn scan(body: &Object, now: Instant) -> Option<BagScan> {
    let bag: Option<Option<Sscc>> = body.parsed_or_none("bag");
    let unit: Option<Option<UnitName>> = body.parsed_or_none("unit");
    let kind = body.parsed("kind");
    let (written, occurred_at) = read_time(body, now);
    let departure = body.parsed_or_none("departure");
    let note = body.text_or_none("note", 0..=500);
    match kind {
        Some(ScanKind::Packed | ScanKind::Unpacked | ScanKind::HandedOver) => {
            body.errors().add("/kind", "is said of one parcel at a time: name it in parcel");
        }
        Some(
            ScanKind::Received
            | ScanKind::Departed
            | ScanKind::Offloaded
            | ScanKind::Arrived
            | ScanKind::CustomsPresented
            | ScanKind::CustomsHeld
            | ScanKind::CustomsReleased,
        )
        | None => {}
    }
    if kind == Some(ScanKind::Offloaded) && departure == Some(None) {
        body.errors().add("/departure", OFFLOADED_FROM);
    }
    let of = match (bag?, unit?) {
        (Some(sscc), None) => Some(Load::Bag(sscc)),
        (None, Some(unit)) => Some(Load::Unit(unit)),
        (Some(_), Some(_)) => {
            body.errors().add("/unit", "goes without a bag: name the one or the other");
            None
        }
        (None, None) => {
            body.errors().add("/bag", "is missing");
            None
        }
    };
    Some(BagScan {
        of: of?,
        kind: kind?,
        occurred_at: occurred_at?,
        local_time: written?,
        departure: departure?,
        note: note?.filter(|note| !note.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONSOLIDATION: &str = "con_00000000000000000000000001";

    fn read(body: &Value) -> Result<BagScan, Vec<String>> {
        let read = super::read(body, "2026-03-05T00:00:00Z".parse().expect("an instant"));
        read.map_err(|errors| errors.into_iter().map(|error| error.pointer).collect())
    }

    fn body(name: &str, value: &str, kind: &str) -> Value {
        json!({name: value, "kind": kind, "occurred_at": "2026-03-04T10:00:00+08:00"})
    }

    #[test]
    fn a_bag_or_a_unit_is_named() {
        let bag = read(&body("bag", "(00)106141411234567897", "arrived")).expect("a scan");
        assert_eq!(bag.of, Load::Bag("106141411234567897".parse().expect("a number")));
        let unit = read(&body("unit", &format!("{CONSOLIDATION}/AKE-1"), "departed")).expect("a scan");
        let Load::Unit(unit) = unit.of else { panic!("{unit:?}") };
        assert_eq!(unit.to_string(), format!("{CONSOLIDATION}/AKE-1"));
        assert!(is_of_a_bag(&body("unit", "x", "departed")));
        let mut both = body("bag", "106141411234567897", "arrived");
        both["unit"] = json!(format!("{CONSOLIDATION}/AKE-1"));
        assert_eq!(read(&both), Err(vec!["/unit".to_owned()]));
        both["parcel"] = json!("pcl_00000000000000000000000001-1");
        assert!(!is_of_a_bag(&both));
    }

    #[test]
    fn what_is_said_of_single_parcels_is_refused() {
        for (name, value, kind, pointer) in [
            ("bag", "106141411234567897", "packed", "/kind"),
            ("bag", "106141411234567897", "handed_over", "/kind"),
            ("bag", "106141411234567890", "arrived", "/bag"),
            ("unit", "AKE-1", "arrived", "/unit"),
            ("unit", CONSOLIDATION, "arrived", "/unit"),
        ] {
            assert_eq!(
                read(&body(name, value, kind)),
                Err(vec![pointer.to_owned()]),
                "{name} {value} {kind}"
            );
        }
    }
}
