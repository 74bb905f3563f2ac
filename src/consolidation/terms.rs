//! What an operator packs into, and which numbers are its own, read out of the settings.

use chrono::TimeDelta;

use super::packing::Limits;
use super::sscc::SsccPrefix;
use super::units::{UnitType, unit_type};
use super::waybill::Stock;
use crate::config::{Consolidation, LastMile, Settings, UnitTypes};
use crate::domain::network::{HubCode, TransportMode};
use crate::domain::place::Division;

/// The range that GS1 keeps for numbers of restricted circulation within a company (GS1 General
/// Specifications, section 1.4: GS1 prefixes 040 to 049). Nobody else's number begins so.
const WITHIN_A_COMPANY: &str = "0400000";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("consolidation.{key}: {reason}")]
pub struct BadTerms {
    pub key: String,
    pub reason: String,
}

#[derive(Debug, Clone)]
pub struct Terms {
    /// What one bag takes.
    pub bag: Limits,
    pub sscc: SsccPrefix,
    /// Whether bags have numbers that mean something to this operator alone.
    pub is_within_a_company: bool,
    pub missing_after: TimeDelta,
    /// For how long a shipment's parcels wait for one of them that does not come.
    pub waits: TimeDelta,
    /// In the order of [`TransportMode::ALL`].
    units: [Vec<&'static UnitType>; 4],
    stocks: Vec<(String, Stock)>,
    last_mile: Vec<LastMileRule>,
}

#[derive(Debug, Clone)]
struct LastMileRule {
    gateway: HubCode,
    divisions: Vec<String>,
    carrier: String,
}

fn bad(key: &str, reason: impl ToString) -> BadTerms {
    BadTerms { key: key.to_owned(), reason: reason.to_string() }
}

impl Terms {
    pub fn from_config(settings: &Settings) -> Result<Self, BadTerms> {
        let waits = TimeDelta::days(i64::from(settings.routing.horizon_days));
        let settings = &settings.consolidation;
        let prefix = settings.sscc_company_prefix.trim();
        let is_within_a_company = prefix.is_empty();
        let prefix = if is_within_a_company { WITHIN_A_COMPANY } else { prefix };
        let sscc = SsccPrefix::parse(settings.sscc_extension.trim(), prefix)
            .map_err(|error| bad("sscc_company_prefix", error))?;
        Ok(Self {
            bag: Limits {
                weight_grams: (settings.bag_weight_kg * 1e3).round() as u64,
                volume_cm3: Some((settings.bag_volume_m3 * 1e6).round() as u64),
                parcels: Some(settings.bag_parcels_max),
            },
            sscc,
            is_within_a_company,
            missing_after: TimeDelta::hours(i64::from(settings.missing_after_hours)),
            waits,
            units: read_units(&settings.unit_types)?,
            stocks: read_stocks(settings)?,
            last_mile: settings.last_mile.iter().map(read_rule).collect::<Result<_, _>>()?,
        })
    }

    /// The types that bags of a departure may be put into, those preferred first.
    pub fn units(&self, mode: TransportMode) -> &[&'static UnitType] {
        &self.units[mode as usize]
    }

    /// The stocks of a carrier in the order in which they are used up.
    pub fn stocks<'a>(&'a self, carrier: &'a str) -> impl Iterator<Item = &'a Stock> {
        self.stocks.iter().filter(move |(name, _)| name == carrier).map(|(_, stock)| stock)
    }

