//! A network out of CSV files: hubs and lanes, and where there are any, closures, holidays and changed departures.
//!
//! Every bad value of all files is reported at once, with its file, line and column, so that
//! whoever wrote them corrects them in one go; nothing is taken from files with a bad value.
//! Columns that nobody here needs may be there or not, in any order.

mod calendar;
mod hubs;
mod lanes;
mod row;

use std::collections::HashSet;

use crate::domain::calendar::Calendar;
use crate::domain::network::{Hub, HubCode, Lane};
use row::{Report, Row};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}, {column}: {reason}")]
pub struct RowError {
    pub file: &'static str,
    pub line: u64,
    /// The column's name, or `row` where the whole line is meant.
    pub column: &'static str,
    pub reason: String,
}

/// What a lane may lead from and to.
enum KnownHubs {
    /// The codes of the file, those of bad rows too: a hub with a bad zone is still not unknown.
    Codes(HashSet<String>),
    /// The file of hubs could not be read at all, so that nothing can be said about a lane's ends.
    Unreadable,
}

impl KnownHubs {
    /// A hub's code in `column`, if there is such a hub.
    fn code(&self, row: &mut Row, column: &'static str) -> Option<HubCode> {
        let code: HubCode = row.parsed(column)?;
        match self {
            KnownHubs::Codes(codes) if !codes.contains(code.as_str()) => {
                row.wrong(column, format!("{code} is not in hubs.csv"));
                None
            }
            KnownHubs::Codes(_) | KnownHubs::Unreadable => Some(code),
        }
    }
}

/// The texts of the files; those that may be missing are empty then.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkFiles<'t> {
    pub hubs: &'t str,
    pub lanes: &'t str,
    pub closures: &'t str,
    pub holidays: &'t str,
    pub departures: &'t str,
}

impl NetworkFiles<'_> {
    /// What each file is called in a folder, and whether it has to be there.
    pub const NAMES: [(&'static str, bool); 5] = [
        ("hubs.csv", true),
        ("lanes.csv", true),
        ("closures.csv", false),
        ("holidays.csv", false),
        ("departures.csv", false),
    ];
}

impl<'t> From<[&'t str; 5]> for NetworkFiles<'t> {
    /// In the order of [`NetworkFiles::NAMES`].
    fn from([hubs, lanes, closures, holidays, departures]: [&'t str; 5]) -> Self {
        Self { hubs, lanes, closures, holidays, departures }
    }
}

pub fn read(files: NetworkFiles) -> Result<(Vec<Hub>, Vec<Lane>, Calendar), Vec<RowError>> {
    let mut report = Report::default();
    let (hubs, known) = hubs::read(files.hubs, &mut report);
    let (lanes, known_lanes) = lanes::read(files.lanes, &known, &mut report);
    let calendar = Calendar {
        closures: calendar::closures(files.closures, &known, &mut report),
        holidays: calendar::holidays(files.holidays, &known, &mut report),
        changes: calendar::changes(files.departures, known_lanes.as_ref(), &mut report),
    };
    for (file, rows) in [("hubs.csv", hubs.len()), ("lanes.csv", lanes.len())] {
        if rows == 0 && report.errors.is_empty() {
            report.add(file, 1, "row", "there are no rows: without hubs and lanes nothing can be planned");
        }
    }
    if report.errors.is_empty() { Ok((hubs, lanes, calendar)) } else { Err(report.errors) }
}

#[cfg(test)]
mod tests;
