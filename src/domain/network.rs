//! Hubs, lanes and departures, as everybody speaks of them.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::dangerous::LaneGoods;
use super::place::{Country, Point};
use super::service::Clearance;
use super::text::{serde_as_text, words};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNetworkWord {
    #[error("{0:?} is not a hub code: 2 to 16 capital letters or digits")]
    Hub(String),
    #[error("{0:?} is not a lane id: 1 to 16 capital letters or digits")]
    Lane(String),
    #[error("{0:?} is not a departure id such as L0001-20260302")]
    Departure(String),
    #[error("{0:?} is not a list of ISO weekdays such as 1;3;5")]
    Weekdays(String),
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_code(text: &str, shortest: usize) -> bool {
    (shortest..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, shortest $shortest:literal, else $error:ident);+ $(;)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadNetworkWord;

            fn from_str(text: &str) -> Result<Self, BadNetworkWord> {
                if is_code(text, $shortest) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadNetworkWord::$error(short(text)))
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        serde_as_text!($name);
    )+};
}

codes! {
    /// `USLAX`, `CNPVG`.
    HubCode, shortest 2, else Hub;
    /// `L0001`.
    LaneId, shortest 1, else Lane;
}

/// One dated run of a lane: the lane and the local date on which it leaves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepartureId {
    pub lane: LaneId,
    pub date: NaiveDate,
}

impl fmt::Display for DepartureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lane, self.date.format("%Y%m%d"))
    }
}

impl fmt::Debug for DepartureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DepartureId {
    type Err = BadNetworkWord;

    fn from_str(text: &str) -> Result<Self, BadNetworkWord> {
        let parse = || {
            let (lane, date) = text.split_once('-')?;
            let lane = lane.parse().ok()?;
            let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok().filter(|_| date.len() == 8)?;
            Some(DepartureId { lane, date })
        };
        parse().ok_or_else(|| BadNetworkWord::Departure(short(text)))
    }
}

serde_as_text!(DepartureId);

words! {
    HubKind {
        /// Abroad: received, inspected, consolidated.
        OriginHub = "origin_hub",
        /// In China, under customs supervision.
        Gateway = "gateway",
    }
}

words! {
    TransportMode { Air = "air", Sea = "sea", Road = "road", Rail = "rail" }
}

words! {
    DepartureState {
        /// It can be booked.
        Open = "open",
        /// Its cut-off is over: what goes with it is packed.
        Closed = "closed",
        /// It does not leave.
        Cancelled = "cancelled",
    }
}

/// The days of the week on which a lane leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.num_days_from_monday() != 0
    }
}

impl FromStr for Weekdays {
    type Err = BadNetworkWord;

    fn from_str(text: &str) -> Result<Self, BadNetworkWord> {
        let bad = || BadNetworkWord::Weekdays(short(text));
        text.split(';').try_fold(Weekdays(0), |days, day| match day {
            "1" | "2" | "3" | "4" | "5" | "6" | "7" => Ok(Weekdays(days.0 | 1 << (day.as_bytes()[0] - b'1'))),
            _ => Err(bad()),
        })
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<_> =
            (1..=7).filter(|day| self.0 & 1 << (day - 1) != 0).map(|day: u8| day.to_string()).collect();
        f.write_str(&days.join(";"))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hub {
    pub code: HubCode,
    pub name_en: String,
    pub name_zh: String,
    pub kind: HubKind,
    pub country: Country,
    pub point: Point,
    pub zone: Tz,
    /// Empty for an origin hub.
    pub clearances: Vec<Clearance>,
    /// What is received later than this counts as received at midnight.
    pub cutoff_local: NaiveTime,
    /// From received to ready; at a gateway this is the customs time.
    pub handling_minutes: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    pub id: LaneId,
    pub from: HubCode,
    pub to: HubCode,
    pub mode: TransportMode,
    pub carrier: String,
    pub service: String,
    pub weekdays: Weekdays,
    pub depart_local: NaiveTime,
    pub depart_zone: Tz,
    pub transit_minutes: u32,
    /// Per departure.
    pub capacity_grams: u64,
    /// Per departure.
    pub capacity_cm3: u64,
    /// Per departure, in millionths of a US dollar.
    pub fixed_cost_micros: i64,
    /// In millionths of a US dollar.
    pub cost_per_kg_micros: i64,
    pub distance_metres: u64,
    /// None: any piece that fits on the departure.
    pub piece_grams_max: Option<u32>,
    pub dangerous_goods: LaneGoods,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_departure_is_named_by_its_lane_and_local_date() {
        let id: DepartureId = "L0001-20260302".parse().expect("a departure");
        assert_eq!(id.to_string(), "L0001-20260302");
        for text in ["L0001", "L0001-2026032", "L0001-20260230", "l1-20260302", "-20260302"] {
            assert!(text.parse::<DepartureId>().is_err(), "{text}");
        }
    }

    #[test]
    fn weekdays_are_read_and_written_as_iso_numbers() {
        let days: Weekdays = "1;3;7".parse().expect("weekdays");
        assert!(days.contains(Weekday::Mon) && days.contains(Weekday::Sun) && !days.contains(Weekday::Tue));
        assert_eq!(days.to_string(), "1;3;7");
        for text in ["", "0", "8", "1,2", "1;;2"] {
            assert!(text.parse::<Weekdays>().is_err(), "{text}");
        }
    }
}
