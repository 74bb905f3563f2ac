//! Dangerous goods by their UN number: what class they are, and what takes them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::table::{rows, several};
use crate::domain::dangerous::{Acceptance, DangerousCarriage, UnNumber};
use crate::domain::goods::Item;

const DANGEROUS_GOODS: &str = include_str!("data/dangerous_goods.csv");

/// What is known of one UN number.
#[derive(Debug)]
pub struct DangerousRule {
    pub carriage: DangerousCarriage,
    /// One of these has to be declared: aerosols are 2.1 or 2.2.
    pub classes: Vec<String>,
    pub name: String,
    /// Why, or within which limits.
    pub limit_note: String,
    pub source: String,
    pub as_of: NaiveDate,
}

#[derive(Deserialize)]
struct DangerousRow {
    un: UnNumber,
    class: String,
    name: String,
    air: Acceptance,
    sea: Acceptance,
    road: Acceptance,
    rail: Acceptance,
    limit_note: String,
    source: String,
    as_of: NaiveDate,
}

impl From<DangerousRow> for DangerousRule {
    fn from(row: DangerousRow) -> Self {
        DangerousRule {
            carriage: DangerousCarriage { un: row.un, by_mode: [row.air, row.sea, row.road, row.rail] },
            classes: several(&row.class),
            name: row.name,
            limit_note: row.limit_note,
            source: row.source,
            as_of: row.as_of,
        }
    }
}

impl DangerousRule {
    fn is_carried(&self) -> bool {
        self.carriage.by_mode.iter().any(|acceptance| *acceptance != Acceptance::Forbidden)
    }
}

fn embedded() -> &'static BTreeMap<UnNumber, DangerousRule> {
    static RULES: LazyLock<BTreeMap<UnNumber, DangerousRule>> = LazyLock::new(|| {
        let rules = rows::<DangerousRow>(DANGEROUS_GOODS).map(DangerousRule::from);
        rules.map(|rule| (rule.carriage.un, rule)).collect()
    });
    &RULES
}

/// What the table says of `un`, be it that nobody carries it.
pub fn dangerous(un: UnNumber) -> Option<&'static DangerousRule> {
    embedded().get(&un)
}

/// Why dangerous goods cannot be sent as declared. The merchant must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("{0} is not in the table of dangerous goods that are carried")]
    Unknown(UnNumber),
    #[error("{un} ({name}) is carried by no mode of transport: {why}")]
    NotCarried { un: UnNumber, name: &'static str, why: &'static str },
    #[error("{un} ({name}) is class {classes}")]
    Class { un: UnNumber, name: &'static str, classes: String },
}

impl Mismatch {
    /// The field of the declaration that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Mismatch::Unknown(_) | Mismatch::NotCarried { .. } => "un",
            Mismatch::Class { .. } => "class",
        }
    }
}

/// Whether goods so declared are carried by anything at all. Without a class, whether its UN
/// number is.
pub fn check(un: UnNumber, class: Option<&str>) -> Result<(), Mismatch> {
    let rule = dangerous(un).ok_or(Mismatch::Unknown(un))?;
    if !rule.is_carried() {
        return Err(Mismatch::NotCarried { un, name: &rule.name, why: &rule.limit_note });
    }
    match class {
        Some(class) if !rule.classes.iter().any(|known| known == class) => {
            Err(Mismatch::Class { un, name: &rule.name, classes: rule.classes.join(" or ") })
        }
        _ => Ok(()),
    }
}

