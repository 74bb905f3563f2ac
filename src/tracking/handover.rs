//! Which of a carrier's events are about the parcel that was handed over.
//!
//! A number says nothing by itself: it can be mistyped, corrected, or given out again.

use std::collections::BTreeMap;

use chrono::Duration;

use super::meaning::{Meaning, meaning};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventSource, ScanKind, TrackingEvent};
use crate::domain::instant::Instant;

/// How far before its handover a carrier's event may lie: scanners are late, clocks differ.
const HANDOVER_SLACK: Duration = Duration::hours(24);

/// Under which number the last mile has a parcel, and since when: the last handover counts.
pub fn handover(number: u16, events: &[TrackingEvent]) -> Option<(u16, (&TrackingNumber, Instant))> {
    let of_parcel = || {
        events
            .iter()
            .filter(move |event| event.scan == Some(ScanKind::HandedOver) && event.parcel == Some(number))
    };
    let last = of_parcel().max_by_key(|event| (event.happening.occurred.at, &event.tracking_number))?;
    let tracking_number = last.tracking_number.as_ref()?;
    Some((number, (tracking_number, since(number, tracking_number, events)?)))
}

/// When a parcel was first handed over under a number.
fn since(number: u16, tracking_number: &TrackingNumber, events: &[TrackingEvent]) -> Option<Instant> {
    let handed_over = |event: &&TrackingEvent| {
        event.scan == Some(ScanKind::HandedOver)
            && event.parcel == Some(number)
            && event.tracking_number.as_ref() == Some(tracking_number)
    };
    events.iter().filter(handed_over).map(|event| event.happening.occurred.at).min()
}

/// Whether a carrier's event is about the parcel as it was handed over. Hubs speak of parcels, so theirs are.
pub fn is_ours(event: &TrackingEvent, handovers: &BTreeMap<u16, (&TrackingNumber, Instant)>) -> bool {
    let by_carrier = matches!(event.source, EventSource::Poll | EventSource::Push);
    match event.parcel.and_then(|parcel| handovers.get(&parcel)) {
        Some((tracking_number, since)) if by_carrier => {
            event.tracking_number.as_ref() == Some(*tracking_number)
                && event.happening.occurred.at >= *since - HANDOVER_SLACK
        }
        Some(_) | None => true,
    }
}

/// What an event means for these parcels. Under a number that a later handover replaced a
/// carrier can still say that something is wrong; whether the parcel or only the label was
/// changed, nobody wrote down, so it stays trouble for the money and nothing else.
pub fn meaning_here(
    event: &TrackingEvent,
    events: &[TrackingEvent],
    handovers: &BTreeMap<u16, (&TrackingNumber, Instant)>,
) -> Option<Meaning> {
    let meaning = meaning(event);
    if is_ours(event, handovers) {
        return Some(meaning);
    }
    let replaced = since(event.parcel?, event.tracking_number.as_ref()?, events)?;
    let (current, _) = handovers.get(&event.parcel?)?;
    let wrong = matches!(
        meaning,
        Meaning::Damaged | Meaning::Returning | Meaning::Returned | Meaning::Lost | Meaning::Destroyed
    );
    let counts = wrong
        && event.tracking_number.as_ref() != Some(*current)
        && event.happening.occurred.at >= replaced - HANDOVER_SLACK;
    counts.then_some(Meaning::Damaged)
}
