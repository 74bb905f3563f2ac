//! Events in, timeline out.

use std::collections::BTreeMap;

use super::correction::corrections;
use super::entries::{Entry, entries};
use super::handover::{handover, is_ours, meaning_here};
use super::meaning::Meaning;
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{EventSource, OffsetSource, ScanKind, TrackingEvent};
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;
use crate::domain::shipment::{Milestone, ShipmentStatus};

#[derive(Debug, Clone, PartialEq)]
pub struct ParcelTimeline<'e> {
    pub number: u16,
    pub status: ShipmentStatus,
    pub milestone: Milestone,
    /// When each milestone was first reached, as far as somebody said so.
    pub reached: BTreeMap<Milestone, Instant>,
    pub hub: Option<&'e HubCode>,
    /// Under which number the last mile has it.
    pub tracking_number: Option<&'e TrackingNumber>,
    /// The event by which it counts as picked up.
    pub picked_up: Option<&'e TrackingEvent>,
    /// The event by which it counts as delivered. None once that was taken back.
    pub delivered: Option<&'e TrackingEvent>,
    /// Customs opened a case and did not close it.
    pub held: bool,
    /// The events that say no money should move by itself. Never forgotten.
    pub troubles: Vec<&'e TrackingEvent>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Timeline<'e> {
    pub status: ShipmentStatus,
    pub milestone: Milestone,
    /// When the last parcel reached each milestone, for those that all have reached.
    pub reached: BTreeMap<Milestone, Instant>,
    pub delivered_at: Option<Instant>,
    pub parcels: Vec<ParcelTimeline<'e>>,
    /// What [`Timeline::events`] come to for whoever reads them: each happening once.
    pub entries: Vec<Entry<'e>>,
    /// Every event that is about these parcels, oldest first. What a carrier says under a number
    /// that was corrected since, or from before the handover, is about somebody else's.
    pub events: Vec<&'e TrackingEvent>,
}

/// The timeline of a shipment with these parcels.
pub fn fold<'e>(parcels: &[u16], events: &'e [TrackingEvent]) -> Timeline<'e> {
    let handovers: BTreeMap<_, _> = parcels.iter().filter_map(|number| handover(*number, events)).collect();
    let here = |event: &TrackingEvent| meaning_here(event, events, &handovers);
    let delivers = |event: &TrackingEvent| {
        let meaning = here(event);
        meaning == Some(Meaning::Reaches(Milestone::Delivered)) || meaning.is_some() && event.doubted
    };
    let corrections = corrections(events, delivers);
    let with_meaning = |(at, event): (usize, &'e TrackingEvent)| {
        let meaning = match here(event)? {
            _ if corrections.taken_back[at] => Meaning::Nothing,
            _ if corrections.unmakes_delivery[at] => Meaning::Corrected,
            meaning => meaning,
        };
        let is_doubted = meaning == Meaning::Corrected && event.doubted;
        Some((meaning, event, corrections.taken_back[at] || is_doubted))
    };
    let mut sorted: Vec<_> = events.iter().enumerate().filter_map(with_meaning).collect();
    sorted.sort_by(|(a_meaning, a, _), (b_meaning, b, _)| {
        let key = |event: &'e TrackingEvent| {
            let h = &event.happening;
            (
                event.parcel,
                event.source_name.as_str(),
                h.code.as_str(),
                h.description.as_str(),
                h.occurred.local_time.as_str(),
                event.tracking_number.as_ref(),
                (event.hub.as_ref(), event.facility),
                h.location.place.as_deref(),
                (h.delivered_to, h.cancels.as_deref()),
            )
        };
        let (a_at, b_at) = (a.happening.occurred.at, b.happening.occurred.at);
        a_at.cmp(&b_at).then(a_meaning.cmp(b_meaning)).then_with(|| key(a).cmp(&key(b)))
    });
    let parcels: Vec<_> = parcels
        .iter()
        .map(|number| {
            let concerned = |event: &TrackingEvent| event.parcel.is_none_or(|parcel| parcel == *number);
            let tracking_number = handovers.get(number).map(|(tracking_number, _)| *tracking_number);
            let events = sorted.iter().filter(|(_, event, _)| concerned(event));
            let events = events.map(|(meaning, event, _)| (*meaning, *event));
            ParcelTimeline { tracking_number, ..fold_parcel(*number, events) }
        })
        .collect();
    let status = of_all(&parcels);
    let milestone = parcels.iter().map(|parcel| parcel.milestone).min().unwrap_or(Milestone::Accepted);
    let delivered_at = match status {
        ShipmentStatus::Delivered => parcels
            .iter()
            .filter_map(|parcel| parcel.delivered)
            .map(|event| event.happening.occurred.at)
            .max(),
        _ => None,
    };
    sorted.retain(|(_, event, _)| is_ours(event, &handovers));
    Timeline {
        status,
        milestone,
        reached: reached_by_all(&parcels),
        delivered_at,
        entries: entries(sorted.iter().map(|(_, event, taken_back)| (*event, *taken_back))),
        events: sorted.into_iter().map(|(_, event, _)| event).collect(),
        parcels,
    }
}

fn reached_by_all(parcels: &[ParcelTimeline]) -> BTreeMap<Milestone, Instant> {
    let all = |milestone: &&Milestone| parcels.iter().all(|parcel| parcel.milestone >= **milestone);
    let last = |milestone: &Milestone| {
        let at = parcels.iter().filter_map(|parcel| parcel.reached.get(milestone)).max()?;
        Some((*milestone, *at))
    };
    Milestone::ALL.iter().filter(all).filter_map(last).collect()
}

