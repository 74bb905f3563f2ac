//! Many sources, one honest timeline.
//!
//! Promise: a shipment's timeline is a function of its stored events alone. The same
//! events give the same timeline in whatever order, batches or repetitions they came.
//! Milestones only grow: a late event finds its place and moves nothing back. Two things
//! may take a delivery back, and both say so: a return, and a loss. What is unknown,
//! delayed or an exception is shown and never counts as progress.
//!
//! A shipment is as far as its least advanced parcel, and in trouble if one of them is.
//!
//! Absent on purpose: merging the same happening told by two carriers, and learning how
//! long stages take. The estimate moves by how late the last milestone was, no more.

mod estimate;
mod fold;
mod handover;
mod meaning;
mod place;

pub use estimate::{Where, estimate, expected};
pub use fold::{ParcelTimeline, Timeline, fold};
pub use place::{Place, places};
