//! Carriers' times: the instant that is meant, and how that is known.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::place::{Gazetteer, Place};
use super::zones;
use crate::domain::event::{Occurred, OffsetSource};
use crate::domain::instant::{Instant, cut};

/// A time as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Absolute(Instant),
    /// Read from a clock on the wall of the place.
    Local(NaiveDateTime),
}

/// ISO 8601 with or without an offset, then the carrier's own `forms` (chrono's letters; with `%z` for an offset).
pub fn moment(text: &str, forms: &[&str]) -> Option<Moment> {
    let moment = match read(text, forms)? {
        (clock, Some(offset)) => Moment::Local(clock).at_offset(offset),
        (clock, None) => Moment::Local(clock),
    };
    Some(moment).filter(Moment::is_plausible)
}

/// For fields that are of the place's own clock, though a `Z` may stand behind them. Another offset is that clock's.
pub fn on_the_wall(text: &str) -> Option<Moment> {
    let (clock, offset) = read(text, &[])?;
    let of_place = offset.filter(|offset| offset.local_minus_utc() != 0);
    let local = Moment::Local(clock);
    Some(of_place.map_or(local, |offset| local.at_offset(offset))).filter(Moment::is_plausible)
}

/// Whether two spellings are of one time: of one instant, or of one clock's face where carriers write an offset
/// the one time, and leave it out or make it up the other.
pub fn is_same_time(one: &str, other: &str) -> bool {
    let is_same_face = || Some(read(one, &[])?.0 == read(other, &[])?.0);
    let is_same_instant = || Some(moment(one, &[])? == moment(other, &[])?);
    one == other || is_same_instant() == Some(true) || is_same_face() == Some(true)
}

/// What the clock showed, and how far it was ahead of Greenwich.
fn read(text: &str, forms: &[&str]) -> Option<(NaiveDateTime, Option<FixedOffset>)> {
    let absolute = |at: DateTime<FixedOffset>| (at.naive_local(), Some(*at.offset()));
    let with_offset = |form: &str| DateTime::parse_from_str(text, form).ok().map(absolute);
    let local = |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(|at| (at, None));
    let usual = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f"];
    let of_standard = DateTime::parse_from_rfc3339(text).ok().map(absolute);
    of_standard
        .or_else(|| usual.iter().chain(forms).find_map(|form| with_offset(form).or_else(|| local(form))))
}

/// `-05:00`, `-5:00`, `+0800` or `8`: how far a clock is ahead of Greenwich.
pub fn offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() > 2 => rest.split_at_checked(rest.len() - 2)?,
        None => (rest, "0"),
    };
    let (hours, minutes): (i32, i32) =
        (hours.parse().ok()?, minutes.get(..2).unwrap_or(minutes).parse().ok()?);
    let is_some_clock = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    is_some_clock.then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}

impl Moment {
    /// A local time on a clock of which the carrier says how far it is from Greenwich.
    pub fn at_offset(self, offset: FixedOffset) -> Self {
        match self {
            Moment::Absolute(_) => self,
            Moment::Local(local) => {
                offset.from_local_datetime(&local).single().map_or(self, |at| Moment::Absolute(at.to_utc()))
            }
        }
    }

    /// Outside of these years it is a mistake, and no database's calendar need reach it.
    pub fn is_plausible(&self) -> bool {
        let year = match self {
            Moment::Absolute(at) => at.year(),
            Moment::Local(at) => at.year(),
        };
        (1990..2200).contains(&year)
    }

    /// `written`: as the carrier wrote it. A local time is that of the facility where it is known, then
    /// that of its country where that has one clock; otherwise it is taken for UTC, and said to be.
    pub fn occurred(self, written: &str, place: &Place, gazetteer: &dyn Gazetteer) -> Occurred {
        let (at, offset_source) = match self {
            Moment::Absolute(at) => (at, OffsetSource::Carrier),
            Moment::Local(local) => zones::zone_of(place, gazetteer)
                .and_then(|(zone, source)| Some((instant_of(local, zone)?, source)))
                .unwrap_or((local.and_utc(), OffsetSource::AssumedUtc)),
        };
        Occurred { at: cut(at), local_time: written.to_owned(), offset_source }
    }

    /// For a carrier whose times are all of one clock, whatever the place: it said so itself.
    pub fn on_clock_of(self, written: &str, zone: Tz) -> Occurred {
        let at = match self {
            Moment::Absolute(at) => at,
            Moment::Local(local) => instant_of(local, zone).unwrap_or(local.and_utc()),
        };
        Occurred { at: cut(at), local_time: written.to_owned(), offset_source: OffsetSource::Carrier }
    }
}

/// Of an hour that came twice, the first; an hour that was skipped is counted on from before the gap.
fn instant_of(local: NaiveDateTime, zone: Tz) -> Option<Instant> {
    let hour = TimeDelta::hours(1);
    zone.from_local_datetime(&local)
        .earliest()
        .or_else(|| Some(zone.from_local_datetime(&(local - hour)).earliest()? + hour))
        .map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_read_however_it_is_written() {
        let seconds = |text| offset(text).map(|offset| offset.local_minus_utc());
        for (text, minutes) in
            [("-05:00", -300), ("-5:00", -300), ("-0530", -330), ("+08:00", 480), ("8", 480)]
        {
            assert_eq!(seconds(text), Some(minutes * 60), "{text}");
        }
        for text in ["", "-", "EST", "+99:00", "05:75", "--5", "+-5", "1é"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn one_time_is_one_however_it_is_written() {
        let whole = "2026-03-05T13:45:00Z";
        for same in [
            "2026-03-05T13:45:00+00:00",
            "2026-03-05T13:45:00",
            "2026-03-05T21:45:00+08:00",
            "2026-03-05T13:45:00+08:00",
        ] {
            assert!(is_same_time(whole, same), "{same}");
        }
        for other in ["2026-03-05T13:46:00Z", "2026-03-05T21:45:00", "", "no time"] {
            assert!(!is_same_time(whole, other), "{other}");
        }
        assert!(is_same_time("", "") && !is_same_time("", "?"));
    }

    #[test]
    fn a_local_time_with_an_offset_is_the_carriers_own() {
        let local = moment("2026-03-05T13:45:00", &[]).expect("a time");
        let told = moment("2026-03-05T18:45:00Z", &[]).expect("a time");
        assert_eq!(local.at_offset(offset("-05:00").expect("an offset")), told);
        assert_eq!(told.at_offset(offset("-05:00").expect("an offset")), told);
    }
}
