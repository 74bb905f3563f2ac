//! The parcels on their way, in few bytes: thirty-two each and a slot of an open table to find it by number.

use super::local_time::LocalMinute;
use super::model::{Class, Stage};
use super::outlook::Parcel;

/// Where a parcel is kept. Good until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle(pub u32);

/// No handle: the end of a list, an empty slot.
pub(super) const NONE: u32 = u32::MAX;
/// Records are allocated by the page, so that growing never copies or wastes half of them.
const PAGE: usize = 4_096;
const NO_PROMISE: i32 = i32::MIN;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Queued,
    /// Its turn came, and there were no calls left for it.
    Waiting,
    Asked,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub id: u64,
    since: i32,
    looked: i32,
    promised: i32,
    /// The next of the list it is in: a slot of the queue, or the free records.
    pub next: u32,
    class: u16,
    stage: u8,
    pub place: Place,
}

impl Record {
    fn new(id: u64, parcel: &Parcel) -> Record {
        Record {
            id,
            since: parcel.since.0,
            looked: parcel.looked.0,
            promised: parcel.promised.map_or(NO_PROMISE, |promised| promised.0),
            next: NONE,
            class: parcel.class.0,
            stage: parcel.stage.0,
            place: Place::Waiting,
        }
    }

    pub fn parcel(&self) -> Parcel {
        Parcel {
            class: Class(self.class),
            stage: Stage(self.stage),
            since: LocalMinute(self.since),
            looked: LocalMinute(self.looked),
            promised: (self.promised != NO_PROMISE).then_some(LocalMinute(self.promised)),
        }
    }
}

#[derive(Debug)]
pub(super) struct Parcels {
    pages: Vec<Box<[Record]>>,
    made: u32,
    free: u32,
    count: usize,
    /// Handles by number: linear probing, at most seven eighths full.
    slots: Vec<u32>,
}

impl Parcels {
    pub fn new() -> Parcels {
        Parcels { pages: Vec::new(), made: 0, free: NONE, count: 0, slots: vec![NONE; 16] }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn bytes(&self) -> usize {
        self.pages.len() * PAGE * size_of::<Record>() + self.slots.capacity() * size_of::<u32>()
    }

    pub fn get(&self, handle: Handle) -> &Record {
        &self.pages[handle.0 as usize / PAGE][handle.0 as usize % PAGE]
    }

    pub fn get_mut(&mut self, handle: Handle) -> &mut Record {
        &mut self.pages[handle.0 as usize / PAGE][handle.0 as usize % PAGE]
    }

    pub fn find(&self, id: u64) -> Option<Handle> {
        let mut slot = self.home(id);
        while self.slots[slot] != NONE {
            let handle = Handle(self.slots[slot]);
            if self.get(handle).id == id {
                return Some(handle);
            }
            slot = self.after(slot);
        }
        None
    }

    /// None where the number is taken.
    pub fn insert(&mut self, id: u64, parcel: &Parcel) -> Option<Handle> {
        if self.find(id).is_some() {
            return None;
        }
        let record = Record::new(id, parcel);
        let handle = Handle(if self.free == NONE { self.made } else { self.free });
        if self.free != NONE {
            self.free = self.get(handle).next;
        } else {
            if (self.made as usize).is_multiple_of(PAGE) {
                self.pages.push(vec![record; PAGE].into_boxed_slice());
            }
            self.made += 1;
        }
        *self.get_mut(handle) = record;
        self.count += 1;
        if self.count * 8 > self.slots.len() * 7 {
            let wider = vec![NONE; self.slots.len() * 2];
            let narrow = std::mem::replace(&mut self.slots, wider);
            narrow.into_iter().filter(|slot| *slot != NONE).for_each(|slot| self.enter(Handle(slot)));
        }
        self.enter(handle);
        Some(handle)
    }

    pub fn set(&mut self, handle: Handle, parcel: &Parcel) {
        let record = self.get_mut(handle);
        *record = Record { next: record.next, place: record.place, ..Record::new(record.id, parcel) };
    }

    pub fn remove(&mut self, handle: Handle) {
        let mut hole = self.home(self.get(handle).id);
        while self.slots[hole] != handle.0 {
            hole = self.after(hole);
        }
        // Those behind move up, where the hole is on their way from home.
        let mut slot = self.after(hole);
        while self.slots[slot] != NONE {
            let home = self.home(self.get(Handle(self.slots[slot])).id);
            if self.distance(home, slot) >= self.distance(hole, slot) {
                self.slots[hole] = self.slots[slot];
                hole = slot;
            }
            slot = self.after(slot);
        }
        self.slots[hole] = NONE;
        let free = self.free;
        let record = self.get_mut(handle);
        record.next = free;
        // Whoever still holds the handle has nothing to wait for.
        record.place = Place::Waiting;
        self.free = handle.0;
        self.count -= 1;
    }

    fn enter(&mut self, handle: Handle) {
        let mut slot = self.home(self.get(handle).id);
        while self.slots[slot] != NONE {
            slot = self.after(slot);
        }
        self.slots[slot] = handle.0;
    }

    /// Fibonacci hashing.
    fn home(&self, id: u64) -> usize {
        (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.slots.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const PARCEL: Parcel = Parcel {
        class: Class(1),
        stage: Stage(2),
        since: LocalMinute(-3),
        looked: LocalMinute(4),
        promised: Some(LocalMinute(5)),
    };

    #[test]
    fn a_parcel_takes_few_bytes() {
        assert_eq!(size_of::<Record>(), 32);
        let mut parcels = Parcels::new();
        let (count, mut most) = (300_000, 0.0_f64);
        for id in 0..count {
            parcels.insert(id, &PARCEL);
            if id > 100_000 {
                most = most.max(parcels.bytes() as f64 / id as f64);
            }
        }
        assert!(most < 48.0, "{most}");
        assert_eq!(parcels.find(7).map(|handle| parcels.get(handle).parcel()), Some(PARCEL));
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_found_until_it_is_taken_out(
            steps in proptest::collection::vec((0_u64..60, any::<bool>()), 0..400),
        ) {
            let (mut parcels, mut known) = (Parcels::new(), BTreeSet::new());
            for (id, comes) in steps {
                // Numbers that share their low bits, and homes.
                let id = id << 40;
                if comes {
                    prop_assert_eq!(parcels.insert(id, &PARCEL).is_some(), known.insert(id));
                } else if let Some(handle) = parcels.find(id) {
                    parcels.remove(handle);
                    prop_assert!(known.remove(&id));
                }
                prop_assert_eq!(parcels.len(), known.len());
                for other in 0..60_u64 {
                    let found = parcels.find(other << 40).map(|handle| parcels.get(handle).id);
                    prop_assert_eq!(found, known.get(&(other << 40)).copied());
                }
            }
        }
    }
}
