//! What several carriers say of one parcel, each happening once.

use super::reading::Seen;
use crate::domain::event::{DeliveredTo, EventStatus};
use crate::domain::instant::Instant;

/// What two carriers say of one instant in the same word is one happening; one carrier's repetitions are only
/// those that agree in everything. Of the two, the one that says who took it stays.
pub fn merged(views: Vec<Vec<Seen>>) -> Vec<Seen> {
    let is_several = views.iter().filter(|view| !view.is_empty()).count() > 1;
    let mut all: Vec<Seen> = Vec::new();
    for view in views {
        let others = all.len();
        for seen in view {
            let is_same = |known: &Seen| {
                known.happening.occurred.at == seen.happening.occurred.at
                    && known.happening.status == seen.happening.status
            };
            let by_another = all[..others].iter().position(is_same);
            match by_another {
                Some(at) if tells_more(&seen, &all[at]) => all[at] = seen,
                Some(_) => {}
                None if all[others..].iter().any(|known| known.happening == seen.happening) => {}
                None => all.push(seen),
            }
        }
    }
    if is_several {
        all.sort_by_key(|seen| std::cmp::Reverse(seen.happening.occurred.at));
    }
    all
}

fn tells_more(one: &Seen, other: &Seen) -> bool {
    let is_unspecified = |seen: &Seen| seen.happening.delivered_to == Some(DeliveredTo::Unspecified);
    is_unspecified(other) && !is_unspecified(one)
}

/// The newest event cannot be a delivery of which the status of the whole knows nothing.
pub fn doubt_newest(seen: &mut [Seen], whole: &[EventStatus]) {
    let newest = seen.iter().map(|seen| seen.happening.occurred.at).max();
    if whole.iter().any(|status| *status != EventStatus::Delivered) {
        let came_back = whole.contains(&EventStatus::Returned);
        let instead = if came_back { EventStatus::Returned } else { EventStatus::Unknown };
        undeliver(seen, instead, |at| Some(at) == newest);
    }
}

/// What is said of one number by carrier. The same digits with several carriers can be several parcels: unless all
/// of them deliver, nobody knows whether ours is delivered.
pub fn of_carriers(said: Vec<(&str, Vec<Seen>)>) -> Vec<Seen> {
    let first = said.first().map(|(carrier, _)| *carrier);
    let is_ambiguous = said.iter().any(|(carrier, _)| Some(*carrier) != first);
    let all_deliver = said.iter().all(|(_, seen)| is_delivered(seen));
    let mut seen = merged(said.into_iter().map(|(_, seen)| seen).collect());
    if is_ambiguous && !all_deliver {
        undeliver(&mut seen, EventStatus::Unknown, |_| true);
    }
    seen
}

fn is_delivered(seen: &[Seen]) -> bool {
    seen.iter().any(|seen| seen.happening.status == EventStatus::Delivered)
}

fn undeliver(seen: &mut [Seen], instead: EventStatus, is_meant: impl Fn(Instant) -> bool) {
    let meant = seen.iter_mut().map(|seen| &mut seen.happening).filter(|one| is_meant(one.occurred.at));
    for happening in meant.filter(|one| one.status == EventStatus::Delivered) {
        happening.status = instead;
        happening.delivered_to = None;
    }
}
