//! A carrier's codes and what they mean: a table in the adapter's folder, one row a code.
//!
//! The columns are `code,status,delivered_to,cancels,meaning,source`: our word for it; to whom, for a
//! delivery; the code of the event that it takes back, for a cancellation; what the carrier means by it; and
//! where that is known from.

use std::collections::HashMap;

use serde::Deserialize;

use crate::domain::event::{DeliveredTo, EventStatus};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub status: EventStatus,
    pub delivered_to: Option<DeliveredTo>,
    /// The code of the event that this one takes back.
    pub cancels: Option<String>,
    pub meaning: String,
}

/// Codes are compared as they are written.
pub struct Codes(HashMap<String, Row>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    code: String,
    status: EventStatus,
    delivered_to: Option<DeliveredTo>,
    cancels: String,
    meaning: String,
    source: String,
}

impl Codes {
    /// Part of the binary: the test of each adapter reads every row of its table.
    pub fn embedded(text: &str) -> Self {
        let mut rows = HashMap::new();
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for row in reader.deserialize::<Written>() {
            // Part of the binary: a test reads every row of it.
            let row = row.unwrap_or_else(|error| panic!("an embedded table of codes is malformed: {error}"));
            assert!(!row.source.is_empty(), "the code {:?} comes from nowhere", row.code);
            let is_delivered = row.status == EventStatus::Delivered;
            assert!(
                is_delivered == row.delivered_to.is_some(),
                "the code {:?}: delivered to whom?",
                row.code
            );
            let known = Row {
                status: row.status,
                delivered_to: row.delivered_to,
                cancels: Some(row.cancels).filter(|code| !code.is_empty()),
                meaning: row.meaning,
            };
            assert!(rows.insert(row.code.clone(), known).is_none(), "the code {:?} comes twice", row.code);
        }
        for row in rows.values() {
            let known = row.cancels.as_ref().is_none_or(|code| rows.contains_key(code));
            assert!(known, "{:?} is cancelled and not known", row.cancels);
        }
        Self(rows)
    }

    /// The row whose code stands in the text; of several, the longest code's.
    pub fn within(&self, text: &str) -> Option<&Row> {
        let found = self.0.iter().filter(|(code, _)| text.contains(code.as_str()));
        found.max_by_key(|(code, _)| (code.len(), code.as_str())).map(|(_, row)| row)
    }

    pub fn get(&self, code: &str) -> Option<&Row> {
        self.0.get(code)
    }
}
