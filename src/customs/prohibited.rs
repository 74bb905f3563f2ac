//! Goods that are refused by their HS code.

use std::fmt;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::table::{rows, several};
use crate::domain::service::Clearance;

const PROHIBITED_GOODS: &str = include_str!("data/prohibited_goods.csv");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Prohibited,
    /// With a permit only, and there is no way to show one.
    Restricted,
    /// Taken out of a shorter beginning that is refused.
    Allowed,
}

/// What the rules say of the HS codes that begin alike.
#[derive(Debug)]
pub struct GoodsRule {
    pub prefixes: Vec<String>,
    /// None: under all.
    pub clearances: Vec<Clearance>,
    pub verdict: Verdict,
    pub rule: String,
    pub name: String,
    pub source: String,
    /// Since when the rule has been in force.
    pub as_of: NaiveDate,
}

#[derive(Deserialize)]
struct GoodsRow {
    hs_prefixes: String,
    clearances: String,
    verdict: Verdict,
    rule: String,
    name: String,
    source: String,
    as_of: NaiveDate,
}

impl From<GoodsRow> for GoodsRule {
    fn from(row: GoodsRow) -> Self {
        GoodsRule {
            prefixes: several(&row.hs_prefixes),
            clearances: several(&row.clearances),
            verdict: row.verdict,
            rule: row.rule,
            name: row.name,
            source: row.source,
            as_of: row.as_of,
        }
    }
}

impl GoodsRule {
    fn holds_for(&self, clearance: Option<Clearance>) -> bool {
        self.clearances.is_empty() || clearance.is_some_and(|clearance| self.clearances.contains(&clearance))
    }
}

fn embedded() -> &'static [GoodsRule] {
    static RULES: LazyLock<Vec<GoodsRule>> =
        LazyLock::new(|| rows::<GoodsRow>(PROHIBITED_GOODS).map(GoodsRule::from).collect());
    &RULES
}

/// Why goods may not enter. Its text is for the merchant and names the rule.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub found: &'static GoodsRule,
    /// Where another clearance might let them in.
    clearance: Option<Clearance>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GoodsRule { name, rule, .. } = self.found;
        match self.found.verdict {
            Verdict::Restricted => write!(f, "{name} are restricted to holders of a permit")?,
            Verdict::Prohibited | Verdict::Allowed => write!(f, "{name} are prohibited")?,
        }
        if let Some(clearance) = self.clearance {
            write!(f, " under clearance {clearance}")?;
        }
        write!(f, " ({rule})")
    }
}

/// Whether goods of this HS code, of six digits or more, may enter. Without a clearance, whether
/// they may under any.
pub fn screen(hs_code: &str, clearance: Option<Clearance>) -> Result<(), Refusal> {
    match decide(embedded(), hs_code, clearance) {
        Some(found) if found.verdict != Verdict::Allowed => {
            Err(Refusal { found, clearance: clearance.filter(|_| !found.clearances.is_empty()) })
        }
        _ => Ok(()),
    }
}