    /// Who takes the last mile to a division, as far as anybody knows beforehand.
    pub fn last_mile(&self, gateway: &HubCode, division: Division) -> Option<&str> {
        let code = division.to_string();
        let fits = |rule: &&LastMileRule| {
            let beginnings = &rule.divisions;
            rule.gateway == *gateway
                && (beginnings.is_empty() || beginnings.iter().any(|begin| code.starts_with(begin.as_str())))
        };
        self.last_mile.iter().find(fits).map(|rule| rule.carrier.as_str())
    }
}

fn read_units(settings: &UnitTypes) -> Result<[Vec<&'static UnitType>; 4], BadTerms> {
    let mut units: [Vec<&'static UnitType>; 4] = Default::default();
    for mode in TransportMode::ALL {
        let codes = match mode {
            TransportMode::Air => &settings.air,
            TransportMode::Sea => &settings.sea,
            TransportMode::Road => &settings.road,
            TransportMode::Rail => &settings.rail,
        };
        for code in codes {
            let unit = unit_type(code).filter(|unit| unit.fits(*mode));
            let reason = || format!("{code:?} is no unit that goes by {mode}");
            let unit = unit.ok_or_else(|| bad(&format!("unit_types.{mode}"), reason()))?;
            units[*mode as usize].push(unit);
        }
    }
    Ok(units)
}

fn read_stocks(settings: &Consolidation) -> Result<Vec<(String, Stock)>, BadTerms> {
    let mut stocks: Vec<(String, Stock)> = Vec::new();
    for written in &settings.waybill_stock {
        let prefix = written.prefix.parse().map_err(|error| bad("waybill_stock", error))?;
        let stock = Stock::new(prefix, written.first, written.last);
        let stock = stock.map_err(|error| bad("waybill_stock", error))?;
        // Drawn from two counters, a number would be given out twice.
        if let Some((_, other)) = stocks.iter().find(|(_, other)| other.overlaps(&stock)) {
            let reason = format!("{} and {} have numbers in common", other.name(), stock.name());
            return Err(bad("waybill_stock", reason));
        }
        stocks.push((written.carrier.clone(), stock));
    }
    Ok(stocks)
}

fn read_rule(written: &LastMile) -> Result<LastMileRule, BadTerms> {
    let is_beginning =
        |text: &String| (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(wrong) = written.divisions.iter().find(|text| !is_beginning(text)) {
        return Err(bad("last_mile", format!("{wrong:?} is not the beginning of a code of six digits")));
    }
    Ok(LastMileRule {
        gateway: written.gateway.parse().map_err(|error| bad("last_mile", error))?,
        divisions: written.divisions.clone(),
        carrier: written.carrier.clone(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config;

    pub fn terms(changes: &str) -> Result<Terms, BadTerms> {
        Terms::from_config(&config::defaults_with(changes).expect("valid settings"))
    }

    #[test]
    fn the_defaults_are_of_use_and_say_that_the_numbers_are_ours_alone() {
        let terms = terms("").expect("terms");
        assert!(terms.is_within_a_company && terms.sscc.to_string() == "00400000");
        assert_eq!((terms.bag.weight_grams, terms.bag.volume_cm3), (30_000, Some(120_000)));
        assert!(TransportMode::ALL.iter().all(|mode| !terms.units(*mode).is_empty()));
        let own = self::terms("consolidation.sscc_company_prefix = \"4012345\"").expect("terms");
        assert!(!own.is_within_a_company && own.sscc.to_string() == "04012345");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_key() {
        let stock =
            |first, last| format!("{{carrier = \"C\", prefix = \"160\", first = {first}, last = {last}}}");
        for (changes, key) in [
            ("sscc_company_prefix = \"12\"".to_owned(), "sscc_company_prefix"),
            ("unit_types.sea = [\"AKE\"]".to_owned(), "unit_types.sea"),
            (format!("waybill_stock = [{}]", stock(9, 1)), "waybill_stock"),
            (format!("waybill_stock = [{}, {}]", stock(1, 9), stock(9, 12)), "waybill_stock"),
            ("last_mile = [{gateway = \"x\", carrier = \"C\"}]".to_owned(), "last_mile"),
            (
                "last_mile = [{gateway = \"CNCAN\", divisions = [\"x\"], carrier = \"C\"}]".to_owned(),
                "last_mile",
            ),
        ] {
            let error = terms(&format!("[consolidation]\n{changes}")).expect_err(&changes);
            assert_eq!(error.key, key, "{error}");
        }
    }

    #[test]
    fn the_last_mile_is_known_by_gateway_and_division() {
        let rule = |divisions: &str, carrier: &str| {
            format!("{{gateway = \"CNCAN\", divisions = {divisions}, carrier = \"{carrier}\"}}")
        };
        let rules = [rule("[\"44\", \"45\"]", "South"), rule("[]", "Rest")].join(", ");
        let terms = terms(&format!("consolidation.last_mile = [{rules}]")).expect("terms");
        let carrier = |gateway: &str, division: &str| {
            terms.last_mile(&gateway.parse().expect("a hub"), division.parse().expect("a division"))
        };
        assert_eq!(carrier("CNCAN", "440304"), Some("South"));
        assert_eq!(carrier("CNCAN", "310115"), Some("Rest"));
        assert_eq!(carrier("CNPVG", "310115"), None);
    }
}
