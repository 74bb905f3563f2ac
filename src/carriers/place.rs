//! Where something happened, as carriers name places.

use chrono_tz::Tz;

use super::json::clean;
use crate::domain::event::EventLocation;
use crate::domain::place::{Country, Point};

/// A place as a carrier names it. What it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Two capitals. A carrier's own words for a country are translated before.
    pub country: String,
    /// State or province, for those whose towns share names.
    pub region: String,
    pub town: String,
    pub postal_code: String,
}

/// What a gazetteer knows of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    pub point: Point,
    /// None: there are several places of that name, on different clocks.
    pub zone: Option<Tz>,
}

/// Somebody who knows where places are.
pub trait Gazetteer: Sync {
    fn find(&self, country: Country, region: &str, town: &str, postal_code: &str) -> Option<Spot>;
}

/// Coordinates as they are written. Nobody's hub is where the equator meets Greenwich: that is a form left empty.
pub fn point(latitude: &str, longitude: &str) -> Option<Point> {
    let (lat, lon) = (latitude.trim().parse().ok()?, longitude.trim().parse().ok()?);
    Point::new(lat, lon).ok().filter(|point| (point.lat, point.lon) != (0.0, 0.0))
}

impl Place {
    pub fn country(&self) -> Option<Country> {
        self.country.to_ascii_uppercase().parse().ok()
    }

    /// `LOS ANGELES GATEWAY, CA - USA` without what stands behind the town.
    pub fn bare_town(&self) -> &str {
        let end = [",", " - ", "("].iter().filter_map(|mark| self.town.find(mark)).min();
        self.town[..end.unwrap_or(self.town.len())].trim()
    }

    /// State or province; where it is not said, as it stands behind the town, in countries where it does.
    pub fn region(&self) -> &str {
        let said = self.region.trim();
        let is_written_so = ["AU", "CA", "US"].iter().any(|known| self.country.eq_ignore_ascii_case(known));
        if !said.is_empty() || !is_written_so {
            return said;
        }
        let behind = self.town.split_once(',').map_or("", |(_, rest)| rest.trim_start());
        let letters = behind.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        let is_country = letters.eq_ignore_ascii_case(&self.country) || ["USA", "AUS"].contains(&letters);
        let is_code = (2..=3).contains(&letters.len()) && letters.bytes().all(|b| b.is_ascii_uppercase());
        if is_code && !is_country { letters } else { "" }
    }

    pub fn spot(&self, gazetteer: &dyn Gazetteer) -> Option<Spot> {
        gazetteer.find(self.country()?, self.region(), self.bare_town(), &self.postal_code)
    }

    pub fn location(&self, gazetteer: &dyn Gazetteer) -> EventLocation {
        let some = |text: &str| Some(clean(text)).filter(|text| !text.is_empty());
        EventLocation {
            country: some(&self.country.to_ascii_uppercase()),
            place: some(&self.town),
            postal_code: some(&self.postal_code),
            point: self.spot(gazetteer).map(|spot| spot.point),
        }
    }
}
