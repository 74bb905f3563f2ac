//! Times and places of carriers that keep Beijing's clock wherever a parcel is.
//!
//! Where that is the place's own clock the place answers for it, as everywhere; of a place abroad only the
//! carrier's habit is known, so the offset is the carrier's. Places are names in Chinese, mostly without a country: those of a
//! short list are abroad, all others in China.

use chrono_tz::Tz;

use super::moment::{Moment, moment};
use super::place::{Gazetteer, Place};
use crate::domain::event::Occurred;
use crate::domain::instant::from_micros;

/// Countries, and the towns abroad where Chinese carriers' hubs stand. The first row that matches counts.
const ABROAD: &[(&str, &str)] = &[
    ("香港", "HK"),
    ("澳门", "MO"),
    ("澳門", "MO"),
    ("台湾", "TW"),
    ("台灣", "TW"),
    ("台北", "TW"),
    ("高雄", "TW"),
    ("美国", "US"),
    ("洛杉矶", "US"),
    ("纽约", "US"),
    ("芝加哥", "US"),
    ("旧金山", "US"),
    ("日本", "JP"),
    ("东京", "JP"),
    ("大阪", "JP"),
    ("韩国", "KR"),
    ("首尔", "KR"),
    ("仁川", "KR"),
    ("新加坡", "SG"),
    ("马来西亚", "MY"),
    ("吉隆坡", "MY"),
    ("泰国", "TH"),
    ("曼谷", "TH"),
    ("越南", "VN"),
    ("英国", "GB"),
    ("伦敦", "GB"),
    ("德国", "DE"),
    ("法兰克福", "DE"),
    ("法国", "FR"),
    ("巴黎", "FR"),
    ("澳大利亚", "AU"),
    ("悉尼", "AU"),
    ("墨尔本", "AU"),
    ("加拿大", "CA"),
    ("温哥华", "CA"),
    ("多伦多", "CA"),
    ("俄罗斯", "RU"),
    ("莫斯科", "RU"),
];

pub fn place(region: &str, town: &str) -> Place {
    let abroad = ABROAD.iter().find(|(name, _)| region.contains(name) || town.contains(name));
    let country = abroad.map_or("CN", |(_, country)| country).to_owned();
    Place { country, region: region.to_owned(), town: town.to_owned(), postal_code: String::new() }
}

/// `None`: no time at all. Seconds and milliseconds since 1970 are read too.
pub fn occurred(written: &str, place: &Place, gazetteer: &dyn Gazetteer) -> Option<Occurred> {
    let forms = ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S"];
    let moment = since_1970(written).or_else(|| moment(written, &forms))?;
    match place.country.as_str() {
        "CN" | "HK" | "MO" | "TW" => Some(moment.occurred(written, place, gazetteer)),
        _ => Some(moment.on_clock_of(written, Tz::Asia__Shanghai)),
    }
}

/// What an instant is counted in shows by how many digits it has.
pub fn since_1970(written: &str) -> Option<Moment> {
    let count: i64 = written.parse().ok()?;
    match written.len() {
        10 => Some(Moment::Absolute(from_micros(count * 1_000_000))),
        13 => Some(Moment::Absolute(from_micros(count * 1_000))),
        _ => None,
    }
}
