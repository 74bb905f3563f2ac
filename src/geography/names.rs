//! Cities by name, however it is capitalised and accented.

use std::collections::HashMap;

use serde::Deserialize;

use super::tables::City;
use crate::domain::place::Country;

/// The city is known, but in other regions than the stated one.
#[derive(Debug, PartialEq, Eq)]
pub struct NotInRegion;

/// Another name of a city.
#[derive(Deserialize)]
pub struct AliasRow {
    country: Country,
    alias: String,
    name: String,
}

/// What people call the region with that GeoNames code.
#[derive(Deserialize)]
pub struct RegionRow {
    country: Country,
    admin1: String,
    name: String,
}

pub struct Names {
    /// Indexes into the cities, the most populous first.
    cities: HashMap<(Country, String), Vec<usize>>,
    admin1_of_city: Vec<String>,
    /// Folded code or name of a region to its admin1 code.
    regions: HashMap<(Country, String), String>,
}

impl Names {
    pub fn new(
        cities: &[City],
        aliases: impl Iterator<Item = AliasRow>,
        regions: impl Iterator<Item = RegionRow>,
    ) -> Self {
        let mut by_name: HashMap<(Country, String), Vec<usize>> = HashMap::new();
        for (index, city) in cities.iter().enumerate() {
            for name in spellings(&city.name) {
                by_name.entry((city.country, name)).or_default().push(index);
            }
        }
        for row in aliases {
            let meant = by_name.get(&(row.country, fold(&row.name))).cloned();
            // Part of the binary: a test reads every row of it.
            let meant = meant.unwrap_or_else(|| panic!("the embedded alias {:?} means no city", row.alias));
            for name in spellings(&row.alias) {
                by_name.entry((row.country, name)).or_insert_with(|| meant.clone());
            }
        }
        let mut by_region = HashMap::new();
        for row in regions {
            by_region.insert((row.country, fold(&row.admin1)), row.admin1.clone());
            by_region.insert((row.country, fold(&row.name)), row.admin1);
        }
        let admin1_of_city = cities.iter().map(|city| city.admin1.clone()).collect();
        Self { cities: by_name, admin1_of_city, regions: by_region }
    }

    /// Whether there is a city of this name.
    pub fn knows(&self, country: Country, city: &str) -> bool {
        self.cities.contains_key(&(country, fold(city)))
    }

    /// The index of the city. A region that is understood is binding: Portland in Maine is not
    /// the one in Oregon, however large. One that is not understood is passed over.
    pub fn find(&self, country: Country, region: &str, city: &str) -> Result<Option<usize>, NotInRegion> {
        if !self.knows(country, city) {
            return Ok(None);
        }
        self.candidates(country, region, city).first().map(|index| Some(*index)).ok_or(NotInRegion)
    }

    /// Every city of that name, in the region if that is understood, the most populous first.
    pub fn candidates(&self, country: Country, region: &str, city: &str) -> Vec<usize> {
        let Some(indexes) = self.cities.get(&(country, fold(city))) else { return Vec::new() };
        let region = region.trim();
        let prefix = format!("{country}-");
        let region = region.strip_prefix(prefix.as_str()).unwrap_or(region);
        match self.regions.get(&(country, fold(region))) {
            Some(admin1) => {
                indexes.iter().copied().filter(|index| self.admin1_of_city[*index] == *admin1).collect()
            }
            None => indexes.clone(),
        }
    }
}

/// A name as it is looked up, and as it is written where there are no umlauts.
fn spellings(name: &str) -> Vec<String> {
    let plain = fold(name);
    let lower = name.to_lowercase();
    let spelt = fold(&lower.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue"));
    if spelt == plain { vec![plain] } else { vec![plain, spelt] }
}

/// What may be left out at the end of a division's name: what kind of division it is. Longest first.
const KINDS_ZH: [&str; 11] =
    ["特别行政区", "自治区", "自治州", "自治县", "自治旗", "地区", "新区", "省", "市", "区", "县"];
const KINDS_EN: [&str; 11] = [
    " Autonomous Prefecture",
    " Autonomous County",
    " Autonomous Banner",
    " Prefecture",
    " New Area",
    " District",
    " County",
    " Banner",
    " League",
    " City",
    " Area",
];

/// A division's name as it is looked up, with and without its kind. One character is no name:
/// 城区 is the district of a town, 城 is nothing.
pub fn division_spellings(name: &str) -> impl Iterator<Item = String> {
    let kind = KINDS_ZH.into_iter().chain(KINDS_EN).find_map(|kind| name.strip_suffix(kind));
    let bare = kind.map(fold).filter(|bare| bare.chars().count() > 1);
    [Some(fold(name)), bare].into_iter().flatten()
}

/// Lower case without accents, spaces and punctuation. Other scripts stay as they are.
pub fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => folded.push('a'),
            'ç' | 'ć' | 'ċ' | 'č' => folded.push('c'),
            'ď' | 'đ' | 'ð' => folded.push('d'),
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ğ' | 'ġ' | 'ģ' => folded.push('g'),
            'ħ' => folded.push('h'),
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' | 'ḯ' => folded.push('i'),
            'ķ' => folded.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => folded.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => folded.push('o'),
            'ŕ' | 'ř' => folded.push('r'),
            'ś' | 'ş' | 'š' | 'ș' => folded.push('s'),
            'ţ' | 'ť' | 'ț' => folded.push('t'),
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_matter() {
        assert_eq!(fold("Saint-Étienne"), "saintetienne");
        assert_eq!(fold("ŁÓDŹ"), "lodz");
        // A letter and its accent as two characters.
        assert_eq!(fold("Ko\u{308}ln"), "koln");
        assert_eq!(fold(" Bun\u{2019}ei "), "bunei");
        assert_eq!(spellings("Düsseldorf"), ["dusseldorf", "duesseldorf"]);
        assert_eq!(fold("東京"), "東京");
    }

    #[test]
    fn a_division_is_known_with_and_without_its_kind() {
        let spellings = |name| division_spellings(name).collect::<Vec<_>>();
        assert_eq!(spellings("深圳市"), ["深圳市", "深圳"]);
        assert_eq!(spellings("浦东新区"), ["浦东新区", "浦东"]);
        assert_eq!(spellings("Pudong New Area"), ["pudongnewarea", "pudong"]);
        assert_eq!(spellings("Shenzhen"), ["shenzhen"]);
        assert_eq!(spellings("城区"), ["城区"]);
    }
}
