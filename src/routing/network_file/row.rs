//! Reading one value of one row, and remembering what is wrong with it.

use std::fmt::Display;
use std::str::FromStr;

use chrono::NaiveTime;
use chrono_tz::Tz;
use csv::StringRecord;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::RowError;

#[derive(Default)]
pub struct Report {
    pub errors: Vec<RowError>,
}

impl Report {
    pub fn add(&mut self, file: &'static str, line: u64, column: &'static str, reason: impl Into<String>) {
        self.errors.push(RowError { file, line, column, reason: reason.into() });
    }
}

/// Calls `each` with every row that has as many fields as the header. Tells whether the header has every
/// column of `needed`; where it has not, that is reported and no row is read.
pub fn each_row(
    file: &'static str,
    text: &str,
    needed: &[&'static str],
    optional: &[&'static str],
    report: &mut Report,
    mut each: impl FnMut(&mut Row),
) -> bool {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let errors_before = report.errors.len();
    for column in needed {
        match header.iter().filter(|name| name == column).count() {
            0 => report.add(file, 1, column, "the header has no such column"),
            1 => {}
            _ => report.add(file, 1, column, "the header has this column more than once"),
        }
    }
    for column in optional {
        // Its longest word is what somebody would write of it.
        let stem = column.split('_').max_by_key(|word| word.len()).unwrap_or(column);
        let looks_like_it = |name: &&str| name.to_ascii_lowercase().contains(stem) && name != column;
        if let Some(name) = header.iter().find(looks_like_it) {
            let reason = format!("the header has {name:?}, which nobody reads: is it this column?");
            report.add(file, 1, column, reason);
        }
    }
    if report.errors.len() > errors_before {
        return false;
    }
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.add(file, error.position().map_or(0, csv::Position::line), "row", error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            let reason = format!("has {} fields, the header has {}", record.len(), header.len());
            report.add(file, line, "row", reason);
            continue;
        }
        each(&mut Row { file, line, header: &header, record: &record, report });
    }
    true
}

/// One row. Each method reports what is wrong and then gives nothing.
pub struct Row<'a> {
    file: &'static str,
    line: u64,
    header: &'a StringRecord,
    record: &'a StringRecord,
    report: &'a mut Report,
}

impl<'a> Row<'a> {
    pub fn line(&self) -> u64 {
        self.line
    }

    pub fn wrong(&mut self, column: &'static str, reason: impl Into<String>) {
        self.report.add(self.file, self.line, column, reason);
    }

    pub fn text(&self, column: &'static str) -> &'a str {
        let index = self.header.iter().position(|name| name == column);
        index.and_then(|index| self.record.get(index)).unwrap_or_default()
    }

    pub fn words(&mut self, column: &'static str) -> Option<String> {
        let text = self.text(column);
        if text.is_empty() {
            self.wrong(column, "is empty");
            return None;
        }
        Some(text.to_owned())
    }

    pub fn parsed<T: FromStr<Err: Display>>(&mut self, column: &'static str) -> Option<T> {
        match self.text(column).parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(column, error.to_string());
                None
            }
        }
    }

    pub fn degrees(&mut self, column: &'static str) -> Option<f64> {
        let text = self.text(column);
        let degrees = text.parse();
        if degrees.is_err() {
            self.wrong(column, format!("{text:?} is not a number of degrees"));
        }
        degrees.ok()
    }

    pub fn zone(&mut self, column: &'static str) -> Option<Tz> {
        let text = self.text(column);
        let zone = text.parse();
        if zone.is_err() {
            self.wrong(column, format!("{text:?} is not a time zone such as Asia/Tokyo"));
        }
        zone.ok()
    }

    pub fn time(&mut self, column: &'static str) -> Option<NaiveTime> {
        let text = self.text(column);
        let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
        if time.is_none() {
            self.wrong(column, format!("{text:?} is not a local time such as 16:30"));
        }
        time
    }

    /// `scale` units to the one that the column is in, as a whole number from `least` to `most`.
    pub fn whole(&mut self, column: &'static str, scale: i64, least: i64, most: i64) -> Option<i64> {
        let scaled = self.scaled(column, scale, least, most)?;
        if !scaled.is_integer() {
            let unit = Decimal::ONE / Decimal::from(scale);
            self.wrong(column, format!("{} is not a multiple of {unit}", self.text(column)));
            return None;
        }
        scaled.to_i64()
    }

    /// As [`whole`](Self::whole), what is finer being rounded up.
    pub fn rounded_up(&mut self, column: &'static str, scale: i64, least: i64, most: i64) -> Option<i64> {
        self.scaled(column, scale, least, most)?.ceil().to_i64()
    }

    fn scaled(&mut self, column: &'static str, scale: i64, least: i64, most: i64) -> Option<Decimal> {
        let text = self.text(column);
        let Ok(value) = Decimal::from_str_exact(text) else {
            self.wrong(column, format!("{text:?} is not a decimal number"));
            return None;
        };
        let scaled = value.checked_mul(Decimal::from(scale));
        if value < Decimal::ZERO {
            self.wrong(column, format!("{text} is negative"));
        } else if least > 0 && value.is_zero() {
            self.wrong(column, "has to be more than 0");
        } else if scaled.is_none_or(|scaled| scaled > Decimal::from(most)) {
            let most = (Decimal::from(most) / Decimal::from(scale)).normalize();
            self.wrong(column, format!("{text} is more than {most}"));
        } else {
            return scaled;
        }
        None
    }
}
