//! Which clock a carrier's local time was read from, where it does not say.
//!
//! A facility's own zone where its place is known, then that of its state or province, then that of its
//! country where all its places share a clock. Anywhere else an hour that is guessed would be worse than
//! one that is known to be assumed.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::Tz;

use super::place::{Gazetteer, Place};
use crate::domain::event::OffsetSource;
use crate::domain::place::Country;

const COUNTRY_ZONES: &str = include_str!("data/country_zones.csv");
const REGION_ZONES: &str = include_str!("data/region_zones.csv");

/// Places where hubs of carriers stand, in countries with several zones, and the state or province that each is in:
/// there are a Dallas in Oregon and a Perth in Tasmania. None: the country has no other place of that name.
const PLACES: &[(&str, &str, &[&str], Tz)] = &[
    ("AU", "adelaide", &["sa", "south australia"], Tz::Australia__Adelaide),
    ("AU", "brisbane", &["qld", "queensland"], Tz::Australia__Brisbane),
    ("AU", "melbourne", &["vic", "victoria"], Tz::Australia__Melbourne),
    ("AU", "perth", &["wa", "western australia"], Tz::Australia__Perth),
    ("AU", "sydney", &["nsw", "new south wales"], Tz::Australia__Sydney),
    ("CA", "calgary", &["ab", "alberta"], Tz::America__Edmonton),
    ("CA", "hamilton", &["on", "ontario"], Tz::America__Toronto),
    ("CA", "montreal", &["qc", "quebec"], Tz::America__Toronto),
    ("CA", "toronto", &["on", "ontario"], Tz::America__Toronto),
    ("CA", "vancouver", &["bc", "british columbia"], Tz::America__Vancouver),
    ("ES", "las palmas", &[], Tz::Atlantic__Canary),
    ("ES", "santa cruz de tenerife", &[], Tz::Atlantic__Canary),
    ("ES", "tenerife", &[], Tz::Atlantic__Canary),
    ("PT", "ponta delgada", &[], Tz::Atlantic__Azores),
    ("US", "anchorage", &["ak", "alaska"], Tz::America__Anchorage),
    ("US", "atlanta", &["ga", "georgia"], Tz::America__New_York),
    ("US", "chicago", &["il", "illinois"], Tz::America__Chicago),
    ("US", "cincinnati hub", &["oh", "ky", "kentucky"], Tz::America__New_York),
    ("US", "dallas", &["tx", "texas"], Tz::America__Chicago),
    ("US", "honolulu", &["hi", "hawaii"], Tz::Pacific__Honolulu),
    ("US", "houston", &["tx", "texas"], Tz::America__Chicago),
    ("US", "los angeles", &["ca", "california"], Tz::America__Los_Angeles),
    ("US", "los angeles gateway", &["ca", "california"], Tz::America__Los_Angeles),
    ("US", "louisville", &["ky", "kentucky"], Tz::America__New_York),
    ("US", "memphis", &["tn", "tennessee"], Tz::America__Chicago),
    ("US", "miami", &["fl", "florida"], Tz::America__New_York),
    ("US", "miami gateway", &["fl", "florida"], Tz::America__New_York),
    ("US", "new york", &["ny"], Tz::America__New_York),
    ("US", "new york city gateway", &["ny"], Tz::America__New_York),
    ("US", "san francisco", &["ca", "california"], Tz::America__Los_Angeles),
    ("US", "san francisco gateway", &["ca", "california"], Tz::America__Los_Angeles),
    ("US", "seattle", &["wa", "washington"], Tz::America__Los_Angeles),
];

struct Tables {
    countries: HashMap<Country, Tz>,
    regions: HashMap<(Country, String), Tz>,
}

impl Tables {
    /// Part of the binary: a test reads every row.
    fn embedded() -> &'static Self {
        static TABLES: LazyLock<Tables> = LazyLock::new(|| {
            let rows = |text: &'static str| {
                let reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
                reader
                    .into_records()
                    // Part of the binary: a test reads every row of it.
                    .map(|row| row.unwrap_or_else(|error| panic!("a table of zones: {error}")))
            };
            let country = |text: &str| -> Country {
                // Part of the binary: a test reads every row of it.
                text.parse().unwrap_or_else(|error| panic!("a table of zones: {error}"))
            };
            let zone = |text: &str| -> Tz {
                // Part of the binary: a test reads every row of it.
                text.parse().unwrap_or_else(|_| panic!("there is no zone {text}"))
            };
            let countries = rows(COUNTRY_ZONES).map(|row| (country(&row[0]), zone(&row[1]))).collect();
            let regions = rows(REGION_ZONES);
            let regions = regions.map(|row| ((country(&row[0]), row[1].to_lowercase()), zone(&row[2])));
            Tables { countries, regions: regions.collect() }
        });
        &TABLES
    }
}

