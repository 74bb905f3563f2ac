//! Where goods go from country to country without customs.

use crate::domain::place::Country;

/// The members of the European Union. Goods in free circulation cross the borders between them
/// without customs (Treaty on the Functioning of the European Union, article 28), so that a hub in
/// another member takes in a parcel as one at home does. Between any two other countries
/// the first mile would be an export that nobody here declares.
const EUROPEAN_UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Whether a parcel that is picked up in `pickup` may be brought to a hub in `hub`.
pub fn is_one_market(pickup: Country, hub: Country) -> bool {
    let is_member = |country: Country| EUROPEAN_UNION.contains(&country.as_str());
    pickup == hub || is_member(pickup) && is_member(hub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_of_the_union_share_their_hubs() {
        let shared = |a: &str, b: &str| is_one_market(a.parse().expect("a"), b.parse().expect("b"));
        assert!(shared("US", "US") && shared("PL", "DE") && shared("DE", "DE"));
        for (pickup, hub) in [("GB", "FR"), ("CH", "DE"), ("US", "CA"), ("HK", "CN"), ("NO", "SE")] {
            assert!(!shared(pickup, hub), "{pickup} {hub}");
        }
    }
}
