//! Hubs and lanes out of two CSV files.
//!
//! Every bad value of both files is reported at once, with its file, line and column, so that
//! whoever wrote them corrects them in one go; nothing is taken from files with a bad value.
//! Columns that nobody here needs may be there or not, in any order.

mod hubs;
mod lanes;
mod row;

use std::collections::HashSet;

use crate::domain::network::{Hub, Lane};
use row::Report;

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

pub fn read(hubs_csv: &str, lanes_csv: &str) -> Result<(Vec<Hub>, Vec<Lane>), Vec<RowError>> {
    let mut report = Report::default();
    let (hubs, known) = hubs::read(hubs_csv, &mut report);
    let lanes = lanes::read(lanes_csv, &known, &mut report);
    if report.errors.is_empty() { Ok((hubs, lanes)) } else { Err(report.errors) }
}

#[cfg(test)]
mod tests;
