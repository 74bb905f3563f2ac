//! What carriers' adapters know of places: the atlas of the binary.

use crate::carriers::{Gazetteer, Spot};
use crate::domain::place::Country;
use crate::geography::Atlas;

pub struct Embedded;

impl Gazetteer for Embedded {
    fn find(&self, country: Country, region: &str, town: &str, postal_code: &str) -> Option<Spot> {
        let (point, zone) = Atlas::embedded().spot(country, region, town, postal_code)?;
        Some(Spot { point, zone })
    }
}