fn decide<'r>(rules: &'r [GoodsRule], hs_code: &str, clearance: Option<Clearance>) -> Option<&'r GoodsRule> {
    let longest = |rule: &GoodsRule| {
        let prefixes = rule.prefixes.iter().filter(|prefix| hs_code.starts_with(prefix.as_str()));
        prefixes.map(String::len).max()
    };
    let rules = rules.iter().filter(|rule| rule.holds_for(clearance));
    let found = rules.filter_map(|rule| longest(rule).map(|length| (length, rule)));
    found.max_by_key(|(length, _)| *length).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(hs_code: &str, clearance: Clearance) -> Option<String> {
        screen(hs_code, Some(clearance)).err().map(|refusal| refusal.to_string())
    }

    #[test]
    fn every_row_can_be_read_and_says_where_it_comes_from() {
        for rule in embedded() {
            assert!(!rule.prefixes.is_empty(), "{rule:?}");
            for text in [&rule.rule, &rule.name, &rule.source] {
                assert!(!text.trim().is_empty(), "{rule:?}");
            }
            for prefix in &rule.prefixes {
                assert!((2..=6).contains(&prefix.len()), "{prefix}: every code has six digits, not more");
                assert!(prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
            }
            let in_force = "1990-01-01".parse().expect("a date")..="2026-12-31".parse().expect("a date");
            assert!(in_force.contains(&rule.as_of), "{rule:?}");
        }
    }

    #[test]
    fn no_beginning_is_there_twice_for_one_clearance() {
        for clearance in Clearance::ALL {
            let rules = embedded().iter().filter(|rule| rule.holds_for(Some(*clearance)));
            let mut prefixes: Vec<_> = rules.flat_map(|rule| &rule.prefixes).collect();
            prefixes.sort();
            let all = prefixes.len();
            prefixes.dedup();
            assert_eq!(prefixes.len(), all, "{clearance}");
        }
    }

    #[test]
    fn what_is_allowed_is_an_exception_to_something_refused() {
        for rule in embedded().iter().filter(|rule| rule.verdict == Verdict::Allowed) {
            for prefix in &rule.prefixes {
                let without = screen(&prefix[..prefix.len() - 1], Some(Clearance::B2cDirect));
                assert!(without.is_err(), "{prefix}");
            }
        }
    }

    #[test]
    fn the_longest_beginning_that_holds_for_the_clearance_decides() {
        use Clearance::{B2cBonded, B2cDirect, Postal};
        for (hs_code, clearance, refused) in [
            ("040299", B2cDirect, true),
            ("040221", B2cDirect, false),
            ("0402210000", B2cDirect, false),
            ("040299", B2cBonded, false),
            ("050790", B2cBonded, false),
            ("050710", B2cBonded, true),
            ("050790", Postal, true),
            ("070200", Postal, true),
            ("071080", Postal, false),
            ("080620", Postal, false),
            ("240391", B2cBonded, true),
            ("240491", B2cBonded, false),
        ] {
            assert_eq!(screen(hs_code, Some(clearance)).is_err(), refused, "{hs_code} {clearance}");
        }
        assert!(screen("930400", None).is_err(), "no clearance lets it in");
        assert!(screen("020130", None).is_ok(), "one does");
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let rule = |prefix: &str, verdict| GoodsRule {
            prefixes: vec![prefix.to_owned()],
            clearances: Vec::new(),
            verdict,
            rule: String::new(),
            name: String::new(),
            source: String::new(),
            as_of: NaiveDate::default(),
        };
        let mut rules = vec![rule("04", Verdict::Prohibited), rule("0402", Verdict::Allowed)];
        for _ in 0..2 {
            let verdict = |code| decide(&rules, code, None).map(|rule| rule.verdict);
            assert_eq!(verdict("040210"), Some(Verdict::Allowed));
            assert_eq!(verdict("040110"), Some(Verdict::Prohibited));
            assert_eq!(verdict("140402"), None);
            rules.reverse();
        }
    }

    #[test]
    fn a_refusal_names_its_rule() {
        let arms = "arms and ammunition are prohibited (GACC Decree 43, annex 1, no. 1)";
        assert_eq!(detail("930400", Clearance::Postal).as_deref(), Some(arms));
        let meat =
            "meat and offal are prohibited under clearance 9610 (MARA and GACC Announcement 470, no. 2)";
        assert_eq!(detail("020130", Clearance::B2cDirect).as_deref(), Some(meat));
        let diamonds =
            "rough diamonds are restricted to holders of a permit (AQSIQ Order 42, Kimberley Process)";
        assert_eq!(detail("710210", Clearance::B2cDirect).as_deref(), Some(diamonds));
        for allowed in ["190110", "040221", "150420", "210690", "293629", "300490", "330300", "850760"] {
            assert_eq!(detail(allowed, Clearance::B2cDirect), None);
        }
    }
}