/// Which modes take what is dangerous among `items`: each UN number once, in their order. One
/// that is in no table, as an older row of the store may have it, no mode takes.
pub fn carriage<'i>(items: impl IntoIterator<Item = &'i Item>) -> Vec<DangerousCarriage> {
    let declared = items.into_iter().filter_map(|item| item.dangerous_goods.as_ref());
    let mut numbers: Vec<UnNumber> = declared.map(|goods| goods.un).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let nobody = |un| DangerousCarriage { un, by_mode: [Acceptance::Forbidden; 4] };
    numbers.into_iter().map(|un| dangerous(un).map_or(nobody(un), |rule| rule.carriage)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::goods::DangerousGoods;
    use crate::domain::money::Money;
    use crate::domain::network::TransportMode;

    fn un(text: &str) -> UnNumber {
        text.parse().expect("a number")
    }

    fn detail(number: &str, class: &str) -> Option<(&'static str, String)> {
        check(un(number), Some(class)).err().map(|error| (error.field(), error.to_string()))
    }

    #[test]
    fn every_row_can_be_read_and_says_where_it_comes_from() {
        assert_eq!(embedded().len(), DANGEROUS_GOODS.lines().count() - 1, "no UN number is there twice");
        let classes =
            ["1.1", "1.3", "1.4", "2.1", "2.2", "2.3", "3", "4.1", "5.1", "6.1", "6.2", "7", "8", "9"];
        for rule in embedded().values() {
            assert!(!rule.classes.is_empty(), "{rule:?}");
            assert!(rule.classes.iter().all(|class| classes.contains(&class.as_str())), "{rule:?}");
            for text in [&rule.name, &rule.limit_note, &rule.source] {
                assert!(!text.trim().is_empty(), "{rule:?}");
            }
            let editions = "2016-01-01".parse().expect("a date")..="2026-12-31".parse().expect("a date");
            assert!(editions.contains(&rule.as_of), "{rule:?}");
        }
    }

    #[test]
    fn the_columns_of_modes_are_in_the_order_of_the_modes() {
        let header: Vec<_> = DANGEROUS_GOODS.lines().next().expect("a header").split(',').collect();
        let modes: Vec<_> = TransportMode::ALL.iter().map(|mode| mode.as_str()).collect();
        assert_eq!(header[3..7], modes);
        let cells = dangerous(un("UN3480")).expect("a row").carriage;
        assert_eq!(cells.by(TransportMode::Air), Acceptance::Declared);
        assert_eq!(cells.by(TransportMode::Sea), Acceptance::Allowed);
        assert_eq!(cells.by(TransportMode::Road), Acceptance::Allowed);
        assert_eq!(cells.by(TransportMode::Rail), Acceptance::Declared);
    }

    #[test]
    fn cells_alone_fly_on_lanes_that_name_them_and_with_equipment_on_any() {
        let by_air = |number| dangerous(un(number)).expect("a row").carriage.by(TransportMode::Air);
        for alone in ["UN3480", "UN3090", "UN3551"] {
            assert_eq!(by_air(alone), Acceptance::Declared, "{alone}");
        }
        for with_equipment in ["UN3481", "UN3091", "UN3552"] {
            assert_eq!(by_air(with_equipment), Acceptance::Allowed, "{with_equipment}");
        }
    }

    #[test]
    fn what_explodes_burns_or_infects_is_carried_by_nobody() {
        for number in ["UN0012", "UN0336", "UN1005", "UN1203", "UN2814", "UN2915"] {
            let error = check(un(number), None).expect_err("a refusal");
            assert!(matches!(error, Mismatch::NotCarried { .. }), "{error}");
        }
        for rule in embedded().values().filter(|rule| rule.is_carried()) {
            let class = rule.classes[0].as_str();
            assert!(!["1", "6", "7"].contains(&class.split('.').next().expect("a class")), "{rule:?}");
        }
    }

    #[test]
    fn each_mismatch_says_what_is_wrong_and_where() {
        assert_eq!(detail("UN3481", "9"), None);
        assert_eq!(detail("UN1950", "2.1").or(detail("UN1950", "2.2")), None);
        let cases = [
            ("UN3481", "3", "class", "UN3481 (lithium ion batteries with or in equipment) is class 9"),
            ("UN1950", "2", "class", "UN1950 (aerosols) is class 2.1 or 2.2"),
            ("UN9999", "9", "un", "UN9999 is not in the table of dangerous goods that are carried"),
            (
                "UN1203",
                "9",
                "un",
                "UN1203 (petrol) is carried by no mode of transport: petrol and the like are on China's list of articles that post and couriers must not take",
            ),
        ];
        for (number, class, field, text) in cases {
            assert_eq!(detail(number, class), Some((field, text.to_owned())));
        }
    }

    #[test]
    fn each_un_number_is_carried_once_and_in_order() {
        let item = |number: Option<&str>| Item {
            sku: "A".to_owned(),
            description: "a".to_owned(),
            hs_code: "850760".to_owned(),
            quantity: 1,
            unit_price: Money::parse("1.00", "USD".parse().expect("a currency")).expect("money"),
            origin: "US".parse().expect("a country"),
            dangerous_goods: number.map(|number| DangerousGoods { un: un(number), class: "9".to_owned() }),
        };
        let items = [Some("UN3481"), None, Some("UN9999"), Some("UN1266"), Some("UN3481")].map(item);
        let carried = carriage(&items);
        let numbers: Vec<_> = carried.iter().map(|goods| goods.un.to_string()).collect();
        assert_eq!(numbers, ["UN1266", "UN3481", "UN9999"]);
        assert_eq!(carried[2].by_mode, [Acceptance::Forbidden; 4]);
        assert_eq!(carriage(&[]), []);
    }
}
