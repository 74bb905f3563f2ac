//! Which parcels travel together, in what, and under which papers.
//!
//! Of the papers: every number that is given out has a check digit and is held to it wherever
//! it comes back; a manifest or a label is a function of one value, so that the same value
//! gives the same bytes on every machine and every day; none of them names a person.
//!
//! Deliberately absent from the papers: electronic messages to airlines (Cargo-IMP,
//! Cargo-XML), customs declarations, and figures of one aircraft or one airline.

pub mod barcode;
pub mod labels;
pub mod manifest;
pub mod paper;
pub mod segregation;
pub mod sscc;
pub mod units;
pub mod waybill;
