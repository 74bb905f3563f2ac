//! The files of what is different from the weekly timetable. Each may be missing.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, NaiveDate};

use super::KnownHubs;
use super::row::{Report, Row, each_row};
use crate::domain::calendar::{ChangeKind, Closure, DepartureChange, Holiday};
use crate::domain::instant::{Instant, cut};
use crate::domain::network::{DepartureId, LaneId, Weekdays};

/// In which there are departures.
const YEARS: std::ops::Range<i32> = 1970..9_000;

pub fn closures(text: &str, known: &KnownHubs, report: &mut Report) -> Vec<Closure> {
    let mut closures = Vec::new();
    read("closures.csv", text, &["hub", "from", "until", "reason"], report, |row| {
        let hub = known.code(row, "hub");
        let (from_at, until_at) = (instant(row, "from"), instant(row, "until"));
        let reason = row.words("reason");
        if let (Some(from_at), Some(until_at)) = (from_at, until_at)
            && until_at <= from_at
        {
            row.wrong("until", "has to be later than from");
        }
        closures.extend((|| {
            Some(Closure { hub: hub?, from_at: from_at?, until_at: until_at?, reason: reason? })
        })());
    });
    closures
}

pub fn holidays(text: &str, known: &KnownHubs, report: &mut Report) -> Vec<Holiday> {
    let mut holidays = Vec::new();
    let mut seen = HashSet::new();
    read("holidays.csv", text, &["hub", "date", "name"], report, |row| {
        let hub = known.code(row, "hub");
        let date = date(row);
        let name = row.words("name");
        let (Some(hub), Some(date), Some(name)) = (hub, date, name) else { return };
        if seen.insert((hub.clone(), date)) {
            holidays.push(Holiday { hub, date, name });
        } else {
            row.wrong("date", format!("{hub} has this holiday already"));
        }
    });
    holidays
}

pub fn changes(
    text: &str,
    known: Option<&HashMap<LaneId, Option<Weekdays>>>,
    report: &mut Report,
) -> Vec<DepartureChange> {
    let mut changes = Vec::new();
    let mut seen = HashSet::new();
    let needed = ["lane_id", "date", "change", "depart_local", "reason"];
    read("departures.csv", text, &needed, report, |row| {
        let lane: Option<LaneId> = row.parsed("lane_id");
        let lane = lane.filter(|lane| match known {
            Some(known) if !known.contains_key(lane) => {
                row.wrong("lane_id", format!("{lane} is not in lanes.csv"));
                false
            }
            Some(_) | None => true,
        });
        let (date, kind, reason) = (date(row), change(row), row.words("reason"));
        let (Some(lane), Some(date), Some(kind), Some(reason)) = (lane, date, kind, reason) else { return };
        let departure = DepartureId { lane, date };
        let weekdays = known.and_then(|known| *known.get(&departure.lane)?);
        if let Some(weekdays) = weekdays {
            check_day(row, &departure, weekdays);
        }
        if seen.insert(departure.clone()) {
            changes.push(DepartureChange { departure, kind, reason });
        } else {
            row.wrong("date", format!("{departure} is in the file already"));
        }
    });
    changes
}

/// A lane has one departure a day: what is extra on a day of its own would take the place of it unsaid.
fn check_day(row: &mut Row, departure: &DepartureId, weekdays: Weekdays) {
    let runs = weekdays.contains(departure.date.weekday());
    let lane = &departure.lane;
    match (row.text("change"), runs) {
        ("extra", true) => {
            let reason = format!(
                "{lane} leaves on that day anyway: say moved, or give the second one a lane of its own"
            );
            row.wrong("change", reason);
        }
        ("moved" | "cancelled", false) => row.wrong("date", format!("{lane} does not leave on that day")),
        _ => {}
    }
}

fn change(row: &mut Row) -> Option<ChangeKind> {
    match row.text("change") {
        "cancelled" if row.text("depart_local").is_empty() => Some(ChangeKind::Cancelled),
        "cancelled" => {
            row.wrong("depart_local", "goes with extra and moved only");
            None
        }
        "extra" | "moved" => row.time("depart_local").map(|depart_local| ChangeKind::Extra { depart_local }),
        other => {
            let reason = format!("{other:?} is not one of cancelled, moved, extra");
            row.wrong("change", reason);
            None
        }
    }
}

/// A file that is missing or empty has no rows.
fn read(
    file: &'static str,
    text: &str,
    needed: &[&'static str],
    report: &mut Report,
    each: impl FnMut(&mut Row),
) {
    if !text.trim().is_empty() {
        each_row(file, text, needed, &[], report, each);
    }
}

fn instant(row: &mut Row, column: &'static str) -> Option<Instant> {
    let instant = DateTime::parse_from_rfc3339(row.text(column)).ok();
    let instant = instant.filter(|instant| YEARS.contains(&instant.year()));
    if instant.is_none() {
        row.wrong(column, "is not a time such as 2026-02-16T18:00:00+08:00");
    }
    instant.map(|instant| cut(instant.to_utc()))
}

/// With four digits for the year: others are mistakes, and some are beyond what can be computed with.
fn date(row: &mut Row) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(row.text("date"), "%Y-%m-%d").ok();
    let date = date.filter(|date| YEARS.contains(&date.year()));
    if date.is_none() {
        row.wrong("date", "is not a date such as 2026-02-17");
    }
    date
}
