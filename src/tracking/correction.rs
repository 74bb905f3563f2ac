//! What does not hold any more: events that their own source took back, and a packing that an offload undid.

use std::collections::BTreeMap;

use crate::domain::correction::taken_back;
use crate::domain::event::{EventSource, ScanKind, TrackingEvent, departure_named};

/// For each of `events`, whether it was taken back; and whether it takes a delivery back.
pub struct Corrections {
    pub taken_back: Vec<bool>,
    pub unmakes_delivery: Vec<bool>,
}

/// `delivers`: what an event would mean if nobody took it back.
pub fn corrections(events: &[TrackingEvent], delivers: impl Fn(&TrackingEvent) -> bool) -> Corrections {
    let mut all =
        Corrections { taken_back: vec![false; events.len()], unmakes_delivery: vec![false; events.len()] };
    let mut by_source: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        if matches!(event.source, EventSource::Poll | EventSource::Push) {
            let key = (event.parcel, &event.source_name, &event.tracking_number);
            by_source.entry(key).or_default().push(at);
        }
    }
    for places in by_source.into_values() {
        let happenings: Vec<_> = places.iter().map(|at| &events[*at].happening).collect();
        if happenings.iter().all(|happening| happening.cancels.is_none()) {
            continue;
        }
        for (target, by) in taken_back(&happenings).into_iter().enumerate() {
            let Some(by) = by else { continue };
            all.taken_back[places[target]] = true;
            all.unmakes_delivery[places[by]] |= delivers(&events[places[target]]);
        }
    }
    for offload in events.iter().filter(|event| event.scan == Some(ScanKind::Offloaded)) {
        for (at, event) in events.iter().enumerate() {
            all.taken_back[at] |= is_undone(event, offload);
        }
    }
    all
}

/// What is taken off was put on before, at the same hub and for the same departure as far as both name one.
fn is_undone(event: &TrackingEvent, offload: &TrackingEvent) -> bool {
    let was_put_on = matches!(event.scan, Some(ScanKind::Packed | ScanKind::Departed));
    let is_earlier = event.happening.occurred.at <= offload.happening.occurred.at;
    if !was_put_on || !is_earlier || event.parcel != offload.parcel || event.hub != offload.hub {
        return false;
    }
    match (departure_named(&event.raw), departure_named(&offload.raw)) {
        (Some(one), Some(other)) => one == other,
        // A departure that nobody named may have been any; a bag goes with the one that it was packed for.
        (None, _) => event.scan == Some(ScanKind::Packed),
        (Some(_), None) => event.scan == Some(ScanKind::Packed),
    }
}
