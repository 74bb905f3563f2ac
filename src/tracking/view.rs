//! What the world may see of an event.

/// A carrier's place as far as it may be public: a town, never a street. Carriers write
/// whole addresses into that field, so only the last part without a number is kept.
pub fn public_place(place: &str) -> Option<String> {
    let town = place.rsplit(',').map(str::trim).find(|part| !part.is_empty())?;
    let plain = !town.chars().any(|c| c.is_numeric()) && town.chars().count() <= 60;
    plain.then(|| town.to_owned())
}

#[cfg(test)]
mod tests {
    use super::public_place;

    #[test]
    fn a_street_never_shows() {
        assert_eq!(public_place("Oderweg 2, AMSTERDAM").as_deref(), Some("AMSTERDAM"));
        assert_eq!(public_place("Shanghai - CN").as_deref(), Some("Shanghai - CN"));
        assert_eq!(public_place("幸福路12号"), None);
        assert_eq!(public_place("Main Street 5"), None);
        assert_eq!(public_place(" , "), None);
    }
}
