//! Which clock a carrier's local time was read from, where it does not say.
//!
//! A country with one zone answers for all its places. In a country with several, only
//! a place that is listed does: an hour that is guessed would be worse than one that
//! is known to be assumed.

use chrono_tz::Tz;

use crate::domain::event::OffsetSource;
use crate::domain::place::Country;

/// Countries whose places share a clock. Exceptions (the Canaries, the Azores) are in [`PLACES`].
const COUNTRIES: &[(&str, Tz)] = &[
    ("AE", Tz::Asia__Dubai),
    ("AT", Tz::Europe__Vienna),
    ("BE", Tz::Europe__Brussels),
    ("BG", Tz::Europe__Sofia),
    ("BH", Tz::Asia__Bahrain),
    ("CH", Tz::Europe__Zurich),
    ("CN", Tz::Asia__Shanghai),
    ("CY", Tz::Asia__Nicosia),
    ("CZ", Tz::Europe__Prague),
    ("DE", Tz::Europe__Berlin),
    ("DK", Tz::Europe__Copenhagen),
    ("EE", Tz::Europe__Tallinn),
    ("ES", Tz::Europe__Madrid),
    ("FI", Tz::Europe__Helsinki),
    ("FR", Tz::Europe__Paris),
    ("GB", Tz::Europe__London),
    ("GR", Tz::Europe__Athens),
    ("HK", Tz::Asia__Hong_Kong),
    ("HR", Tz::Europe__Zagreb),
    ("HU", Tz::Europe__Budapest),
    ("IE", Tz::Europe__Dublin),
    ("IN", Tz::Asia__Kolkata),
    ("IT", Tz::Europe__Rome),
    ("JP", Tz::Asia__Tokyo),
    ("KR", Tz::Asia__Seoul),
    ("LT", Tz::Europe__Vilnius),
    ("LU", Tz::Europe__Luxembourg),
    ("LV", Tz::Europe__Riga),
    ("MO", Tz::Asia__Macau),
    ("MT", Tz::Europe__Malta),
    ("MY", Tz::Asia__Kuala_Lumpur),
    ("NL", Tz::Europe__Amsterdam),
    ("NO", Tz::Europe__Oslo),
    ("PH", Tz::Asia__Manila),
    ("PL", Tz::Europe__Warsaw),
    ("PT", Tz::Europe__Lisbon),
    ("RO", Tz::Europe__Bucharest),
    ("SE", Tz::Europe__Stockholm),
    ("SG", Tz::Asia__Singapore),
    ("SI", Tz::Europe__Ljubljana),
    ("SK", Tz::Europe__Bratislava),
    ("TH", Tz::Asia__Bangkok),
    ("TW", Tz::Asia__Taipei),
    ("VN", Tz::Asia__Ho_Chi_Minh),
];

/// Places where hubs of carriers stand, in countries with several zones.
const PLACES: &[(&str, &str, Tz)] = &[
    ("AU", "adelaide", Tz::Australia__Adelaide),
    ("AU", "brisbane", Tz::Australia__Brisbane),
    ("AU", "melbourne", Tz::Australia__Melbourne),
    ("AU", "perth", Tz::Australia__Perth),
    ("AU", "sydney", Tz::Australia__Sydney),
    ("CA", "calgary", Tz::America__Edmonton),
    ("CA", "hamilton", Tz::America__Toronto),
    ("CA", "montreal", Tz::America__Toronto),
    ("CA", "toronto", Tz::America__Toronto),
    ("CA", "vancouver", Tz::America__Vancouver),
    ("ES", "las palmas", Tz::Atlantic__Canary),
    ("ES", "santa cruz de tenerife", Tz::Atlantic__Canary),
    ("ES", "tenerife", Tz::Atlantic__Canary),
    ("PT", "ponta delgada", Tz::Atlantic__Azores),
    ("US", "anchorage", Tz::America__Anchorage),
    ("US", "atlanta", Tz::America__New_York),
    ("US", "chicago", Tz::America__Chicago),
    ("US", "cincinnati hub", Tz::America__New_York),
    ("US", "dallas", Tz::America__Chicago),
    ("US", "honolulu", Tz::Pacific__Honolulu),
    ("US", "houston", Tz::America__Chicago),
    ("US", "los angeles", Tz::America__Los_Angeles),
    ("US", "los angeles gateway", Tz::America__Los_Angeles),
    ("US", "louisville", Tz::America__New_York),
    ("US", "memphis", Tz::America__Chicago),
    ("US", "miami", Tz::America__New_York),
    ("US", "miami gateway", Tz::America__New_York),
    ("US", "new york", Tz::America__New_York),
    ("US", "new york city gateway", Tz::America__New_York),
    ("US", "san francisco", Tz::America__Los_Angeles),
    ("US", "san francisco gateway", Tz::America__Los_Angeles),
    ("US", "seattle", Tz::America__Los_Angeles),
];

/// The clock of a place, and how it is known; `None` where only a guess is left.
/// `place` as carriers write it: `LOS ANGELES GATEWAY, CA - USA`.
pub fn zone_of(country: Country, place: Option<&str>) -> Option<(Tz, OffsetSource)> {
    let country = country.as_str();
    let town = place.map(|place| town(place).to_lowercase());
    let by_place = PLACES
        .iter()
        .find(|(of, name, _)| *of == country && town.as_deref() == Some(*name))
        .map(|(_, _, zone)| (*zone, OffsetSource::FacilityZone));
    by_place.or_else(|| {
        let row = COUNTRIES.iter().find(|(code, _)| *code == country)?;
        Some((row.1, OffsetSource::CountryZone))
    })
}

/// What stands before the state or the country.
fn town(place: &str) -> &str {
    let end = [",", " - ", "("].iter().filter_map(|mark| place.find(mark)).min();
    place[..end.unwrap_or(place.len())].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(country: &str, place: Option<&str>) -> Option<(Tz, OffsetSource)> {
        zone_of(country.parse().expect("a country"), place)
    }

    #[test]
    fn a_country_of_one_zone_answers_for_all_its_places() {
        let country = |zone| Some((zone, OffsetSource::CountryZone));
        assert_eq!(zone("CN", Some("URUMQI - CHINA MAINLAND")), country(Tz::Asia__Shanghai));
        assert_eq!(zone("DE", None), country(Tz::Europe__Berlin));
        assert_eq!(zone("ES", Some("MADRID")), country(Tz::Europe__Madrid));
    }

    #[test]
    fn a_country_of_several_zones_answers_only_for_places_that_are_listed() {
        let facility = |zone| Some((zone, OffsetSource::FacilityZone));
        assert_eq!(zone("US", Some("LOS ANGELES, CA - USA")), facility(Tz::America__Los_Angeles));
        assert_eq!(zone("US", Some("Chicago")), facility(Tz::America__Chicago));
        assert_eq!(zone("ES", Some("Las Palmas")), facility(Tz::Atlantic__Canary));
        for place in [None, Some(""), Some("Springfield"), Some("Sydney")] {
            assert_eq!(zone("US", place), None, "{place:?}");
        }
        assert_eq!(zone("RU", Some("Moscow")), None);
    }

    #[test]
    fn tables_are_sorted_without_repeats() {
        assert!(COUNTRIES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(PLACES.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
    }
}
