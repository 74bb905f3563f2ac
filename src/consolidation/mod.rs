//! Which parcels travel together, in what, and under which papers.
//!
//! Promise: what is put together may travel together (nothing too heavy, too large, of different
//! ways, or of classes that have to be kept apart), nothing is forgotten or put twice, and how far
//! the answer can be from the best one is said with it, as a bound that is proved.
//!
//! - [`packing`]: parcels into as few bags as possible;
//! - [`assignment`]: loads onto the departures in reach, as cheaply as possible.
//!
//! Pure: values in, decision out; no clock, no dice, no database. Effort is counted in steps and
//! not in time, so that the same question has the same answer on every machine.

mod apart;
pub mod assignment;
mod effort;
pub mod packing;

pub use apart::Apart;
