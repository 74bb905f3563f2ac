//! What bags are put into: aircraft containers and pallets, roller cages.
//!
//! The figures are of a type, out of a dated table with its sources (`data/unit_types.csv`):
//! good to decide how many units a departure needs. What a unit weighs empty is written on
//! its plate and what it weighs full is said by a scale; both go into the manifest in place
//! of these. Where sources differ, the table has what carries less. Absent on purpose: which
//! aircraft has how many positions for them, which is the carrier's to say.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::network::TransportMode;

const TABLE: &str = include_str!("data/unit_types.csv");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitType {
    /// IATA's three letters for what flies; `ROLL` for a roller cage.
    pub code: String,
    pub name: String,
    pub modes: Vec<TransportMode>,
    pub tare_grams: u64,
    /// Of what is put in: the most that the whole may weigh, without the tare.
    pub payload_grams: u64,
    /// Usable inside, or on a pallet below the contour of a lower deck.
    pub volume_cm3: u64,
    pub source: String,
    /// When the source was as it is quoted.
    pub as_of: NaiveDate,
}

impl UnitType {
    pub fn fits(&self, mode: TransportMode) -> bool {
        self.modes.contains(&mode)
    }

    /// The most that the unit may weigh with what is in it.
    pub fn gross_max_grams(&self) -> u64 {
        self.tare_grams + self.payload_grams
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: String,
    modes: String,
    tare_grams: u64,
    gross_max_grams: u64,
    volume_cm3: u64,
    as_of: NaiveDate,
    source: String,
}

impl Row {
    fn read(self) -> Option<UnitType> {
        Some(UnitType {
            modes: self.modes.split(';').map(|mode| mode.parse().ok()).collect::<Option<_>>()?,
            code: self.code,
            name: self.name,
            tare_grams: self.tare_grams,
            payload_grams: self.gross_max_grams.checked_sub(self.tare_grams)?,
            volume_cm3: self.volume_cm3,
            source: self.source,
            as_of: self.as_of,
        })
    }
}

static UNIT_TYPES: LazyLock<Vec<UnitType>> = LazyLock::new(|| {
    let rows = csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize::<Row>();
    // Part of the binary: a test reads every row of it.
    rows.map(|row| row.ok().and_then(Row::read).expect("a malformed unit_types.csv")).collect()
});

/// All of them, in the order of the table: what is usual first.
pub fn unit_types() -> &'static [UnitType] {
    &UNIT_TYPES
}

pub fn unit_type(code: &str) -> Option<&'static UnitType> {
    unit_types().iter().find(|unit| unit.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_read_and_its_figures_are_sane() {
        let codes: HashSet<&str> = unit_types().iter().map(|unit| unit.code.as_str()).collect();
        assert_eq!(codes.len(), unit_types().len());
        for unit in unit_types() {
            let (tare, payload) = (unit.tare_grams, unit.payload_grams);
            assert!(tare > 0 && payload > 4 * tare, "{unit:?}");
            assert!((500_000..30_000_000).contains(&unit.volume_cm3), "{unit:?}");
            // Between a load of feathers and a load of bricks.
            let kg_per_m3 = payload * 1_000 / unit.volume_cm3;
            assert!((200..700).contains(&kg_per_m3), "{unit:?}: {kg_per_m3}");
            assert!(!unit.source.is_empty() && !unit.name.is_empty());
        }
    }

    #[test]
    fn every_mode_has_something_to_load_into() {
        for mode in TransportMode::ALL {
            assert!(unit_types().iter().any(|unit| unit.fits(*mode)), "{mode}");
        }
        let ake = unit_type("AKE").expect("a type");
        assert!(ake.fits(TransportMode::Air) && !ake.fits(TransportMode::Rail));
        assert_eq!((ake.gross_max_grams(), ake.payload_grams), (1_588_000, 1_506_000));
        assert_eq!(unit_type("XYZ"), None);
    }
}
