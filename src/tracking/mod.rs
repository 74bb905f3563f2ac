//! Many sources, one honest timeline.
//!
//! Promise: a shipment's timeline is a function of its stored events alone. The same
//! events give the same timeline in whatever order, batches or repetitions they came.
//! Milestones only grow: a late event finds its place and moves nothing back. Three things
//! may take a delivery back, and all say so: a return, a loss, and its own carrier taking back what it said, by
//! another event or by another reading of the same one ([`crate::domain::reading`]).
//! What is taken back, or undone by an offload, stays visible. What is unknown,
//! delayed or an exception is shown and never counts as progress.
//!
//! A shipment is as far as its least advanced parcel, and in trouble if one of them is.
//!
//! The same happening told by two carriers is one line of it.
//!
//! When it will be there is a function of the plan, the timeline, what was learned of deliveries before, and now.

mod correction;
mod entries;
mod estimate;
mod fold;
mod handover;
mod learned;
mod meaning;
mod place;

pub use entries::Entry;
pub use estimate::{Where, estimate, expected, is_overtaken, samples, still_estimated};
pub use fold::{ParcelTimeline, Timeline, fold};
pub use learned::{Histogram, StageTimes};
pub use place::{Place, places};
