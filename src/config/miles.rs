//! Roads and emissions: what the first and the last mile cost, in general and by country.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{ConfigError, Routing, invalid};
use crate::domain::network::TransportMode;
use crate::domain::place::Country;

/// The road between an address and a hub. Costs in US dollars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Miles {
    pub detour: f64,
    pub speed_kmh: f64,
    pub fixed: Decimal,
    pub per_km: Decimal,
    pub per_kg: Decimal,
    /// What is different in some countries, by their codes.
    #[serde(default)]
    pub by_country: BTreeMap<String, Changes>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    detour: Option<f64>,
    speed_kmh: Option<f64>,
    fixed: Option<Decimal>,
    per_km: Option<Decimal>,
    per_kg: Option<Decimal>,
}

/// What holds in one country.
#[derive(Debug, Clone, PartialEq)]
pub struct Mile {
    pub detour: f64,
    pub speed_kmh: f64,
    pub fixed: Decimal,
    pub per_km: Decimal,
    pub per_kg: Decimal,
}

impl Miles {
    pub fn general(&self) -> Mile {
        Mile {
            detour: self.detour,
            speed_kmh: self.speed_kmh,
            fixed: self.fixed,
            per_km: self.per_km,
            per_kg: self.per_kg,
        }
    }

    pub fn of(&self, country: Country) -> Mile {
        // A variable's name has no capitals by the time it is read, and comes last: above the file.
        let changes = self.by_country.iter().filter(|(name, _)| name.eq_ignore_ascii_case(country.as_str()));
        changes.fold(self.general(), |mile, (_, changes)| Mile {
            detour: changes.detour.unwrap_or(mile.detour),
            speed_kmh: changes.speed_kmh.unwrap_or(mile.speed_kmh),
            fixed: changes.fixed.unwrap_or(mile.fixed),
            per_km: changes.per_km.unwrap_or(mile.per_km),
            per_kg: changes.per_kg.unwrap_or(mile.per_kg),
        })
    }
}

/// Grams of CO₂ equivalent for a tonne that is carried a kilometre, well to wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Co2eFactors {
    pub air: Decimal,
    pub sea: Decimal,
    pub road: Decimal,
    pub rail: Decimal,
}

impl Co2eFactors {
    pub fn of(&self, mode: TransportMode) -> Decimal {
        match mode {
            TransportMode::Air => self.air,
            TransportMode::Sea => self.sea,
            TransportMode::Road => self.road,
            TransportMode::Rail => self.rail,
        }
    }
}

/// Figures with which every cost can be computed exactly in whole numbers.
mod limits {
    pub const HORIZON_DAYS: usize = 366;
    pub const COUNT: usize = 10_000;
    pub const DETOUR: f64 = 10.0;
    pub const DOLLARS: i64 = 1_000_000;
    pub const DOLLAR_PLACES: u32 = 9;
    pub const CO2E_GRAMS: i64 = 100_000;
    pub const CO2E_PLACES: u32 = 3;
}

pub(super) fn check(routing: &Routing) -> Result<(), ConfigError> {
    for (key, count, most) in [
        ("routing.horizon_days", routing.horizon_days as usize, limits::HORIZON_DAYS),
        ("routing.origin_hubs_max", routing.origin_hubs_max, limits::COUNT),
        ("routing.alternatives_max", routing.alternatives_max, limits::COUNT),
    ] {
        if count > most {
            return invalid(key, &format!("has to be {most} or less"));
        }
    }
    for (key, miles) in
        [("routing.first_mile", &routing.first_mile), ("routing.last_mile", &routing.last_mile)]
    {
        check_mile(key, &miles.general())?;
        for name in miles.by_country.keys() {
            let key = format!("{key}.by_country.{name}");
            match name.to_ascii_uppercase().parse() {
                Ok(country) => check_mile(&key, &miles.of(country))?,
                Err(_) => return invalid(key, "is not a country code of two letters"),
            }
        }
    }
    let factors = &routing.co2e_grams_per_tonne_km;
    for mode in TransportMode::ALL {
        let key = format!("routing.co2e_grams_per_tonne_km.{mode}");
        check_decimal(key, factors.of(*mode), limits::CO2E_GRAMS, limits::CO2E_PLACES)?;
    }
    Ok(())
}

fn check_mile(key: &str, mile: &Mile) -> Result<(), ConfigError> {
    if !(1.0..=limits::DETOUR).contains(&mile.detour) {
        return invalid(format!("{key}.detour"), "has to be between 1 and 10");
    }
    if !(mile.speed_kmh >= 0.001 && mile.speed_kmh.is_finite()) {
        return invalid(format!("{key}.speed_kmh"), "has to be more than 0");
    }
    for (name, cost) in [("fixed", mile.fixed), ("per_km", mile.per_km), ("per_kg", mile.per_kg)] {
        check_decimal(format!("{key}.{name}"), cost, limits::DOLLARS, limits::DOLLAR_PLACES)?;
    }
    Ok(())
}

fn check_decimal(key: String, value: Decimal, most: i64, places: u32) -> Result<(), ConfigError> {
    let is_within = (Decimal::ZERO..=Decimal::from(most)).contains(&value);
    if is_within && value.normalize().scale() <= places {
        return Ok(());
    }
    invalid(key, &format!("has to be between 0 and {most}, with {places} places at most"))
}

#[cfg(test)]
mod tests {
    use crate::config::defaults_with;

    #[test]
    fn a_country_changes_what_it_names_and_leaves_the_rest() {
        let changes = "[routing.first_mile.by_country.US]\nspeed_kmh = 80\nper_km = \"0.01\"";
        let miles = defaults_with(changes).expect("valid settings").routing.first_mile;
        let (us, jp) =
            (miles.of("US".parse().expect("a country")), miles.of("JP".parse().expect("a country")));
        assert_eq!((us.speed_kmh, us.per_km.to_string().as_str()), (80.0, "0.01"));
        assert_eq!((us.detour, us.fixed), (jp.detour, jp.fixed));
        assert_eq!(jp, miles.general());
    }

    #[test]
    fn a_variable_goes_above_the_file_for_one_country_too() {
        let changes =
            "[routing.first_mile.by_country]\nUS = { fixed = 5, speed_kmh = 80 }\nus = { fixed = 9 }";
        let miles = defaults_with(changes).expect("valid settings").routing.first_mile;
        let us = miles.of("US".parse().expect("a country"));
        assert_eq!((us.fixed.to_string().as_str(), us.speed_kmh), ("9", 80.0));
    }

    #[test]
    fn a_figure_may_be_written_as_a_number_too() {
        let routing =
            defaults_with("[routing.co2e_grams_per_tonne_km]\nair = 602\n[routing.last_mile]\nper_kg = 0.25");
        let routing = routing.expect("valid settings").routing;
        assert_eq!(routing.co2e_grams_per_tonne_km.air.to_string(), "602");
        assert_eq!(routing.last_mile.per_kg.to_string(), "0.25");
    }
}
