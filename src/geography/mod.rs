//! Where an address is.
//!
//! Promise: an address of a merchant becomes a point and a time zone, with the word
//! for how it was found; a Chinese division becomes a point. The same address is
//! at the same point on every machine, with no network and no waiting: the tables are
//! part of the binary (`data/`, with their attribution beside them).
//!
//! Invariants: a point that was given is never moved, only refused where it cannot be
//! meant; nothing is located in another country than the one that was stated; an error
//! names the fields that would help and repeats nothing of the address.
//!
//! Deliberately absent: streets and house numbers (a postal area is good to some ten
//! kilometres, which is enough to choose a hub and price the road to it), fuzzy spelling,
//! reading an address that was written as one line, and the borders of time zones:
//! the zone is that of the nearest city of the country.

mod names;
mod postal;
mod tables;

use std::sync::LazyLock;

use chrono_tz::Tz;
use geo::{Distance, Haversine};

use crate::domain::contact::Address;
use crate::domain::failure::Class;
use crate::domain::place::{Country, Division, Point};
use tables::{City, Tables};

/// A given point is refused beyond this distance from every known place of its country.
///
/// Measured on the embedded tables: inhabited places reach 1,980 km (Attu in Alaska; Adak
/// 1,520, Christmas Island 1,653, western Tibet 1,456, the Australian desert 795), while
/// swapped coordinates of the known cities land 2,154 km away or farther everywhere but in
/// Greece and Cyprus, which `SWAPPED_WITHIN_KM` is for. France's overseas departments fall
/// outside: they have country codes of their own, and no road leads from there to a hub.
const FARTHEST_KM: f64 = 2_000.0;

/// A point farther than this from its country's known places, whose mirror image is nearer
/// than this to one, has its coordinates swapped. The smallest distance of a swapped city
/// (Cyprus) is 137 km.
const SWAPPED_WITHIN_KM: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocatedBy {
    Given,
    PostalPrefix,
    City,
}

impl LocatedBy {
    pub const fn as_str(self) -> &'static str {
        match self {
            LocatedBy::Given => "given",
            LocatedBy::PostalPrefix => "postal_prefix",
            LocatedBy::City => "city",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    pub point: Point,
    pub zone: Tz,
    pub by: LocatedBy,
}

/// The merchant must act on each of these; the message says by which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLocated {
    #[error("postal_code, city and location are all empty: give one of them")]
    NothingGiven,
    #[error("postal_code is not known in {country}: correct it, or give city or location")]
    PostalCodeUnknown { country: Country },
    #[error("city is not known in {country}: give postal_code or location as well")]
    CityUnknown { country: Country },
    #[error("city is not known in that region of {country}: give postal_code or location as well")]
    CityNotInRegion { country: Country },
    #[error("neither postal_code nor city is known in {country}: give location")]
    NeitherKnown { country: Country },
    #[error("location is {km} km from every known place in {country}: correct location or country")]
    NotInCountry { country: Country, km: u32 },
    #[error(
        "location is not in {country}, but would be with lat and lon the other way round: correct location"
    )]
    Swapped { country: Country },
}

impl NotLocated {
    pub fn class(&self) -> Class {
        Class::Caller
    }

