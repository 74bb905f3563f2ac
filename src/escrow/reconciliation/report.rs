//! What a comparison came to: figures, JSON, rows of a spreadsheet.
//!
//! A cell never begins with what a spreadsheet takes for a formula: references and reasons are others' words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Difference, DifferenceKind, Severity};

/// How much was compared, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Of which the provider said how they stand.
    pub orders: u64,
    /// About which it said something.
    pub triggers: u64,
    /// That changed while they were asked about: the next comparison has them.
    pub changing: u64,
    pub differences: BTreeMap<DifferenceKind, u64>,
}

impl Totals {
    pub fn count(&mut self, differences: &[Difference]) {
        for difference in differences {
            *self.differences.entry(difference.kind).or_default() += 1;
        }
    }

    pub fn add(&mut self, other: &Totals) {
        self.orders += other.orders;
        self.triggers += other.triggers;
        self.changing += other.changing;
        for (kind, count) in &other.differences {
            *self.differences.entry(*kind).or_default() += count;
        }
    }

    /// What could be compared and was not the same.
    pub fn differing(&self) -> u64 {
        self.differences.iter().filter(|(kind, _)| !kind.is_unasked()).map(|(_, count)| count).sum()
    }

    /// What could not be compared.
    pub fn unasked(&self) -> u64 {
        let unasked = self.differences.iter().filter(|(kind, _)| kind.is_unasked());
        self.changing + unasked.map(|(_, count)| count).sum::<u64>()
    }

    pub fn of_severity(&self, severity: Severity) -> u64 {
        let such = self.differences.iter().filter(|(kind, _)| kind.severity() == severity);
        such.map(|(_, count)| count).sum()
    }
}

pub const COLUMNS: [&str; 13] = [
    "severity",
    "kind",
    "provider",
    "shipment",
    "order",
    "payment_reference",
    "trigger",
    "action",
    "parcel",
    "ours",
    "theirs",
    "done",
    "because",
];

/// A line for each difference, and before them, where `with_names`, one of the columns' names.
pub fn csv(differences: &[Difference], with_names: bool) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Into memory, and always as many cells: neither can fail.
    if with_names {
        let _ = writer.write_record(COLUMNS);
    }
    for difference in differences {
        let _ = writer.write_record(cells(difference).map(|cell| guarded(&cell)));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn cells(difference: &Difference) -> [String; 13] {
    fn text(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let Difference { kind, severity, provider, shipment, order, payment_reference, trigger, .. } = difference;
    let Difference { action, parcel, ours, theirs, done, because, .. } = difference;
    [
        severity.to_string(),
        kind.to_string(),
        provider.clone(),
        text(*shipment),
        text(*order),
        payment_reference.clone().unwrap_or_default(),
        text(*trigger),
        text(*action),
        text(*parcel),
        ours.clone(),
        theirs.clone(),
        done.to_string(),
        because.clone().unwrap_or_default(),
    ]
}

/// What would be calculated is shown as text: OWASP's rule for such files.
fn guarded(cell: &str) -> String {
    let is_formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}
