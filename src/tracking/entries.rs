//! The same happening told by several sources, told once.
//!
//! Two reports are one happening if different sources say the same of one parcel within a quarter of an hour. A
//! source that says it twice means it twice. Who was first stands in front; of two at the same moment the one that
//! comes first in the timeline.

use chrono::TimeDelta;

use crate::domain::event::{EventSource, EventStatus, TrackingEvent};

/// A line of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'e> {
    pub event: &'e TrackingEvent,
    /// Who else said so.
    pub also: Vec<&'e TrackingEvent>,
    /// Its source said later that it was not so, or not what it had said it was, or it was undone.
    pub taken_back: bool,
}

/// Carriers' clocks and scanners differ by so much.
const APART: TimeDelta = TimeDelta::minutes(15);

/// `events`: in the order of the timeline, each with whether it was taken back.
pub fn entries<'e>(events: impl Iterator<Item = (&'e TrackingEvent, bool)>) -> Vec<Entry<'e>> {
    let mut entries: Vec<Entry<'e>> = Vec::new();
    for (event, taken_back) in events {
        let at = event.happening.occurred.at;
        let near =
            entries.iter_mut().rev().take_while(|entry| at - entry.event.happening.occurred.at <= APART);
        let same = near.filter(|entry| entry.taken_back == taken_back).find(|entry| is_same(entry, event));
        match same {
            Some(entry) => entry.also.push(event),
            None => entries.push(Entry { event, also: Vec::new(), taken_back }),
        }
    }
    entries
}

fn is_same(entry: &Entry, event: &TrackingEvent) -> bool {
    let first = entry.event;
    let by_carrier = |event: &TrackingEvent| matches!(event.source, EventSource::Poll | EventSource::Push);
    let is_new_source = std::iter::once(first)
        .chain(entry.also.iter().copied())
        .all(|known| known.source_name != event.source_name);
    let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    let (a, b) = (&first.happening, &event.happening);
    by_carrier(first)
        && by_carrier(event)
        && is_new_source
        && first.parcel == event.parcel
        && a.status == b.status
        && a.status != EventStatus::Unknown
        && agree(&a.location.country, &b.location.country)
}