    /// The field of the address that is at fault, or would help most.
    pub fn field(&self) -> &'static str {
        match self {
            NotLocated::NothingGiven | NotLocated::PostalCodeUnknown { .. } => "postal_code",
            NotLocated::CityUnknown { .. } | NotLocated::CityNotInRegion { .. } => "city",
            NotLocated::NeitherKnown { .. }
            | NotLocated::NotInCountry { .. }
            | NotLocated::Swapped { .. } => "location",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DivisionLevel {
    Province,
    City,
    District,
}

/// A division and the point of its seat.
#[derive(Debug, Clone, PartialEq)]
pub struct DivisionPlace {
    pub name_zh: String,
    /// Machine pinyin for most districts: for screens, not for customs papers.
    pub name_en: String,
    pub level: DivisionLevel,
    pub point: Point,
}

pub struct Atlas {
    tables: Tables,
}

impl Atlas {
    /// The tables of the binary, read on the first call.
    pub fn embedded() -> &'static Atlas {
        static ATLAS: LazyLock<Atlas> = LazyLock::new(|| Atlas { tables: Tables::embedded() });
        &ATLAS
    }

    /// The point that was given, else that of the longest known prefix of the postal code,
    /// else that of the city, all within the stated country. Of several cities of one name the one
    /// in the stated region, else the most populous.
    pub fn locate(&self, address: &Address) -> Result<Located, NotLocated> {
        let country = address.country;
        let (point, by) = match address.location {
            Some(point) => (self.check_given(country, point)?, LocatedBy::Given),
            None => self.find(address)?,
        };
        Ok(Located { point, zone: self.zone(country, point), by })
    }

    pub fn division(&self, division: Division) -> Option<&DivisionPlace> {
        self.tables.divisions.get(&division)
    }

    /// Whether `name` is that of a town, or in China of a division of any level: a name that says
    /// no more than roughly where. A street, a house or a person is none.
    pub fn knows_town(&self, country: Country, name: &str) -> bool {
        self.tables.names.knows(country, name)
            || country == Country::CHINA && self.tables.division_names.contains_key(&names::fold(name))
    }

    /// Where a place is that somebody named in passing, and its clock. None where it is not known; no clock
    /// where there are several places of that name, on different ones.
    pub fn spot(
        &self,
        country: Country,
        region: &str,
        town: &str,
        postal_code: &str,
    ) -> Option<(Point, Option<Tz>)> {
        if let Some(point) = self.tables.postal.find(country, postal_code) {
            return Some((point, Some(self.zone(country, point))));
        }
        let cities = self.tables.names.candidates(country, region, town);
        if let Some(city) = cities.first().map(|index| &self.tables.cities[*index]) {
            let share_a_clock = cities.iter().all(|index| self.tables.cities[*index].zone == city.zone);
            return Some((city.point, share_a_clock.then_some(city.zone)));
        }
        let division =
            (country == Country::CHINA).then(|| self.tables.division_names.get(&names::fold(town)));
        Some(((*division??)?, Some(Tz::Asia__Shanghai)))
    }

    fn find(&self, address: &Address) -> Result<(Point, LocatedBy), NotLocated> {
        let country = address.country;
        if let Some(point) = self.tables.postal.find(country, &address.postal_code) {
            return Ok((point, LocatedBy::PostalPrefix));
        }
        let city = match self.tables.names.find(country, &address.region, &address.city) {
            Ok(city) => city.map(|index| &self.tables.cities[index]),
            Err(names::NotInRegion) => return Err(NotLocated::CityNotInRegion { country }),
        };
        let given = |field: &str| !field.trim().is_empty();
        match city {
            Some(city) => Ok((city.point, LocatedBy::City)),
            None => Err(match (given(&address.postal_code), given(&address.city)) {
                (false, false) => NotLocated::NothingGiven,
                (true, false) => NotLocated::PostalCodeUnknown { country },
                (false, true) => NotLocated::CityUnknown { country },
                (true, true) => NotLocated::NeitherKnown { country },
            }),
        }
    }

    /// A country without a known place has nothing to check against, and is believed.
    fn check_given(&self, country: Country, point: Point) -> Result<Point, NotLocated> {
        let Some(distance_km) = self.distance_km(country, point) else { return Ok(point) };
        if distance_km <= SWAPPED_WITHIN_KM {
            return Ok(point);
        }
        let mirrored_km =
            Point::new(point.lon, point.lat).ok().and_then(|mirrored| self.distance_km(country, mirrored));
        if mirrored_km.is_some_and(|km| km <= SWAPPED_WITHIN_KM) {
            return Err(NotLocated::Swapped { country });
        }
        if distance_km > FARTHEST_KM {
            return Err(NotLocated::NotInCountry { country, km: distance_km as u32 });
        }
        Ok(point)
    }

    /// To the nearest city or postal area of the country.
    fn distance_km(&self, country: Country, point: Point) -> Option<f64> {
        let cities = self.tables.cities_of(country).iter().map(|city| city.point);
        let areas = self.tables.postal.points(country);
        cities.chain(areas).map(|place| distance_km(place, point)).min_by(f64::total_cmp)
    }

    fn zone(&self, country: Country, point: Point) -> Tz {
        let own = self.tables.cities_of(country);
        let near = if own.is_empty() { self.tables.cities.as_slice() } else { own };
        let nearest: Option<&City> =
            near.iter().min_by(|a, b| distance_km(a.point, point).total_cmp(&distance_km(b.point, point)));
        nearest.map_or(Tz::UTC, |city| city.zone)
    }
}

fn distance_km(a: Point, b: Point) -> f64 {
    Haversine.distance(geo::Point::new(a.lon, a.lat), geo::Point::new(b.lon, b.lat)) / 1_000.0
}

#[cfg(test)]
mod tests;
