//! What an event means, of all that was ever read in it.
//!
//! A carrier's events are read in the light of the whole answer: the same event can be a delivery in one answer
//! and unknown in the next, because the carrier's word for the whole had not caught up, or because somebody
//! else's parcel turned up under the same digits. Promise: what counts is what was heard last, whatever came in
//! last; of two readings heard at one instant the one that is less than a delivery. So a delivery that was
//! doubted and is confirmed later counts, one that is doubted later does not, and what a set of readings comes
//! to is the same in whatever order, batches and repetitions they arrive.
//!
//! Absent on purpose: the order of the events in an answer and their number, which carriers change at will.

use super::event::{DeliveredTo, EventStatus, Happening};
use super::instant::Instant;

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meant {
    pub status: EventStatus,
    pub delivered_to: Option<DeliveredTo>,
    pub cancels: Option<String>,
}

/// All readings of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// The one that counts.
    pub meant: Meant,
    /// When that was heard, the last time.
    pub read_at: Instant,
    /// When it was first heard to be a delivery.
    pub delivered_at: Option<Instant>,
}

impl Readings {
    pub fn new(happening: &Happening, read_at: Instant) -> Self {
        let Happening { status, delivered_to, ref cancels, .. } = *happening;
        let delivered_at = (status == EventStatus::Delivered).then_some(read_at);
        Self { meant: Meant { status, delivered_to, cancels: cancels.clone() }, read_at, delivered_at }
    }

    pub fn with(self, other: Self) -> Self {
        let delivered_at = self.delivered_at.into_iter().chain(other.delivered_at).min();
        let later = if self.weight() < other.weight() { other } else { self };
        Self { delivered_at, ..later }
    }

    /// It was a delivery, and is none any more.
    pub fn is_doubted(&self) -> bool {
        self.meant.status != EventStatus::Delivered && self.delivered_at.is_some_and(|at| at < self.read_at)
    }

    /// Whether anybody who reads the event would see a difference.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.meant, self.is_doubted()) == (&other.meant, other.is_doubted())
    }

    fn weight(&self) -> impl Ord + use<> {
        let is_delivery = self.meant.status == EventStatus::Delivered;
        (self.read_at, !is_delivery, std::cmp::Reverse(self.meant.clone()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::instant::from_micros;

    fn read(status: EventStatus, at: i64) -> Readings {
        let (read_at, delivered) = (from_micros(at), status == EventStatus::Delivered);
        let delivered_to = delivered.then_some(DeliveredTo::Locker);
        let meant = Meant { status, delivered_to, cancels: None };
        Readings { meant, read_at, delivered_at: delivered.then_some(read_at) }
    }

    fn all(readings: &[(EventStatus, i64)]) -> Readings {
        let readings = readings.iter().map(|(status, at)| read(*status, *at));
        readings.reduce(Readings::with).expect("one at least")
    }

    #[test]
    fn a_delivery_counts_as_long_as_it_is_what_was_heard_last() {
        use EventStatus::{Delivered, Unknown};
        for (heard, expected) in [
            (&[(Unknown, 1), (Delivered, 2)][..], (Delivered, false)),
            (&[(Delivered, 2), (Unknown, 1)], (Delivered, false)),
            (&[(Delivered, 1), (Unknown, 2)], (Unknown, true)),
            (&[(Unknown, 2), (Delivered, 1)], (Unknown, true)),
            (&[(Delivered, 3), (Unknown, 2), (Delivered, 1)], (Delivered, false)),
            (&[(Delivered, 1), (Unknown, 1)], (Unknown, false)),
        ] {
            let all = all(heard);
            assert_eq!((all.meant.status, all.is_doubted()), expected, "{heard:?}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_and_repetitions_make_no_difference(
            heard in proptest::collection::vec((0..4_usize, 0..4_i64), 1..8),
            order in proptest::collection::vec(0..8_usize, 0..12),
        ) {
            let statuses =
                [EventStatus::Delivered, EventStatus::Unknown, EventStatus::Returned, EventStatus::Arrived];
            let heard: Vec<_> = heard.into_iter().map(|(status, at)| (statuses[status], at)).collect();
            let again = order.iter().map(|at| heard[at % heard.len()]);
            let other: Vec<_> = again.chain(heard.iter().rev().copied()).collect();
            prop_assert_eq!(all(&heard), all(&other));
        }
    }
}
