//! Instants as people write them, on the clock of the place they are about.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Offset, TimeZone, Weekday};
use chrono_tz::Tz;

use super::language::Language;
use crate::flows::views::MomentView;

/// The parts of one moment in words. A moment that cannot be read is all in `day`, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For `<time datetime>`.
    pub utc: String,
    /// 4 March
    pub date: String,
    /// Wed 4 March
    pub day: String,
    /// Wednesday 4 March 2026
    pub full_day: String,
    /// 14:05
    pub time: String,
    pub zone: Zone,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Zone {
    /// What is written beside a time.
    pub name: String,
    /// The name of the IANA database with the offset, for who wants it exactly.
    pub exactly: String,
}

impl Moment {
    /// On the buyer's clock: buyers are in China.
    pub fn in_china(utc: &str, language: Language) -> Self {
        let zone = Tz::Asia__Shanghai;
        let local = DateTime::parse_from_rfc3339(utc).map(|at| at.with_timezone(&zone).to_rfc3339());
        let local = local.unwrap_or_else(|_| utc.to_owned());
        Self::new(&MomentView { utc: utc.to_owned(), local, zone: zone.name().to_owned() }, language)
    }

    pub fn new(view: &MomentView, language: Language) -> Self {
        let Ok(local) = DateTime::parse_from_rfc3339(&view.local) else {
            let raw = || view.local.clone();
            return Self {
                utc: view.utc.clone(),
                date: raw(),
                day: raw(),
                full_day: raw(),
                time: String::new(),
                zone: Zone::default(),
            };
        };
        let date = local.date_naive();
        Self {
            utc: view.utc.clone(),
            date: month_and_day(date, language),
            day: day(date, language),
            full_day: full_day(date, language),
            time: local.format("%H:%M").to_string(),
            zone: zone(&view.zone, &local, language),
        }
    }
}

fn month_and_day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::English => date.format("%-d %B").to_string(),
        Language::Chinese => date.format("%-m月%-d日").to_string(),
    }
}

fn day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::English => date.format("%a %-d %B").to_string(),
        Language::Chinese => format!("{} 周{}", month_and_day(date, language), weekday(date)),
    }
}

fn full_day(date: NaiveDate, language: Language) -> String {
    match language {
        Language::English => date.format("%A %-d %B %Y").to_string(),
        Language::Chinese => {
            format!("{}年{} 星期{}", date.year(), month_and_day(date, language), weekday(date))
        }
    }
}

fn weekday(date: NaiveDate) -> &'static str {
    match date.weekday() {
        Weekday::Mon => "一",
        Weekday::Tue => "二",
        Weekday::Wed => "三",
        Weekday::Thu => "四",
        Weekday::Fri => "五",
        Weekday::Sat => "六",
        Weekday::Sun => "日",
    }
}

/// The abbreviation people know, where it means one thing only. `CST` is the clock of Chicago, of
/// Shanghai and of Taipei, and some zones have none: those are written as offsets, and China's by
/// the name that China calls it.
fn zone(name: &str, local: &DateTime<FixedOffset>, language: Language) -> Zone {
    let offset = utc_offset(local.offset().local_minus_utc());
    let Ok(zone) = name.parse::<Tz>() else {
        return Zone { exactly: format!("{name}, {offset}"), name: offset };
    };
    let known = zone.offset_from_utc_datetime(&local.naive_utc());
    let abbreviation = known.to_string();
    let plain = abbreviation.bytes().all(|byte| byte.is_ascii_alphabetic()) && abbreviation != "CST";
    let agrees = known.fix() == *local.offset();
    let short = match (zone, language) {
        (Tz::Asia__Shanghai, Language::English) => "Beijing time".to_owned(),
        (Tz::Asia__Shanghai, Language::Chinese) => "北京时间".to_owned(),
        _ if plain && agrees => abbreviation,
        _ => offset.clone(),
    };
    Zone { name: short, exactly: format!("{name}, {offset}") }
}

/// `UTC+8`, `UTC−3:30`, `UTC`.
fn utc_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = seconds.abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(local: &str, zone: &str, language: Language) -> Moment {
        let view = MomentView { utc: "utc".into(), local: local.into(), zone: zone.into() };
        Moment::new(&view, language)
    }

    #[test]
    fn a_day_is_written_as_its_readers_write_it() {
        let english = moment("2026-03-04T09:05:00+08:00", "Asia/Shanghai", Language::English);
        assert_eq!([&english.day, &english.full_day], ["Wed 4 March", "Wednesday 4 March 2026"]);
        let chinese = moment("2026-03-04T09:05:00+08:00", "Asia/Shanghai", Language::Chinese);
        assert_eq!([&chinese.day, &chinese.full_day], ["3月4日 周三", "2026年3月4日 星期三"]);
        assert_eq!([&chinese.date, &chinese.time], ["3月4日", "09:05"]);
    }

    #[test]
    fn a_zone_has_a_name_that_means_one_thing() {
        let cases = [
            ("2026-01-04T09:05:00+08:00", "Asia/Shanghai", "Beijing time"),
            ("2026-01-04T09:05:00+08:00", "Asia/Taipei", "UTC+8"),
            ("2026-01-04T09:05:00-06:00", "America/Chicago", "UTC−6"),
            ("2026-07-04T09:05:00-05:00", "America/Chicago", "CDT"),
            ("2026-07-04T09:05:00+02:00", "Europe/Berlin", "CEST"),
            ("2026-01-04T09:05:00+09:00", "Asia/Tokyo", "JST"),
            ("2026-01-04T09:05:00+04:00", "Asia/Dubai", "UTC+4"),
            ("2026-01-04T09:05:00-03:30", "America/St_Johns", "NST"),
            ("2026-01-04T09:05:00+00:00", "UTC", "UTC"),
            ("2026-01-04T09:05:00+05:30", "Nowhere/Atall", "UTC+5:30"),
            ("2026-01-04T09:05:00+05:00", "Europe/Berlin", "UTC+5"),
        ];
        for (local, zone, expected) in cases {
            assert_eq!(moment(local, zone, Language::English).zone.name, expected, "{zone}");
        }
    }

    #[test]
    fn what_is_no_moment_is_shown_as_it_came() {
        let odd = moment("around noon", "Asia/Shanghai", Language::Chinese);
        assert_eq!((odd.full_day.as_str(), odd.time.as_str()), ("around noon", ""));
    }
}
