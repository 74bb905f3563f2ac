//! Which parcels travel together, in what, and under which papers.

pub mod barcode;
pub mod segregation;
pub mod sscc;
pub mod units;
pub mod waybill;
