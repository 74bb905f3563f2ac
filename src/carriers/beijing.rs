//! Times and places of carriers that keep Beijing's clock wherever a parcel is.
//!
//! Where that is the place's own clock the place answers for it, as everywhere; of a place abroad, or of one that
//! nobody knows, only the carrier's habit is known, so the offset is the carrier's. Places are names in
//! Chinese, mostly without a country: they are in China if they begin as its provinces and towns do, or if
//! the gazetteer has a division of that name.

use chrono_tz::Tz;

use super::moment::{Moment, moment};
use super::place::{Gazetteer, Place};
use crate::domain::event::Occurred;
use crate::domain::instant::from_micros;
use crate::domain::place::Country;

/// Countries, and the towns abroad where Chinese carriers' hubs stand. The first row that a name begins with counts.
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
    ("荷兰", "NL"),
    ("阿姆斯特丹", "NL"),
    ("西班牙", "ES"),
    ("马德里", "ES"),
    ("巴塞罗那", "ES"),
    ("意大利", "IT"),
    ("米兰", "IT"),
    ("罗马", "IT"),
    ("比利时", "BE"),
    ("布鲁塞尔", "BE"),
    ("列日", "BE"),
    ("柏林", "DE"),
    ("慕尼黑", "DE"),
    ("汉堡", "DE"),
    ("奥地利", "AT"),
    ("瑞士", "CH"),
    ("瑞典", "SE"),
    ("挪威", "NO"),
    ("丹麦", "DK"),
    ("芬兰", "FI"),
    ("波兰", "PL"),
    ("华沙", "PL"),
    ("捷克", "CZ"),
    ("匈牙利", "HU"),
    ("葡萄牙", "PT"),
    ("希腊", "GR"),
    ("爱尔兰", "IE"),
    ("土耳其", "TR"),
    ("乌克兰", "UA"),
    ("白俄罗斯", "BY"),
    ("印度尼西亚", "ID"),
    ("印尼", "ID"),
    ("雅加达", "ID"),
    ("印度", "IN"),
    ("菲律宾", "PH"),
    ("马尼拉", "PH"),
    ("胡志明", "VN"),
    ("河内", "VN"),
    ("柬埔寨", "KH"),
    ("缅甸", "MM"),
    ("老挝", "LA"),
    ("蒙古", "MN"),
    ("哈萨克斯坦", "KZ"),
    ("阿联酋", "AE"),
    ("迪拜", "AE"),
    ("沙特", "SA"),
    ("以色列", "IL"),
    ("新西兰", "NZ"),
    ("奥克兰", "NZ"),
    ("巴西", "BR"),
    ("圣保罗", "BR"),
    ("墨西哥", "MX"),
    ("智利", "CL"),
    ("阿根廷", "AR"),
    ("南非", "ZA"),
    ("埃及", "EG"),
    ("尼日利亚", "NG"),
    ("肯尼亚", "KE"),
];

/// Provinces, then the towns whose names stand alone most often.
const AT_HOME: &[&str] = &[
    "北京",
    "天津",
    "河北",
    "山西",
    "内蒙古",
    "辽宁",
    "吉林",
    "黑龙江",
    "上海",
    "江苏",
    "浙江",
    "安徽",
    "福建",
    "江西",
    "山东",
    "河南",
    "湖北",
    "湖南",
    "广东",
    "广西",
    "海南",
    "重庆",
    "四川",
    "贵州",
    "云南",
    "西藏",
    "陕西",
    "甘肃",
    "青海",
    "宁夏",
    "新疆",
    "深圳",
    "广州",
    "东莞",
    "佛山",
    "珠海",
    "中山",
    "惠州",
    "汕头",
    "杭州",
    "宁波",
    "温州",
    "金华",
    "义乌",
    "嘉兴",
    "绍兴",
    "台州",
    "南京",
    "苏州",
    "无锡",
    "常州",
    "徐州",
    "南通",
    "合肥",
    "福州",
    "厦门",
    "泉州",
    "南昌",
    "济南",
    "青岛",
    "烟台",
    "潍坊",
    "郑州",
    "武汉",
    "长沙",
    "南宁",
    "海口",
    "成都",
    "贵阳",
    "昆明",
    "拉萨",
    "西安",
    "兰州",
    "西宁",
    "银川",
    "乌鲁木齐",
    "呼和浩特",
    "沈阳",
    "大连",
    "长春",
    "哈尔滨",
    "石家庄",
    "太原",
];

