//! Which parcels travel together, in what, and under which papers.

pub mod barcode;
pub mod labels;
pub mod manifest;
pub mod paper;
pub mod segregation;
pub mod sscc;
pub mod units;
pub mod waybill;
