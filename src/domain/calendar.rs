//! What a week's timetable does not say: closed hubs, holidays, departures that are off and extra ones.

use chrono::{NaiveDate, NaiveTime};

use super::instant::Instant;
use super::network::{DepartureId, HubCode};

/// A hub neither receives nor hands on from `from_at` until before `until_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    pub hub: HubCode,
    pub from_at: Instant,
    pub until_at: Instant,
    pub reason: String,
}

/// A hub is closed for a whole local day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    pub hub: HubCode,
    pub date: NaiveDate,
    pub name: String,
}

/// One departure that is different from what its lane says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartureChange {
    pub departure: DepartureId,
    pub kind: ChangeKind,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It does not leave.
    Cancelled,
    /// It leaves on a day that is none of its lane's, or at another time than the lane's.
    Extra { depart_local: NaiveTime },
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    pub closures: Vec<Closure>,
    pub holidays: Vec<Holiday>,
    pub changes: Vec<DepartureChange>,
}
