//! The policy at work on a stream of slots: who is asked now, so many at most.

use std::collections::BTreeSet;

use super::index::{Bounds, index, next_look};
use super::local_time::LocalMinute;
use super::model::{History, Model, Scan};
use super::outlook::Parcel;
use super::parcels::{Handle, Parcels, Place};
use super::price::Price;
use super::queue::{Queue, SLOT};

/// The index where the price was reached by rounding.
const NEARLY: f32 = 0.9;
/// How many times as many as are wanted early are weighed against each other.
const WEIGHED: usize = 4;
/// How many times as many as can be asked may stand and wait before the price is raised at once.
const WAITING: usize = 4;
const FEW: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("is known already")]
    KnownAlready,
    #[error("is not known, or was delivered")]
    NotKnown,
}

/// A slot goes: [`Planner::answer`] and [`Planner::add`] in any number, then [`Planner::pick`].
#[derive(Debug)]
pub struct Planner {
    model: Model,
    price: Price,
    bounds: Bounds,
    parcels: Parcels,
    queue: Queue,
    /// At the price, and left over by the slots before.
    waiting: Vec<(f32, Handle)>,
    asked: Vec<Handle>,
    asked_at: LocalMinute,
    /// Delivered while they were in the queue, and let go when they come out of it.
    gone: BTreeSet<Handle>,
}