/// The clock of a place, and how it is known; `None` where only a guess is left.
pub fn zone_of(place: &Place, gazetteer: &dyn Gazetteer) -> Option<(Tz, OffsetSource)> {
    let tables = Tables::embedded();
    let country = place.country()?;
    let (town, region) = (place.bare_town().to_lowercase(), place.region().to_lowercase());
    let is_listed = |(of, name, regions, _): &&(&str, &str, &[&str], Tz)| {
        let is_there = region.is_empty() || regions.is_empty() || regions.contains(&region.as_str());
        *of == country.as_str() && *name == town && is_there
    };
    let listed = || PLACES.iter().find(is_listed).map(|row| row.3);
    let by_region = tables.regions.get(&(country, region.clone())).copied();
    // Carriers in the west of China write Beijing's time, whatever the sun says.
    let found = || match country {
        Country::CHINA => place.spot(gazetteer).map(|_| Tz::Asia__Shanghai),
        _ => place.spot(gazetteer)?.zone,
    };
    let of_facility = by_region.or_else(listed).or_else(found);
    let of_country = || Some((*tables.countries.get(&country)?, OffsetSource::CountryZone));
    of_facility.map(|zone| (zone, OffsetSource::FacilityZone)).or_else(of_country)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::contract::NoGazetteer;

    fn zone(country: &str, region: &str, town: &str) -> Option<(Tz, OffsetSource)> {
        let (country, region, town) = (country.into(), region.into(), town.into());
        zone_of(&Place { country, region, town, postal_code: String::new() }, &NoGazetteer)
    }

    #[test]
    fn a_country_of_one_zone_answers_for_all_its_places() {
        let country = |zone| Some((zone, OffsetSource::CountryZone));
        assert_eq!(zone("CN", "", "URUMQI - CHINA MAINLAND"), country(Tz::Asia__Shanghai));
        assert_eq!(zone("DE", "", ""), country(Tz::Europe__Berlin));
        assert_eq!(zone("ES", "", "MADRID"), country(Tz::Europe__Madrid));
        assert_eq!(zone("ke", "", ""), country(Tz::Africa__Nairobi));
    }

    #[test]
    fn a_country_of_several_zones_answers_only_for_places_and_regions_that_are_listed() {
        let facility = |zone| Some((zone, OffsetSource::FacilityZone));
        assert_eq!(zone("US", "", "LOS ANGELES, CA - USA"), facility(Tz::America__Los_Angeles));
        assert_eq!(zone("US", "IL", "Springfield"), facility(Tz::America__Chicago));
        assert_eq!(zone("AU", "Queensland", ""), facility(Tz::Australia__Brisbane));
        assert_eq!(zone("ES", "", "Las Palmas"), facility(Tz::Atlantic__Canary));
        for town in ["", "Springfield", "Sydney"] {
            assert_eq!(zone("US", "", town), None, "{town:?}");
        }
        assert_eq!(zone("US", "TX", "El Paso"), None);
        assert_eq!(zone("US", "TX", "Dallas"), facility(Tz::America__Chicago));
        assert_eq!(zone("US", "Kentucky", "Louisville"), facility(Tz::America__New_York));
        assert_eq!(zone("CA", "", "HAMILTON - CANADA"), facility(Tz::America__Toronto));
        assert_eq!(zone("RU", "", "Moscow"), None);
        assert_eq!(zone("", "", "Berlin"), None);
    }

    #[test]
    fn a_place_of_the_same_name_in_another_state_is_another_place() {
        let facility = |zone| Some((zone, OffsetSource::FacilityZone));
        assert_eq!(zone("US", "CO", "Louisville"), facility(Tz::America__Denver));
        assert_eq!(zone("US", "", "LOUISVILLE, CO - USA"), facility(Tz::America__Denver));
        assert_eq!(zone("US", "OK", "Miami"), facility(Tz::America__Chicago));
        assert_eq!(zone("AU", "TAS", "Perth"), facility(Tz::Australia__Hobart));
        for (region, town) in [("OR", "Dallas"), ("AK", "Houston"), ("", "DALLAS, OR - USA")] {
            assert_eq!(zone("US", region, town), None, "{town} {region}");
        }
        assert_eq!(zone("US", "", "CHICAGO, USA"), facility(Tz::America__Chicago));
    }

    #[test]
    fn tables_are_read_and_sorted_without_repeats() {
        assert!(PLACES.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        let tables = Tables::embedded();
        let rows = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count() - 1;
        assert_eq!((tables.countries.len(), tables.regions.len()), (rows(COUNTRY_ZONES), rows(REGION_ZONES)));
    }
}
