//! Which parcels travel together, in what, and under which papers.
//!
//! Promise: what is put together may travel together (nothing too heavy, too large, of different
//! ways, or of classes that have to be kept apart), nothing is forgotten or put twice, and how far
//! the answer can be from the best one is said with it, as a bound that is proved.
//!
//! - [`close`]: at a cut-off, who goes and who stays, in which bags and units;
//! - [`packing`]: parcels into as few bags as possible;
//! - [`assignment`]: loads onto the departures in reach, as cheaply as possible.
//!
//! Pure: values in, decision out; no clock, no dice, no database. Effort is counted in steps and
//! not in time, so that the same question has the same answer on every machine.
//!
//! Of the papers: every number that is given out has a check digit and is held to it wherever
//! it comes back; a manifest or a label is a function of one value, so that the same value
//! gives the same bytes on every machine and every day; none of them names a person.
//!
//! Deliberately absent from the papers: electronic messages to airlines (Cargo-IMP,
//! Cargo-XML), customs declarations, and figures of one aircraft or one airline.

mod apart;
pub mod assignment;
pub mod barcode;
pub mod close;
mod effort;
pub mod labels;
pub mod manifest;
pub mod packing;
pub mod paper;
pub mod segregation;
pub mod terms;
pub mod units;

pub use crate::domain::{sscc, waybill};
pub use apart::Apart;