impl Planner {
    pub fn new(model: Model, bounds: Bounds, now: LocalMinute) -> Planner {
        Planner {
            model,
            price: Price::new(1.0),
            bounds,
            parcels: Parcels::new(),
            queue: Queue::new(now),
            waiting: Vec::new(),
            asked: Vec::new(),
            asked_at: now,
            gone: BTreeSet::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.parcels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is kept of all parcels together; the model is not in it.
    pub fn bytes(&self) -> usize {
        let waiting = self.waiting.capacity() * size_of::<(f32, Handle)>();
        let asked = self.asked.capacity() * size_of::<Handle>();
        self.parcels.bytes() + self.queue.bytes() + waiting + asked
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    pub fn price(&self) -> &Price {
        &self.price
    }

    pub fn add(&mut self, id: u64, parcel: &Parcel, now: LocalMinute) -> Result<(), NotTaken> {
        let handle = self.parcels.insert(id, parcel).ok_or(NotTaken::KnownAlready)?;
        self.schedule(handle, now);
        Ok(())
    }

    /// What came of asking: the whole history so far. An answer can come later than the slot after; a second one
    /// says nothing new. A delivered parcel is learnt from and forgotten.
    pub fn answer(
        &mut self,
        id: u64,
        scans: &[Scan],
        delivered: Option<LocalMinute>,
        now: LocalMinute,
    ) -> Result<(), NotTaken> {
        let handle = self.parcels.find(id).ok_or(NotTaken::NotKnown)?;
        if self.gone.contains(&handle) {
            return Err(NotTaken::NotKnown);
        }
        let record = self.parcels.get(handle);
        let is_awaited = record.place == Place::Asked;
        let mut parcel = record.parcel();
        let history = History { class: parcel.class, scans, delivered, promised: parcel.promised };
        self.model.learn(&history, Some(parcel.looked));
        if delivered.is_some() {
            match is_awaited {
                true => self.parcels.remove(handle),
                false => drop(self.gone.insert(handle)),
            }
            return Ok(());
        }
        if let Some(last) = scans.last() {
            parcel.stage = last.stage;
            parcel.since = last.at;
        }
        if is_awaited {
            parcel.looked = self.asked_at;
        }
        self.parcels.set(handle, &parcel);
        // Who is late has its turn already.
        if is_awaited {
            self.schedule(handle, now);
        }
        Ok(())
    }

    /// The numbers of those to ask now, at most `budget`: fewer only where there are no more.
    pub fn pick(&mut self, now: LocalMinute, budget: usize) -> Vec<u64> {
        // Who was asked and is not answered about is asked again.
        for handle in std::mem::take(&mut self.asked) {
            if self.parcels.get(handle).place == Place::Asked {
                self.queue.put(&mut self.parcels, handle, now.plus(self.bounds.shortest));
            }
        }
        self.asked_at = now;
        if budget == 0 {
            return Vec::new();
        }
        let mut taken = self.due(now);
        if taken.len() > budget {
            self.waiting = cut(&mut taken, budget);
            self.raise_for_those_waiting(now, budget);
        } else {
            self.take_early(&mut taken, now, budget);
        }
        if let Some(last) = taken.iter().map(|(index, _)| *index).min_by(f32::total_cmp) {
            self.price.clear(now, last);
        }
        self.asked = taken.into_iter().map(|(_, handle)| handle).collect();
        let ask = |handle: &Handle| {
            let record = self.parcels.get_mut(*handle);
            record.place = Place::Asked;
            record.id
        };
        self.asked.iter().map(ask).collect()
    }

    /// Those at the price now. The price may have risen since their times were set: they go back.
    fn due(&mut self, now: LocalMinute) -> Vec<(f32, Handle)> {
        let mut due = std::mem::take(&mut self.waiting);
        self.queue.due(&mut self.parcels, now, |handle| due.push((0.0, handle)));
        let price = self.price.at(now) * NEARLY;
        due.retain_mut(|(index, handle)| {
            if self.gone.remove(handle) {
                self.parcels.remove(*handle);
                return false;
            }
            let parcel = self.parcels.get(*handle).parcel();
            // However little may have happened, a parcel has its turn in the end.
            let is_long_ago = now.since(parcel.looked) >= self.bounds.longest;
            *index = if is_long_ago { f32::MAX } else { self::index(&self.model, &parcel, now) };
            let is_due = *index >= price;
            if !is_due {
                self.schedule(*handle, now.plus(SLOT));
            }
            is_due
        });
        due
    }

    /// More stand and wait than the next slots can serve: the price jumps to what they are worth.
    fn raise_for_those_waiting(&mut self, now: LocalMinute, budget: usize) {
        let most = budget.saturating_mul(WAITING).saturating_add(FEW);
        if self.waiting.len() <= most {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let back = cut(&mut waiting, most);
        if let Some(least) = waiting.iter().map(|(index, _)| *index).min_by(f32::total_cmp) {
            self.price.raise(now, least);
        }
        self.waiting = waiting;
        back.into_iter().for_each(|(_, handle)| self.schedule(handle, now.plus(SLOT)));
    }

    /// A call that is not made is lost: the best of those who are next.
    fn take_early(&mut self, taken: &mut Vec<(f32, Handle)>, now: LocalMinute, budget: usize) {
        let missing = budget - taken.len();
        if missing == 0 {
            return;
        }
        let mut early = Vec::new();
        let mut times = Vec::new();
        let weighed = missing.saturating_mul(WEIGHED).saturating_add(FEW);
        self.queue.early(&mut self.parcels, weighed, |handle, at| {
            early.push((times.len(), handle));
            times.push(at);
        });
        let (parcels, gone) = (&mut self.parcels, &mut self.gone);
        early.retain(|(_, handle)| {
            let is_gone = gone.remove(handle);
            if is_gone {
                parcels.remove(*handle);
            }
            !is_gone
        });
        let worth = |(at, handle): (usize, Handle)| {
            (index(&self.model, &self.parcels.get(handle).parcel(), now), (handle, times[at]))
        };
        let mut early: Vec<(f32, (Handle, LocalMinute))> = early.into_iter().map(worth).collect();
        let back = cut(&mut early, missing);
        taken.extend(early.into_iter().map(|(index, (handle, _))| (index, handle)));
        for (_, (handle, at)) in back {
            self.queue.put(&mut self.parcels, handle, at);
        }
    }

    fn schedule(&mut self, handle: Handle, now: LocalMinute) {
        let parcel = self.parcels.get(handle).parcel();
        let at = next_look(&self.model, &parcel, &self.price, self.bounds, now);
        self.queue.put(&mut self.parcels, handle, at);
    }
}

/// Keeps the `count` of the highest index and returns the rest. Of two alike the older one is kept.
fn cut<T: Copy + Ord>(all: &mut Vec<(f32, T)>, count: usize) -> Vec<(f32, T)> {
    if all.len() <= count {
        return Vec::new();
    }
    if count > 0 {
        all.select_nth_unstable_by(count - 1, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    all.split_off(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::local_time::DAY;
    use super::super::model::{Class, Guess, Stage};
    use super::*;

    const BOUNDS: Bounds = Bounds { shortest: 5, longest: 4 * DAY };

    fn planner() -> Planner {
        let guesses = vec![Guess { to_next: DAY, then_to_delivery: DAY }; 2];
        Planner::new(Model::new(guesses), BOUNDS, LocalMinute(0))
    }

    fn parcel(now: LocalMinute) -> Parcel {
        Parcel { class: Class(0), stage: Stage(0), since: now, looked: now, promised: None }
    }

    /// Slots with so many new parcels and so many calls; who was asked in each.
    fn run(slots: &[(u8, usize)], delivered_every: u64) -> Vec<Vec<u64>> {
        let (mut planner, mut ids) = (planner(), 0_u64..);
        let mut asked: Vec<u64> = Vec::new();
        let mut all = Vec::new();
        for (at, (new, budget)) in (0..).zip(slots) {
            let now = LocalMinute(at * SLOT);
            for id in asked.drain(..) {
                let scans = [Scan { stage: Stage(0), at: LocalMinute(0) }];
                let delivered = (id % delivered_every == 0).then_some(now.plus(-SLOT));
                planner.answer(id, &scans, delivered, now).expect("it was asked");
            }
            for id in ids.by_ref().take(usize::from(*new)) {
                planner.add(id, &parcel(now), now).expect("it is new");
            }
            let before = planner.len();
            asked = planner.pick(now, *budget);
            assert_eq!(asked.len(), before.min(*budget), "a call that could be made was not");
            all.push(asked.clone());
        }
        all
    }

    #[test]
    fn who_is_not_answered_about_is_asked_again() {
        let mut planner = planner();
        let now = LocalMinute(0);
        planner.add(7, &parcel(now), now).expect("it is new");
        assert_eq!(planner.pick(now, 3), [7]);
        assert_eq!(planner.pick(now.plus(SLOT), 3), [7]);
    }

    #[test]
    fn answers_are_taken_whenever_they_come_and_a_delivery_once() {
        let mut planner = planner();
        let now = LocalMinute(0);
        for id in [7, 8] {
            planner.add(id, &parcel(now), now).expect("it is new");
        }
        assert_eq!(planner.add(8, &parcel(now), now), Err(NotTaken::KnownAlready));
        let asked = planner.pick(now, 1)[0];
        let (now, other) = (now.plus(SLOT), 15 - asked);
        for _ in 0..2 {
            assert_eq!(planner.answer(other, &[], None, now), Ok(()));
        }
        assert_eq!(planner.answer(asked, &[], Some(now), now), Ok(()));
        assert_eq!(planner.answer(asked, &[], Some(now), now), Err(NotTaken::NotKnown));
        assert_eq!(planner.pick(now, 2), [other]);
        let now = now.plus(SLOT);
        assert_eq!(planner.pick(now, 2), [other], "asked again, as nobody answered");
        assert_eq!(planner.pick(now.plus(SLOT), 0), [0; 0]);
        let now = now.plus(2 * SLOT);
        assert_eq!(planner.answer(other, &[], Some(now), now), Ok(()), "late, and in the queue");
        assert_eq!(planner.answer(other, &[], Some(now), now), Err(NotTaken::NotKnown));
        assert_eq!((planner.pick(now.plus(SLOT), 2), planner.len()), (vec![], 0));
    }

    #[test]
    fn nobody_is_left_alone_for_longer_than_the_longest() {
        let mut planner = planner();
        let start = LocalMinute(0);
        (0..50).for_each(|id| planner.add(id, &parcel(start), start).expect("it is new"));
        let mut last = [0; 50];
        for at in 0..20 * DAY / SLOT {
            let now = start.plus(at * SLOT);
            for id in planner.pick(now, usize::from(at % 8 == 0)) {
                last[id as usize] = now.0;
                // The even ones always have news, and look more urgent.
                let scans = [Scan { stage: Stage((id % 2) as u8), at: now.plus(-(id as i32 % 2) * 9_000) }];
                planner.answer(id, &scans, None, now).expect("it was asked");
            }
            let longest = last.iter().map(|last| now.0 - last).max().unwrap_or_default();
            assert!(longest <= BOUNDS.longest + DAY, "{longest} minutes");
        }
    }

    #[test]
    fn a_day_that_is_far_too_busy_passes() {
        let asked = run(&[&[(250, 0); 20][..], &[(0, 3); 300], &[(0, 900); 9]].concat(), 3);
        assert_eq!(asked.iter().map(Vec::len).max(), Some(900));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_call_is_used_and_none_more_and_the_same_twice(
            slots in proptest::collection::vec((0_u8..20, 0_usize..12), 1..400), delivered_every in 1_u64..9,
        ) {
            let asked = run(&slots, delivered_every);
            for (asked, (_, budget)) in asked.iter().zip(&slots) {
                let mut once = asked.clone();
                once.sort_unstable();
                once.dedup();
                prop_assert!(asked.len() <= *budget && once.len() == asked.len());
            }
            prop_assert_eq!(asked, run(&slots, delivered_every));
        }
    }
}
