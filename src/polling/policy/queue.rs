//! Whose turn is next: a ring of slots of five minutes, each with a list of parcels.
//!
//! Putting in and taking out cost the same however many parcels there are (Brown, Calendar Queues,
//! CACM 1988). A time too far away is put into the last slot, and looked at again there.

use super::local_time::LocalMinute;
use super::parcels::{Handle, NONE, Parcels, Place};

/// Minutes of a slot.
pub const SLOT: i32 = 5;
/// Two weeks.
const SLOTS: i32 = 4_032;

#[derive(Debug)]
pub(super) struct Queue {
    heads: Vec<u32>,
    /// The slot whose turn it is. All before it are empty.
    turn: i32,
}

impl Queue {
    pub fn new(now: LocalMinute) -> Queue {
        Queue { heads: vec![NONE; SLOTS as usize], turn: slot(now) }
    }

    pub fn bytes(&self) -> usize {
        self.heads.capacity() * size_of::<u32>()
    }

    pub fn put(&mut self, parcels: &mut Parcels, handle: Handle, at: LocalMinute) {
        let slot = slot(at).clamp(self.turn, self.turn + SLOTS - 1);
        let head = &mut self.heads[place(slot)];
        let record = parcels.get_mut(handle);
        record.next = std::mem::replace(head, handle.0);
        record.place = Place::Queued;
    }

    /// Takes out all whose time is at hand.
    pub fn due(&mut self, parcels: &mut Parcels, now: LocalMinute, mut take: impl FnMut(Handle)) {
        let now = slot(now).max(self.turn);
        // Further on the ring begins anew.
        for turn in self.turn..=now.min(self.turn + SLOTS - 1) {
            self.empty(parcels, turn, &mut take);
        }
        self.turn = now;
    }

    /// Takes out the next slots that are not empty, until `count` or more came out.
    pub fn early(&mut self, parcels: &mut Parcels, count: usize, mut take: impl FnMut(Handle, LocalMinute)) {
        let mut taken = 0;
        for slot in self.turn..self.turn + SLOTS {
            if taken >= count {
                break;
            }
            self.empty(parcels, slot, &mut |handle| {
                taken += 1;
                take(handle, LocalMinute(slot.saturating_mul(SLOT)));
            });
        }
    }

    fn empty(&mut self, parcels: &mut Parcels, slot: i32, take: &mut impl FnMut(Handle)) {
        let mut next = std::mem::replace(&mut self.heads[place(slot)], NONE);
        while next != NONE {
            let handle = Handle(next);
            let record = parcels.get_mut(handle);
            record.place = Place::Waiting;
            next = record.next;
            take(handle);
        }
    }
}

fn slot(at: LocalMinute) -> i32 {
    at.0.div_euclid(SLOT)
}

fn place(slot: i32) -> usize {
    slot.rem_euclid(SLOTS) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::local_time::DAY;
    use super::super::model::{Class, Stage};
    use super::super::outlook::Parcel;
    use super::*;

    fn parcels(count: u64) -> (Parcels, Vec<Handle>) {
        let now = LocalMinute(0);
        let parcel = Parcel { class: Class(0), stage: Stage(0), since: now, looked: now, promised: None };
        let mut parcels = Parcels::new();
        let handles = (0..count).filter_map(|id| parcels.insert(id, &parcel)).collect();
        (parcels, handles)
    }

    proptest! {
        #[test]
        fn each_comes_out_once_and_when_it_is_due(
            start in -DAY..DAY, times in proptest::collection::vec(0..20 * DAY, 1..60), step in 1..40,
        ) {
            let (mut parcels, handles) = parcels(times.len() as u64);
            let mut queue = Queue::new(LocalMinute(start));
            for (handle, time) in handles.iter().zip(&times) {
                queue.put(&mut parcels, *handle, LocalMinute(start + time));
            }
            let mut out = vec![None; times.len()];
            for minute in (0..21 * DAY).step_by(step as usize) {
                queue.due(&mut parcels, LocalMinute(start + minute), |handle| {
                    assert_eq!(out[handle.0 as usize].replace(minute), None);
                });
            }
            for (time, out) in times.iter().zip(out) {
                let furthest = (SLOTS - 1) * SLOT;
                let due = (*time).min(furthest);
                prop_assert!(out.is_some_and(|out| out > due - 2 * SLOT && out < due + SLOT + step));
            }
        }

        #[test]
        fn the_next_ones_are_taken_early(times in proptest::collection::vec(0..13 * DAY, 1..60), count in 0_usize..60) {
            let (mut parcels, handles) = parcels(times.len() as u64);
            let mut queue = Queue::new(LocalMinute(0));
            for (handle, time) in handles.iter().zip(&times) {
                queue.put(&mut parcels, *handle, LocalMinute(*time));
            }
            let mut out = Vec::new();
            queue.early(&mut parcels, count, |handle, at| out.push((times[handle.0 as usize], at.0)));
            prop_assert!(out.len() >= count.min(times.len()));
            prop_assert!(out.iter().all(|(time, at)| time / SLOT * SLOT == *at));
            let latest = out.iter().map(|(time, _)| time / SLOT).max();
            let earlier = times.iter().filter(|time| Some(*time / SLOT) <= latest).count();
            prop_assert_eq!(earlier, out.len());
        }
    }
}
