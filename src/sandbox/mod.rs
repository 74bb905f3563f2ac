//! The world outside, on loopback: a carrier and an escrow provider to try the daemon against.
//!
//! Promise: they speak the real formats, so that nothing in the daemon knows them from the
//! real ones; the same seed gives the same world; and both can be told to misbehave the
//! way real ones do, in shares between 0 and 1. They forget everything when they stop.
//! Deliberately absent: limits of any kind. They are for demonstrations and tests.

mod carrier;
pub mod escrow;
mod journey;
pub mod sample;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use carrier::{CarrierOptions, CarrierState, carrier, page};
pub use escrow::{EscrowCounts, EscrowOptions, EscrowState, escrow};
pub use journey::{Step, journey};

/// Dice that fall the same way whenever the same thing is asked of the same seed (FNV-1a).
fn dice(seed: u64, about: &str) -> fastrand::Rng {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed;
    let mixed =
        about.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    fastrand::Rng::with_seed(mixed)
}

/// A panic elsewhere leaves these books whole: each change is one insertion.
fn lock<T>(books: &Mutex<T>) -> MutexGuard<'_, T> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}