/// What divisions of China are, and offices of its posts.
const AT_HOME_ENDS: &[&str] =
    &["省", "自治区", "自治州", "县", "镇", "乡", "街道", "揽投部", "支局", "营业所"];

/// A street that is called after a place is none of it.
const STREETS: &[&str] = &["路", "街", "大道", "花园", "广场"];

/// Empty names are at home: nobody leaves out that it went abroad.
pub fn place(region: &str, town: &str, gazetteer: &dyn Gazetteer) -> Place {
    let named = [region, town].into_iter().find_map(|name| country(name, gazetteer));
    let is_unnamed = region.is_empty() && town.is_empty();
    let country = named.unwrap_or(if is_unnamed { "CN" } else { "" }).to_owned();
    Place { country, region: region.to_owned(), town: town.to_owned(), postal_code: String::new() }
}

fn country(name: &str, gazetteer: &dyn Gazetteer) -> Option<&'static str> {
    let name = name.trim_matches([' ', '【', '】', '[', ']']);
    let is_abroad = |(of, _): &&(&str, &str)| {
        name.strip_prefix(of).is_some_and(|rest| !STREETS.iter().any(|street| rest.starts_with(street)))
    };
    let is_known = |name: &str| gazetteer.find(Country::CHINA, "", name, "").is_some();
    let is_at_home = || {
        AT_HOME.iter().any(|of| name.starts_with(of))
            || AT_HOME_ENDS.iter().any(|end| name.ends_with(end))
            || !name.is_empty() && (is_known(name) || is_known(&format!("{name}市")))
    };
    let abroad = ABROAD.iter().find(is_abroad).map(|(_, country)| *country);
    abroad.or_else(|| is_at_home().then_some("CN"))
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
    let moment = match written.len() {
        10 => Moment::Absolute(from_micros(count * 1_000_000)),
        13 => Moment::Absolute(from_micros(count * 1_000)),
        _ => return None,
    };
    Some(moment).filter(Moment::is_plausible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers::contract::NoGazetteer;
    use crate::carriers::place::Spot;
    use crate::domain::event::OffsetSource;
    use crate::domain::place::Point;

    #[test]
    fn a_place_is_in_china_only_if_it_is_known_to_be() {
        for (region, town, expected) in [
            ("", "", "CN"),
            ("", "上海市", "CN"),
            ("", "深圳", "CN"),
            ("浙江省", "天台县", "CN"),
            ("", "深圳市巴黎半岛营业部", "CN"),
            ("", "青岛香港路营业部", "CN"),
            ("", "香港路揽投部", "CN"),
            ("", "香港", "HK"),
            ("", "巴黎", "FR"),
            ("", "日本东京", "JP"),
            ("", "阿姆斯特丹", "NL"),
            ("", "西班牙 马德里", "ES"),
            ("", "【荷兰】", "NL"),
            ("", "Rotterdam", ""),
            ("", "鹿特丹", ""),
        ] {
            assert_eq!(place(region, town, &NoGazetteer).country, expected, "{region} {town}");
        }
    }

    #[test]
    fn a_division_that_the_gazetteer_knows_is_in_china() {
        struct Yiwu;
        impl Gazetteer for Yiwu {
            fn find(&self, _: Country, _: &str, town: &str, _: &str) -> Option<Spot> {
                let point = Point::new(29.3, 120.07).ok()?;
                (town == "兰溪市").then_some(Spot { point, zone: None })
            }
        }
        assert_eq!(place("", "兰溪", &Yiwu).country, "CN");
        assert_eq!(place("", "鹿特丹", &Yiwu).country, "");
    }

    #[test]
    fn every_clock_is_beijings_and_a_count_is_of_our_age() {
        let at = |written: &str, town: &str| {
            let occurred = occurred(written, &place("", town, &NoGazetteer), &NoGazetteer)?;
            Some((crate::domain::instant::rfc3339(occurred.at), occurred.offset_source))
        };
        let expected = |source| Some(("2026-03-05T02:00:00Z".to_owned(), source));
        assert_eq!(at("2026-03-05 10:00:00", "上海"), expected(OffsetSource::CountryZone));
        assert_eq!(at("2026-03-05 10:00:00", "鹿特丹"), expected(OffsetSource::Carrier));
        assert_eq!(at("1772676000000", "上海"), expected(OffsetSource::Carrier));
        for strange in ["9999999999", "0000000001", "9999999999999"] {
            assert_eq!(at(strange, "上海"), None, "{strange}");
        }
    }
}
