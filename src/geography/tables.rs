//! The embedded tables, read once.
//!
//! They are part of the binary, so a malformed one is a mistake of ours that the first
//! test to touch the atlas shows; there is nobody at run time who could mend it.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::names::{Names, division_spellings};
use super::postal::Postal;
use super::{DivisionLevel, DivisionPlace};
use crate::domain::place::{Country, Division, Point};

const CITIES: &str = include_str!("data/cities.csv");
const CITY_ALIASES: &str = include_str!("data/city_aliases.csv");
const REGIONS: &str = include_str!("data/regions.csv");
const POSTAL_PREFIXES: &str = include_str!("data/postal_prefixes.csv");
const CHINA_DIVISIONS: &str = include_str!("data/china_divisions.csv");

#[derive(Debug)]
pub struct City {
    pub country: Country,
    pub name: String,
    pub point: Point,
    pub population: u32,
    pub zone: Tz,
    /// GeoNames' code of the first level below the country.
    pub admin1: String,
}

pub struct Tables {
    /// Sorted by country, the most populous first.
    pub cities: Vec<City>,
    by_country: HashMap<Country, std::ops::Range<usize>>,
    pub names: Names,
    pub postal: Postal,
    pub divisions: HashMap<Division, DivisionPlace>,
    /// What China's divisions are called, as names are looked up, and where that is; None: there
    /// are several of that name.
    pub division_names: HashMap<String, Option<Point>>,
}

impl Tables {
    pub fn embedded() -> Self {
        let mut cities: Vec<City> = rows::<CityRow>(CITIES).map(City::from).collect();
        cities.sort_by(|a, b| (a.country, b.population, &a.name).cmp(&(b.country, a.population, &b.name)));
        let mut by_country: HashMap<Country, std::ops::Range<usize>> = HashMap::new();
        for (index, city) in cities.iter().enumerate() {
            by_country.entry(city.country).or_insert(index..index).end = index + 1;
        }
        let names = Names::new(&cities, rows(CITY_ALIASES), rows(REGIONS));
        let postal = Postal::new(
            rows::<PostalRow>(POSTAL_PREFIXES).map(|row| (row.country, row.prefix, point(row.lat, row.lon))),
        );
        let divisions = rows::<DivisionRow>(CHINA_DIVISIONS).map(|row| (row.adcode, row.into())).collect();
        let division_names = division_names(&divisions);
        Self { cities, by_country, names, postal, divisions, division_names }
    }

    pub fn cities_of(&self, country: Country) -> &[City] {
        self.by_country.get(&country).map_or(&[], |range| &self.cities[range.clone()])
    }
}

/// Each by itself, and in Chinese also behind those it lies in, as addresses begin: 上海市浦东新区.
/// Of a province and its city of one name, the province.
fn division_names(divisions: &HashMap<Division, DivisionPlace>) -> HashMap<String, Option<Point>> {
    let mut names: HashMap<String, (DivisionLevel, Option<Point>)> = HashMap::new();
    for (division, place) in divisions {
        let mut add = |name: String| {
            let known = names.entry(name).or_insert((place.level, Some(place.point)));
            if place.level < known.0 {
                *known = (place.level, Some(place.point));
            } else if place.level == known.0 && known.1 != Some(place.point) {
                known.1 = None;
            }
        };
        division_spellings(&place.name_en).for_each(&mut add);
        let above = [division.province(), division.city()];
        let above = above.iter().filter(|above| *above != division).filter_map(|above| divisions.get(above));
        let above: Vec<&str> = above.map(|above| above.name_zh.as_str()).collect();
        for front in [&[], above.as_slice()].into_iter().chain(above.chunks(1)) {
            division_spellings(&format!("{}{}", front.concat(), place.name_zh)).for_each(&mut add);
        }
    }
    names.into_iter().map(|(name, (_, point))| (name, point)).collect()
}

fn rows<T: DeserializeOwned>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        // Part of the binary: a test reads every row of it.
        .map(|row| row.unwrap_or_else(|error| panic!("an embedded table is malformed: {error}")))
}

fn point(lat: f64, lon: f64) -> Point {
    // Part of the binary: a test reads every row of it.
    Point::new(lat, lon).unwrap_or_else(|error| panic!("an embedded table is malformed: {error}"))
}

#[derive(Deserialize)]
struct CityRow {
    name: String,
    country: Country,
    lat: f64,
    lon: f64,
    population: u32,
    timezone: String,
    admin1: String,
}

#[derive(Deserialize)]
struct PostalRow {
    country: Country,
    prefix: String,
    lat: f64,
    lon: f64,
}

#[derive(Deserialize)]
struct DivisionRow {
    adcode: Division,
    level: String,
    name_zh: String,
    name_en: String,
    lat: f64,
    lon: f64,
}

impl From<CityRow> for City {
    fn from(row: CityRow) -> Self {
        let zone = row.timezone.parse();
        // Part of the binary: a test reads every row of it.
        let zone = zone.unwrap_or_else(|_| panic!("an embedded city has the zone {:?}", row.timezone));
        let point = point(row.lat, row.lon);
        City {
            country: row.country,
            name: row.name,
            point,
            population: row.population,
            zone,
            admin1: row.admin1,
        }
    }
}

impl From<DivisionRow> for DivisionPlace {
    fn from(row: DivisionRow) -> Self {
        let level = match row.level.as_str() {
            "province" => DivisionLevel::Province,
            "city" => DivisionLevel::City,
            "district" => DivisionLevel::District,
            // Part of the binary: a test reads every row of it.
            other => panic!("an embedded division has the level {other:?}"),
        };
        DivisionPlace { name_zh: row.name_zh, name_en: row.name_en, level, point: point(row.lat, row.lon) }
    }
}
