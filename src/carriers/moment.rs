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
    let absolute = |at: DateTime<FixedOffset>| Moment::Absolute(at.to_utc());
    let with_offset = |form: &str| DateTime::parse_from_str(text, form).ok().map(absolute);
    let local = |form: &str| NaiveDateTime::parse_from_str(text, form).ok().map(Moment::Local);
    let usual = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f"];
    let read = DateTime::parse_from_rfc3339(text).ok().map(absolute);
    read.or_else(|| usual.iter().chain(forms).find_map(|form| with_offset(form).or_else(|| local(form))))
        .filter(|moment| moment.is_plausible())
}

impl Moment {
    /// Outside of these years it is a mistake, and no database's calendar need reach it.
    fn is_plausible(&self) -> bool {
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