/// Trouble first, then the least advanced.
fn of_all(parcels: &[ParcelTimeline]) -> ShipmentStatus {
    let any = |status| parcels.iter().any(|parcel| parcel.status == status);
    let trouble = [
        ShipmentStatus::Cancelled,
        ShipmentStatus::Lost,
        ShipmentStatus::Destroyed,
        ShipmentStatus::Returning,
        ShipmentStatus::Returned,
        ShipmentStatus::OnHold,
    ];
    let least = parcels.iter().map(|parcel| parcel.status).min();
    trouble.into_iter().find(|status| any(*status)).or(least).unwrap_or(ShipmentStatus::Accepted)
}

fn fold_parcel<'e>(
    number: u16,
    events: impl Iterator<Item = (Meaning, &'e TrackingEvent)>,
) -> ParcelTimeline<'e> {
    let mut parcel = ParcelTimeline {
        number,
        status: ShipmentStatus::Accepted,
        milestone: Milestone::Accepted,
        reached: BTreeMap::new(),
        hub: None,
        tracking_number: None,
        picked_up: None,
        delivered: None,
        held: false,
        troubles: Vec::new(),
    };
    let mut beside = None;
    for (meaning, event) in events {
        // Where it is, people say; what we decide about it moves nothing.
        if event.scan.is_some() && event.source == EventSource::Scan {
            let left = matches!(event.scan, Some(ScanKind::Departed | ScanKind::HandedOver));
            parcel.hub = if left { None } else { event.hub.as_ref() };
        }
        match meaning {
            Meaning::Nothing => {}
            Meaning::Reaches(milestone) => {
                contradiction(&mut parcel, milestone, event);
                reach(&mut parcel, milestone, event);
                // What is found again is no longer lost; what is on its way back or gone stays so.
                if beside == Some(ShipmentStatus::Lost) {
                    beside = None;
                }
            }
            Meaning::Held => {
                reach(&mut parcel, Milestone::Customs, event);
                parcel.held = true;
            }
            Meaning::Released => {
                reach(&mut parcel, Milestone::Customs, event);
                parcel.held = false;
            }
            Meaning::Damaged | Meaning::Corrected => {
                parcel.troubles.push(event);
            }
            Meaning::Returning => trouble(&mut parcel, &mut beside, ShipmentStatus::Returning, event),
            Meaning::Returned => trouble(&mut parcel, &mut beside, ShipmentStatus::Returned, event),
            Meaning::Lost => trouble(&mut parcel, &mut beside, ShipmentStatus::Lost, event),
            Meaning::Destroyed => trouble(&mut parcel, &mut beside, ShipmentStatus::Destroyed, event),
            Meaning::CalledOff => beside = Some(ShipmentStatus::Cancelled),
        }
    }
    let going_back = matches!(beside, Some(ShipmentStatus::Returning | ShipmentStatus::Returned));
    if going_back || beside == Some(ShipmentStatus::Destroyed) || beside == Some(ShipmentStatus::Cancelled) {
        parcel.delivered = None;
    }
    parcel.status = match beside {
        Some(status) => status,
        // Further on, an open case is the order's business, and no longer where the parcel is.
        None if parcel.held && parcel.milestone <= Milestone::Customs => ShipmentStatus::OnHold,
        // What was lost after its delivery and found again is not delivered by that.
        None if parcel.milestone == Milestone::Delivered && parcel.delivered.is_none() => {
            let before = parcel.reached.keys().filter(|milestone| **milestone < Milestone::Delivered).max();
            before.copied().unwrap_or(Milestone::Accepted).into()
        }
        None => parcel.milestone.into(),
    };
    parcel
}

/// A carrier that goes on delivering what it has delivered contradicts itself.
fn contradiction<'e>(parcel: &mut ParcelTimeline<'e>, milestone: Milestone, event: &'e TrackingEvent) {
    let by_carrier = matches!(event.source, EventSource::Poll | EventSource::Push);
    // Of a time whose zone was guessed nobody can say that it is later.
    let guessed = |event: &TrackingEvent| event.happening.occurred.offset_source == OffsetSource::AssumedUtc;
    if guessed(event) || parcel.delivered.is_some_and(guessed) {
        return;
    }
    let later = parcel
        .delivered
        .is_some_and(|delivered| delivered.happening.occurred.at < event.happening.occurred.at);
    if by_carrier && later && milestone < Milestone::Delivered {
        parcel.troubles.push(event);
    }
}

fn reach<'e>(parcel: &mut ParcelTimeline<'e>, milestone: Milestone, event: &'e TrackingEvent) {
    parcel.reached.entry(milestone).or_insert(event.happening.occurred.at);
    parcel.milestone = parcel.milestone.max(milestone);
    if milestone >= Milestone::PickedUp {
        parcel.picked_up.get_or_insert(event);
    }
    if milestone == Milestone::Delivered {
        parcel.delivered.get_or_insert(event);
    }
}

fn trouble<'e>(
    parcel: &mut ParcelTimeline<'e>,
    beside: &mut Option<ShipmentStatus>,
    status: ShipmentStatus,
    event: &'e TrackingEvent,
) {
    parcel.troubles.push(event);
    parcel.delivered = None;
    match *beside {
        // A parcel that is back is not on its way back again, and what is destroyed or called off stays so.
        Some(ShipmentStatus::Returned) if status == ShipmentStatus::Returning => {}
        Some(ShipmentStatus::Destroyed | ShipmentStatus::Cancelled) => {}
        _ => *beside = Some(status),
    }
}

#[cfg(test)]
mod tests;
