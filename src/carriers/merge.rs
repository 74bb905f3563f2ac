//! What several carriers say of one parcel, each happening once.

use super::codes::Row;
use super::reading::{Failure, FailureKind, Seen};
use crate::domain::carrier::TrackingNumber;
use crate::domain::event::{DeliveredTo, EventStatus, Happening};
use crate::domain::instant::Instant;

/// What two carriers say of one instant in the same word, of one place or in the same words, is one happening; one
/// carrier's repetitions are only those that agree in everything. Of the two, the one that says who took it stays.
pub fn merged(views: Vec<Vec<Seen>>) -> Vec<Seen> {
    let is_several = views.iter().filter(|view| !view.is_empty()).count() > 1;
    let mut all: Vec<Seen> = Vec::new();
    for view in views {
        let others = all.len();
        for seen in view {
            let is_same = |known: &Seen| {
                known.happening.occurred.at == seen.happening.occurred.at
                    && known.happening.status == seen.happening.status
                    && is_alike(&known.happening, &seen.happening)
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

/// A parcel is delivered once, and a carrier that names no place does not name another one.
fn is_alike(one: &Happening, other: &Happening) -> bool {
    let place = |of: &Happening| of.location.place.as_deref().unwrap_or_default().to_lowercase();
    let (here, there) = (place(one), place(other));
    one.status == EventStatus::Delivered
        || one.description == other.description
        || !here.is_empty() && here == there
        || here.is_empty() != there.is_empty()
}

fn tells_more(one: &Seen, other: &Seen) -> bool {
    let is_unspecified = |seen: &Seen| seen.happening.delivered_to == Some(DeliveredTo::Unspecified);
    is_unspecified(other) && !is_unspecified(one)
}

/// `whole`: what is said of the parcel as a whole, in all the words that there are for it. Where one of them is no
/// delivery no event is one: it went to the next carrier, or the carrier knows better by now. What came back
/// did so last.
pub fn doubt_deliveries(seen: &mut [Seen], whole: &[EventStatus]) {
    if whole.iter().all(|status| *status == EventStatus::Delivered) {
        return;
    }
    let newest = seen.iter().map(|seen| seen.happening.occurred.at).max();
    if whole.contains(&EventStatus::Returned) {
        undeliver(seen, EventStatus::Returned, |at| Some(at) == newest);
    }
    undeliver(seen, EventStatus::Unknown, |_| true);
}

/// The words for the whole. One that no table knows is none for a delivery.
pub fn whole<'w>(
    words: impl IntoIterator<Item = &'w str>,
    of: impl Fn(&str) -> Option<&'static Row>,
) -> Vec<EventStatus> {
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.map(|word| of(word).map_or(EventStatus::Unknown, |row| row.status)).collect()
}

/// What an aggregator says, by number in the order of its answer, and for each entry without one a failure that says
/// `what` it is.
pub fn by_number<T>(
    entries: impl IntoIterator<Item = Option<T>>,
    number_of: impl Fn(&T) -> &str,
    what: &str,
) -> (Vec<(TrackingNumber, Vec<T>)>, Vec<Failure>) {
    let (mut known, mut failures): (Vec<(TrackingNumber, Vec<T>)>, Vec<Failure>) = (Vec::new(), Vec::new());
    for entry in entries {
        let number = entry.as_ref().and_then(|entry| number_of(entry).parse::<TrackingNumber>().ok());
        let (Some(entry), Some(number)) = (entry, number) else {
            failures.push(Failure::new(FailureKind::Unparsable, "", what));
            continue;
        };
        match known.iter_mut().find(|(other, _)| *other == number) {
            Some((_, same)) => same.push(entry),
            None => known.push((number, vec![entry])),
        }
    }
    (known, failures)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{EventLocation, Occurred, OffsetSource};
    use crate::domain::instant::from_micros;

    fn seen(status: EventStatus, description: &str, place: &str) -> Seen {
        let at = from_micros(0);
        let place = Some(place.to_owned()).filter(|place| !place.is_empty());
        let happening = Happening {
            status,
            delivered_to: (status == EventStatus::Delivered).then_some(DeliveredTo::Unspecified),
            occurred: Occurred { at, local_time: at.to_rfc3339(), offset_source: OffsetSource::Carrier },
            code: String::new(),
            description: description.to_owned(),
            location: EventLocation { place, ..EventLocation::default() },
            cancels: None,
        };
        Seen { happening, raw: String::new() }
    }

    #[test]
    fn two_carriers_tell_of_one_happening_where_place_or_words_agree() {
        let count = |one: Seen, other: Seen| merged(vec![vec![one], vec![other]]).len();
        let moving = |description, place| seen(EventStatus::InTransit, description, place);
        assert_eq!(count(moving("Left warehouse", "Leeds"), moving("Handed to airline", "LEEDS")), 1);
        assert_eq!(count(moving("On the way", "Leeds"), moving("On the way", "London")), 1);
        assert_eq!(count(moving("On the way", "Leeds"), moving("Moving", "")), 1);
        assert_eq!(count(moving("Left warehouse", ""), moving("Handed to airline", "")), 2);
        assert_eq!(count(moving("Left warehouse", "Leeds"), moving("Handed to airline", "London")), 2);
        let delivered = |description| seen(EventStatus::Delivered, description, "");
        assert_eq!(count(delivered("one"), delivered("other")), 1);
    }
}
