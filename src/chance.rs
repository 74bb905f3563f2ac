//! The dice: where every id, key, token and jitter comes from, and nowhere else.
//!
//! In a daemon they are the operating system's, always: no setting, file or variable leads to another source. A
//! simulation seeds those of its own thread, for as long as it holds [`Seeded`], and then the same seed gives
//! the same ids and keys, which are therefore no secrets. `tests/tidy.rs` lets nobody else throw dice, and
//! nobody but the simulation seed them.

use std::cell::RefCell;
use std::marker::PhantomData;

pub use getrandom::Error as NoRandomness;
use uuid::Uuid;

use crate::clock::Clock;

thread_local! {
    static SEEDED: RefCell<Option<Dice>> = const { RefCell::new(None) };
}

/// A new UUIDv7: ids of one process rise with time.
pub fn id() -> Uuid {
    seeded(Dice::id).unwrap_or_else(Uuid::now_v7)
}

/// Bytes that nobody can guess.
pub fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    match seeded(|dice| dice.random.fill(bytes)) {
        Some(()) => Ok(()),
        None => getrandom::fill(bytes),
    }
}

/// From 0 up to 1, for what only has to be spread.
pub fn share() -> f64 {
    seeded(|dice| dice.random.f64()).unwrap_or_else(fastrand::f64)
}

fn seeded<T>(throw: impl FnOnce(&mut Dice) -> T) -> Option<T> {
    SEEDED.with_borrow_mut(|dice| dice.as_mut().map(throw))
}

struct Dice {
    random: fastrand::Rng,
    clock: Clock,
    /// The last id's, so that the next one's are greater.
    milliseconds: u64,
    counter: u16,
}

/// Of the twelve bits of a UUIDv7 behind its time.
const COUNTER_MAX: u16 = 0x0fff;

impl Dice {
    fn id(&mut self) -> Uuid {
        let now = u64::try_from(self.clock.wall().timestamp_millis()).unwrap_or_default();
        if now > self.milliseconds {
            (self.milliseconds, self.counter) = (now, 0);
        } else if self.counter < COUNTER_MAX {
            self.counter += 1;
        } else {
            (self.milliseconds, self.counter) = (self.milliseconds + 1, 0);
        }
        let mut rest = [0; 10];
        self.random.fill(&mut rest[2..]);
        rest[..2].copy_from_slice(&self.counter.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(self.milliseconds, &rest).into_uuid()
    }
}

/// While it lives, all that its thread throws comes from its seed. It stays on that thread.
pub struct Seeded {
    on_this_thread: PhantomData<*const ()>,
}

impl Seeded {
    /// `clock` says which time the ids bear.
    pub fn new(seed: u64, clock: Clock) -> Self {
        let dice = Dice { random: fastrand::Rng::with_seed(seed), clock, milliseconds: 0, counter: 0 };
        SEEDED.set(Some(dice));
        Self { on_this_thread: PhantomData }
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instant::from_micros;

    fn thrown() -> (Vec<Uuid>, [u8; 16], f64) {
        let mut bytes = [0; 16];
        let ids = (0..5_000).map(|_| id()).collect();
        fill(&mut bytes).expect("random bytes");
        (ids, bytes, share())
    }

    fn thrown_with(seed: u64) -> (Vec<Uuid>, [u8; 16], f64) {
        let (clock, _hands) = Clock::by_hand(from_micros(1_772_700_000_000_000));
        let _seeded = Seeded::new(seed, clock);
        thrown()
    }

    #[test]
    fn the_same_seed_throws_the_same_and_ids_rise() {
        let (one, again, other) = (thrown_with(1), thrown_with(1), thrown_with(2));
        assert_eq!(one, again);
        assert_ne!((&one.0, one.1), (&other.0, other.1));
        assert!(one.0.is_sorted_by(|a, b| a < b), "more in a millisecond than its counter holds");
        assert!(one.0.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn nobody_is_seeded_once_the_simulation_is_over_nor_on_another_thread() {
        let (clock, _hands) = Clock::by_hand(from_micros(1_772_700_000_000_000));
        let seeded = Seeded::new(1, clock);
        let elsewhere = std::thread::spawn(thrown).join().expect("a thread");
        let here = thrown();
        drop(seeded);
        let afterwards = thrown();
        assert!(here.1 != elsewhere.1 && here.1 != afterwards.1 && elsewhere.1 != afterwards.1);
    }
}
